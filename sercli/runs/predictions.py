"""Read a trial's predictions, and refuse them if they are not those that its training wrote.

A trial's ``metrics.json`` records the number of utterances in each part and, under ``sha256``, a digest of
each file of predictions. An older sercli recorded no digests. For its trials the number of utterances, fold
and seed, UA and WA are compared.
"""

import math
from pathlib import Path

from sercli import files
from sercli.errors import RunError
from sercli.evaluation import pooled_values
from sercli.evaluation.predictions_csv import read_predictions
from sercli.records import ClassPredictions, Predictions
from sercli.runs.folder import Trial


def digests(trial: Trial) -> dict[str, str]:
    """Hash the files of predictions that a trial has, by name; for its ``metrics.json``."""
    written = (trial.predictions_file, trial.dev_predictions_file)
    return {path.name: files.sha256(path) for path in written if path.exists()}


def read_tested(trial: Trial) -> Predictions:
    """Read the predictions of a trial's network for the test part.

    Raises:
        RunError: the file is missing, damaged, or not what the training wrote; the message names the file.
    """
    predictions = read_predictions(trial.predictions_file)
    _check(trial, trial.predictions_file, "test", predictions)
    if trial.predictions_file.name not in trial.digests():
        _check_values(trial, predictions)
    return predictions


def read_tested_classes(trial: Trial) -> ClassPredictions:
    """Read a classifier's predictions for the test part.

    Raises:
        RunError: as `read_tested`, or the predictions are not of classes.
    """
    return _classes(trial.predictions_file, read_tested(trial))


def read_dev(trial: Trial) -> ClassPredictions | None:
    """Read a classifier's predictions for the dev part; ``None`` if they were not stored.

    Raises:
        RunError: as `read_tested_classes`.
    """
    path = trial.dev_predictions_file
    if not path.exists() and path.name not in trial.digests():
        return None
    predictions = read_predictions(path)
    _check(trial, path, "dev", predictions)
    return _classes(path, predictions)


def _classes(path: Path, predictions: Predictions) -> ClassPredictions:
    if not isinstance(predictions, ClassPredictions):
        raise RunError(f"{path}: predictions of {', '.join(predictions.outputs)}, not of classes")
    return predictions


def _check(trial: Trial, path: Path, part: str, predictions: Predictions) -> None:
    metrics = trial.metrics()
    expected, found = metrics["utterances"][part], len(predictions)
    again = f"restore the file, or remove {trial.path} and train again"
    if found < expected:
        raise RunError(f"{path}: {expected - found} of {expected} utterances are missing; {again}")
    if found > expected:
        raise RunError(f"{path}: holds {found} utterances, and the {part} part had {expected}; {again}")
    fold, seed = str(metrics["fold_name"]), trial.seed
    if set(predictions.folds) - {fold} or set(predictions.seeds) - {seed}:
        raise RunError(f"{path}: of another trial than fold '{fold}', seed {seed}; {again}")
    recorded = trial.digests().get(path.name)
    if recorded is not None and recorded != files.sha256(path):
        raise RunError(f"{path}: changed since the training wrote it; {again}")


def _check_values(trial: Trial, predictions: Predictions) -> None:
    """Compare UA and WA with the recorded values, if no digest was recorded."""
    metrics, values = trial.metrics(), pooled_values(predictions)
    for name in ("ua", "wa"):
        recorded, value = metrics.get(f"test_{name}"), values.get(name)
        if recorded is None or value is None:
            continue
        if not math.isclose(float(recorded), value, abs_tol=1e-9):
            raise RunError(
                f"{trial.predictions_file}: changed since the training wrote it (test_{name} was "
                f"{recorded:.4f}, is {value:.4f}); restore the file, or remove {trial.path} and train again"
            )
