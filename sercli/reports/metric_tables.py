"""Make the tables of metrics of a run: as text for people, and as CSV rows for programs."""

import math
from collections.abc import Iterator, Mapping, Sequence

from sercli.evaluation import Evaluation, Interval, Metric, MetricRow
from sercli.evaluation.calibration import Calibration
from sercli.evaluation.classes import Confusion
from sercli.formatting import NONE, PERCENT, PLAIN, Scale
from sercli.reports.tables import Table

COLUMNS = ("of", "name", "figure", "value", "low", "high", "chance", "majority", "mean", "deviation", "count")
"""Columns of a run's CSV: a row is one metric of everything tested, or of a class, a speaker, a fold, ..."""

_SCALES = {"share": PERCENT, "plain": PLAIN}
_DETAILS = ("speaker", "recording", "fold", "seed", "bins", "class without gender")
"""Tables that the terminal does not show."""


def scale_of(metric: MetricRow | Metric) -> Scale:
    """Return the format of the numbers of a row or a metric."""
    return _SCALES[metric.unit]


def run_tables(evaluation: Evaluation) -> dict[str, Table]:
    """Make the tables of all metrics of a run, by group; tables without rows are left out."""
    found = {"metrics": _pooled_table(evaluation, "Metrics")}
    merged = evaluation.without_gender
    if merged:
        title = f"Metrics without gender: {len(merged.outputs)} classes"
        found["without gender"] = _pooled_table(merged, title)
        found["class without gender"] = _class_table(merged)
    if evaluation.confusion:
        found["class"] = _class_table(evaluation)
        found["confusion"] = _confusion_table(evaluation.confusion)
    if evaluation.calibration:
        found["calibration"] = _calibration_table(evaluation.calibration)
        found["bins"] = _bins_table(evaluation.calibration, counted_noun(evaluation))
    for group, title, about in (
        ("corpus", "Corpora", ("speakers",)),
        ("gender", "Genders", ("speakers",)),
        ("speaker", "Speakers", ("gender",)),
        ("seed", "Seeds, the folds of each pooled", ()),
        ("fold", "Folds and seeds", ()),
        ("recording", "Recordings", ("speaker", "gender", "fold")),
    ):
        last = None
        if group == evaluation.ranking.group and len(evaluation.ranking.names) > 1:
            last = ("", _extremes(evaluation))
        found[group] = _part_table(evaluation, title, group, about, last)
    return {name: each for name, each in found.items() if each.rows}


def brief_tables(evaluation: Evaluation) -> list[Table]:
    """Make the tables of a run for the terminal, without single speakers, recordings and folds."""
    return [table for group, table in run_tables(evaluation).items() if group not in _DETAILS]


def counted_noun(evaluation: Evaluation) -> str:
    """Return the name of the counts of parts: several networks have several predictions of an utterance."""
    if evaluation.frames is not None:
        return "frames"
    return f"{evaluation.noun}s" if evaluation.count == evaluation.tested else "predictions"


def describe_extremes(evaluation: Evaluation) -> str:
    """Name the best and the worst speaker or recording, with their values."""
    ranked = evaluation.ranking
    if ranked.best is None or ranked.worst is None:
        return ""
    scale = scale_of(evaluation.table.row(ranked.keys[0]))
    best, worst = (
        f"{ranked.names[place]} {scale.with_unit(ranked.values[place])}"
        for place in (ranked.best, ranked.worst)
    )
    mean = ", the mean over the dimensions" if len(ranked.keys) > 1 else ""
    return f"best {best}, worst {worst} ({ranked.label}{mean})"


def describe_raters(evaluation: Evaluation) -> str:
    """Compare the model with a single rater in words; empty if the raters are not known."""
    table = evaluation.table
    ua, wa = table.find("rater_ua"), table.find("rater_wa")
    if ua is None or wa is None or ua.value is None or math.isnan(ua.value):
        return ""
    scale = scale_of(ua)
    own = " and ".join(f"{row.label} {scale.with_unit(row.value)}" for row in map(table.row, ("ua", "wa")))
    return (
        f"One rater predicts the plurality of the other raters with UA {scale.with_unit(ua.value)} and WA "
        f"{scale.with_unit(wa.value)}; the model predicts the label with {own}. A model can exceed one "
        "rater, because it learns from the votes of many raters"
    )


