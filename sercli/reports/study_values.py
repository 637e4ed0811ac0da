"""Compute the values of a study's cells: ours and the paper's, on the study's basis."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sercli.evaluation import (
    Evaluation,
    Interval,
    Metric,
    Spread,
    known_metrics,
    mean_intervals,
    measure,
    metric_by_key,
)
from sercli.evaluation.classes import without_gender
from sercli.formatting import Scale
from sercli.records import ClassPredictions, Predictions
from sercli.reports import metric_tables
from sercli.reports.run import RunReport
from sercli.studies import Cell, Study

RECALL = "recall_"
_MERGED = "_without_gender"


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of a value from that of another row, on the utterances that both tested.

    Attributes:
        row: the other row.
        value: this row's value minus that of the other row.
        interval: interval of the difference, paired over speakers.
        p: p of the sign-flip test over speakers; ``None`` if there is no test.
        p_holm: p corrected for all tests of the column.
        why_not: reason why there is no difference or no test.
    """

    row: str
    value: float | None = None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class PaperValue:
    """A value that a paper reports.

    Attributes:
        value: a proportion, or a CCC.
        digits: digits after the point of the paper's percent or CCC.
        derived: whether the value is not in the paper but computed from other values of the paper.
    """

    value: float
    digits: int
    derived: bool = False


@dataclass(frozen=True, slots=True)
class StudyValue:
    """A metric of a cell.

    Attributes:
        key: name in studies: ``ua``, ``wa``, ``recall_anger``, ``ua_without_gender``, ``ccc_arousal``.
        pooled: value pooled over folds and seeds.
        pooled_interval: interval over speakers; ``None`` if there are few speakers.
        spread: spread over folds and seeds.
        paper: value that the paper reports.
        base: the difference from the row that this one is compared with (`sercli.studies.base_of`); ``None``
            if there is no such row, and for metrics without a test.
        means: whether the study's values are means over folds, and not pooled.
        mean_interval: interval over speakers of the mean over folds and seeds; only if ``means`` is set.
        chance: value of random guesses, or of a constant; ``None`` if it is not defined.
    """

    key: str
    pooled: float
    pooled_interval: Interval | None
    spread: Spread
    paper: PaperValue | None
    base: Difference | None = None
    means: bool = False
    mean_interval: Interval | None = None
    chance: float | None = None

    @property
    def name(self) -> str:
        """Name of the metric in tables."""
        return name_of(self.key)

    @property
    def scale(self) -> Scale:
        """Format of the metric's numbers."""
        return scale_of(self.key)

    @property
    def value(self) -> float:
        """Our value on the study's basis: the mean over folds and seeds, or the pooled value."""
        return self.spread.mean if self.means else self.pooled

    @property
    def interval(self) -> Interval | None:
        """The interval of `value`."""
        return self.mean_interval if self.means else self.pooled_interval

    @property
    def from_paper(self) -> float | None:
        """Our value minus the paper's, on the study's basis."""
        return None if self.paper is None else self.value - self.paper.value

    @property
    def paper_in_interval(self) -> bool | None:
        """Whether the rounded value of the paper is in our interval on the study's basis."""
        interval = self.interval
        if self.paper is None or interval is None:
            return None
        rounding = 0.5 * 10.0**-self.paper.digits / self.scale.factor
        return interval.low - rounding <= self.paper.value <= interval.high + rounding


def name_of(key: str) -> str:
    """Return the name of a metric in tables."""
    (label,) = _metric_of(key).labels
    return f"{label} without gender" if key.endswith(_MERGED) else label


def scale_of(key: str) -> Scale:
    """Return the format of a metric's numbers: papers report all metrics in percent except the CCC."""
    return metric_tables.scale_of(_metric_of(key))


def _metric_of(key: str) -> Metric:
    return metric_by_key(key.removesuffix(_MERGED))


