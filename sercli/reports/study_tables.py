"""Make the tables of a study: the paper's table with our values, networks, and other corpora."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sercli.config import dotted, spell
from sercli.errors import RunError
from sercli.evaluation import Interval
from sercli.formatting import NONE, PERCENT, format_duration, format_p
from sercli.plain.json import from_json
from sercli.reports.cross_corpus import describe_tested
from sercli.reports.metric_tables import ends_of
from sercli.reports.study_cells import CellReport
from sercli.reports.study_values import Difference, PaperValue, StudyValue, name_of, scale_of
from sercli.reports.tables import Table
from sercli.runs.folder import Run
from sercli.runs.size import SECONDS
from sercli.studies import Column, PaperScores, Study
from sercli.workspace import Workspace

COLUMNS = (
    *("column", "row", "figure", "paper", "paper_mark", "value", "low", "high", "mean", "mean_low"),
    *("mean_high", "deviation", "basis", "difference"),
    *("paper_in_interval", "above", "less_above", "less_above_low", "less_above_high", "p", "holm_p"),
    *("parameters", "macs", "windows", "window_s", "folds", "seeds", "seconds_a_trial", "precision"),
    *("protocol", "run"),
)
"""Columns of the CSV: a row is one value of one cell; proportions are between 0 and 1.

``value`` is pooled; ``basis`` states whether ``value`` or ``mean`` is compared with the paper's value.
``above`` is the row that a row is compared with, and ``less_above`` the difference of pooled values from it.
"""

DERIVED = "~"
"""Mark before a value that is computed from other values of the paper."""

MEAN, POOLED = "mean over folds and seeds", "pooled"

_NAMED = {"arch", "corpus", "scheme", "protocol"}  # settings that other columns show


def overview(study: Study, found: Sequence[CellReport], columns: Sequence[str]) -> Table:
    """Make a table like those in papers: our values, and the paper's in brackets, one metric per column."""
    by_cell = {(each.cell.row.name, each.cell.on.name): each for each in found}
    keys = {column: _overview_keys(column, found) for column in columns}
    rows = []
    for row in study.rows:
        there = {column: by_cell.get((row.name, column)) for column in columns}
        if any(there.values()):
            cells = (_with_paper(each, keys[column]) for column, each in there.items())
            rows.append((row.name, *cells))
    paper = any(value.paper for each in found for value in each.values)
    basis = MEAN if study.means else POOLED
    return Table(
        f"Ours, {basis}{', and the paper’s in brackets' if paper else ''}: UA and WA in %, CCC plain",
        ("row", *(f"{column}: {', '.join(map(name_of, keys[column]))}" for column in columns)),
        tuple(rows),
    )


def _overview_keys(column: str, found: Sequence[CellReport]) -> list[str]:
    """Choose the metrics of a column of the overview.

    They are the metrics that the paper reports for any row of the column. If there are none, they are those
    of the other columns with the same metrics, otherwise the tested metric, such as UA.
    """
    here = [each for each in found if each.cell.on.name == column]
    measured = {value.key for each in here for value in each.values}
    alike = [each for each in found if measured & {value.key for value in each.values}]
    for cells in (here, alike):
        reported = [value.key for each in cells for value in each.values if value.paper is not None]
        if measured & set(reported):
            return [key for key in dict.fromkeys(reported) if key in measured]
    tested = [key for each in here for key in each.report.evaluation.ranking.keys]
    return [key for key in dict.fromkeys(tested) if key in measured]


def column_table(column: str, found: Sequence[CellReport]) -> Table:
    """Make the table of all values of a column."""
    rows = [
        ("" if number else each.cell.row.name, *_value_cells(value))
        for each in found
        for number, value in enumerate(each.values)
    ]
    values = [value for each in found for value in each.values]
    means = any(value.means for value in values)
    # Rows are compared as runs are, by pooled values, also where the paper reports means over folds.
    less = "difference of pooled" if means else "difference"
    header = (
        *("row", "metric", "paper", "ours", "95 % interval", "pooled", "folds and seeds"),
        *("ours less the paper’s", "paper’s in our interval", "compared with", less, "p", "Holm p"),
    )
    unit = "metrics in %" if all(value.scale is PERCENT for value in values) else "metrics"
    basis = f"{MEAN}, differences and p of pooled values" if means else POOLED
    no_interval = found[0].report.evaluation.no_interval
    interval = f"without intervals: {no_interval}" if no_interval else "with the interval over speakers"
    protocols = "; ".join(dict.fromkeys(each.report.protocol for each in found))
    derived = any(value.paper and value.paper.derived for value in values)
    table = Table(
        f"{column}, {protocols}: {unit}, {basis}, {interval}"
        + (f"; {DERIVED} before a value of the paper: derived from what it states" if derived else ""),
        header,
        tuple(rows),
        text=2,
    )
    return table.without_empty_columns(NONE)


