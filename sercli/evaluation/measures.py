"""Measures of confusion matrices: pooled values with intervals, and means over folds and seeds with theirs.

The pooled value is that of one confusion matrix of all rows. The mean is over the trained networks, each
measured on its own test part, as papers report it.

Intervals are by bootstrap over speakers. In a draw a network counts as often as the speakers of its test part
are drawn: with one speaker in each fold that is the bootstrap over folds.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sercli.evaluation import intervals
from sercli.evaluation.classification import (
    Counts,
    Rates,
    acc,
    confusion,
    confusions,
    macro_f1,
    recalls,
    ua,
    wa,
)
from sercli.evaluation.concordance import Moments, ccc, combine, moments, stack
from sercli.evaluation.intervals import DRAWS
from sercli.evaluation.metrics import Interval, Spread
from sercli.evaluation.scores import Measure
from sercli.records import ClassPredictions, ValuePredictions

Function = Callable[[Counts], Rates]
"""From confusion matrices, (..., classes, classes), to a value for each, (...)."""

MEASURES: Mapping[str, Function] = {"UA": ua, "WA": wa, "ACC": acc, "macro F1": macro_f1}
"""What is measured of every classifier."""


def recall_functions(classes: Sequence[str]) -> dict[str, Function]:
    """Return, by class, the function that measures its recall; NaN where the class does not occur."""
    return {name: partial(_recall, index=index) for index, name in enumerate(classes)}


def measure(
    predictions: ClassPredictions, functions: Mapping[str, Function], draws: int = DRAWS
) -> tuple[Measure, ...]:
    """Measure predictions, pooled over folds and seeds.

    Args:
        predictions: one row or more.
        functions: what to measure, by name.
        draws: of the bootstrap over speakers.
    """
    n = len(predictions.classes)
    pooled = confusion(predictions.target, predictions.predicted, n)
    counts = pooled.sum(axis=1)
    majority = np.zeros_like(pooled)
    majority[:, counts.argmax()] = counts  # everything taken for the most frequent class
    guessed = np.repeat(counts[:, None], n, axis=1)  # in proportion; no measure depends on the scale
    names = _known_speakers(predictions)
    if _why_none(predictions):
        found: list[Interval | None] = [None] * len(functions)
    else:
        by_speaker = count_by(predictions, predictions.speakers, names)
        found = _intervals(by_speaker, functions.values(), draws)
    units = units_of(predictions)
    by_unit = count_by(predictions, units, list(dict.fromkeys(units)))
    by_seed = count_by(predictions, predictions.seeds, sorted(set(predictions.seeds)))
    return tuple(
        Measure(
            name=name,
            value=float(of(pooled)),
            interval=interval,
            chance=float(of(guessed)),
            majority=float(of(majority)),
            spread=_spread(of(by_unit)),
            seed_spread=_spread(of(by_seed)),
        )
        for (name, of), interval in zip(functions.items(), found, strict=True)
    )


def mean_intervals(
    predictions: ClassPredictions, functions: Mapping[str, Function], draws: int = DRAWS
) -> dict[str, Interval | None]:
    """Give, by name, the interval of each measure's mean over folds and seeds; ``None`` with few speakers.

    A network whose part of a draw leaves a measure undefined, such as the recall of a class that nobody
    drawn has, does not count in that draw.
    """
    if _why_none(predictions):
        return dict.fromkeys(functions)
    names = _known_speakers(predictions)
    units = units_of(predictions)
    groups = list(dict.fromkeys(units))
    keys = [(unit, name) for unit in groups for name in names]
    rows = list(zip(units, predictions.speakers, strict=True))
    matrices = count_by(predictions, rows, keys)
    by_unit = matrices.reshape(len(groups), len(names), *matrices.shape[1:])
    drawn: dict[str, list[Rates]] = {name: [] for name in functions}
    for times in intervals.draw(len(names), draws):
        of_units, weights = [], []
        for each in by_unit:
            here = each.any(axis=(1, 2))
            weights.append(times[:, here].sum(axis=1) / here.sum())
            of_units.append(np.tensordot(times[:, here], each[here], axes=1))  # (draws, classes, classes)
        for name, of in functions.items():
            values = np.stack([of(unit) for unit in of_units], axis=1)
            drawn[name].append(_weighted_mean(values, np.stack(weights, axis=1)))
    return {name: _percentile(np.concatenate(parts), len(names)) for name, parts in drawn.items()}


def mean_ccc_intervals(predictions: ValuePredictions, draws: int = DRAWS) -> dict[str, Interval | None]:
    """Give, by dimension, the interval of the CCC's mean over folds and seeds; ``None`` with few speakers."""
    names = sorted({name for name in predictions.speakers if name is not None})
    unknown = sum(name is None for name in predictions.speakers)
    if intervals.why_none(len(names), unknown, "recording"):
        return dict.fromkeys(predictions.dimensions)
    rows: dict[tuple[str, int], dict[int, list[int]]] = {}
    for row, (fold, seed, name) in enumerate(
        zip(predictions.folds, predictions.seeds, predictions.speakers, strict=True)
    ):
        rows.setdefault((fold, seed), {}).setdefault(names.index(str(name)), []).append(row)
    by_unit = {
        unit: stack([_moments(predictions, own) for own in speakers.values()])
        for unit, speakers in rows.items()
    }
    drawn = []
    for times in intervals.draw(len(names), draws):
        values, weights = [], []
        for unit, speakers in rows.items():
            own = times[:, list(speakers)]
            taken = own.any(axis=1)
            found = np.full((len(times), len(predictions.dimensions)), np.nan)
            found[taken] = ccc(combine(by_unit[unit], own[taken]))
            values.append(found)
            weights.append(own.sum(axis=1) / len(speakers))
        drawn.append(_weighted_mean(np.stack(values, axis=1), np.stack(weights, axis=1)[..., None]))
    means = np.concatenate(drawn)  # (draws, dimensions)
    return {
        name: _percentile(column, len(names))
        for name, column in zip(predictions.dimensions, means.T, strict=True)
    }