def measure_values(
    study: Study, report: RunReport, reported: Mapping[str, PaperValue | None], draws: int
) -> tuple[StudyValue, ...]:
    """Measure the metrics of the study, then further metrics that the paper reports.

    Args:
        study: study that defines metrics and basis.
        report: a run's predictions and their evaluation.
        reported: the paper's values, from `paper_values`.
        draws: number of draws of the bootstrap over speakers.
    """
    headline = report.evaluation.headline
    supported = {key for metric in known_metrics(report.predictions) for key in metric.keys}
    wanted = list(_spell_out(study.display.metrics, report.predictions, headline))
    if not supported & {key.removesuffix(_MERGED) for key in wanted}:  # those of another task
        wanted = list(headline)
    keys = list(dict.fromkeys([*wanted, *reported]))
    found = _measure(report.predictions, report.evaluation, keys, "", study, draws)
    merged = report.evaluation.without_gender
    if merged is not None and isinstance(report.predictions, ClassPredictions):
        rows = without_gender(report.predictions)
        if rows is not None:
            found |= _measure(rows, merged, keys, _MERGED, study, draws)
    return tuple(replace(found[key], paper=reported.get(key)) for key in keys if key in found)


def _measure(
    predictions: Predictions,
    evaluation: Evaluation,
    keys: Sequence[str],
    ending: str,
    study: Study,
    draws: int,
) -> dict[str, StudyValue]:
    """Measure the keys with this ending that the predictions support."""
    of_key = {key + ending: metric for metric in known_metrics(predictions) for key in metric.keys}
    if ending:
        of_key = {key: metric for key, metric in of_key.items() if not key.startswith(RECALL)}
    wanted: dict[str, Metric] = {key: of_key[key] for key in keys if key in of_key}
    rows = {row.metric + ending: row for row in evaluation.table.group("all") if row.spread}
    lacking = list({of_key[key].key: of_key[key] for key in wanted if key not in rows}.values())
    rows |= {row.metric + ending: row for row in measure(predictions, lacking, draws)} if lacking else {}
    metrics = list({metric.key: metric for metric in wanted.values()}.values())
    means = mean_intervals(predictions, metrics, draws) if study.means and metrics else {}
    found = {}
    for key in wanted:
        row, interval = rows[key], means.get(key.removesuffix(ending))
        if row.value is not None and row.spread is not None:
            found[key] = StudyValue(
                key,
                row.value,
                row.interval,
                row.spread,
                None,
                means=study.means,
                mean_interval=interval,
                chance=row.chance,
            )
    return found


def _spell_out(metrics: Sequence[str], predictions: Predictions, headline: Sequence[str]) -> Iterator[str]:
    """Return the keys of a study's metrics: of each class or dimension, UA and WA without gender."""
    of_column = {metric.key: metric.keys for metric in known_metrics(predictions) if metric.columns}
    for metric in metrics:
        if metric == "recall" and isinstance(predictions, ClassPredictions):
            yield from (RECALL + name for name in predictions.classes)
        elif metric in of_column:
            yield from of_column[metric]
        elif metric == "without_gender":
            yield from (key + _MERGED for key in headline)
        else:
            yield metric


def paper_values(cells: Sequence[Cell], cell: Cell) -> dict[str, PaperValue | None]:
    """Return the paper's values by metric; ``None`` for a metric that it reports only for other rows."""
    column = [each.paper for each in cells if each.on.name == cell.on.name]
    found: dict[str, PaperValue | None] = {}
    for key in dict.fromkeys(key for values in column for key in values):
        # YAML keeps no zeros at the end, so the longest value of a column shows the paper's number of digits.
        digits = max(_count_digits(values[key].value) for values in column if key in values)
        own, factor = cell.paper.get(key), scale_of(key).factor
        # 60.03 / 100 is 0.6003 plus a rounding error.
        found[key] = None if own is None else PaperValue(round(own.value / factor, 9), digits, own.derived)
    return found


def _count_digits(value: float) -> int:
    return len(f"{value:.6f}".rstrip("0").partition(".")[2])
