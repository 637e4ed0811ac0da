"""Measure the quality of a model to export: its metrics, its calibration, and its threshold of confidence."""

from collections.abc import Sequence
from dataclasses import replace

from sercli.bundle import Bundle
from sercli.errors import ConfigError
from sercli.evaluation import evaluate
from sercli.evaluation.calibration import (
    Threshold,
    Trusted,
    apply_temperature,
    apply_threshold,
    fit_temperature,
    measure_calibration,
    threshold_for,
)
from sercli.evaluation.resampling import LEVEL
from sercli.records import ClassPredictions, pool
from sercli.reports.alike import Alike
from sercli.reports.card import Calibrated, Quality
from sercli.runs.folder import Run, Trial
from sercli.runs.predictions import read_dev, read_tested, read_tested_classes
from sercli.tasks import CLASSIFICATION

_EACH = "each predicted by its own model, without utterances of this model's test part"
_OTHERS = "each predicted by its own model, not by this one"


def measure_quality(run: Run, trial: Trial, bundle: Bundle, sure: float, *, calibrate: bool) -> Quality:
    """Evaluate a trial's predictions, and also those of its complete run.

    Args:
        run: run of the trial.
        trial: trial whose bundle is exported.
        bundle: that bundle.
        sure: target accuracy among the predictions that are not marked unsure.
        calibrate: whether a temperature is fitted on the predictions of the dev parts.

    Raises:
        ConfigError: there are no classes or no dev part to calibrate.
        RunError: a trial is damaged, or no temperature fits.
    """
    finished = run.finished()
    own = read_tested(trial)
    every = evaluate(pool([read_tested(each) for each in finished])) if len(finished) > 1 else None
    quality = Quality(evaluate(own), every, len(finished))
    if not bundle.classes:
        return _without_classes(quality, calibrate=calibrate)
    tested, calibrated = read_tested_classes(trial), None
    if calibrate:
        # The dev part of a single fold has too few speakers: see docs/results/calibration.
        kept = [rows for each in finished if (rows := _read_dev(each, tested)) is not None]
        on = f"the dev parts of {len(kept)} of the run's {len(finished)} trials, {_EACH}"
        on += ", and each model's epoch was chosen on its part" if _chose_epoch(trial) else ""
        calibrated = _calibrate(run, pool(kept) if kept else None, tested, on)
    found, on, tried = _find_threshold(finished, trial, tested, sure, _value(calibrated))
    return replace(quality, threshold=found, threshold_on=on, threshold_tried=tried, calibrated=calibrated)


def expect_quality(alike: Alike | None, bundle: Bundle, sure: float, *, calibrate: bool) -> Quality:
    """Estimate the quality of an untested model from networks with the same training, if there are any.

    Args:
        alike: run on folds whose networks had the same training.
        bundle: the untested model.
        sure: target accuracy among the predictions that are not marked unsure.
        calibrate: whether a temperature is fitted on the predictions of the dev parts.

    Raises:
        ConfigError: there are no such networks, no classes or no dev part to calibrate.
        RunError: a trial is damaged, or no temperature fits.
    """
    if alike is None:
        if calibrate:
            raise ConfigError(
                "--calibrate: this model was trained on all utterances, so it has no dev part; name a run on "
                "folds with --tested-by RUN, or leave --calibrate out"
            )
        return Quality(None)
    trials = alike.trials
    tested = evaluate(pool([read_tested(trial) for trial in trials]))
    quality = Quality(None, tested, len(trials), alike=alike)
    if not bundle.classes:
        return _without_classes(quality, calibrate=calibrate)
    rows = [read_tested_classes(trial) for trial in trials]
    dev = [_read_dev(trial, own) for trial, own in zip(trials, rows, strict=True)]
    part, kept = "dev", [each for each in dev if each is not None]
    calibrated = None
    if calibrate:
        on = f"the dev parts of {len(kept)} trials of {alike.run.name}, {_OTHERS}"
        calibrated = _calibrate(alike.run, pool(kept) if kept else None, pool(rows), on)
    if not kept:
        part, kept = "test", rows
    on = f"the {part} parts of {len(kept)} trials of {alike.run.name}, {_OTHERS}"
    threshold = _search(apply_temperature(pool(kept), _value(calibrated)), sure)
    return replace(quality, threshold=threshold, threshold_on=on, calibrated=calibrated)


