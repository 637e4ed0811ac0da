"""Measure single metrics: pooled values with intervals, and intervals of means over folds and seeds.

The pooled value uses all rows together. The mean is over the trained networks, each measured on its own test
part, as papers report it. Intervals come from a bootstrap over speakers.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from sercli.evaluation.classes import METRICS, ClassScoring, recall_metrics
from sercli.evaluation.joint import JointScoring
from sercli.evaluation.metrics import Counts, Interval, Metric, MetricRow, Rates, Spread, divide
from sercli.evaluation.resampling import DRAWS, draw, percentile, why_no_interval
from sercli.evaluation.scoring import Scoring
from sercli.evaluation.values import ValueScoring, value_metrics
from sercli.evaluation.votes import VOTE_METRICS, VoteScoring
from sercli.records import ClassPredictions, Predictions, ValuePredictions
from sercli.tasks import Outputs

Key = TypeVar("Key", bound=Hashable)


def scoring_of(predictions: Predictions) -> Scoring[Any]:
    """Return the scoring for predictions of this kind."""
    if isinstance(predictions, ClassPredictions):
        values = predictions.values
        return ClassScoring(predictions) if values is None else JointScoring(predictions, values)
    if isinstance(predictions, ValuePredictions):
        return ValueScoring(predictions)
    raise TypeError(f"no scoring for {type(predictions).__name__}")


def scorings_of(predictions: Predictions) -> list[Scoring[Any]]:
    """List the scoring for predictions of this kind, then the scoring by votes if there are raters."""
    found = [scoring_of(predictions)]
    if isinstance(predictions, ClassPredictions) and any(predictions.raters or ()):
        found.append(VoteScoring(predictions))
    return found


def known_metrics(predictions: Predictions) -> tuple[Metric, ...]:
    """List all metrics that `measure` knows, including the recalls, which `evaluate` leaves out."""
    return tuple(metric for scoring in scorings_of(predictions) for metric in scoring.known_metrics())


def _by_scoring(
    predictions: Predictions, metrics: Sequence[Metric]
) -> Iterator[tuple[Scoring[Any], list[Metric]]]:
    """Yield each scoring with those of the metrics that it measures."""
    for scoring in scorings_of(predictions):
        keys = {metric.key for metric in scoring.known_metrics()}
        if own := [metric for metric in metrics if metric.key in keys]:
            yield scoring, scoring.own(own)


def stated_metrics(outputs: Outputs) -> tuple[Metric, ...]:
    """Return the metrics that an exported bundle states: the headline ones, then the recall of each class.

    Args:
        outputs: classes and dimensions of the network.
    """
    found: list[Metric] = [metric for metric in METRICS if metric.headline] if outputs.classes else []
    if outputs.dimensions:
        values = value_metrics(outputs.dimensions, per_frame=outputs.per_frame)
        found += [metric for metric in values if metric.headline]
    return (*found, *(recall_metrics(outputs.classes) if outputs.classes else ()))


def metric_by_key(key: str) -> Metric:
    """Return the definition of a metric with one value by its key, before anything is measured.

    Args:
        key: key of a metric of classes (``ua``), of the recall of a class (``recall_anger``) or of a metric
            of a dimension (``ccc_arousal``).

    Raises:
        KeyError: there is no such metric.
    """
    column = key.partition("_")[2]
    of_column = (*recall_metrics((column,)), *value_metrics((column,), per_frame=False))
    for metric in (*METRICS, *VOTE_METRICS, *of_column):
        if [key] == metric.keys:
            return metric
    raise KeyError(key)


def measure(predictions: Predictions, metrics: Sequence[Metric], draws: int = DRAWS) -> list[MetricRow]:
    """Measure some metrics, pooled over folds and seeds.

    Args:
        predictions: one row or more.
        metrics: some of `known_metrics`.
        draws: of the bootstrap over speakers.

    Returns:
        Rows of group ``all``.
    """
    return [
        row
        for scoring, own in _by_scoring(predictions, metrics)
        for row in pooled_rows(scoring, own, draws, beside=False)
    ]


def pooled_values(predictions: Predictions, metrics: Sequence[Metric] = ()) -> dict[str, float]:
    """Return pooled values by key, without intervals.

    Args:
        predictions: one row or more.
        metrics: some of `known_metrics`; by default those of `evaluate`.

    Raises:
        RunError: there are no rows, or a prediction is not a number.
    """
    scoring_of(predictions).check()
    every = [range(len(predictions))]
    return {
        key: float(column[0])
        for scoring, own in _by_scoring(predictions, metrics or scoring_of(predictions).metrics)
        for pooled in [scoring.sums(every)]
        for metric in own
        for key, column in zip(metric.keys, metric.split(metric.function(pooled)), strict=True)
    }


def mean_intervals(
    predictions: Predictions, metrics: Sequence[Metric], draws: int = DRAWS
) -> dict[str, Interval | None]:
    """Return the interval of each metric's mean over folds and seeds, by key; ``None`` with few speakers.

    The mean is over the trained networks, each measured on its own test part, as papers report it. In a draw
    the weight of a network is the number of times that the speakers of its test part are drawn. With one
    speaker in each fold this is the bootstrap over folds. If the speakers in a draw leave a metric of a
    network undefined, such as the recall of a class that they lack, the network does not count in that draw.
    """
    keys = [key for metric in metrics for key in metric.keys]
    if missing_interval(predictions):
        return dict.fromkeys(keys)
    return {
        key: interval
        for scoring, own in _by_scoring(predictions, metrics)
        for key, interval in _mean_intervals(scoring, own, draws).items()
    }


def _mean_intervals(
    scoring: Scoring[Any], metrics: Sequence[Metric], draws: int
) -> dict[str, Interval | None]:
    """Return the intervals of `mean_intervals` for metrics of one scoring."""
    predictions = scoring.predictions
    keys = [key for metric in metrics for key in metric.keys]
    names = predictions.known_speakers
    networks = []
    for rows in group_rows(predictions.units).values():
        of_speaker = group_rows([predictions.speakers[row] for row in rows])
        speakers = [names.index(str(name)) for name in of_speaker]
        networks.append((speakers, scoring.sums([[rows[i] for i in own] for own in of_speaker.values()])))
    drawn: dict[str, list[Rates]] = {metric.key: [] for metric in metrics}
    for times in draw(len(names), draws):
        weights = [times[:, speakers].sum(axis=1) / len(speakers) for speakers, _ in networks]
        of_networks = [_values(scoring, metrics, sums, times[:, speakers]) for speakers, sums in networks]
        for metric, *values in zip(metrics, *of_networks, strict=True):
            drawn[metric.key].append(_weighted_mean(np.stack(values, axis=1), np.stack(weights, axis=1)))
    means = [column for metric in metrics for column in metric.split(np.concatenate(drawn[metric.key]))]
    return {key: percentile(values, len(names)) for key, values in zip(keys, means, strict=True)}


def _values(scoring: Scoring[Any], metrics: Sequence[Metric], sums: Any, times: Counts) -> list[Rates]:
    """Return each metric of each draw, (draws,) or (draws, columns); NaN if no speaker is drawn."""
    taken = times.any(axis=1)
    combined = scoring.combine(sums, times[taken])
    found = []
    for metric in metrics:
        # As in the mean itself, a network whose test part lacks a class is measured on the others.
        values = metric.function(combined)
        every = np.full((len(times), *values.shape[1:]), np.nan)
        every[taken] = values
        found.append(every)
    return found


def _weighted_mean(values: Rates, weights: Rates) -> Rates:
    """Average over networks, (draws, networks) or (draws, networks, columns), without undefined values."""
    weights = weights.reshape(*weights.shape, *[1] * (values.ndim - 2))
    weights = np.where(np.isnan(values), 0.0, weights)
    total = weights.sum(axis=1)
    summed = (np.nan_to_num(values) * weights).sum(axis=1)
    return divide(summed, total)


def missing_interval(predictions: Predictions) -> str | None:
    """Return why predictions have no interval over speakers; ``None`` if they have one."""
    unknown = sum(name is None for name in predictions.speakers)
    return why_no_interval(len(predictions.known_speakers), unknown, predictions.noun)


def _intervals(
    scoring: Scoring[Any], metrics: Sequence[Metric], draws: int
) -> dict[str, list[Interval | None]]:
    """Return the interval of each column of each metric, from the same draws; none with few speakers."""
    predictions, wanted = scoring.predictions, [metric for metric in metrics if metric.has_interval]
    if missing_interval(predictions) or not wanted:
        return {}
    rows, names = group_rows(predictions.speakers), predictions.known_speakers
    by_speaker = scoring.sums([rows[name] for name in names])
    drawn: dict[str, list[Rates]] = {metric.key: [] for metric in wanted}
    for times in draw(len(names), draws):
        for metric, values in zip(wanted, scoring.of_draws(wanted, by_speaker, times), strict=True):
            drawn[metric.key].append(values)
    return {
        metric.key: [
            percentile(column, len(names)) for column in metric.split(np.concatenate(drawn[metric.key]))
        ]
        for metric in wanted
    }


def _seeds_on_common_folds(predictions: Predictions) -> list[list[int]]:
    """Return the rows of each seed, in the folds that all seeds have tested; none if there is no such fold.

    Another fold has other speakers, so a mean over all folds of each seed would compare speakers.
    """
    folds: dict[int, set[str]] = {}
    for fold, seed in predictions.units:
        folds.setdefault(seed, set()).add(fold)
    common = set.intersection(*folds.values())
    rows = [
        [row for row, (fold, own) in enumerate(predictions.units) if own == seed and fold in common]
        for seed in sorted(folds)
    ]
    return rows if common else []


def pooled_rows(
    scoring: Scoring[Any], metrics: Sequence[Metric], draws: int, *, beside: bool
) -> list[MetricRow]:
    """Return the rows of everything that was tested, with the means beside them, column by column."""
    predictions = scoring.predictions
    every = range(len(predictions))
    pooled, count = scoring.sums([every]), scoring.count(every)
    by_unit = scoring.sums(list(group_rows(predictions.units).values()))
    groups = _seeds_on_common_folds(predictions) if scoring.beside == "seeds" else [[i] for i in every]
    others = scoring.sums(groups) if beside and groups else None
    intervals = _intervals(scoring, metrics, draws)
    found: list[list[MetricRow]] = [[] for _ in range(max(len(metric.keys) for metric in metrics))]
    for metric in metrics:
        values, of_units = (metric.split(metric.function(sums)) for sums in (pooled, by_unit))
        baselines = scoring.baselines(metric, pooled)
        for i, (key, label) in enumerate(zip(metric.keys, metric.labels, strict=True)):
            row = MetricRow(
                "all",
                None,
                key,
                label,
                float(values[i][0]),
                metric.unit,
                intervals.get(metric.key, [None] * len(values))[i],
                metric.spread(of_units[i]),
                baselines[i].chance,
                baselines[i].majority,
                count,
            )
            found[i].append(row)
            if others is not None:
                found[i].append(
                    _beside(row, scoring.beside, metric.spread(metric.split(metric.function(others))[i]))
                )
    return [row for rows in found for row in rows]


def _beside(row: MetricRow, group: str, spread: Spread) -> MetricRow:
    """Return the row of a mean over seeds (with its deviation) or over recordings, beside a pooled row."""
    if group == "seeds":
        return replace(row, group=group, value=None, interval=None, spread=spread)
    return replace(row, group=group, value=spread.mean, interval=None, spread=None)


def group_rows(keys: Sequence[Key]) -> dict[Key, list[int]]:
    """Return the rows of each key, keys in order of appearance."""
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows
