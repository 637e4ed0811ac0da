"""The tables of a study: the paper's again with ours beside, networks, and other corpora."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sercli.errors import RunError
from sercli.evaluation import Interval, Spread
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
from sercli.reports.standings import Standing, Standings, name_of
from sercli.reports.tables import Table
from sercli.studies import Figures, On, Study

COLUMNS = (
    *("column", "row", "figure", "paper", "value", "low", "high", "mean", "deviation", "difference"),
    *("paper_in_interval", "above", "less_above", "p", "holm_p"),
    *("parameters", "macs", "trials", "seconds_a_trial", "run"),
)
"""Of the CSV: a row is one figure of one cell; shares are between 0 and 1."""


def overview(study: Study, found: Sequence[Standings], columns: Sequence[str]) -> Table:
    """Lay rows and columns out as papers do: ours, and the paper's in brackets."""
    by_cell = {(each.cell.row.name, each.cell.on.name): each for each in found}
    rows = []
    for row in study.rows:
        there = [by_cell.get((row.name, column)) for column in columns]
        if any(there):
            rows.append((row.name, *(_brief(each) for each in there)))
    return Table(
        "Ours, and the paper's in brackets: UA in %, or CCC of arousal and valence",
        ("row", *columns),
        tuple(rows),
    )


def column_table(column: str, found: Sequence[Standings]) -> Table:
    """Lay out all figures of a column."""
    rows = []
    for each in found:
        for number, figure in enumerate(each.figures):
            rows.append(("" if number else each.cell.row.name, *_cells(figure)))
    header = (
        *("row", "figure", "paper", "ours", "95 % interval", "folds and seeds", "ours less the paper’s"),
        *("paper’s within", "less the row above", "p", "Holm p"),
    )
    told = [i for i in range(len(header)) if i < 2 or any(row[i] != NONE for row in rows)]
    unit = "figures in %" if all(figure.share for each in found for figure in each.figures) else "figures"
    return Table(
        f"{column}: {unit}, pooled, with the interval over speakers",
        tuple(header[i] for i in told),
        tuple(tuple(row[i] for i in told) for row in rows),
        text=2,
    )


def network_table(found: Sequence[Standings]) -> Table:
    """Lay out what each network holds, costs and took."""
    several = len({each.cell.on.name for each in found}) > 1
    return Table(
        "Networks: MACs are multiply-accumulates for an utterance of 3 s, as it is fed in test",
        ("row", *(("column",) if several else ()), "parameters", "MACs", "trials", "training of one"),
        tuple(
            (
                each.cell.row.name,
                *((each.cell.on.name,) if several else ()),
                f"{each.size.parameters:,}",
                f"{each.size.macs / 1e6:,.0f} M",
                str(len(each.gathered.trials)),
                _duration(each.seconds),
            )
            for each in found
        ),
        text=1 + several,
    )


def reference_table(references: Mapping[str, Mapping[str, Figures]], columns: Sequence[str]) -> Table:
    """Lay out the figures of others that the paper compares itself with."""
    rows = []
    for name, by_column in references.items():
        for column, figures in by_column.items():
            if column in columns:
                told = ", ".join(
                    f"{name_of(key)} {value:g}{'' if key.startswith('ccc') else ' %'}"
                    for key, value in figures.items()
                )
                rows.append((name, column, told))
    return Table("Others, as the paper reports them", ("system", "column", "figures"), tuple(rows), text=3)


def elsewhere_table(found: Sequence[Standings], test_on: Sequence[On]) -> Table:
    """Lay out what each run reached on other corpora, as far as it was tested on them."""
    rows = []
    for each in found:
        for on in test_on:
            figures = _elsewhere(each, on)
            if figures is None:
                continue
            interval = Interval(**figures["ua_interval"]) if figures["ua_interval"] else None
            rows.append(
                (
                    each.cell.row.name,
                    each.cell.on.name,
                    on.name,
                    percents(figures["ua"]),
                    interval_percents(interval),
                    percents(figures["wa"]),
                    percents(figures["chance"]),
                )
            )
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
        for figure in each.figures:
            interval, above = figure.interval, figure.above
            yield (
                *(each.cell.on.name, each.cell.row.name, figure.name, figure.paper, figure.ours),
                *((interval.low, interval.high) if interval else (None, None)),
                *(figure.spread.mean, figure.spread.deviation, figure.difference),
                None if figure.holds is None else "yes" if figure.holds else "no",
                *((above.row, above.difference, above.p, above.p_holm) if above else (None,) * 4),
                *(each.size.parameters, each.size.macs, len(each.gathered.trials), each.seconds),
                each.gathered.run.name,
            )


def _brief(each: Standings | None) -> str:
    if each is None:
        return NONE
    told = [figure for figure in each.figures if figure.key == "ua" or not figure.share]
    return " / ".join(
        _ours(figure) + ("" if figure.paper is None else f" ({_paper(figure)})") for figure in told
    )


def _cells(figure: Standing) -> tuple[str, ...]:
    above = figure.above
    difference = points if figure.share else signed
    return (
        figure.name,
        _paper(figure),
        _ours(figure),
        interval_percents(figure.interval) if figure.share else plain_interval(figure.interval),
        _spread(figure, figure.spread),
        NONE if figure.difference is None else difference(figure.difference),
        NONE if figure.holds is None else "yes" if figure.holds else "no",
        NONE if above is None or above.difference is None else difference(above.difference),
        p_value(above.p if above else None),
        p_value(above.p_holm if above else None),
    )


def _ours(figure: Standing) -> str:
    return percents(figure.ours) if figure.share else plain(figure.ours)


def _paper(figure: Standing) -> str:
    """Write what the paper reports, in the paper's digits."""
    if figure.paper is None:
        return NONE
    return f"{100 * figure.paper:.6g}" if figure.share else plain(figure.paper)


def _spread(figure: Standing, spread: Spread) -> str:
    return spread_percents(spread) if figure.share else plain_spread(spread)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _elsewhere(each: Standings, on: On) -> dict[str, Any] | None:
    path = each.gathered.run.path / f"on-{on.corpus}-{on.scheme}" / "metrics.json"
    if not path.exists():
        return None
    try:
        figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        figures["ua"], figures["ua_interval"], figures["wa"], figures["chance"]
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{path}: damaged; remove it and run the same `sercli ablate` again") from None
    return figures
