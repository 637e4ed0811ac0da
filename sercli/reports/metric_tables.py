"""Make tables of metrics of runs and comparisons: as text for people, and as CSV rows for programs."""

import math
from collections.abc import Iterator, Mapping, Sequence

from sercli.evaluation import Comparison, Evaluation, Interval, Metric, MetricRow
from sercli.evaluation.calibration import Calibration
from sercli.evaluation.classes import Confusion
from sercli.evaluation.common import Common
from sercli.formatting import NONE, PERCENT, PLAIN, Scale, format_p
from sercli.reports.tables import Table

COLUMNS = ("of", "name", "figure", "value", "low", "high", "chance", "majority", "mean", "deviation", "count")
"""Columns of a run's CSV: a row is one metric of everything tested, or of a class, a speaker, a fold, ..."""

COMPARED_COLUMNS = ("of", "name", "run", "figure", "value", "low", "high", "p", "holm_p", "better")
"""Columns of a comparison's CSV: a row is a metric of a run or a speaker, or a difference of runs.

If the runs have different classes or schemes, further rows count the utterances of each run that are compared
(``common class``) or left out (``other class``, ``not tested by every run``, ``labelled differently``).
"""

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


def comparison_tables(
    comparison: Comparison, protocols: Mapping[str, str], evaluations: Mapping[str, Evaluation]
) -> tuple[Table, Table, Table]:
    """Make the tables of the runs, of their differences from the first run, and of every speaker's metrics.

    Args:
        comparison: comparison of the runs.
        protocols: protocol of each run, by name of the run.
        evaluations: separate evaluation of each run, for the intervals.
    """
    reference = comparison.runs[0].name
    firsts = [comparison.table.row(key, "run", run=reference) for key in comparison.headline]
    runs = []
    for run in comparison.runs:
        cells: list[str] = []
        for first in firsts:
            value = comparison.table.row(first.metric, "run", run=run.name).value
            own, scale = evaluations[run.name].table.row(first.metric), scale_of(first)
            cells += [scale.number(value), scale.interval(own.interval)]
        chance = evaluations[run.name].table.row(firsts[0].metric).chance
        runs.append(
            (run.name, protocols[run.name], str(run.seeds), *cells, scale_of(firsts[0]).number(chance))
        )
    header = [name for label in _labels(firsts) for name in (label, "interval")]
    return (
        Table(
            f"Runs: metrics{_unit(firsts)}, with 95 % intervals over speakers",
            ("run", "protocol", "seeds", *header, "chance"),
            tuple(runs),
            text=2,
        ),
        _difference_table(comparison, reference),
        _paired_speakers(comparison, reference),
    )


def comparison_csv_rows(
    comparison: Comparison, evaluations: Mapping[str, Evaluation]
) -> Iterator[tuple[object, ...]]:
    """Return all metrics of a comparison with all digits, in the order of `COMPARED_COLUMNS`."""
    for row in comparison.table:
        own = evaluations[str(row.run)].table.row(row.metric) if row.group == "run" else row
        test = row.test
        yield (
            *(row.group, row.name, row.run, row.label, row.value, *ends_of(own.interval)),
            *((test.p, test.p_holm, test.better) if test else (None, None, None)),
        )
    if comparison.common is not None:
        yield from _common_csv_rows(comparison.common)


def common_table(common: Common) -> Table:
    """Make the table of all classes of the runs: their names in each run, and the compared utterances."""
    counts = common.counts
    others = {name for mapping in common.mappings.values() for name in mapping.foreign}
    rows = [
        (
            name,
            *(
                ", ".join(own for own, aligned in mapping.of_model.items() if aligned == name) or NONE
                for mapping in common.mappings.values()
            ),
            str(counts[name]) if name in counts else "left out",
        )
        for name in (*common.classes, *sorted(others))
    ]
    return Table(
        "Classes of the runs; only classes that all runs have are compared",
        ("class", *common.mappings, "utterances"),
        tuple(rows),
        text=1 + len(common.mappings),
    )


def _common_csv_rows(common: Common) -> Iterator[tuple[object, ...]]:
    """Count the compared and the left out utterances of each run, in the order of `COMPARED_COLUMNS`."""
    rest = (None,) * 5
    for run in common.mappings:
        for name, count in common.counts.items():
            yield ("common class", name, run, "utterances", count, *rest)
        for name, count in common.of_other_classes(run).items():
            yield ("other class", name, run, "utterances", count, *rest)
        yield ("not tested by every run", None, run, "utterances", common.not_in_all(run), *rest)
        for name in common.differing:
            label = f"label {common.own_labels[run][name]}"
            yield ("labelled differently", name, run, label, 1, *rest)


def _pooled_table(evaluation: Evaluation, title: str) -> Table:
    """Make the table of pooled metrics with intervals and chance, and of means over seeds or recordings."""
    rows = [row for row in evaluation.table.group("all") if row.spread is not None]
    beside = "recordings" if evaluation.frames is not None else "seeds"
    always = f"always “{evaluation.confusion.majority}”" if evaluation.confusion else "mean predictor"
    cells = []
    for row, label in zip(rows, _labels(rows), strict=True):
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
        f"{title}{_unit(rows)}: pooled{interval}; means and standard deviations",
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
        f"{title}{_unit(metrics).replace(' in', ', in', 1)}",
        (group, *about, counted_noun(evaluation), *_labels(metrics), *([last[0]] if last else [])),
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


def _difference_table(comparison: Comparison, reference: str) -> Table:
    rows = comparison.table.group("difference")
    tested = {row.metric for row in rows if row.test}
    cells = []
    for row, label in zip(rows, _labels(rows), strict=True):
        test, scale = row.test, scale_of(row)
        better = NONE if tested and row.metric not in tested else "not tested"
        if test is not None:
            better = test.better or "no difference shown"
        p, p_holm = (test.p, test.p_holm) if test else (None, None)
        difference = (scale.difference(row.value), scale.difference_interval(row.interval))
        cells.append((str(row.run), label, *difference, format_p(p), format_p(p_holm), better))
    points = ", in points" if all(row.unit == "share" for row in rows) else ""
    return Table(
        f"Differences from {reference}{points}, with 95 % intervals",
        ("run", "metric", "difference", "interval", "p", "Holm p", "better"),
        tuple(cells),
        text=2,
        ends_with_text=True,
    )


def _paired_speakers(comparison: Comparison, reference: str) -> Table:
    """Make the table of every speaker's tested metrics in each run, with differences from the first run."""
    names = [run.name for run in comparison.runs]
    rows = comparison.table.group("speaker")
    cells = []
    by_speaker: dict[tuple[str | None, str], list[MetricRow]] = {}
    for row, label in zip(rows, _labels(rows), strict=True):
        if row.metric in comparison.tested_by:
            by_speaker.setdefault((row.name, label), []).append(row)
    for (speaker, label), (first, *others) in by_speaker.items():
        scale = scale_of(first)
        values = [scale.number(row.value) for row in (first, *others)]
        less = [scale.difference(_less(row, first)) for row in others]
        cells.append((str(speaker), label, str(first.count), *values, *less))
    return Table(
        f"Speakers: metrics{_unit(rows)}, and their difference from {reference}",
        (
            *("speaker", "metric", "frames" if comparison.noun == "recording" else "utterances", *names),
            *(f"difference of {name}" for name in names[1:]),
        ),
        tuple(cells),
        text=2,
    )


def _less(row: MetricRow, first: MetricRow) -> float | None:
    return None if row.value is None or first.value is None else row.value - first.value


def _unit(rows: Sequence[MetricRow]) -> str:
    return " in %" if rows and all(row.unit == "share" for row in rows) else ""


def _labels(rows: Sequence[MetricRow]) -> list[str]:
    """Return the labels of metrics, with the unit of each if only some of them are in percent."""
    mixed = len({row.unit for row in rows}) > 1
    return [f"{row.label}{_unit([row])}" if mixed else row.label for row in rows]


def ends_of(interval: Interval | None) -> tuple[float | None, float | None]:
    """Return the limits of an interval, if there is one."""
    return (interval.low, interval.high) if interval else (None, None)
