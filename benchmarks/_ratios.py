"""Draw speeds relative to others."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sercli.figures import style

_TICKS = [digit * 10.0**power for power in range(-4, 7) for digit in (1, 2, 5)]


def ratios(
    groups: Mapping[str, Mapping[str, float]], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw each ratio as a dot on a logarithmic axis, group below group; a line at one is the peer.

    A dot of a contestant that is slower than its peer has a different colour.

    Args:
        groups: by heading, the relative speeds by label, above zero.
        title: heading of the figure.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    sizes = [len(found) for found in groups.values()]
    height = 0.2 * sum(sizes) + 0.4 * len(sizes) + 0.5 + 0.3 * bool(title)
    figure = style.figure(6.4, height, colours)
    every = figure.subplots(len(groups), 1, sharex=True, squeeze=False, height_ratios=sizes)[:, 0]
    for axes, (heading, found) in zip(every, groups.items(), strict=True):
        axes.axvline(1, color=colours.ink, lw=1.2)
        places = range(len(found))
        for place, ratio in zip(places, found.values(), strict=True):
            colour = colours.main if ratio >= 1 else colours.second
            axes.hlines(place, 1, ratio, color=colour, lw=1.2)
            axes.scatter(ratio, place, s=26, color=colour, zorder=3)
            side = {"ha": "left" if ratio >= 1 else "right", "va": "center"}
            offset = (6 if ratio >= 1 else -6, 0)
            style.annotate(axes, f"{ratio:.3g}", (ratio, place), offset, colours, **side)
        axes.set_xscale("log")
        axes.set_yticks(places, list(found))
        axes.set_ylim(len(found) - 0.4, -0.6)  # the first row is on top
        axes.grid(axis="x", color=colours.line, lw=0.6)
        axes.set_axisbelow(True)
        style.plain(axes, colours)
        axes.set_title(heading, color=colours.ink, size=style.SIZE, loc="left", pad=4)
        style.name_rows(axes, colours)
    last = every[-1]
    drawn = [1.0, *(ratio for found in groups.values() for ratio in found.values())]
    last.set_xlim(min(drawn) / 1.5, max(drawn) * 1.5)  # leaves room for the numbers beside the dots
    last.xaxis.set_major_locator(FixedLocator(_TICKS))
    last.xaxis.set_minor_locator(NullLocator())
    last.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    last.set_xlabel("times as fast")
    if title:
        figure.suptitle(title, color=colours.ink, size=style.SIZE + 1.5)
    return figure
