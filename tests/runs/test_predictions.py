"""Predictions are read only if they are those that the training wrote."""

import csv
import json

import numpy as np
import pytest

from sercli.errors import RunError
from sercli.evaluation.predictions_csv import write_predictions
from sercli.records import ClassPredictions, ValuePredictions
from sercli.runs.folder import Trial
from sercli.runs.predictions import digests, read_dev, read_tested

# Eight utterances of two classes; the first three are taken for the other class.
TARGET = np.array([0, 0, 1, 0, 1, 1, 0, 1])
PREDICTED = np.array([1, 1, 0, 0, 1, 1, 0, 1])


def _predictions(count=8, first="u", fold="speaker 03", seed=0):
    return ClassPredictions(
        classes=("anger", "sadness"),
        ids=tuple(f"{first}{i}" for i in range(count)),
        target=TARGET[:count],
        probabilities=np.array([[0.8, 0.2], [0.3, 0.7]])[PREDICTED[:count]],
        speakers=("03",) * count,
        genders=(None,) * count,
        folds=(fold,) * count,
        seeds=(seed,) * count,
    )


@pytest.fixture
def make(tmp_path):
    """Lay out a finished trial: make(digests=False) as before digests were kept."""

    def make_(*, kept=True, task="classification"):
        trial = Trial(tmp_path / "run" / "fold-01" / "seed-0", 1, 0)
        trial.path.mkdir(parents=True)
        if task == "regression":
            frames = tuple(np.full((5, 2), 0.1 * i) for i in range(8))
            rows = ("ids", "speakers", "genders", "folds", "seeds")
            own = {name: getattr(_predictions(), name) for name in rows}
            predictions = ValuePredictions(
                dimensions=("arousal", "valence"), target=frames, predicted=frames, **own
            )
        else:
            predictions = _predictions()
            write_predictions(trial.dev_predictions_file, _predictions(6, first="d"))
        write_predictions(trial.predictions_file, predictions)
        metrics = {"fold": 1, "fold_name": "speaker 03", "seed": 0, "epoch": 3, "epochs": 5, "seconds": 1.5}
        metrics |= {"utterances": {"train": 9, "dev": 6, "test": 8}}
        # By hand: two of four of each class are right in the rows above, but for sadness three.
        metrics |= {"test_ua": 0.625, "test_wa": 0.625}
        if kept:
            metrics["sha256"] = digests(trial)
        trial.metrics_file.write_text(json.dumps(metrics))
        return trial

    return make_


def _rewrite(path, change):
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *change(rows)])


def _without_every_second_wrong(rows):
    wrong = [row for row in rows if row[5] != row[6]][::2]
    return [row for row in rows if row not in wrong]


def _righted(rows):
    """Make a wrong answer a right one."""
    first, *rest = rows
    return [[*first[:6], "anger", "0.8", "0.2"], *rest]


def _other_seed(rows):
    return [[*row[:2], "1", *row[3:]] for row in rows]


def _more(rows):
    return [*rows, ["u9", *rows[0][1:]]]


@pytest.mark.parametrize("kept", [True, False])
def test_what_the_training_wrote_is_read(make, kept):
    trial = make(kept=kept)
    assert len(read_tested(trial)) == 8
    assert len(read_dev(trial)) == 6
    assert set(trial.digests()) == ({"predictions.csv", "dev_predictions.csv"} if kept else set())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_every_second_wrong, "2 of 8 utterances are missing"),
        (lambda rows: rows[:3], "5 of 8 utterances are missing"),
        (lambda rows: [], "8 of 8 utterances are missing"),
        (_more, "holds 9 utterances, and the test part had 8"),
        (_righted, "changed since the training wrote it"),
        (_other_seed, "of another trial than fold 'speaker 03', seed 0"),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_changed_predictions_are_refused_with_the_file_named(make, kept, change, message):
    trial = make(kept=kept)
    _rewrite(trial.predictions_file, change)
    with pytest.raises(RunError, match=message) as caught:
        read_tested(trial)
    assert str(caught.value).startswith(f"{trial.predictions_file}: ")
    assert f"remove {trial.path} and train again" in str(caught.value)


def test_a_digit_of_a_probability_is_enough(make):
    trial = make()
    path = trial.predictions_file
    path.write_text(path.read_text().replace("0.7", "0.7000001", 1).replace("0.3", "0.2999999", 1))
    with pytest.raises(RunError, match="changed since the training wrote it"):
        read_tested(trial)


def test_changed_predictions_of_the_dev_part_are_refused(make):
    trial = make()
    _rewrite(trial.dev_predictions_file, lambda rows: rows[1:])
    with pytest.raises(RunError, match=r"dev_predictions.csv: 1 of 6 utterances are missing"):
        read_dev(trial)
    trial.dev_predictions_file.unlink()
    with pytest.raises(RunError, match=r"dev_predictions.csv: no such predictions"):
        read_dev(trial)


def test_recordings_that_are_missing_are_counted(make):
    trial = make(task="regression")
    assert len(read_tested(trial)) == 8
    _rewrite(trial.predictions_file, lambda rows: rows[10:])
    with pytest.raises(RunError, match=r"predictions.csv: 2 of 8 utterances are missing"):
        read_tested(trial)


def test_frames_that_are_missing_are_a_change(make):
    trial = make(task="regression")
    _rewrite(trial.predictions_file, lambda rows: rows[:-1])
    with pytest.raises(RunError, match="changed since the training wrote it"):
        read_tested(trial)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seconds", '"fast"'),
        ("seconds", "NaN"),
        ("epoch", "true"),
        ("epochs", "9" * 5000),
        ("fold_name", "[]"),
        ("utterances", "8"),
        ("utterances", '{"train": 9, "dev": 6}'),
        ("utterances", '{"train": 9, "dev": 6, "test": "8"}'),
        ("sha256", "[]"),
        ("seed", "[" * 100_000),
    ],
)
def test_damaged_metrics_are_refused(make, name, text):
    trial = make()
    metrics = json.loads(trial.metrics_file.read_text()) | {name: "@@"}
    trial.metrics_file.write_text(json.dumps(metrics).replace('"@@"', text))
    with pytest.raises(RunError, match=r"metrics.json: missing or damaged; remove .* and train again"):
        read_tested(trial)