def units_of(predictions: ClassPredictions) -> list[tuple[str, int]]:
    """Give the fold and the seed of each row."""
    return list(zip(predictions.folds, predictions.seeds, strict=True))


def count_by(predictions: ClassPredictions, keys: Sequence[Hashable], groups: Sequence[Hashable]) -> Counts:
    """Count each group's rows, (groups, classes, classes), given each row's group; others are left out."""
    index = {group: i for i, group in enumerate(groups)}
    rows = np.array([index.get(key, -1) for key in keys])
    kept = rows >= 0
    target, predicted = predictions.target[kept], predictions.predicted[kept]
    return confusions(rows[kept], len(groups), target, predicted, len(predictions.classes))


def _recall(matrices: Counts, index: int) -> Rates:
    found: Rates = recalls(matrices)[..., index]
    return found


def _known_speakers(predictions: ClassPredictions) -> list[str]:
    return sorted({name for name in predictions.speakers if name is not None})


def _why_none(predictions: ClassPredictions) -> str | None:
    unknown = sum(name is None for name in predictions.speakers)
    return intervals.why_none(len(_known_speakers(predictions)), unknown)


def _moments(predictions: ValuePredictions, rows: Sequence[int]) -> Moments:
    return moments(
        np.concatenate([predictions.target[row] for row in rows], dtype=np.float64),
        np.concatenate([predictions.predicted[row] for row in rows], dtype=np.float64),
    )


def _intervals(by_speaker: Counts, functions: Iterable[Function], draws: int) -> list[Interval | None]:
    """Give the interval of each measure, all of the same draws."""
    drawn = np.concatenate(
        [
            np.stack([of(matrices) for of in functions], axis=1)
            for matrices in intervals.resample(by_speaker, draws)
        ]
    )  # (draws, measures)
    return [_percentile(values, len(by_speaker)) for values in drawn.T]


def _percentile(values: Rates, speakers: int) -> Interval | None:
    defined = values[~np.isnan(values)]
    return intervals.percentile(defined, speakers) if len(defined) else None


def _spread(values: Rates) -> Spread:
    """Summarise the values that are defined; NaN where none is."""
    defined = values[~np.isnan(values)].tolist()
    return Spread.of(defined or [float("nan")])


def _weighted_mean(values: Rates, weights: NDArray[np.float64]) -> Rates:
    """Average over networks, (draws, networks, ...), the undefined ones left out."""
    weights = np.where(np.isnan(values), 0.0, weights)
    total = weights.sum(axis=1)
    summed = (np.nan_to_num(values) * weights).sum(axis=1)
    mean: Rates = np.divide(summed, total, out=np.full_like(total, np.nan), where=total > 0)
    return mean
