"""Make the tables of compared runs: as text for people, and as CSV rows for programs."""

from collections.abc import Iterator, Mapping

from sercli.evaluation import Comparison, Evaluation, MetricRow
from sercli.evaluation.common import Common
from sercli.formatting import NONE, format_p
from sercli.reports.metric_tables import ends_of, heading_unit, labels_of, scale_of
from sercli.reports.tables import Table

COMPARED_COLUMNS = ("of", "name", "run", "figure", "value", "low", "high", "p", "holm_p", "better")
"""Columns of a comparison's CSV: a row is a metric of a run or a speaker, or a difference of runs.

If the runs have different classes or schemes, further rows count the utterances of each run that are compared
(``common class``) or left out (``other class``, ``not tested by every run``, ``labelled differently``).
"""


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
    header = [name for label in labels_of(firsts) for name in (label, "interval")]
    return (
        Table(
            f"Runs: metrics{heading_unit(firsts)}, with 95 % intervals over speakers",
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


def _difference_table(comparison: Comparison, reference: str) -> Table:
    rows = comparison.table.group("difference")
    tested = {row.metric for row in rows if row.test}
    cells = []
    for row, label in zip(rows, labels_of(rows), strict=True):
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
    for row, label in zip(rows, labels_of(rows), strict=True):
        if row.metric in comparison.tested_by:
            by_speaker.setdefault((row.name, label), []).append(row)
    for (speaker, label), (first, *others) in by_speaker.items():
        scale = scale_of(first)
        values = [scale.number(row.value) for row in (first, *others)]
        less = [scale.difference(_less(row, first)) for row in others]
        cells.append((str(speaker), label, str(first.count), *values, *less))
    return Table(
        f"Speakers: metrics{heading_unit(rows)}, and their difference from {reference}",
        (
            *("speaker", "metric", "frames" if comparison.noun == "recording" else "utterances", *names),
            *(f"difference of {name}" for name in names[1:]),
        ),
        tuple(cells),
        text=2,
    )


def _less(row: MetricRow, first: MetricRow) -> float | None:
    return None if row.value is None or first.value is None else row.value - first.value
