"""Predictions of a classifier -> figures with intervals.

UA and WA are defined in `classification`, the intervals in `intervals`, what `evaluate` returns in `scores`,
predictions on disk in `table`.
"""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from sercli.errors import RunError
from sercli.evaluation import intervals
from sercli.evaluation.classification import (
    Counts,
    confusion,
    confusions,
    f1s,
    macro_f1,
    precisions,
    recalls,
    ua,
    wa,
)
from sercli.evaluation.intervals import Interval
from sercli.evaluation.scores import ClassScore, Evaluation, SeedScore, SpeakerScore, Spread, UnitScore
from sercli.records import Predictions

DEFINITION = (
    "UA is the mean recall of the classes that occur in what is tested, WA the share of utterances that are "
    "right; folds and seeds are pooled, the mean over them stands beside"
)
"""What the figures mean; told with every one."""

__all__ = [
    "DEFINITION",
    "ClassScore",
    "Evaluation",
    "Interval",
    "SeedScore",
    "SpeakerScore",
    "Spread",
    "UnitScore",
    "evaluate",
]


def evaluate(predictions: Predictions) -> Evaluation:
    """Score predictions, pooled over folds and seeds as `Evaluation` says.

    Raises:
        RunError: there are no rows, or a probability is not a number.
    """
    _check(predictions)
    classes, n = predictions.classes, len(predictions.classes)
    pooled = confusion(predictions.target, predictions.predicted, n)
    counts = pooled.sum(axis=1)
    majority = np.zeros_like(pooled)
    majority[:, counts.argmax()] = counts  # everything taken for the most frequent class

    speakers, by_speaker = _by_speaker(predictions)
    no_interval = intervals.why_none(len(speakers), sum(name is None for name in predictions.speakers))
    ua_interval, wa_interval = (None, None) if no_interval else _intervals(by_speaker)
    by_unit = _by_unit(predictions)
    return Evaluation(
        classes=classes,
        utterances=len(set(predictions.ids)),
        count=len(predictions),
        ua=float(ua(pooled)),
        wa=float(wa(pooled)),
        macro_f1=float(macro_f1(pooled)),
        ua_interval=ua_interval,
        wa_interval=wa_interval,
        no_interval=no_interval,
        chance=1 / n,
        majority_class=classes[counts.argmax()],
        majority_ua=float(ua(majority)),
        majority_wa=float(wa(majority)),
        confusion=pooled,
        by_class=_by_class(classes, pooled),
        by_speaker=speakers,
        by_unit=by_unit,
        by_seed=_by_seed(predictions),
        ua_spread=Spread.of([unit.ua for unit in by_unit]),
        wa_spread=Spread.of([unit.wa for unit in by_unit]),
    )


def _check(predictions: Predictions) -> None:
    if not len(predictions):
        raise RunError("no predictions to evaluate; test at least one fold")
    finite = np.isfinite(predictions.probabilities).all(axis=1)
    if not finite.all():
        name = predictions.ids[int(finite.argmin())]
        raise RunError(f"{name}: a probability is not a number: training diverged; try a lower learning rate")


def _intervals(by_speaker: Counts) -> tuple[Interval, Interval]:
    drawn, speakers = intervals.resample(by_speaker), len(by_speaker)
    return intervals.percentile(ua(drawn), speakers), intervals.percentile(wa(drawn), speakers)


def _by_class(classes: tuple[str, ...], pooled: Counts) -> tuple[ClassScore, ...]:
    columns = (pooled.sum(axis=1), pooled.sum(axis=0), recalls(pooled), precisions(pooled), f1s(pooled))
    rows = zip(classes, *(column.tolist() for column in columns), strict=True)
    return tuple(ClassScore(*row) for row in rows)


def _by_speaker(predictions: Predictions) -> tuple[tuple[SpeakerScore, ...], Counts]:
    """Score each known speaker, sorted by name, and give the confusion matrices in the same order."""
    genders = dict(zip(predictions.speakers, predictions.genders, strict=True))
    names = sorted(name for name in genders if name is not None)
    matrices = _by(predictions, predictions.speakers, names)
    scores = zip(names, _scores(matrices), strict=True)
    return tuple(SpeakerScore(name, genders[name], *score) for name, score in scores), matrices


def _by_unit(predictions: Predictions) -> tuple[UnitScore, ...]:
    units = list(zip(predictions.folds, predictions.seeds, strict=True))
    names = list(dict.fromkeys(units))
    scores = zip(names, _scores(_by(predictions, units, names)), strict=True)
    return tuple(UnitScore(fold, seed, *score) for (fold, seed), score in scores)


def _by_seed(predictions: Predictions) -> tuple[SeedScore, ...]:
    seeds = sorted(set(predictions.seeds))
    scores = zip(seeds, _scores(_by(predictions, predictions.seeds, seeds)), strict=True)
    return tuple(SeedScore(seed, *score) for seed, score in scores)


def _by(predictions: Predictions, keys: Sequence[Hashable], groups: Sequence[Hashable]) -> Counts:
    """Count each group's rows, (groups, classes, classes), given each row's group; others are left out."""
    index = {group: i for i, group in enumerate(groups)}
    rows = np.array([index.get(key, -1) for key in keys])
    kept = rows >= 0
    target, predicted = predictions.target[kept], predictions.predicted[kept]
    return confusions(rows[kept], len(groups), target, predicted, len(predictions.classes))


def _scores(matrices: Counts) -> Iterator[tuple[int, float, float]]:
    """Give rows, UA and WA of each matrix."""
    return zip(matrices.sum(axis=(1, 2)).tolist(), ua(matrices).tolist(), wa(matrices).tolist(), strict=True)
