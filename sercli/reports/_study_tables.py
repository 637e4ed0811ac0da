"""The tables of a study: the paper's again with ours beside, networks, and other corpora."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sercli.config import dotted, spell
from sercli.errors import RunError
from sercli.evaluation.class_evaluation import Interval, Spread
from sercli.plain.json import from_json
from sercli.reports._numbers import (
    NONE,
    interval_percents,
    p_value,
    percents,
    plain,
    plain_interval,
    plain_spread,
    points,
    signed,
    spread_percents,
)
from sercli.reports._study_values import Above, Paper, Standing, name_of
from sercli.reports.standings import Standings
from sercli.reports.tables import Table
from sercli.runs.folder import Run
from sercli.runs.size import SECONDS
from sercli.studies import Column, PaperScores, Study

COLUMNS = (
    *("column", "row", "figure", "paper", "paper_mark", "value", "low", "high", "mean", "mean_low"),
    *("mean_high", "deviation", "basis", "difference"),
    *("paper_in_interval", "above", "less_above", "less_above_low", "less_above_high", "p", "holm_p"),
    *("parameters", "macs", "windows", "window_s", "folds", "seeds", "seconds_a_trial", "precision"),
    *("protocol", "run"),
)
"""Of the CSV: a row is one value of one cell; shares are between 0 and 1.

``value`` is pooled; ``basis`` says which of ``value`` and ``mean`` is set against the paper's value.
"""

DERIVED = "~"
"""Stands before a value of a paper that is computed from what the paper states."""

MEAN, POOLED = "mean over folds and seeds", "pooled"

_NAMED = {"arch", "corpus", "scheme", "protocol"}  # told elsewhere


def overview(study: Study, found: Sequence[Standings], columns: Sequence[str]) -> Table:
    """Lay rows and columns out as papers do: ours, and the paper's in brackets; a column has one metric."""
    by_cell = {(each.cell.row.name, each.cell.on.name): each for each in found}
    keys = {column: _overview_keys(column, found) for column in columns}
    rows = []
    for row in study.rows:
        there = {column: by_cell.get((row.name, column)) for column in columns}
        if any(there.values()):
            rows.append((row.name, *(_brief(each, keys[column]) for column, each in there.items())))
    paper = any(figure.paper for each in found for figure in each.figures)
    basis = MEAN if study.means else POOLED
    return Table(
        f"Ours, {basis}{', and the paper’s in brackets' if paper else ''}: UA and WA in %, CCC plain",
        ("row", *(f"{column}: {', '.join(map(name_of, keys[column]))}" for column in columns)),
        tuple(rows),
    )


def _overview_keys(column: str, found: Sequence[Standings]) -> list[str]:
    """Choose the metrics of a column of the overview.

    They are what the paper reports of any row of the column, or, where it reports nothing there, of the
    other columns of the same kind; at last UA, and the CCC of each dimension.
    """
    here = [each for each in found if each.cell.on.name == column]
    kind = {each.share for cell in here for each in cell.figures}
    alike = [each for each in found if kind & {figure.share for figure in each.figures}]
    measured = {figure.key for each in here for figure in each.figures}
    for cells in (here, alike):
        reported = [figure.key for each in cells for figure in each.figures if figure.paper is not None]
        if measured & set(reported):
            return [key for key in dict.fromkeys(reported) if key in measured]
    return list(
        dict.fromkeys(
            figure.key for each in here for figure in each.figures if figure.key == "ua" or not figure.share
        )
    )


