"""A trial's predictions, read only if they are those that its training wrote.

A trial's ``metrics.json`` records how many utterances each part had and, under ``sha256``, a digest of each
file of predictions. Trials of a sercli that recorded no digests are held to the count, to fold and seed, and
to UA and WA.
"""

import hashlib
import math
from pathlib import Path

from sercli.errors import RunError
from sercli.evaluation import classification, table, traces
from sercli.records import Predictions, TracePredictions
from sercli.runs.folder import Trial


def digests(trial: Trial) -> dict[str, str]:
    """Hash the files of predictions that a trial has, by name; for its ``metrics.json``."""
    written = (trial.predictions_file, trial.dev_predictions_file)
    return {path.name: _hash(path) for path in written if path.exists()}


def read_tested(trial: Trial) -> Predictions:
    """Read what a trial's network predicted of the test part.

    Raises:
        RunError: it is missing, damaged, or not what the training wrote; the message names the file.
    """
    predictions = table.read_csv(trial.predictions_file)
    _check(trial, trial.predictions_file, "test", predictions)
    if trial.predictions_file.name not in trial.digests():
        _check_values(trial, predictions)
    return predictions


def read_tested_traces(trial: Trial) -> TracePredictions:
    """Read what a trial's network predicted of the recordings of the test part, frame by frame.

    Raises:
        RunError: as `read_tested`.
    """
    predictions = traces.read_csv(trial.predictions_file)
    _check(trial, trial.predictions_file, "test", predictions)
    return predictions


def read_dev(trial: Trial) -> Predictions | None:
    """Read what a trial's network predicted of the dev part; none where it kept nothing of it.

    Raises:
        RunError: as `read_tested`.
    """
    path = trial.dev_predictions_file
    if not path.exists() and path.name not in trial.digests():
        return None
    predictions = table.read_csv(path)
    _check(trial, path, "dev", predictions)
    return predictions


def _check(trial: Trial, path: Path, part: str, predictions: Predictions | TracePredictions) -> None:
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
    if recorded is not None and recorded != _hash(path):
        raise RunError(f"{path}: changed since the training wrote it; {again}")


def _check_values(trial: Trial, predictions: Predictions) -> None:
    """Compare UA and WA with those that were recorded, where no digest was."""
    metrics, size = trial.metrics(), len(predictions.classes)
    counts = classification.confusion(predictions.target, predictions.predicted, size)
    for name, value in (("test_ua", classification.ua(counts)), ("test_wa", classification.wa(counts))):
        recorded = metrics.get(name)
        if recorded is not None and not math.isclose(float(recorded), float(value), abs_tol=1e-9):
            raise RunError(
                f"{trial.predictions_file}: changed since the training wrote it ({name} was {recorded:.4f}, "
                f"is {float(value):.4f}); restore the file, or remove {trial.path} and train again"
            )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
