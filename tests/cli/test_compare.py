import json
import re
import shutil
from itertools import product

import numpy as np
import pytest
import yaml
from reports.test_run import Page
from reports.test_tables import latex_problems

from sercli.evaluation.predictions_csv import write_predictions
from sercli.records import ClassPredictions
from sercli.runs.folder import Run

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def run(command_line, workspace):
    """Run the command: run("--json", ...) returns exit status, stdout, stderr."""
    return lambda *arguments: command_line("compare", *arguments, "--workspace", workspace.root)


@pytest.fixture
def make_run(workspace):
    """Write a finished run of one trial a speaker: each says two classes four times, ``right`` are right."""

    def make(
        name,
        right,
        speakers=6,
        digest="aaaa1111",
        notice="",
        root=None,
        seeds=(0,),
        classes=("anger", "fear"),
        scheme="toy-2",
        prefix="toy",
    ):
        found = Run((root or workspace.runs) / name)
        for i, seed in product(range(speakers), seeds):
            trial = found.trial(i + 1, seed)
            trial.path.mkdir(parents=True)
            target = [0] * 4 + [1] * 4
            said = [c if take < right else 1 - c for c in (0, 1) for take in range(4)]
            write_predictions(
                trial.predictions_file,
                ClassPredictions(
                    classes=classes,
                    ids=tuple(f"{prefix}/{i}-{k}" for k in range(8)),
                    target=np.array(target),
                    probabilities=np.eye(len(classes))[said],
                    speakers=(f"{i:02d}",) * 8,
                    genders=("female",) * 8,
                    folds=(f"speaker {i:02d}",) * 8,
                    seeds=(seed,) * 8,
                ),
            )
            trial.config_file.write_text(
                yaml.safe_dump(settings(digest, notice, speakers) | {"scheme": scheme})
            )
            figures = {"fold": i + 1, "fold_name": f"speaker {i:02d}", "epoch": 1, "epochs": 1, "seconds": 1}
            figures["utterances"] = {"train": 8, "dev": 0, "test": 8}
            trial.metrics_file.write_text(json.dumps(figures | {"dev_ua": None}))
        return found

    return make


def settings(digest, notice, folds):
    corpus = {
        "name": "toy",
        "title": "Toy",
        "utterances": 48,
        "expected": None,
        "licence": "",
        "notice": notice,
    }
    provenance = {
        "corpus": corpus,
        "classes": ["anger", "fear"],
        "protocol_digest": digest,
        "folds": folds,
        "shared_speakers": 0,
        "versions": {"torch": "2"},
        "commit": None,
        "device": "CPU",
        "manifest_sha256": "0" * 64,
        "paper": None,
    }
    return {
        "arch": "mdcnn",
        "corpus": "toy",
        "scheme": "toy-2",
        "protocol": "leave-one-speaker-out",
        "task": "classification",
        "model": {"filters": 8},
        "features": {"logmel": {"n_mels": 20}},
        "training": {"selection": "last", "precision": "32-true"},
        "provenance": provenance,
    }


def test_two_runs_are_compared(run, make_run):
    make_run("base-aaaa1111", 2)
    make_run("wide-bbbb2222", 3)
    status, out, err = run("aaaa1111", "bbbb2222")
    assert (status, err) == (0, "")
    assert "48 utterances of 6 speakers" in out
    words = [" ".join(line.split()) for line in out.splitlines()]
    assert "base-aaaa1111 leave-one-speaker-out (digest aaaa1111) 1 50.0 50.0 to 50.0 50.0" in words
    assert "base-aaaa1111 50.0 to 50.0 50.0" in words  # the interval of WA, and chance: continued below
    line = next(line for line in words if line.startswith("wide-bbbb2222 UA"))
    assert line == "wide-bbbb2222 UA +25.0 +25.0 to +25.0 0.0312 0.0312 wide-bbbb2222"
    assert "sign flips over 6 speakers, all 64 flips (exact); it can't be below 0.031." in out
    assert "The protocols differ" not in out


def test_the_metrics_are_printed_although_the_page_can_not_be_written(run, make_run, workspace):
    make_run("base-aaaa1111", 2)
    make_run("wide-bbbb2222", 3)
    _, out, _ = run("aaaa1111", "bbbb2222")
    shutil.rmtree(workspace.root / "reports")
    (workspace.root / "reports").touch()
    status, unwritten, err = run("aaaa1111", "bbbb2222")
    assert (status, unwritten) == (1, out.partition("\nreport  ")[0])
    assert err == (
        "note: the metrics are complete, but their report can't be written\n"
        f"error: {workspace.root / 'reports'}: a file, not a folder; remove it, or choose another folder\n"
    )


def test_a_run_of_a_single_seed_is_named_where_others_have_several(run, make_run):
    make_run("base-aaaa1111", 2)
    make_run("wide-bbbb2222", 3)
    assert "note: One training a run: another seed" in run("aaaa1111", "bbbb2222")[1]
    make_run("deep-cccc3333", 3, seeds=(0, 1))
    assert "note: One training of base-aaaa1111: another seed" in run("aaaa1111", "cccc3333")[1]


def test_a_classifier_that_is_solved_needs_no_other_seed(run, make_run, workspace):
    make_run("base-aaaa1111", 2, seeds=(0, 1))
    make_run("wide-bbbb2222", 3)
    for config in workspace.runs.glob("wide-bbbb2222/*/*/config.yaml"):
        config.write_text(re.sub("arch: .*", "arch: linear", config.read_text()))
    assert "another seed" not in run("aaaa1111", "bbbb2222")[1]


def test_another_preparation_of_the_corpus_is_a_cause_too(run, make_run, workspace):
    make_run("base-aaaa1111", 2)
    make_run("wide-bbbb2222", 3)
    assert "prepared again" not in run("aaaa1111", "bbbb2222")[1]
    for config in workspace.runs.glob("wide-bbbb2222/*/*/config.yaml"):
        config.write_text(config.read_text().replace("0" * 64, "1" * 64))
    assert "note: Corpus 'toy' was prepared again between these runs" in run("aaaa1111", "bbbb2222")[1]


def test_figures_come_as_json(run, make_run):
    for name, right in (("base", 2), ("same", 2), ("wide", 3)):
        make_run(name, right, notice="Made by a machine.")
    status, out, _ = run("base", "same", "wide", "--json")
    found = json.loads(out)
    assert status == 0
    tests = [
        row["test"] for row in found["metrics"] if row["group"] == "difference" and row["metric"] == "ua"
    ]
    assert [test["p_holm"] for test in tests] == [1, 2 * 2 / 64]
    assert [test["better"] for test in tests] == [None, None]
    own = {row["run"]: row for row in found["metrics"] if row["group"] == "run" and row["metric"] == "ua"}
    assert own["base"]["interval"]["low"] <= own["base"]["value"] <= own["base"]["interval"]["high"]
    assert own["wide"]["chance"] is not None
    assert found["protocols"]["wide"] == "leave-one-speaker-out (digest aaaa1111)"
    assert "Made by a machine." in found["notes"]
    assert any("no difference can be shown" in note for note in found["notes"])


def test_several_runs_show_the_corrected_p(run, make_run):
    for name, right in (("base", 1), ("wide", 2), ("deep", 3)):
        make_run(name, right, speakers=8)
    status, out, _ = run("base", "wide", "deep")
    assert status == 0
    assert "Holm p" in out
    assert "0.0078  0.0156  wide" in out
    assert "corrected for 2 comparisons" in out


def test_other_folds_of_the_same_utterances_are_noted(run, make_run):
    make_run("base", 2)
    make_run("wide", 2, digest="bbbb2222")
    status, out, _ = run("base", "wide")
    assert status == 0
    assert "note: The protocols differ." in out
    assert "no difference shown" in out


def test_few_speakers_are_told_why_there_is_no_test(run, make_run):
    make_run("base", 2, speakers=3)
    make_run("wide", 3, speakers=3)
    status, out, _ = run("base", "wide")
    assert status == 0
    assert "not tested" in out
    assert "the least p that 3 could give is 2/2^3 = 0.25" in out


def test_runs_of_one_name_go_by_their_folder(run, make_run, tmp_path):
    here = make_run("base", 2)
    there = make_run("base", 3, root=tmp_path / "elsewhere")
    status, out, _ = run(here.path, there.path)
    assert status == 0
    assert str(there.path) in out


def test_what_can_not_be_compared_is_one_line_on_stderr(run, make_run):
    make_run("base", 2)
    make_run("less", 2, speakers=5)
    status, out, err = run("base", "less")
    assert (status, out) == (1, "")
    assert err.startswith("error: less tested 40 utterances with seed 0, base 48, and 40 are in both; ")
    assert run("base")[2] == "error: a comparison needs two runs or more; name another\n"
    assert run("base", "base")[2] == "error: base is named twice; name another run\n"


def test_the_page_is_whole_and_the_same_again(run, make_run, workspace):
    make_run("base-aaaa1111", 2, notice="Made by a machine.")
    make_run("wide-bbbb2222", 3, digest="bbbb2222")
    _, out, _ = run("aaaa1111", "bbbb2222", "--draws", 500)
    (folder,) = (workspace.root / "reports").iterdir()
    assert re.fullmatch(r"compare-mdcnn-mdcnn-[0-9a-f]{8}", folder.name)
    assert f"report  {folder / 'report.html'}" in out
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(first) == {
        *("differences.pdf", "differences.png", "metrics.json", "report.html"),
        *("table.csv", "table.md", "table.tex"),
    }
    run("aaaa1111", "bbbb2222", "--draws", 500)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == first
    html = first["report.html"].decode()
    page = Page(html)
    assert {address[:5] for address in page.addresses + page.pictures} == {"data:"}
    assert "wide-bbbb2222 compared with base-aaaa1111" in page.text
    assert "base-aaaa1111: Made by a machine." in page.text
    assert "The protocols differ." in page.text
    assert "bbbb2222)" in page.text
    assert "all 64 swaps. With 6 speakers the least p that it can give is 0.031." in page.text
    assert "500 draws" in page.text
    assert "00 UA 8 50.0 75.0 +25.0" in page.rows
    assert latex_problems(first["table.tex"].decode()) == []
    assert (
        b"difference,base-aaaa1111,wide-bbbb2222,UA,0.25,0.25,0.25,0.03125,0.03125,wide" in first["table.csv"]
    )


def test_the_other_order_is_another_page(run, make_run, workspace):
    for name in ("base", "wide"):
        make_run(name, 2)
    run("base", "wide")
    run("wide", "base")
    assert len(list((workspace.root / "reports").iterdir())) == 2


def test_runs_of_other_classes_are_compared_on_the_common_ones(run, make_run, workspace):
    make_run("base", 2)
    make_run("wide", 3, classes=("anger", "fear", "surprise"), scheme="toy-3")
    status, out, err = run("base", "wide")
    assert (status, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    start = lines.index("Classes of the runs; only classes that all runs have are compared")
    assert lines[start + 1 : start + 5] == [
        "class base wide utterances",
        "anger anger anger 24",
        "fear fear fear 24",
        "surprise – surprise left out",
    ]
    assert "wide UA +25.0 +25.0 to +25.0 0.0312 0.0312 wide" in lines
    assert (
        "note: The classes of the runs differ. Common classes: anger, fear. "
        "Classes that not all runs have: wide: surprise."
    ) in lines
    assert (
        "note: 48 utterances are compared: each run tested them and gives them the same common class. "
        "No utterance is left out."
    ) in lines
    assert any("the probability of each other class is removed and the rest" in line for line in lines)
    assert "the probabilities of classes that become one are added" not in out
    (folder,) = (workspace.root / "reports").iterdir()
    html = (folder / "report.html").read_text()
    page = Page(html)
    assert "surprise – surprise left out" in page.rows
    assert "The runs are compared on their common classes: anger, fear." in page.text
    assert html.count("The classes of the runs differ.") == 1
    table = (folder / "table.csv").read_text().splitlines()
    assert "common class,anger,wide,utterances,24,,,,," in table
    assert "other class,surprise,wide,utterances,0,,,,," in table
    assert "not tested by every run,,base,utterances,0,,,,," in table
    assert {line.count(",") for line in table} == {9}
    markdown = (folder / "table.md").read_text()
    assert "The classes of the runs differ." in markdown
    assert latex_problems((folder / "table.tex").read_text()) == []
    stated = json.loads((folder / "metrics.json").read_text())
    assert stated["common"]["classes"] == {"anger": 24, "fear": 24}
    assert json.loads(run("base", "wide", "--json")[1])["common"] == stated["common"]


def test_the_values_of_a_run_are_those_of_the_common_classes(run, make_run):
    # "odd" predicts surprise for the first utterance of each speaker. Without surprise, anger is left: right.
    make_run("base", 2)
    odd = make_run("odd", 4, classes=("anger", "fear", "surprise"), scheme="toy-3")
    for trial in odd.trials():
        lines = trial.predictions_file.read_text().splitlines()
        assert lines[1].endswith(",1.0,0.0,0.0")
        lines[1] = lines[1].replace(",anger,anger,", ",anger,surprise,")
        lines[1] = lines[1].removesuffix("1.0,0.0,0.0") + "0.25,0.15,0.6"
        trial.predictions_file.write_text("\n".join(lines) + "\n")
    lines = [" ".join(line.split()) for line in run("base", "odd")[1].splitlines()]
    assert any(line.startswith("odd leave-one-speaker-out (digest aaaa1111) 1 100.0") for line in lines)


def test_schemes_with_the_same_classes_but_other_labels_leave_these_utterances_out(run, make_run):
    make_run("base", 2, classes=("high", "low"), scheme={"name": "one", "classes": {"high": "anger"}})
    other = make_run("other", 2, classes=("high", "low"), scheme={"name": "two", "classes": {"high": "fear"}})
    (trial,) = other.trials()[:1]
    lines = trial.predictions_file.read_text().splitlines()
    assert ",high," in lines[1]
    lines[1] = lines[1].replace(",high,", ",low,", 1)
    trial.predictions_file.write_text("\n".join(lines) + "\n")
    status, out, err = run("base", "other")
    assert (status, err) == (0, "")
    assert "note: The schemes of the runs differ. Their classes have the same names: high, low." in out
    assert (
        "note: 1 utterance is left out, because the labels differ: toy/0-0 (high in base, low in other)"
        in out
    )
    assert "47 utterances of 6 speakers" in out
    assert "base tested 48: 0 of them have another class, and 0 were not tested by every run" in out


def test_classes_that_become_one_are_reported(run, make_run):
    make_run("base", 2, classes=("anger", "neutral"))
    make_run("calm", 2, classes=("anger", "calm"), scheme="toy-calm")
    make_run("both", 2, classes=("anger", "neutral", "calm"), scheme="toy-3")
    out = run("base", "calm", "both")[1]
    assert "compared on the common classes: the probabilities of classes that become one are added. So" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "neutral neutral calm neutral, calm 24" in lines


def test_too_few_common_classes_are_one_line_on_stderr(run, make_run):
    make_run("base", 2)
    make_run("odd", 2, classes=("fear", "joy"), scheme="toy-odd")
    status, out, err = run("base", "odd")
    assert (status, out) == (1, "")
    assert err == (
        "error: the runs have one common class, fear, and a comparison needs two: base has anger, fear; "
        "odd has fear, joy; compare runs whose schemes have two classes in common\n"
    )