def network_table(found: Sequence[CellReport]) -> Table:
    """Make the table of the size, the cost and the training time of each network."""
    several = len({each.cell.on.name for each in found}) > 1
    return Table(
        f"Networks: MACs are multiply-accumulates for an utterance of {SECONDS:g} s in test, padded or cut "
        "to the windows beside them",
        (
            "row",
            *(("column",) if several else ()),
            "parameters",
            "MACs",
            "windows",
            "trials",
            "training of one",
            "trained in",
        ),
        tuple(
            (
                each.cell.row.name,
                *((each.cell.on.name,) if several else ()),
                f"{each.size.parameters:,}",
                NONE if each.size.macs is None else f"{each.size.macs / 1e6:,.0f} M",
                f"{each.size.passes} of {each.size.seconds:g} s",
                str(len(each.report.trials)),
                format_duration(each.seconds, digits=1),
                each.precision,
            )
            for each in found
        ),
        text=1 + several,
    )


def settings_table(found: Sequence[CellReport]) -> Table:
    """Make the table of the settings that differ from each network's recipe."""
    several = len({each.cell.on.name for each in found}) > 1
    rows = []
    for each in found:
        cell = each.cell
        changed = ", ".join(
            f"{name}={spell(value)}"
            for name, value in dotted(cell.settings)
            if name.partition(".")[0] not in _NAMED
        )
        column = (cell.on.name,) if several else ()
        rows.append((cell.row.name, *column, cell.row.arch, changed or "nothing: the recipe as it is"))
    header = ("row", *(("column",) if several else ()), "recipe", "set")
    return Table(
        "Settings: what differs from the recipe of each architecture", header, tuple(rows), text=len(header)
    )


def reference_table(references: Mapping[str, Mapping[str, PaperScores]], columns: Sequence[str]) -> Table:
    """Make the table of the values of other systems that the paper compares itself with."""
    rows = []
    for name, by_column in references.items():
        for column, figures in by_column.items():
            if column in columns:
                values = ", ".join(
                    f"{name_of(key)} {DERIVED * each.derived}{each.value:g} {scale_of(key).unit}".strip()
                    for key, each in figures.items()
                )
                rows.append((name, column, values))
    return Table("Others, as the paper reports them", ("system", "column", "metrics"), tuple(rows), text=3)


def elsewhere_table(found: Sequence[CellReport], test_on: Sequence[Column], workspace: Workspace) -> Table:
    """Make the table of each run's results on other corpora on which all its trials were tested."""
    rows = [
        (each.cell.row.name, each.cell.on.name, on.name, *_format_elsewhere(path))
        for each in found
        for on in test_on
        if (path := find_elsewhere(each.report.run, on, workspace)) is not None
    ]
    return Table(
        "Tested on another corpus, in %: every network on all of its utterances, "
        "with the interval over its speakers",
        ("row", "trained on", "tested on", "UA", "95 % interval", "WA", "chance"),
        tuple(rows),
        text=3,
    )


def csv_rows(found: Sequence[CellReport]) -> Iterator[tuple[object, ...]]:
    """Return all values with all digits, one per row, in the order of `COLUMNS`."""
    for each in found:
        units, report = each.units, each.report
        for value in each.values:
            base, paper, within = value.base, value.paper, value.paper_in_interval
            yield (
                *(each.cell.on.name, each.cell.row.name, value.name),
                paper and paper.value,
                DERIVED if paper and paper.derived else None,
                *(value.pooled, *ends_of(value.pooled_interval)),
                *(value.spread.mean, *ends_of(value.mean_interval), value.spread.deviation),
                *(MEAN if value.means else POOLED, value.from_paper),
                None if within is None else "yes" if within else "no",
                *((base.row, base.value, *ends_of(base.interval)) if base else (None,) * 4),
                *((base.p, base.p_holm) if base else (None, None)),
                *(each.size.parameters, each.size.macs, each.size.passes, each.size.seconds),
                *(len({fold for fold, _ in units}), len({seed for _, seed in units})),
                *(each.seconds, each.precision, report.protocol, report.run.name),
            )


