import base64
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from reports.test_run import Page, html_of, page
from reports.test_run import predictions as class_predictions
from reports.test_tables import latex_problems
from typer.testing import CliRunner

from sercli import figures
from sercli.cli import app
from sercli.evaluation import evaluate, read_predictions, write_predictions
from sercli.files import write_text
from sercli.plain.yaml import to_yaml
from sercli.records import ValuePredictions, pool
from sercli.reports._run_page import _pictures
from sercli.reports.run import AuditResult, report_run, write_report
from sercli.runs.folder import Run

pytestmark = pytest.mark.usefixtures("blank_pictures")

HISTORY = [
    {"epoch": epoch, "train_loss": 1 / epoch, "dev_ccc": 0.1 * epoch, "selected": epoch == 3}
    for epoch in range(1, 5)
]


def predictions(speakers=(0, 1, 2, 3, 4), fold="fold 1", seed=0, name="P{}"):
    """Recording i is followed at a distance of i: x = 1 2 3, y = x + i, so CCC is (4/3) / (4/3 + i^2)."""
    trace = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])
    return ValuePredictions(
        dimensions=("arousal", "valence"),
        ids=tuple(f"recola/{name.format(i)}" for i in speakers),
        target=(trace,) * len(speakers),
        predicted=tuple(trace + i for i in speakers),
        speakers=tuple(name.format(i) for i in speakers),
        genders=("female",) * len(speakers),
        folds=(fold,) * len(speakers),
        seeds=(seed,) * len(speakers),
    )


def metric(found, key):
    """Find a pooled metric in a report's JSON."""
    return next(row for row in found["metrics"] if (row["group"], row["metric"]) == ("all", key))


def settings(task="regression", notice=None):
    return {
        "corpus": "recola",
        "scheme": "arousal-valence",
        "protocol": "recola-5-fold@1",
        "arch": "diccoser",
        "features": {"x": {"kind": "waveform"}},
        "model": {"variant": "d"},
        "training": {"selection": "best-dev-ccc", "precision": "32-true", "lr": 0.0001},
        "provenance": {
            "folds": 5,
            "manifest_sha256": "0" * 64,
            "protocol_digest": "abcd",
            "shared_speakers": 0,
            "paper": None,
            "task": task,
            "classes": [],
            "corpus": {
                "title": "RECOLA",
                "utterances": 18,
                "expected": 18,
                "licence": "on request",
                "notice": notice,
            },
            "device": "CPU",
            "versions": {"sercli": "0"},
            "commit": None,
        },
    }


@pytest.fixture
def run(tmp_path):
    """A run of two finished folds, as training leaves it."""
    found = Run(tmp_path / "runs" / "diccoser-recola-12345678")
    for fold, speakers in ((1, (0, 1, 2)), (2, (3, 4))):
        trial = found.trial(fold, 0)
        write_text(trial.config_file, to_yaml(settings()))
        write_text(
            trial.history_file,
            "epoch,train_loss,dev_loss,dev_ccc,lr,seconds\n1,0.9,0.8,0.2,0.0001,3\n2,0.7,0.6,0.4,0.0001,3\n",
        )
        write_predictions(trial.predictions_file, predictions(speakers, f"fold {fold}"))
        metrics = {
            "fold": fold,
            "fold_name": f"fold {fold}",
            "seed": 0,
            "epoch": 2,
            "epochs": 2,
            "dev_ua": None,
            "dev_ccc": 0.4,
            "seconds": 6,
            "utterances": {"train": 9, "dev": 3, "test": len(speakers)},
        }
        write_text(trial.metrics_file, json.dumps(metrics))
    return found


def test_the_headline_has_its_interval_beside_chance():
    found = page(predictions())
    # x = 1 2 3 five times, y = x + 0..4 joined: s_xy = 2/3, s_y^2 = 2/3 + 2, means 2 apart: (4/3) / (22/3).
    text = found.text
    assert "arousal CCC, pooled 0.182 95 % interval 0." in text
    assert "valence CCC, pooled 0.182 95 % interval 0." in text
    assert "5 recordings of 5 speakers, 15 frames, 1 fold, 1 seed" in text
    assert found.rows[0] == "metric pooled 95 % interval chance folds and seeds recordings"
    # Mean of 1, 4/7, 4/16, 4/31, 4/52; 2/3 over the root of 2/3 times 8/3; root of (0 + 1 + 4 + 9 + 16) / 5.
    assert re.fullmatch(r"arousal CCC 0\.182 0\.\d{3} to 0\.\d{3} 0\.000 0\.182 0\.405", found.rows[1])
    assert found.rows[2].startswith("arousal PCC 0.500 – – 0.500 ")
    assert found.rows[3].startswith("arousal RMSE 2.449 – – 2.449 ")


def test_folds_and_recordings_have_their_rows():
    rows = pool([predictions((0, 1, 2)), predictions((3, 4), "fold 2")])
    found = page(rows)
    best = "recola/P0, seed 0 P0 female fold 1 3 1.000 1.000 0.000 1.000 1.000 0.000 best"
    assert best in found.rows
    worst = "recola/P4, seed 0 P4 female fold 2 3 0.077 1.000 4.000 0.077 1.000 4.000 worst"
    assert worst in found.rows
    # Fold 2: y = x + 3 and x + 4: s_y^2 = 2/3 + 1/4, means 3.5 apart: (4/3) / (1.5833 + 12.25).
    assert "fold 2, seed 0 6 0.096 0.853 3.536 0.096 0.853 3.536" in found.rows
    assert "arousal CCC 0.270 ± 0.246" in found.text
    assert "(CCC, the mean over the dimensions), of 5 recordings." in found.text


def test_seeds_are_kept_apart():
    rows = pool([predictions(), predictions(seed=7)])
    found = page(rows)
    assert "fold 1, seed 7 15 0.182 0.500 2.449 0.182 0.500 2.449" in found.rows
    assert "5 recordings of 5 speakers, 30 frames, 1 fold, 2 seeds" in found.text


def test_an_undefined_pcc_is_a_dash_and_a_negative_ccc_has_a_minus():
    rows = predictions((0, 1))
    flat = replace(rows, predicted=(np.full((3, 2), 0.1), rows.target[1][:, ::-1]))
    found = page(flat)
    assert any(row.startswith("recola/P0, seed 0 P0 female fold 1 3 0.000 – ") for row in found.rows)
    assert any(row.startswith("recola/P1, seed 0 P1 female fold 1 3 −1.000 −1.000 ") for row in found.rows)
    assert "No interval: 2 speakers, and an interval over speakers needs 5 or more." in found.text


@pytest.mark.rendered
def test_the_page_needs_no_network_and_holds_its_pictures():
    rows = predictions()
    html = html_of(rows, history=HISTORY, banners=["synthetic"], notes=["open"])
    found = Page(html)
    assert {address[:5] for address in found.addresses + found.pictures} == {"data:"}
    assert len(set(found.pictures)) == 2 * 4  # best, worst, recordings, curves
    ends = [base64.b64decode(picture.partition(",")[2]).rstrip()[-8:] for picture in found.pictures]
    assert ends == [b"IEND\xaeB`\x82"] * 4 + [ends[4]] * 4
    assert ends[4].endswith(b"</svg>")
    assert all(attrs.get("alt") for tag, attrs in found.tags if tag == "img")
    without_pictures = re.sub(r"data:[^\"]+", "", html)
    assert not re.search(r"https?://|url\(|@import", without_pictures)
    assert found.text.index("synthetic") < found.text.index("0.182")
    assert html == html_of(rows, history=HISTORY, banners=["synthetic"], notes=["open"])


def test_one_recording_is_drawn_once():
    found = page(predictions((1,)))
    assert len(found.pictures) == 2 * 2
    assert "The only recording." in found.text


def test_what_a_corpus_names_is_never_markup():
    rows = predictions(name="<script>{}</script>")
    evil = "<script>alert('x')</script>"
    html = html_of(rows, evil, history=HISTORY, facts={evil: evil}, notes=[evil], banners=[evil])
    assert "<script" not in html
    assert Page(html).text.count(evil) == 5  # heading, banner, fact and its text, note


def test_a_run_is_evaluated_by_its_task(run):
    report = report_run(run)
    assert report.predictions.folds == ("fold 1",) * 3 + ("fold 2",) * 2
    assert report.evaluation.table.row("ccc_arousal").value == pytest.approx(2 / 11)
    assert report.facts["scheme"] == "arousal-valence: arousal, valence"
    assert report.facts["selection"].startswith("the epoch with the best CCC on the dev part; the test part")
    assert report.banners == ("Unfinished: 2 of 5 folds are tested.",)
    assert report.facts["metrics"].startswith("CCC is Lin's")


def test_the_report_is_complete(run):
    place = write_report(report_run(run))
    assert sorted(file.name for file in place.parent.iterdir()) == [
        "curves.pdf",
        "curves.png",
        "metrics.json",
        "predictions.csv",
        "recordings.pdf",
        "recordings.png",
        "report.html",
        "table.csv",
        "table.md",
        "table.tex",
        "traces.pdf",
        "traces.png",
    ]
    first = {file.name: file.read_bytes() for file in place.parent.iterdir()}
    write_report(report_run(run))
    assert {file.name: file.read_bytes() for file in place.parent.iterdir()} == first
    assert latex_problems(first["table.tex"].decode()) == []
    assert b"all,,arousal CCC,0.18181818181818" in first["table.csv"]
    found = Page(place.read_text(encoding="utf-8"))
    assert "diccoser on RECOLA" in found.text
    assert "Training Epoch by epoch" in found.text
    assert len(found.pictures) == 2 * 4
    told = json.loads((place.parent / "metrics.json").read_text(encoding="utf-8"))
    assert told["protocol"] == "recola-5-fold@1 (digest abcd)"
    assert metric(told, "ccc_valence")["value"] == pytest.approx(2 / 11)
    assert told["banners"] == ["Unfinished: 2 of 5 folds are tested."]
    pooled = read_predictions(place.parent / "predictions.csv")
    assert pooled.ids == tuple(f"recola/P{i}" for i in range(5))


