"""How far other runs are from a first one."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sercli.evaluation.class_comparison import Comparison
from sercli.evaluation.metrics import Interval
from sercli.evaluation.trace_comparison import TraceComparison
from sercli.figures import _style


def paired_differences(
    comparison: Comparison,
    measure: Literal["ua", "wa"] = "ua",
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw each run's difference from the reference as a dot on its interval, the first run on top.

    A full dot is a difference that the test of UA shows, a hollow one is not.

    Args:
        comparison: what is drawn; intervals are left out where there are none.
        measure: the difference in UA or in WA.
        title: heading.
        dark: draw for a dark background.
    """
    rows = [
        _Row(
            _short(each.other),
            getattr(each, measure),
            getattr(each, f"{measure}_interval"),
            shown=measure == "ua" and each.better is not None,
        )
        for each in comparison.differences
    ]
    label = f"{measure.upper()} less that of\n{_short(comparison.runs[0].name)}, in points"
    return _draw(rows, label, 100, title, dark=dark)


def trace_differences(comparison: TraceComparison, title: str | None = None, *, dark: bool = False) -> Figure:
    """Draw each run's difference from the reference in the pooled CCC of each dimension, as above.

    Args:
        comparison: what is drawn; intervals are left out where there are none.
        title: heading.
        dark: draw for a dark background.
    """
    rows = [
        _Row(
            f"{_short(each.other)}\n{each.dimension}",
            each.ccc,
            each.ccc_interval,
            shown=each.better is not None,
        )
        for each in comparison.differences
    ]
    return _draw(rows, f"pooled CCC less that of\n{_short(comparison.runs[0].name)}", 1, title, dark=dark)


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    value: float
    interval: Interval | None
    shown: bool


def _short(name: str) -> str:
    """Break the name of a run at its hyphens, so that the picture keeps room for what it shows."""
    return textwrap.fill(name, 30, break_long_words=False)


def _draw(rows: Sequence[_Row], label: str, scale: int, title: str | None, *, dark: bool) -> Figure:
    colours = _style.palette(dark)
    found = rows[::-1]  # the first is drawn at the bottom
    lines = max(row.name.count("\n") + 1 for row in rows)
    figure = _style.figure(5.2, (0.2 + 0.14 * lines) * len(found) + 1.1 + 0.3 * bool(title), colours)
    axes = figure.add_subplot()
    axes.axvline(0, color=colours.ink, lw=1.2)
    for place, row in enumerate(found):
        if row.interval is not None:
            axes.hlines(place, row.interval.low, row.interval.high, color=colours.main, lw=1.8)
        axes.scatter(
            row.value,
            place,
            s=34,
            facecolor=colours.main if row.shown else colours.paper,
            edgecolor=colours.main,
            lw=1.5,
            zorder=3,
        )
    axes.set_yticks(range(len(found)), [row.name for row in found])
    axes.set(ylim=(-0.6, len(found) - 0.4), xlabel=label)
    axes.margins(x=0.08)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{scale * value:+.3g}" if value else "0"))
    axes.grid(axis="x", color=colours.line, lw=0.6)
    axes.set_axisbelow(True)
    _style.plain(axes, colours, title)
    axes.spines["left"].set_visible(False)
    axes.tick_params("y", length=0, labelcolor=colours.ink)
    return figure
