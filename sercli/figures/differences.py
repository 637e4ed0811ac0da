"""Draw the differences of runs from a first run."""

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sercli.evaluation import MetricRow
from sercli.figures import style

_WIDTH = 30  # characters per line of a run's name


def paired_differences(
    rows: Sequence[MetricRow], reference: str, title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw each difference from the reference as a dot on its interval, the first row on top.

    The test shows a difference with a filled dot; it does not show a difference with a hollow dot.

    Args:
        rows: rows of group ``difference`` with the same unit; they may lack intervals.
        reference: name of the first run.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    metrics = list(dict.fromkeys(row.label for row in rows))
    one = len(metrics) == 1
    names = [_wrap(str(row.run)) + ("" if one else f"\n{row.label}") for row in rows]
    lines = max(name.count("\n") + 1 for name in names)
    figure = style.figure(5.2, (0.2 + 0.14 * lines) * len(rows) + 1.1 + 0.3 * bool(title), colours)
    axes = figure.add_subplot()
    axes.axvline(0, color=colours.ink, lw=1.2)
    for place, row in enumerate(reversed(rows)):  # the first row is drawn on top
        if row.interval is not None:
            axes.hlines(place, row.interval.low, row.interval.high, color=colours.main, lw=1.8)
        shown = row.test is not None and row.test.better is not None
        face = colours.main if shown else colours.paper
        axes.scatter(
            float(row.value or 0.0), place, s=34, facecolor=face, edgecolor=colours.main, lw=1.5, zorder=3
        )
    share = rows[0].unit == "share"
    label = f"{metrics[0] if one else 'metrics'} less that of\n{_wrap(reference)}"
    axes.set_yticks(range(len(rows)), names[::-1])
    axes.set(ylim=(-0.6, len(rows) - 0.4), xlabel=f"{label}{', in points' if share else ''}")
    axes.margins(x=0.08)
    factor = 100 if share else 1
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{factor * value:+.3g}" if value else "0"))
    axes.grid(axis="x", color=colours.line, lw=0.6)
    axes.set_axisbelow(True)
    style.plain(axes, colours, title)
    style.name_rows(axes, colours)
    return figure


def _wrap(name: str) -> str:
    """Break the name of a run at its hyphens, so that there is enough room for the differences."""
    return textwrap.fill(name, _WIDTH, break_long_words=False)