def column_table(column: str, found: Sequence[Standings]) -> Table:
    """Lay out all values of a column."""
    rows = []
    for each in found:
        for number, figure in enumerate(each.figures):
            rows.append(("" if number else each.cell.row.name, *_cells(figure)))
    header = (
        *("row", "figure", "paper", "ours", "95 % interval", "pooled", "folds and seeds"),
        *("ours less the paper’s", "paper’s within", "less the row above", "p", "Holm p"),
    )
    told = [i for i in range(len(header)) if i < 2 or any(row[i] != NONE for row in rows)]
    figures = [figure for each in found for figure in each.figures]
    unit = "figures in %" if all(figure.share for figure in figures) else "figures"
    basis = MEAN if any(figure.means for figure in figures) else POOLED
    no_interval = found[0].gathered.evaluation.no_interval
    interval = f"without intervals: {no_interval}" if no_interval else "with the interval over speakers"
    protocols = "; ".join(dict.fromkeys(each.gathered.protocol for each in found))
    derived = any(figure.paper and figure.paper.derived for figure in figures)
    return Table(
        f"{column}, {protocols}: {unit}, {basis}, {interval}"
        + (f"; {DERIVED} before a value of the paper: derived from what it states" if derived else ""),
        tuple(header[i] for i in told),
        tuple(tuple(row[i] for i in told) for row in rows),
        text=2,
    )


def network_table(found: Sequence[Standings]) -> Table:
    """Lay out what each network holds, costs and took."""
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
                "–" if each.size.macs is None else f"{each.size.macs / 1e6:,.0f} M",
                f"{each.size.passes} of {each.size.seconds:g} s",
                str(len(each.gathered.trials)),
                _duration(each.seconds),
                each.precision,
            )
            for each in found
        ),
        text=1 + several,
    )


def settings_table(found: Sequence[Standings]) -> Table:
    """Lay out what was set beside each network's recipe."""
    several = len({each.cell.on.name for each in found}) > 1
    rows = []
    for each in found:
        cell = each.cell
        told = ", ".join(
            f"{name}={spell(value)}" for name, value in dotted(cell.settings) if name not in _NAMED
        )
        column = (cell.on.name,) if several else ()
        rows.append((cell.row.name, *column, cell.row.arch, told or "nothing: the recipe as it is"))
    header = ("row", *(("column",) if several else ()), "recipe", "set")
    return Table(
        "Settings: what differs from the recipe of each architecture", header, tuple(rows), text=len(header)
    )


def reference_table(references: Mapping[str, Mapping[str, PaperScores]], columns: Sequence[str]) -> Table:
    """Lay out the figures of others that the paper compares itself with."""
    rows = []
    for name, by_column in references.items():
        for column, figures in by_column.items():
            if column in columns:
                told = ", ".join(
                    f"{name_of(key)} {DERIVED if each.derived else ''}{each.value:g}"
                    f"{'' if key.startswith('ccc') else ' %'}"
                    for key, each in figures.items()
                )
                rows.append((name, column, told))
    return Table("Others, as the paper reports them", ("system", "column", "figures"), tuple(rows), text=3)


def elsewhere_table(found: Sequence[Standings], test_on: Sequence[Column]) -> Table:
    """Lay out what each run reached on other corpora, as far as all its trials were tested on them."""
    rows = []
    for each in found:
        for on in test_on:
            told = _elsewhere(each, on)
            if told is not None:
                rows.append((each.cell.row.name, each.cell.on.name, on.name, *told))
    return Table(
        "Tested on another corpus, in %: every network on all of its utterances, "
        "with the interval over its speakers",
        ("row", "trained on", "tested on", "UA", "95 % interval", "WA", "chance"),
        tuple(rows),
        text=3,
    )


def rows_for_programs(found: Sequence[Standings]) -> Iterator[tuple[object, ...]]:
    """Give all figures with all digits, a row each, as `COLUMNS` has them."""
    for each in found:
        units, gathered = each.units, each.gathered
        for figure in each.figures:
            above = figure.above
            yield (
                *(each.cell.on.name, each.cell.row.name, figure.name),
                figure.paper and figure.paper.value,
                DERIVED if figure.paper and figure.paper.derived else None,
                *(figure.ours, *_ends(figure.interval)),
                *(figure.spread.mean, *_ends(figure.mean_interval), figure.spread.deviation),
                *(MEAN if figure.means else POOLED, figure.difference),
                None if figure.holds is None else "yes" if figure.holds else "no",
                *((above.row, above.difference, *_ends(above.interval)) if above else (None,) * 4),
                *((above.p, above.p_holm) if above else (None, None)),
                *(each.size.parameters, each.size.macs, each.size.passes, each.size.seconds),
                *(len({fold for fold, _ in units}), len({seed for _, seed in units})),
                *(each.seconds, each.precision, gathered.protocol, gathered.run.name),
            )


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (interval.low, interval.high) if interval else (None, None)


