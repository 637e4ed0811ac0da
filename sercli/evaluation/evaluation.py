"""From predictions to the table of metrics with intervals, for classes and for values of dimensions.

Pooled metrics are of all rows together: each utterance counts once per seed, whichever fold tested it. Where
every seed tested the same utterances, as a finished run does, the pooled UA and WA are the means over seeds
of each seed's own, pooled over folds. They are not the mean over folds, which is the mean of the rows'
spread: the UA of one fold is of few utterances of each class.
"""

import statistics
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from sercli.evaluation.calibration import Calibration, measure_calibration
from sercli.evaluation.classes import ClassScoring, Confusion, without_gender
from sercli.evaluation.metrics import (
    Counts,
    Interval,
    Metric,
    MetricRow,
    MetricTable,
    Rates,
    Spread,
    to_plain,
)
from sercli.evaluation.resampling import DRAWS, draw, percentile, why_no_interval
from sercli.evaluation.scoring import Rows, Scoring
from sercli.evaluation.values import ValueScoring
from sercli.records import ClassPredictions, Predictions, ValuePredictions

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The speakers or recordings, to find the best and the worst.

    Attributes:
        group: of the table's rows: ``speaker`` or ``recording``.
        label: the metric that they are ranked by.
        keys: of its rows; of several the mean counts.
        names: of the parts, in the order of the rows.
        values: of the metric, likewise.
    """

    group: str
    label: str
    keys: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def best(self) -> int | None:
        """Place of the part with the highest value; ``None`` where there is none."""
        return max(range(len(self.values)), key=lambda place: self.values[place], default=None)

    @property
    def worst(self) -> int | None:
        """Place of the part with the lowest value; ``None`` where there is none."""
        return min(range(len(self.values)), key=lambda place: self.values[place], default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What predictions are worth.

    Attributes:
        outputs: the classes or dimensions.
        noun: what was tested: ``utterance`` or ``recording``.
        tested: how many different utterances or recordings were predicted.
        count: predictions: an utterance or recording counts once per seed.
        frames: frames of all recordings; ``None`` where the predictions are of utterances.
        folds: names of the folds, in order of appearance.
        seeds: sorted.
        headline: keys of the metrics that reports begin with.
        definition: what the metrics mean.
        no_interval: why there are no intervals; ``None`` where there are.
        table: all metrics.
        ranking: of the speakers or recordings.
        confusion: of classes.
        calibration: of classes: confidence against the share of right predictions.
        without_gender: of classes that carry the speaker's gender: the same rows, with the classes of women
            and men merged.
    """

    outputs: tuple[str, ...]
    noun: str
    tested: int
    count: int
    frames: int | None
    folds: tuple[str, ...]
    seeds: tuple[int, ...]
    headline: tuple[str, ...]
    definition: str
    no_interval: str | None
    table: MetricTable
    ranking: Ranking
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    without_gender: "Evaluation | None" = None

    @property
    def networks(self) -> int:
        """How many networks were tested: one for each fold and seed."""
        return len(self.table.parts("fold"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON; what is undefined (NaN) is ``None``."""
        confusion = self.confusion
        return {
            "outputs": list(self.outputs),
            f"{self.noun}s": self.tested,
            "count": self.count,
            "frames": self.frames,
            "no_interval": self.no_interval,
            "metrics": self.table.to_dict(),
            "confusion": confusion and confusion.counts.tolist(),
            "confusion_rates": confusion and to_plain(confusion.rates.tolist()),
            "calibration": self.calibration and self.calibration.to_dict(),
            "without_gender": self.without_gender and self.without_gender.to_dict(),
        }


def scoring_of(predictions: Predictions) -> Scoring[Any]:
    """Return how predictions of this kind are scored."""
    if isinstance(predictions, ClassPredictions):
        return ClassScoring(predictions)
    if isinstance(predictions, ValuePredictions):
        return ValueScoring(predictions)
    raise TypeError(f"no scoring for {type(predictions).__name__}")


def evaluate(predictions: Predictions, draws: int = DRAWS) -> Evaluation:
    """Score predictions, pooled over folds and seeds, and part by part.

    Args:
        predictions: one row or more.
        draws: of the bootstrap over speakers.

    Raises:
        RunError: there are no rows, or a prediction is not a number.
    """
    scoring = scoring_of(predictions)
    scoring.check()
    rows = _pooled_rows(scoring, scoring.metrics, draws, beside=True)
    details: dict[str, Any] = {}
    if isinstance(scoring, ClassScoring):
        more, details = _class_details(scoring, draws)
        rows += more
    for group in scoring.parts:
        rows += _part_rows(scoring, group)
    table = MetricTable(tuple(rows))
    return Evaluation(
        outputs=predictions.outputs,
        noun=predictions.noun,
        tested=len(set(predictions.ids)),
        count=len(predictions),
        frames=scoring.count(range(len(predictions))) if "recording" in scoring.parts else None,
        folds=tuple(dict.fromkeys(predictions.folds)),
        seeds=tuple(sorted(set(predictions.seeds))),
        headline=tuple(key for metric in scoring.metrics if metric.headline for key in metric.keys),
        definition=scoring.definition,
        no_interval=_why_no_interval(predictions),
        table=table,
        ranking=_rank(scoring, table),
        **details,
    )


def known_metrics(predictions: Predictions) -> tuple[Metric, ...]:
    """List all metrics that `measure` can give, also those that `evaluate` does not: the recalls."""
    return scoring_of(predictions).known_metrics()


def measure(predictions: Predictions, metrics: Sequence[Metric], draws: int = DRAWS) -> list[MetricRow]:
    """Measure some metrics, pooled over folds and seeds.

    Args:
        predictions: one row or more.
        metrics: some of `known_metrics`.
        draws: of the bootstrap over speakers.

    Returns:
        Rows of group ``all``.
    """
    return _pooled_rows(scoring_of(predictions), metrics, draws, beside=False)


def pooled_values(predictions: Predictions, metrics: Sequence[Metric] = ()) -> dict[str, float]:
    """Return pooled values by key, without intervals.

    Args:
        predictions: one row or more.
        metrics: some of `known_metrics`; those of `evaluate` if none.

    Raises:
        RunError: there are no rows, or a prediction is not a number.
    """
    scoring = scoring_of(predictions)
    scoring.check()
    pooled = scoring.sums([range(len(predictions))])
    return {
        key: float(column[0])
        for metric in metrics or scoring.metrics
        for key, column in zip(metric.keys, metric.split(metric.function(pooled)), strict=True)
    }


def mean_intervals(
    predictions: Predictions, metrics: Sequence[Metric], draws: int = DRAWS
) -> dict[str, Interval | None]:
    """Return the interval of each metric's mean over folds and seeds, by key; ``None`` with few speakers.

    The mean is over the trained networks, each measured on its own test part, as papers report it. In a draw
    a network counts as often as the speakers of its test part are drawn: with one speaker in each fold that
    is the bootstrap over folds. A network whose part of a draw leaves a metric undefined, such as the recall
    of a class that nobody drawn has, does not count in that draw.
    """
    keys = [key for metric in metrics for key in metric.keys]
    if _why_no_interval(predictions):
        return dict.fromkeys(keys)
    scoring, names = scoring_of(predictions), predictions.known_speakers
    networks = []
    for rows in _group(predictions.units).values():
        of_speaker = _group([predictions.speakers[row] for row in rows])
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
    """Give each metric of each draw, (draws,) or (draws, columns); NaN where no speaker is drawn."""
    taken = times.any(axis=1)
    combined = scoring.combine(sums, times[taken])
    found = []
    for metric in metrics:
        values = metric.function(combined)
        every = np.full((len(times), *values.shape[1:]), np.nan)
        every[taken] = values
        found.append(every)
    return found


def _weighted_mean(values: Rates, weights: Rates) -> Rates:
    """Average over networks, (draws, networks) or (draws, networks, columns), without undefined ones."""
    weights = weights.reshape(*weights.shape, *[1] * (values.ndim - 2))
    weights = np.where(np.isnan(values), 0.0, weights)
    total = weights.sum(axis=1)
    summed = (np.nan_to_num(values) * weights).sum(axis=1)
    mean: Rates = np.divide(summed, total, out=np.full_like(total, np.nan), where=total > 0)
    return mean


def _why_no_interval(predictions: Predictions) -> str | None:
    unknown = sum(name is None for name in predictions.speakers)
    return why_no_interval(len(predictions.known_speakers), unknown, predictions.noun)


def _intervals(
    scoring: Scoring[Any], metrics: Sequence[Metric], draws: int
) -> dict[str, list[Interval | None]]:
    """Return the interval of each column of each metric, all of the same draws; nothing with few speakers."""
    predictions, wanted = scoring.predictions, [metric for metric in metrics if metric.has_interval]
    if _why_no_interval(predictions) or not wanted:
        return {}
    rows, names = _group(predictions.speakers), predictions.known_speakers
    by_speaker = scoring.sums([rows[name] for name in names])
    drawn: dict[str, list[Rates]] = {metric.key: [] for metric in wanted}
    for times in draw(len(names), draws):
        combined = scoring.combine(by_speaker, times)
        for metric in wanted:
            drawn[metric.key].append(metric.function(combined))
    return {
        metric.key: [
            percentile(column, len(names)) for column in metric.split(np.concatenate(drawn[metric.key]))
        ]
        for metric in wanted
    }


def _pooled_rows(
    scoring: Scoring[Any], metrics: Sequence[Metric], draws: int, *, beside: bool
) -> list[MetricRow]:
    """Give the rows of everything that was tested, with the means beside them; column by column."""
    predictions = scoring.predictions
    every = range(len(predictions))
    pooled, count = scoring.sums([every]), scoring.count(every)
    by_unit = scoring.sums(list(_group(predictions.units).values()))
    by_seed = _group(predictions.seeds)
    groups = (
        [by_seed[seed] for seed in sorted(by_seed)] if scoring.beside == "seeds" else [[i] for i in every]
    )
    others = scoring.sums(groups) if beside else None
    intervals = _intervals(scoring, metrics, draws)
    found: list[list[MetricRow]] = [[] for _ in metrics[0].keys]
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
    """Give the row of a mean over seeds, with its deviation, or over recordings, beside a pooled row."""
    if group == "seeds":
        return replace(row, group=group, value=None, interval=None, spread=spread)
    return replace(row, group=group, value=spread.mean, interval=None, spread=None)


def _part_rows(scoring: Scoring[Any], group: str) -> list[MetricRow]:
    """Give the rows of each part, such as a speaker."""
    parts = _parts(scoring.predictions, group)
    if not parts:
        return []
    metrics = [metric for metric in scoring.metrics if metric.in_parts]
    sums = scoring.sums([rows for _, rows, _ in parts])
    columns = [
        list(zip(metric.keys, metric.labels, metric.split(metric.function(sums)), strict=True))
        for metric in metrics
    ]
    return [
        MetricRow(
            group,
            name,
            key,
            label,
            float(values[place]),
            metric.unit,
            chance=scoring.part_baseline(metric).chance,
            count=scoring.count(rows),
            about=about,
        )
        for place, (name, rows, about) in enumerate(parts)
        for column in zip(*columns, strict=True)
        for metric, (key, label, values) in zip(metrics, column, strict=True)
    ]


def _parts(predictions: Predictions, group: str) -> list[tuple[str, Rows, dict[str, Any]]]:
    """List name, rows and further facts of each part."""
    if group == "speaker":
        genders = dict(zip(predictions.speakers, predictions.genders, strict=True))
        rows = _group(predictions.speakers)
        return [(name, rows[name], {"gender": genders[name]}) for name in predictions.known_speakers]
    if group == "gender":
        return _genders(predictions)
    if group == "seed":
        by_seed = _group(predictions.seeds)
        return (
            [(str(seed), by_seed[seed], {"seed": seed}) for seed in sorted(by_seed)]
            if len(by_seed) > 1
            else []
        )
    if group == "fold":
        return [
            (f"{fold}, seed {seed}", own, {"fold": fold, "seed": seed, f"{predictions.noun}s": len(own)})
            for (fold, seed), own in _group(predictions.units).items()
        ]
    return [
        (
            f"{name}, seed {seed}",
            [row],
            {"id": name, "speaker": speaker, "gender": gender, "fold": fold, "seed": seed},
        )
        for row, (name, speaker, gender, fold, seed) in enumerate(
            zip(
                predictions.ids,
                predictions.speakers,
                predictions.genders,
                predictions.folds,
                predictions.seeds,
                strict=True,
            )
        )
    ]


def _genders(predictions: Predictions) -> list[tuple[str, Rows, dict[str, Any]]]:
    """List the genders, sorted by name, the unknown one last, with the number of speakers known by name."""
    rows = _group(predictions.genders)
    people = set(zip(predictions.genders, predictions.speakers, strict=True))
    return [
        (
            gender or "unknown",
            rows[gender],
            {"speakers": sum(own == gender and name is not None for own, name in people)},
        )
        for gender in sorted(rows, key=lambda gender: (gender is None, gender or ""))
    ]


def _class_details(scoring: ClassScoring, draws: int) -> tuple[list[MetricRow], dict[str, Any]]:
    """Give the rows and the details that only predictions of classes have."""
    predictions = scoring.predictions
    pooled = scoring.sums([range(len(predictions))])[0]
    calibration = measure_calibration(predictions)
    merged = without_gender(predictions)
    found = None if merged is None else evaluate(merged, draws)
    keys = {metric.key for metric in scoring.metrics}
    rows = [
        replace(row, group="without gender")
        for row in (found.table.group("all") if found else ())
        if row.metric in keys
    ]
    rows += [*calibration.rows(), *scoring.class_rows(pooled)]
    return rows, {
        "confusion": Confusion(predictions.classes, pooled),
        "calibration": calibration,
        "without_gender": found,
    }


def _rank(scoring: Scoring[Any], table: MetricTable) -> Ranking:
    """Rank by the metrics that differences are tested in; of several dimensions by the mean."""
    ranked = [metric for metric in scoring.metrics if metric.shares is not None]
    keys = [key for metric in ranked for key in metric.keys]
    group = "recording" if "recording" in scoring.parts else "speaker"
    parts = table.parts(group)
    return Ranking(
        group=group,
        label=ranked[0].label,
        keys=tuple(keys),
        names=tuple(part.name for part in parts),
        values=tuple(statistics.fmean(part.rows[key].value or 0.0 for key in keys) for part in parts),
    )


def _group(keys: Sequence[_Key]) -> dict[_Key, list[int]]:
    """Return the rows of each key, keys in order of appearance."""
    rows: dict[_Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows
