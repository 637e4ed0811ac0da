"""A table with ratings of dimensions goes from `prepare` to `predict` on the command line, without code."""

import csv
import json

import numpy as np
import pytest
import soundfile
from conftest import tone

pytestmark = pytest.mark.usefixtures("blank_pictures")

SPEAKERS = ("ada", "ben", "cleo")
LABELS = ("calm", "drunk", "loud")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("values")
    rows = ["file,emotion,speaker,arousal,valence"]
    for i, speaker in enumerate(SPEAKERS):
        for j, label in enumerate(LABELS):
            for k in range(2):
                file = f"{i}_{j}_{k}.wav"
                soundfile.write(place / file, tone(0.4, pitch=100 + 60 * j + 7 * i + 3 * k), 16_000)
                rows.append(f"{file},{label},{speaker},{1 + j + 0.1 * i},{'' if j == 2 and k else 4 - j}")
    (place / "t.csv").write_text("\n".join(rows) + "\n")
    return place


@pytest.fixture
def run(command_line, place):
    def run(*words):
        status, out, err = command_line(*words, "--workspace", place / "w")
        assert status == 0, out + err
        return out

    if not (place / "w").exists():
        told = run("prepare", "csv", place / "t.csv", "--name", "rated", "--set", "scale=[1,5]")
        assert (
            "ratings     arousal 18 (1 to 3.2, mean 2.10), valence 15 (2 to 4, mean 3.20); scale 1 to 5"
            in told
        )
    return run


BASE = ("train", "--corpus", "rated", "--max-epochs", "2", "--accelerator", "cpu")
BASE = (*BASE, "--protocol", "leave-one-speaker-out-no-dev")


def test_dimensions_from_prepare_to_predict(run, command_line, place):
    told = run(*BASE, "--arch", "melcnn", "--scheme", "dimensions")
    name = told.partition("run ")[2].split()[0]
    assert name.startswith("melcnn-dimensions-leave-one-speaker-out-no-dev")
    assert "scheme dimensions: 15 utterances with arousal and valence" in told
    assert "loss      ccc of the values, in batches of" in told

    told = json.loads(run("eval", name, "--draws", "100", "--no-audit", "--json"))
    metrics = {row["metric"]: row for row in told["metrics"] if row["group"] == "all"}
    assert set(metrics) == {
        f"{key}_{of}" for key in ("ccc", "pcc", "rmse", "mae") for of in ("arousal", "valence")
    }
    predictions = place / "w/runs" / name / "report/predictions.csv"
    with predictions.open() as file:
        rows = list(csv.DictReader(file))
    target, predicted = (
        np.array([float(row[key]) for row in rows]) for key in ("arousal", "predicted arousal")
    )
    assert metrics["mae_arousal"]["value"] == pytest.approx(np.abs(target - predicted).mean(), abs=1e-6)
    assert metrics["mae_arousal"]["majority"] == pytest.approx(np.abs(target - target.mean()).mean())
    assert 0.5 < predicted.mean() < 5  # on the scale of the table, not standardised
    page = (place / "w/runs" / name / "report/report.html").read_text()
    assert "scale of the ratings" in page
    assert "mean predictor" in page
    assert {"scatter.png", "residuals.png"} <= {
        each.name for each in (place / "w/runs" / name / "report").iterdir()
    }
    told = run("eval", name, "--draws", "100", "--no-audit")
    assert "arousal CCC" in told
    run("audit", name)
    run("export", name, place / "bundle", "--fold", "1")
    assert "from 1 to 5" in (place / "bundle/README.md").read_text()
    assert "the stated metrics hold exactly" in run("reproduce", place / "bundle")
    status, out, _ = command_line("predict", place / "bundle", place / "0_0_0.wav", "--json")
    assert status == 0
    said = json.loads(out)
    first = next(row for row in rows if row["id"] == "rated/0_0_0")
    assert said["values"]["arousal"] == pytest.approx(float(first["predicted arousal"]), abs=1e-4)
    assert "predicted" not in said
    for words in (
        (),
        ("--csv",),
        ("--timeline", "--window-s", "0.2"),
        ("--timeline", "--window-s", "0.2", "--csv"),
    ):
        status, out, err = command_line("predict", place / "bundle", place / "0_0_0.wav", *words)
        assert status == 0, err
        assert "arousal" in out


@pytest.mark.slow
def test_classes_and_several_dimensions_together(run):
    told = run(*BASE, "--arch", "melcnn", "--scheme", "every-emotion", "--targets", "arousal,valence")
    name = told.partition("run ")[2].split()[0]
    told = run("eval", name, "--draws", "100", "--no-audit")
    for row in ("UA in %", "arousal CCC", "valence CCC", "valence MAE"):
        assert row in told
    assert "the scale of the ratings is 1 to 5, and predictions are not limited to it" in told


def test_a_corpus_without_ratings_has_no_scheme_of_dimensions(run, command_line, place):
    (place / "plain.csv").write_text("file,emotion,speaker\n0_0_0.wav,calm,ada\n0_1_0.wav,drunk,ada\n")
    told = run("prepare", "csv", place / "plain.csv", "--name", "plain")
    assert "scheme      dimensions" not in told
    words = ("train", "--arch", "melcnn", "--corpus", "plain", "--scheme", "dimensions")
    status, _, err = command_line(*words, "--workspace", place / "w")
    assert (status, "no ratings of utterances, which scheme 'dimensions' needs" in err) == (1, True)


@pytest.mark.parametrize("scale", ["1-5", "[5,1]", "[1,2,3]"])
def test_a_wrong_scale_says_what_is_expected(command_line, place, scale):
    words = ("prepare", "csv", place / "t.csv", "--name", "other", "--set", f"scale={scale}")
    status, _, err = command_line(*words, "--workspace", place / "w2")
    assert status == 1
    assert "the lowest and the highest possible rating, as [1, 5]" in err


def test_classes_and_dimensions_together(run, command_line, place):
    names = []
    for arch in ("melcnn", "mdcnn"):
        small = ("--set", "model.filters=8", "--set", "model.blocks=2") if arch == "mdcnn" else ()
        told = run(
            *BASE, "--arch", arch, "--classes", "calm,drunk+loud=other", "--targets", "arousal", *small
        )
        names.append(told.partition("run ")[2].split()[0])
        assert "calm 6, other 12; 18 utterances with arousal" in told
    assert names[0].startswith("melcnn-calm-other-dimensions-")
    told = json.loads(run("eval", names[0], "--draws", "100", "--no-audit", "--json"))
    metrics = {row["metric"]: row for row in told["metrics"] if row["group"] == "all"}
    assert {"ua", "wa", "ccc_arousal", "mae_arousal"} <= set(metrics)
    assert metrics["ua"]["chance"] == 0.5
    told = run("compare", *names, "--draws", "100")
    assert "UA" in told
    assert "arousal CCC" in told
    run("export", names[0], place / "both", "--fold", "1")
    assert "the stated metrics hold exactly" in run("reproduce", place / "both")
    status, out, _ = command_line("predict", place / "both", place / "0_0_0.wav", "--json")
    assert status == 0
    said = json.loads(out)
    assert set(said["probabilities"]) == {"calm", "other"}
    assert set(said["values"]) == {"arousal"}


def test_a_linear_classifier_learns_dimensions_and_classes(run, place):
    features = ("--set", "features.kind=opensmile")
    pytest.importorskip("opensmile")
    for words in (("--targets", "arousal,valence"), ("--scheme", "every-emotion", "--targets", "arousal")):
        base = [word for word in BASE if word not in ("--max-epochs", "2")]
        told = run(*base, "--arch", "linear", *words, *features)
        name = told.partition("run ")[2].split()[0]
        told = json.loads(run("eval", name, "--draws", "100", "--no-audit", "--json"))
        assert "ccc_arousal" in {row["metric"] for row in told["metrics"]}