def csv_rows(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    """Return all metrics of a run with all digits, in the order of `COLUMNS`."""
    for row in evaluation.table:
        spread = row.spread
        yield (
            *(row.group, row.name, row.label, row.value, *ends_of(row.interval), row.chance, row.majority),
            *((spread.mean, spread.deviation) if spread else (None, None)),
            row.count,
        )


def _pooled_table(evaluation: Evaluation, title: str) -> Table:
    """Make the table of pooled metrics with intervals and chance, and of means over seeds or recordings."""
    rows = [row for row in evaluation.table.group("all") if row.spread is not None]
    beside = "recordings" if evaluation.frames is not None else "seeds"
    always = f"always “{evaluation.confusion.majority}”" if evaluation.confusion else "mean predictor"
    cells = []
    for row, label in zip(rows, labels_of(rows), strict=True):
        scale, other = scale_of(row), evaluation.table.find(row.metric, beside)
        mean = NONE
        if other is not None:
            mean = scale.spread(other.spread) if other.spread else scale.number(other.value)
        cells.append(
            (
                label,
                scale.number(row.value),
                scale.interval(row.interval),
                scale.number(row.chance),
                scale.number(row.majority),
                scale.spread(row.spread),
                mean,
            )
        )
    interval = ", with the 95 % interval over speakers" if any(row.interval for row in rows) else ""
    return Table(
        f"{title}{heading_unit(rows)}: pooled{interval}; means and standard deviations",
        ("metric", "pooled", "95 % interval", "chance", always, "folds and seeds", beside),
        tuple(cells),
    ).without_empty_columns(NONE)


def _class_table(evaluation: Evaluation) -> Table:
    """Make the table of recall, precision, F1 and the most frequent wrong prediction of each class."""
    mistakes = _mistakes(evaluation.confusion) if evaluation.confusion else []
    last = ("mostly predicted as", dict(enumerate(mistakes)))
    return _part_table(evaluation, "Classes", "class", (), last)


def _part_table(
    evaluation: Evaluation,
    title: str,
    group: str,
    about: Sequence[str],
    last: tuple[str, Mapping[int, str]] | None,
) -> Table:
    """Make a table with a row for each part of a group, such as a speaker.

    Args:
        evaluation: evaluation of the run.
        title: name of the parts.
        group: name of a single part.
        about: further facts, each in a column.
        last: heading of a last column of text, and its cells by place of the part.
    """
    parts = evaluation.table.parts(group)
    if not parts:
        return Table(title, (), ())
    metrics, facts = list(parts[0].rows.values()), parts[0].about
    rows = [
        (
            part.name,
            *(NONE if part.about[name] is None else str(part.about[name]) for name in about),
            str(part.count),
            *(scale_of(row).number(row.value) for row in part.rows.values()),
            *([last[1].get(place, "")] if last else []),
        )
        for place, part in enumerate(parts)
    ]
    drawn = {2 + len(about) + i: row for i, row in enumerate(metrics) if _has_bar(row, evaluation)}
    return Table(
        f"{title}{heading_unit(metrics).replace(' in', ', in', 1)}",
        (group, *about, counted_noun(evaluation), *labels_of(metrics), *([last[0]] if last else [])),
        tuple(rows),
        text=1 + sum(not isinstance(facts[name], int) for name in about),
        ends_with_text=last is not None,
        bars={column: 100 // scale_of(row).factor for column, row in drawn.items()},
    )


def _has_bar(row: MetricRow, evaluation: Evaluation) -> bool:
    return row.group == "class" or row.metric in evaluation.headline


def _confusion_table(confusion: Confusion) -> Table:
    rows = [
        (name, *(f"{count} ({PERCENT.number(rate)})" for count, rate in zip(counts, rates, strict=True)))
        for name, counts, rates in zip(
            confusion.classes, confusion.counts.tolist(), confusion.rates.tolist(), strict=True
        )
    ]
    return Table(
        "Confusion: counts by true (row) and predicted class (column), and % of the true class",
        ("true \\ predicted", *confusion.classes),
        tuple(rows),
    )


def _calibration_table(found: Calibration) -> Table:
    shares = (found.confidence, found.right)
    return Table(
        f"Calibration (ECE: {found.estimator})",
        ("ECE in %", "Brier score", "mean confidence in %", "correct in %"),
        ((PERCENT.number(found.ece), PLAIN.number(found.brier), *map(PERCENT.number, shares)),),
        text=0,
    )


def _bins_table(found: Calibration, counted: str) -> Table:
    """Make the table of correct predictions in each range of confidence."""
    rows = [
        (
            f"{PERCENT.number(each.low)} to {PERCENT.number(each.high)}",
            str(each.count),
            PERCENT.number(each.confidence),
            PERCENT.number(each.right),
        )
        for each in found.bins
    ]
    header = ("confidence", counted, "mean confidence", "right")
    return Table("Correct predictions by confidence, in %", header, tuple(rows), bars={3: 1})


def _mistakes(confusion: Confusion) -> list[str]:
    """Name for each class the most frequent wrong prediction, and its frequency."""
    found = []
    for index, (counts, rates) in enumerate(zip(confusion.counts, confusion.rates, strict=True)):
        wrong = counts.copy()
        wrong[index] = 0
        most = int(wrong.argmax())
        found.append(f"{confusion.classes[most]} {100 * rates[most]:.0f} %" if wrong[most] else NONE)
    return found


def _extremes(evaluation: Evaluation) -> dict[int, str]:
    """Mark the best and the worst of the ranked parts."""
    best, worst = evaluation.ranking.best, evaluation.ranking.worst
    return {place: mark for place, mark in ((worst, "worst"), (best, "best")) if place is not None}


def heading_unit(rows: Sequence[MetricRow]) -> str:
    """Return the unit of metrics for a heading; empty if some of them are not in percent."""
    return " in %" if rows and all(row.unit == "share" for row in rows) else ""


def labels_of(rows: Sequence[MetricRow]) -> list[str]:
    """Return the labels of metrics, with the unit of each if only some of them are in percent."""
    mixed = len({row.unit for row in rows}) > 1
    return [f"{row.label}{heading_unit([row])}" if mixed else row.label for row in rows]


def ends_of(interval: Interval | None) -> tuple[float | None, float | None]:
    """Return the limits of an interval, if there is one."""
    return (interval.low, interval.high) if interval else (None, None)