def of_utterances():
    """Values of six utterances of two speakers."""
    target = np.arange(12.0).reshape(6, 2)
    rows = predictions((0, 1, 2, 3, 4, 5))
    one_each = {"target": tuple(target[:, None]), "predicted": tuple(0.5 * target[:, None])}
    return replace(rows, per_frame=False, speakers=("P0", "P1") * 3, **one_each)


@pytest.mark.rendered
@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (class_predictions(), {"confusion", "reliability", "speakers", "curves"}),
        (predictions(), {"traces", "recordings", "curves"}),
        (of_utterances(), {"scatter", "residuals", "speakers", "curves"}),
    ],
    ids=["classes", "traces", "values"],
)
def test_each_picture_of_a_report_is_written(rows, names, tmp_path):
    report = SimpleNamespace(predictions=rows, evaluation=evaluate(rows), history=HISTORY)
    drawn = _pictures(report)
    assert set(drawn) == names
    for name, draw in drawn.items():
        figures.save(draw("A run\non a corpus", dark=False), tmp_path / f"{name}.pdf")
        assert (tmp_path / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_the_command_prints_the_metrics(run):
    result = CliRunner().invoke(app, ["eval", str(run.path)])
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "protocol recola-5-fold@1 (digest abcd) audit not audited: " in words
    # Fold 1 by hand: s_y^2 = 2/3 + 2/3, means 1 apart: (4/3) / 3; fold 2: 0.096.
    row = r"arousal CCC 0\.182 0\.\d{3} to 0\.\d{3} 0\.000 0\.270 ± 0\.246 0\.405"
    assert re.search(row, words)
    assert "5 recordings, 15 frames, 2 trials, pooled" in words
    assert "best recola/P0, seed 0 1.000, worst recola/P4, seed 0 0.077" in words
    assert "note: CCC is Lin's concordance correlation coefficient" in words
    assert f"pictures {run.path / 'report'}: curves.png, recordings.png, traces.png" in words
    told = json.loads(CliRunner().invoke(app, ["eval", str(run.path), "--json"]).output)
    assert metric(told, "ccc_arousal")["value"] == pytest.approx(2 / 11)
    assert told["report"].endswith("report.html")
    assert told["audit"]["verdict"].startswith("not audited: ")
    plain = json.loads(CliRunner().invoke(app, ["eval", str(run.path), "--json", "--no-audit"]).output)
    assert plain["audit"] is None
    few = json.loads(CliRunner().invoke(app, ["eval", str(run.path), "--json", "--draws", "100"]).output)
    assert metric(few, "ccc_arousal")["interval"]["draws"] == 100


def test_a_leak_is_above_the_metrics_of_every_file(run):
    finding = {"check": "speakers", "verdict": "leak", "fact": "2 speakers in train and test", "reason": None}
    report = report_run(run, audit=AuditResult.of([finding]))
    banner = "Leak (speakers): 2 speakers in train and test. The metrics are too good."
    assert report.banners[0] == banner
    page = write_report(report)
    assert report.to_dict()["audit"]["checks"] == [finding]
    assert banner in Page(page.read_text(encoding="utf-8")).text
    for name in ("table.md", "table.tex"):
        assert "2 speakers in train and test" in page.with_name(name).read_text(encoding="utf-8")


def test_runs_of_continuous_labels_are_compared(run, tmp_path):
    again = tmp_path / "runs" / "cnnlstm-recola-87654321"
    shutil.copytree(run.path, again)
    result = CliRunner().invoke(app, ["compare", str(run.path), str(again), "--workspace", str(tmp_path)])
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "cnnlstm-recola-87654321 arousal CCC +0.000 +0.000 to +0.000 1.0000 1.0000" in words
    assert "p is of the difference in pooled CCC, two-sided, by sign flips over 5 speakers" in words
    (place,) = (tmp_path / "reports").iterdir()
    assert place.name.startswith("compare-diccoser-diccoser-")
    found = Page((place / "report.html").read_text(encoding="utf-8"))
    assert "P4 arousal CCC 3 0.077 0.077 +0.000" in found.rows
    assert "Unfinished: 2 of 5 folds are tested." in found.text
    assert latex_problems((place / "table.tex").read_text(encoding="utf-8")) == []


def test_without_a_dev_part_nothing_was_selected(run):
    for trial in run.finished():
        write_text(trial.metrics_file, json.dumps(trial.metrics() | {"dev_ccc": None}))
    assert report_run(run).facts["selection"] == "the last epoch; nothing was selected"
