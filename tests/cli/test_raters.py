"""A table with labels of raters goes from `prepare` to the folds of soft labels, without code."""

import csv
import json

import numpy as np
import pytest
import soundfile
from conftest import tone

from sercli import manifest
from sercli.plain.yaml import from_yaml

pytestmark = pytest.mark.usefixtures("blank_pictures")

LABELS = ("anger", "sadness", "guilt")


@pytest.fixture
def place(tmp_path):
    """Four speakers with six recordings; the raters agree on all but the last two of each speaker."""
    rows = ["file,speaker,rater1,rater2,rater3"]
    for i in range(4):
        for j in range(6):
            file, label, other = f"{i}_{j}.wav", LABELS[j % 3], LABELS[(j + 1) % 3]
            soundfile.write(tmp_path / file, tone(0.2, pitch=100 + 60 * j + 7 * i), 16_000)
            votes = (label, other, "") if j == 4 else (label, other, label) if j == 5 else (label,) * 3
            rows.append(",".join((file, f"s{i}", *votes)))
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_from_a_table_to_the_folds(command_line, place):
    def run(*words):
        status, out, err = command_line(*words, "--workspace", place / "w")
        assert status == 0, out + err
        return out

    told = run("prepare", "csv", place / "t.csv", "--name", "calls")
    assert "columns     file <- file, speaker <- speaker, raters <- rater1 + rater2 + rater3\n" in told
    # Alpha by hand: 68 votes, 28 of anger, 16 of sadness, 24 of guilt; see `sercli.raters`.
    agreed = (4 * 4 * 3 + 4 * 1) / 68
    expected = (28 * 27 + 16 * 15 + 24 * 23) / (68 * 67)
    assert (
        "raters      all have labels of 2 to 3 raters; a majority on 83.3 %, a tie on 16.7 %; mean agreement "
        f"86.1 %, Krippendorff's alpha {1 - (1 - agreed) / (1 - expected):.3f}\n"
    ) in told
    facts = json.loads((place / "w/corpora/calls/corpus.json").read_text())
    assert facts["raters"]["utterances"] == 24
    assert facts["emotions"] == {"anger": 8, "guilt": 8, "sadness": 4, "undecided": 4}
    prepared = manifest.read(place / "w/corpora/calls/manifest.jsonl")
    assert prepared[0].raters[0] == {"rater": "rater1", "emotions": ["anger"]}

    base = ("config", "show", "--arch", "melcnn", "--corpus", "calls", "--protocol", "leave-one-speaker-out")
    chosen = ("--classes", "anger,sadness,guilt")
    typed = from_yaml(run(*base, *chosen, "--labels", "votes")).value["scheme"]
    assert typed["labels"] == "votes"
    assigned = from_yaml(run(*base, *chosen, "--set", "scheme.labels=votes")).value["scheme"]
    assert assigned == typed | {"name": assigned["name"]}
    (place / "mine.yaml").write_text("classes: [anger, sadness, guilt]\nlabels: votes\n")
    assert from_yaml(run(*base, "--scheme", place / "mine.yaml")).value["scheme"] == typed

    (place / "plain.yaml").write_text(run(*base, *chosen))
    assert (
        from_yaml(run(*base, "--config", place / "plain.yaml", "--labels", "votes")).value["scheme"] == typed
    )
    assert from_yaml(run(*base, "--labels", "votes")).value["scheme"] == {
        "name": "every-emotion-votes",
        "labels": "votes",
    }

    shown = ("protocols", "show", "leave-one-speaker-out", "--corpus", "calls", *chosen)
    assert "on calls, every-emotion-majority-" in run(*shown[:-2], "--labels", "majority")
    assert "every-emotion-votes" in run("audit", "--corpus", "calls", "--labels", "votes")
    told = run(*shown, "--labels", "votes")
    assert "on calls, anger-guilt-sadness-votes-" in told
    assert "left out  4 (tie of raters 4)\n" in told
    (place / "agreed.yaml").write_text("selection: {agreement: {min: 0.9}}\n")
    told = run(
        "protocols", "show", "leave-one-speaker-out", "--corpus", "calls", "--scheme", place / "agreed.yaml"
    )
    assert "left out  8 (agreement below 0.9 8)\n" in told


def test_soft_labels_are_trained_reported_and_predicted(command_line, place):
    def run(*words):
        status, out, err = command_line(*words, "--workspace", place / "w")
        assert status == 0, out + err
        return out

    run("prepare", "csv", place / "t.csv", "--name", "calls")
    base = (
        "train",
        "--corpus",
        "calls",
        "--protocol",
        "leave-one-speaker-out-no-dev",
        "--accelerator",
        "cpu",
    )
    told = run(*base, "--arch", "melcnn", "--labels", "votes", "--max-epochs", "1")
    name = told.partition("run ")[2].split()[0]
    found = json.loads(run("eval", name, "--draws", "100", "--no-audit", "--json"))
    rows = {row["metric"]: row for row in found["metrics"] if row["group"] == "all"}
    with (place / "w/runs" / name / "report/predictions.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == 20  # the ties are left out
    split = next(row for row in table if row["id"] == "calls/0_5")
    assert sorted(split["raters"].split(" | ")) == ["anger", "guilt", "guilt"]
    # Cross-entropy with the votes, by hand.
    expected = 0.0
    for row in table:
        labels = row["raters"].split(" | ")
        expected -= sum(np.log(float(row[f"p({label})"])) for label in labels) / len(labels)
    assert rows["votes_ce"]["value"] == pytest.approx(expected / 20, abs=1e-9)
    page = (place / "w/runs" / name / "report/report.html").read_text()
    assert "One rater predicts the plurality of the other raters" in page
    run("export", name, place / "bundle", "--fold", "1")
    assert "the stated metrics hold exactly" in run("reproduce", place / "bundle")
    status, out, _ = command_line("predict", place / "bundle", place / "0_0.wav", "--json")
    assert status == 0
    assert set(json.loads(out)["probabilities"]) == set(LABELS)
    status, _, err = command_line(*base, "--arch", "mdcnn", "--labels", "votes", "--workspace", place / "w")
    assert status == 1
    assert "labels=votes: 'mdcnn' has a cosine head" in err


def test_a_corpus_without_raters(command_line, place):
    (place / "p.csv").write_text("file,speaker,emotion\n0_0.wav,a,anger\n0_1.wav,b,sad\n")
    told = command_line("prepare", "csv", place / "p.csv", "--name", "calls", "--workspace", place / "w")[1]
    assert "\n  raters" not in told
    words = ("protocols", "show", "leave-one-speaker-out", "--corpus", "calls", "--labels", "votes")
    status, _, err = command_line(*words, "--workspace", place / "w")
    assert status == 1
    assert "'calls' has no labels of raters, which labels=votes needs" in err