def _with_paper(each: CellReport | None, keys: Sequence[str]) -> str:
    """Return the values of a cell for these keys, each with the paper's value in brackets."""
    if each is None:
        return NONE
    cells = []
    for value in map(each.find_value, keys):
        if value is None:
            cells.append(NONE)
        else:
            paper = f" ({_format_paper(value.paper, value)})" if value.paper else ""
            cells.append(f"{value.scale.number(value.value)}{paper}")
    return ", ".join(cells)


def _value_cells(value: StudyValue) -> tuple[str, ...]:
    base, scale, spread = value.base, value.scale, value.spread
    within = value.paper_in_interval
    # Another column already has the mean, so this one has only the deviation.
    deviation = NONE if spread.deviation is None else f"± {scale.number(spread.deviation)}"
    return (
        value.name,
        NONE if value.paper is None else _format_paper(value.paper, value),
        scale.number(value.value),
        scale.interval(value.interval),
        scale.number(value.pooled) if value.means else NONE,
        deviation if value.means else scale.spread(spread),
        scale.difference(value.from_paper),
        NONE if within is None else "yes" if within else "no",
        NONE if base is None else base.row,
        NONE if base is None else _format_difference(base, value),
        format_p(base.p if base else None),
        format_p(base.p_holm if base else None),
    )


def _format_difference(base: Difference, value: StudyValue) -> str:
    less = value.scale.difference(base.value)
    return f"{less} ({value.scale.difference_interval(base.interval)})" if base.interval else less


def _format_paper(paper: PaperValue, value: StudyValue) -> str:
    """Format a value of the paper with the paper's number of digits; a derived value has a mark."""
    mark = DERIVED if paper.derived else ""
    number = f"{paper.value * value.scale.factor:.{paper.digits}f}"
    return f"{mark}{number}".replace("-", "\N{MINUS SIGN}")


def _format_elsewhere(path: Path) -> tuple[str, str, str, str]:
    """Read UA, its interval, WA and chance on another corpus."""
    try:
        rows = {row["metric"]: row for row in _read(path)["metrics"] if row["group"] == "all"}
        ua, wa = rows["ua"], rows["wa"]
        interval = PERCENT.interval(Interval(**ua["interval"]) if ua["interval"] else None)
        values = [PERCENT.number(float(value)) for value in (ua["value"], wa["value"], ua["chance"])]
    except (ValueError, KeyError, TypeError):
        raise _damaged(path) from None
    return values[0], interval, values[1], values[2]


def find_elsewhere(run: Run, on: Column, workspace: Workspace) -> Path | None:
    """Return the metrics on another corpus; ``None`` if they are not those that a test now would have.

    They are those of all finished trials, by the same scheme, on the corpus as it is prepared now, or as it
    was if it is no longer there.

    Raises:
        RunError: the metrics are damaged.
    """
    path = run.folder_on(on.corpus, on.scheme) / "metrics.json"
    if not path.exists():
        return None
    metrics, trials = _read(path), run.finished()
    manifest = workspace.manifest_digest(on.corpus) if workspace.is_prepared(on.corpus) else None
    if "networks" not in metrics:  # by an earlier version; of the manifest, only eight digits are recorded
        unchanged = manifest is None or manifest[:8] in str(metrics.get("protocol", manifest))
        written = path.stat().st_mtime
        current = unchanged and all(each.metrics_file.stat().st_mtime <= written for each in trials)
        return path if current else None
    tested = describe_tested(trials, on.scheme)
    if manifest is not None:
        tested["manifest_sha256"] = manifest
    return path if all(metrics.get(key) == value for key, value in tested.items()) else None


def _read(path: Path) -> dict[str, Any]:
    """Read metrics on another corpus."""
    try:
        metrics: dict[str, Any] = from_json(path.read_text(encoding="utf-8"))
        metrics["metrics"]
    except (OSError, ValueError, KeyError, TypeError):
        raise _damaged(path) from None
    return metrics


def _damaged(path: Path) -> RunError:
    return RunError(f"{path}: damaged; remove it and run the same `sercli ablate` again")
