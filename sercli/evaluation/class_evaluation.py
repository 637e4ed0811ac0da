"""Predictions of a classifier -> figures with intervals.

UA and WA are defined in `classification`, the intervals in `intervals`, what `evaluate` returns in `scores`,
predictions on disk in `table`.
"""

from collections.abc import Iterator

import numpy as np

from sercli.errors import RunError
from sercli.evaluation import intervals
from sercli.evaluation.calibration import measure_calibration
from sercli.evaluation.classification import Counts, confusion, f1s, precisions, recalls, ua, wa
from sercli.evaluation.genders import by_gender, without_gender
from sercli.evaluation.intervals import DRAWS
from sercli.evaluation.measures import MEASURES, count_by, measure, units_of
from sercli.evaluation.metrics import Interval, Spread
from sercli.evaluation.scores import (
    ClassScore,
    Evaluation,
    Measure,
    SeedScore,
    SpeakerScore,
    UnitScore,
)
from sercli.records import ClassPredictions

DEFINITION = (
    "UA is the mean recall of the classes that occur in what is tested, WA the share of utterances that are "
    "right, ACC the mean of both (the figure of the ECA paper); folds and seeds are pooled; a mean over "
    "them, where there is one, is given separately"
)
"""What the figures mean; told with every one."""

__all__ = [
    "DEFINITION",
    "ClassScore",
    "Evaluation",
    "Interval",
    "Measure",
    "SeedScore",
    "SpeakerScore",
    "Spread",
    "UnitScore",
    "evaluate",
]


def evaluate(predictions: ClassPredictions, draws: int = DRAWS) -> Evaluation:
    """Score predictions, pooled over folds and seeds as `Evaluation` says.

    Args:
        predictions: one row or more.
        draws: of the bootstrap over speakers.

    Raises:
        RunError: there are no rows, or a probability is not a number.
    """
    _check(predictions)
    merged = without_gender(predictions)
    classes, n = predictions.classes, len(predictions.classes)
    pooled = confusion(predictions.target, predictions.predicted, n)
    counts = pooled.sum(axis=1)
    speakers = _by_speaker(predictions)
    no_interval = intervals.why_none(len(speakers), sum(name is None for name in predictions.speakers))
    measures = measure(predictions, MEASURES, draws)
    by_ua, by_wa, _, by_f1 = measures
    return Evaluation(
        classes=classes,
        utterances=len(set(predictions.ids)),
        count=len(predictions),
        ua=by_ua.value,
        wa=by_wa.value,
        macro_f1=by_f1.value,
        ua_interval=by_ua.interval,
        wa_interval=by_wa.interval,
        no_interval=no_interval,
        chance=1 / n,
        majority_class=classes[counts.argmax()],
        majority_ua=by_ua.majority,
        majority_wa=by_wa.majority,
        confusion=pooled,
        by_class=_by_class(classes, pooled),
        by_speaker=speakers,
        by_unit=_by_unit(predictions),
        by_seed=_by_seed(predictions),
        ua_spread=by_ua.spread,
        wa_spread=by_wa.spread,
        measures=measures,
        by_gender=by_gender(predictions),
        calibration=measure_calibration(predictions),
        without_gender=None if merged is None else evaluate(merged, draws),
    )


def _check(predictions: ClassPredictions) -> None:
    if not len(predictions):
        raise RunError("no predictions to evaluate; test at least one fold")
    finite = np.isfinite(predictions.probabilities).all(axis=1)
    if not finite.all():
        name = predictions.ids[int(finite.argmin())]
        raise RunError(f"{name}: a probability is not a number: training diverged; try a lower learning rate")


def _by_class(classes: tuple[str, ...], pooled: Counts) -> tuple[ClassScore, ...]:
    columns = (pooled.sum(axis=1), pooled.sum(axis=0), recalls(pooled), precisions(pooled), f1s(pooled))
    rows = zip(classes, *(column.tolist() for column in columns), strict=True)
    return tuple(ClassScore(*row) for row in rows)


def _by_speaker(predictions: ClassPredictions) -> tuple[SpeakerScore, ...]:
    """Score each known speaker, sorted by name."""
    genders = dict(zip(predictions.speakers, predictions.genders, strict=True))
    names = sorted(name for name in genders if name is not None)
    scores = zip(names, _scores(count_by(predictions, predictions.speakers, names)), strict=True)
    return tuple(SpeakerScore(name, genders[name], *score) for name, score in scores)


def _by_unit(predictions: ClassPredictions) -> tuple[UnitScore, ...]:
    units = units_of(predictions)
    names = list(dict.fromkeys(units))
    scores = zip(names, _scores(count_by(predictions, units, names)), strict=True)
    return tuple(UnitScore(fold, seed, *score) for (fold, seed), score in scores)


def _by_seed(predictions: ClassPredictions) -> tuple[SeedScore, ...]:
    seeds = sorted(set(predictions.seeds))
    scores = zip(seeds, _scores(count_by(predictions, predictions.seeds, seeds)), strict=True)
    return tuple(SeedScore(seed, *score) for seed, score in scores)


def _scores(matrices: Counts) -> Iterator[tuple[int, float, float]]:
    """Give rows, UA and WA of each matrix."""
    return zip(matrices.sum(axis=(1, 2)).tolist(), ua(matrices).tolist(), wa(matrices).tolist(), strict=True)
