"""Draw a ranking of speakers or recordings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from sercli.figures import style

_NAMED = 40  # with more rows than this, only the first and the last row have a name


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row of the figure: the name of a speaker or a recording, and its values, one for each series."""

    name: str
    values: tuple[float, ...]


def ranking(
    rows: Sequence[Ranked],
    noun: str,
    metric: str,
    *,
    share: bool,
    series: Sequence[str] = (),
    pooled: float | None = None,
    chance: float | None = None,
    title: str | None = None,
    dark: bool = False,
) -> Figure:
    """Draw each row as a dot for each of its values, the row with the best mean on top.

    Args:
        rows: one or more, all with the same number of values.
        noun: name of a row, such as ``speaker``.
        metric: name of the values.
        share: whether the values are proportions, printed in percent.
        series: names of the values, if a row has several.
        pooled: value over all rows, drawn as a line; each dot is connected with it.
        chance: value of guessing, drawn as a dotted line.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    ranked = sorted(rows, key=lambda row: float(np.mean(row.values)))  # the first row is drawn at the bottom
    values = np.array([row.values for row in ranked])  # (rows, series)
    ends = values if pooled is None else np.column_stack([values, np.full(len(ranked), pooled)])
    places, named = np.arange(len(ranked)), len(ranked) <= _NAMED
    figure = style.figure(5.2, (0.2 * len(ranked) + 1.1 if named else 4.5) + 0.3 * bool(title), colours)
    axes = figure.add_subplot()
    axes.hlines(places, ends.min(axis=1), ends.max(axis=1), color=colours.line, lw=1.5)
    inks = [colours.main, colours.second, colours.muted]
    for number, column in enumerate(values.T):
        label = series[number] if series else None
        ink, size = inks[number % len(inks)], 26 if named else 8
        axes.scatter(column, places, s=size, color=ink, label=label, zorder=3)
    number_of = (lambda value: f"{100 * value:.1f} %") if share else "{:.3g}".format
    if pooled is not None:
        axes.axvline(pooled, color=colours.ink, lw=1.2, label=f"all {noun}s {number_of(pooled)}")
    if chance is not None:
        label = f"chance {number_of(chance)}"
        axes.axvline(chance, color=colours.muted, lw=1.2, ls=":", label=label)
    axes.set_yticks(places if named else [], [row.name for row in ranked] if named else [])
    axes.set_ylabel(noun if named else f"{len(ranked)} {noun}s, best on top")
    for place in () if named else (0, len(ranked) - 1):
        beside = (float(values[place].max()), float(place))
        style.annotate(axes, ranked[place].name, beside, (6, 0), colours, va="center")
    low = 0.0 if share else min(-0.02, values.min() - 0.05)
    axes.set(xlim=(low, 1.02), ylim=(-0.8, len(ranked) - 0.2), xlabel=metric)
    if share:
        style.in_percent(axes, "x")
    style.plain(axes, colours, title)
    style.name_rows(axes, colours)
    style.legend(figure, colours, "outside upper right", columns=4 if series else 2)
    return figure