def _brief(each: Standings | None, keys: Sequence[str]) -> str:
    """Give the values of a cell by these keys, each with the paper's in brackets."""
    if each is None:
        return NONE
    figures = (each.figure(key) for key in keys)
    return ", ".join(NONE if figure is None else _with_paper(figure) for figure in figures)


def _with_paper(figure: Standing) -> str:
    ours = _number(figure, figure.value)
    return ours if figure.paper is None else f"{ours} ({_paper(figure.paper, share=figure.share)})"


def _cells(figure: Standing) -> tuple[str, ...]:
    above, interval = figure.above, figure.value_interval
    difference = points if figure.share else signed
    return (
        figure.name,
        NONE if figure.paper is None else _paper(figure.paper, share=figure.share),
        _number(figure, figure.value),
        interval_percents(interval) if figure.share else plain_interval(interval),
        _number(figure, figure.ours) if figure.means else NONE,
        _deviation(figure) if figure.means else _spread(figure, figure.spread),
        NONE if figure.difference is None else difference(figure.difference),
        NONE if figure.holds is None else "yes" if figure.holds else "no",
        NONE if above is None or above.difference is None else _less(above, difference),
        p_value(above.p if above else None),
        p_value(above.p_holm if above else None),
    )


def _less(above: Above, difference: Callable[[float], str]) -> str:
    less = difference(above.difference or 0.0)
    if above.interval is None:
        return less
    return f"{less} ({difference(above.interval.low)} to {difference(above.interval.high)})"


def _number(figure: Standing, value: float) -> str:
    return percents(value) if figure.share else plain(value)


def _paper(paper: Paper, *, share: bool) -> str:
    """Write what the paper reports, in the paper's digits; what is derived carries its mark."""
    mark = DERIVED if paper.derived else ""
    return f"{mark}{paper.value * (100 if share else 1):.{paper.digits}f}".replace("-", "\N{MINUS SIGN}")


def _spread(figure: Standing, spread: Spread) -> str:
    return spread_percents(spread) if figure.share else plain_spread(spread)


def _deviation(figure: Standing) -> str:
    """Write the deviation alone, beside a column that has the mean already."""
    found = figure.spread.deviation
    return NONE if found is None or math.isnan(found) else f"± {_number(figure, found)}"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _elsewhere(each: Standings, on: Column) -> tuple[str, str, str, str] | None:
    """Read UA, its interval, WA and chance on another corpus; none where trials were finished since."""
    if not tested_since(each.gathered.run, on):
        return None
    path = place_on(each.gathered.run, on)
    try:
        figures: dict[str, Any] = from_json(path.read_text(encoding="utf-8"))
        interval = Interval(**figures["ua_interval"]) if figures["ua_interval"] else None
        ua, wa, chance = (percents(float(figures[name])) for name in ("ua", "wa", "chance"))
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{path}: damaged; remove it and run the same `sercli ablate` again") from None
    return ua, interval_percents(interval), wa, chance


def place_on(run: Run, on: Column) -> Path:
    """Say where a run's figures on another corpus lie."""
    return run.path / f"on-{on.corpus}-{on.scheme}" / "metrics.json"


def tested_since(run: Run, on: Column) -> bool:
    """Tell whether what was written for another corpus is newer than every finished trial."""
    written, trials = place_on(run, on), run.finished()
    return written.exists() and all(
        trial.metrics_file.stat().st_mtime <= written.stat().st_mtime for trial in trials
    )