def _without_classes(quality: Quality, *, calibrate: bool) -> Quality:
    """Return the quality of a model without classes.

    Raises:
        ConfigError: it is to be calibrated.
    """
    if calibrate:
        raise ConfigError(
            "--calibrate is for class probabilities, but this model predicts none; leave it out"
        )
    return quality


def _calibrate(run: Run, dev: ClassPredictions | None, tested: ClassPredictions, on: str) -> Calibrated:
    """Fit a temperature on the predictions of dev parts, and report its effect on those of test parts.

    Raises:
        ConfigError: there are no predictions of a dev part.
        RunError: no temperature fits.
    """
    if dev is None:
        raise ConfigError(
            f"--calibrate: {run.name} has no predictions of a dev part, and the test part must not be used; "
            "train with a protocol that has a dev part (`sercli protocols`), or leave --calibrate out"
        )
    found = fit_temperature(dev)
    after = measure_calibration(apply_temperature(tested, found.value)).ece
    return Calibrated(found, on, measure_calibration(tested).ece, after, len(tested))


def _value(calibrated: Calibrated | None) -> float:
    return 1.0 if calibrated is None else calibrated.temperature.value


def _chose_epoch(trial: Trial) -> bool:
    """Return whether the epoch of a classifier was chosen on its dev part."""
    return bool(trial.settings()["training"]["selection"] == CLASSIFICATION.selection)


def _find_threshold(
    finished: Sequence[Trial], trial: Trial, own: ClassPredictions, sure: float, temperature: float
) -> tuple[Threshold, str, Trusted | None]:
    """Find the threshold on the dev part, and try it on the test part, which did not affect it.

    If there is no dev part, or an older run did not store its predictions, the threshold is found on the test
    part. Then there are no rows left to try it on.

    Returns:
        The threshold; the name of the rows on which it was found; its effect on the test part.
    """
    mine = _read_dev(trial, own)
    if mine is not None:
        part, others = "dev", [rows for each in finished if (rows := _read_dev(each, own)) is not None]
    else:
        part, mine, others = "test", own, [read_tested_classes(each) for each in finished]
    mine, own = apply_temperature(mine, temperature), apply_temperature(own, temperature)
    others = [apply_temperature(each, temperature) for each in others]
    found = _search(mine, sure)
    chosen = _chose_epoch(trial) and part == "dev"
    note = ", but its epoch was chosen on them" if chosen else ""
    on = f"this model's own {part} part ({len(mine)} utterances that it was not trained on{note})"
    if found.confidence is None and len(others) > 1:
        again = _search(pool(others), sure)
        if again.confidence is not None or (again.at_least or 0.0) > (found.at_least or 0.0):
            found = again
            on = f"the {part} parts of {len(others)} trials of the run, {_OTHERS}"
            on += ", and each model's epoch was chosen on its part" if chosen else ""
    tried = part == "dev" and found.confidence is not None
    return found, on, apply_threshold(own, found.confidence or 0.0) if tried else None


def _search(predictions: ClassPredictions, sure: float) -> Threshold:
    # There may be two searches, and the successful one is used. Therefore each has half of the error.
    return replace(threshold_for(predictions, sure, 1 - (1 - LEVEL) / 2), level=LEVEL)


def _read_dev(trial: Trial, own: ClassPredictions) -> ClassPredictions | None:
    """Read the predictions of a trial's dev part, without utterances that ``own`` tests."""
    read, tested = read_dev(trial), frozenset(own.ids)
    if read is None:
        return None
    rows = [row for row, name in enumerate(read.ids) if name not in tested]
    return read.select(rows) if rows else None
