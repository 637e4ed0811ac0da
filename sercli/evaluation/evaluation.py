"""Evaluate predictions in a table of metrics with intervals, for classes and for values of dimensions.

Pooled metrics use all rows together: each utterance counts once per seed, in any fold. If every seed tested
the same utterances, as in a finished run, the pooled UA is the mean over seeds of the UA that each seed has
over all folds; the same is true of WA. The pooled values are not the mean over folds. That mean belongs to
the spread of a row: the UA of one fold is computed from few utterances of each class.
"""

import statistics
from dataclasses import dataclass, replace
from typing import Any

from sercli.evaluation.calibration import Calibration, measure_calibration
from sercli.evaluation.classes import ClassScoring, Confusion, without_gender
from sercli.evaluation.joint import JointScoring
from sercli.evaluation.measures import (
    group_rows,
    missing_interval,
    pooled_rows,
    scoring_of,
    scorings_of,
)
from sercli.evaluation.metrics import MetricRow, MetricTable, to_plain
from sercli.evaluation.resampling import DRAWS
from sercli.evaluation.scoring import Rows, Scoring
from sercli.records import Predictions


@dataclass(frozen=True, slots=True)
class Ranking:
    """The speakers or recordings, to find the best and the worst.

    Attributes:
        group: group of the table's rows: ``speaker`` or ``recording``.
        label: name of the metric for the ranking.
        keys: keys of this metric's rows; the mean of several keys is used.
        names: names of the parts, in the order of the rows.
        values: values of the metric, in the order of the rows.
    """

    group: str
    label: str
    keys: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def best(self) -> int | None:
        """Place of the part with the highest value; ``None`` if there is none."""
        return max(range(len(self.values)), key=lambda place: self.values[place], default=None)

    @property
    def worst(self) -> int | None:
        """Place of the part with the lowest value; ``None`` if there is none."""
        return min(range(len(self.values)), key=lambda place: self.values[place], default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Metrics of predictions.

    Attributes:
        outputs: the classes or dimensions.
        noun: name of a tested item: ``utterance`` or ``recording``.
        tested: number of different utterances or recordings.
        count: number of predictions; an utterance or recording counts once per seed.
        frames: frames of all recordings; ``None`` if the predictions are for utterances.
        folds: names of the folds, in order of appearance.
        seeds: seeds, sorted.
        headline: keys of the metrics at the beginning of reports.
        definition: meaning of the metrics.
        no_interval: reason why there are no intervals; ``None`` if there are.
        remarks: what readers must know about the intervals.
        table: all metrics.
        ranking: ranking of the speakers or recordings.
        confusion: confusion matrix, for classes.
        calibration: confidence compared with accuracy, for classes.
        without_gender: for classes that contain the speaker's gender: the same rows, with the classes of
            women and men merged.
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
    remarks: tuple[str, ...]
    table: MetricTable
    ranking: Ranking
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    without_gender: "Evaluation | None" = None

    @property
    def networks(self) -> int:
        """Number of tested networks, one for each fold and seed."""
        return len(self.table.parts("fold"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON; undefined values (NaN) become ``None``."""
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


def evaluate(predictions: Predictions, draws: int = DRAWS) -> Evaluation:
    """Score predictions, pooled over folds and seeds, and part by part.

    Args:
        predictions: one row or more.
        draws: number of draws of the bootstrap over speakers.

    Raises:
        RunError: there are no rows, a prediction is not a number, or probabilities are none.
        ConfigError: there is not one draw.
    """
    scoring_of(predictions).check()
    scorings = scorings_of(predictions)
    scoring = scorings[0]
    rows = [row for each in scorings for row in pooled_rows(each, each.metrics, draws, beside=True)]
    details: dict[str, Any] = {}
    of_classes = scoring.of_classes if isinstance(scoring, JointScoring) else scoring
    if isinstance(of_classes, ClassScoring):
        more, details = _class_details(of_classes, draws)
        rows += more
    for group in scoring.parts:
        rows += _part_rows(scoring, group)
    table = MetricTable(tuple(rows))
    return Evaluation(
        outputs=predictions.outputs,
        noun=predictions.noun,
        tested=len(set(predictions.ids)),
        count=len(predictions),
        frames=scoring.frames,
        folds=tuple(dict.fromkeys(predictions.folds)),
        seeds=tuple(sorted(set(predictions.seeds))),
        headline=tuple(key for metric in scoring.metrics if metric.headline for key in metric.keys),
        definition="; ".join(each.definition for each in scorings),
        no_interval=missing_interval(predictions),
        remarks=scoring.remarks(),
        table=table,
        ranking=_rank(scoring, table),
        **details,
    )


def _part_rows(scoring: Scoring[Any], group: str) -> list[MetricRow]:
    """Return the rows of each part, such as a speaker."""
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
            chance=scoring.chance_of(metric),
            count=scoring.count(rows),
            about=about,
        )
        for place, (name, rows, about) in enumerate(parts)
        for number in range(max(map(len, columns), default=0))
        for metric, column in zip(metrics, columns, strict=True)
        for key, label, values in column[number : number + 1]
    ]


def _parts(predictions: Predictions, group: str) -> list[tuple[str, Rows, dict[str, Any]]]:
    """List name, rows and further facts of each part."""
    if group == "corpus":
        return _corpora(predictions)
    if group == "speaker":
        genders = dict(zip(predictions.speakers, predictions.genders, strict=True))
        rows = group_rows(predictions.speakers)
        return [(name, rows[name], {"gender": genders[name]}) for name in predictions.known_speakers]
    if group == "gender":
        return _genders(predictions)
    if group == "seed":
        by_seed = group_rows(predictions.seeds)
        return (
            [(str(seed), by_seed[seed], {"seed": seed}) for seed in sorted(by_seed)]
            if len(by_seed) > 1
            else []
        )
    if group == "fold":
        return [
            (f"{fold}, seed {seed}", own, {"fold": fold, "seed": seed, f"{predictions.noun}s": len(own)})
            for (fold, seed), own in group_rows(predictions.units).items()
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


def _corpora(predictions: Predictions) -> list[tuple[str, Rows, dict[str, Any]]]:
    """List the corpora of a union, which the ids begin with, with the number of speakers known by name."""
    rows = group_rows([name.partition("/")[0] for name in predictions.ids])
    if len(rows) == 1:
        return []
    return [
        (
            corpus,
            rows[corpus],
            {"speakers": len({predictions.speakers[row] for row in rows[corpus]} - {None})},
        )
        for corpus in sorted(rows)
    ]


def _genders(predictions: Predictions) -> list[tuple[str, Rows, dict[str, Any]]]:
    """List the genders, sorted by name, unknown gender last, with the number of speakers known by name."""
    rows = group_rows(predictions.genders)
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
    """Return the rows and the details that only predictions of classes have."""
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
    """Rank by the metrics whose differences are tested; several dimensions are ranked by their mean."""
    tested = [metric for metric in scoring.metrics if metric.shares is not None]
    ranked = tested[:1]  # of classes and values together, the classes
    keys = [key for metric in ranked for key in metric.keys]
    parts = table.parts(scoring.ranked)
    return Ranking(
        group=scoring.ranked,
        label=ranked[0].label,
        keys=tuple(keys),
        names=tuple(part.name for part in parts),
        values=tuple(statistics.fmean(part.rows[key].value or 0.0 for key in keys) for part in parts),
    )
