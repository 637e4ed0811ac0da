"""How single speakers fare."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sercli.figures import _style

_NAMED = 40  # more speakers than this are drawn without their names


def per_speaker(
    scores: Mapping[str, float],
    pooled: float,
    chance: float | None = None,
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw the UA of each speaker, best on top, with the pooled UA as a line.

    Args:
        scores: UA by speaker.
        pooled: UA over all speakers.
        chance: UA of guessing, a second line.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    ranked = sorted(scores.items(), key=lambda item: item[1])  # the first is drawn at the bottom
    values = np.array([value for _, value in ranked])
    places = np.arange(len(ranked))
    named = len(ranked) <= _NAMED
    height = 0.2 * len(ranked) + 1.0 if named else 4.5
    figure = _style.figure(5.2, height + 0.3 * bool(title), colours)
    axes = figure.add_subplot()
    axes.hlines(places, np.minimum(values, pooled), np.maximum(values, pooled), color=colours.line, lw=1.5)
    axes.scatter(values, places, s=26 if named else 8, color=colours.main, zorder=3)
    axes.axvline(pooled, color=colours.ink, lw=1.2, label=f"all speakers {pooled:.1%}")
    if chance is not None:
        axes.axvline(chance, color=colours.muted, lw=1.2, ls=":", label=f"chance {chance:.1%}")
    if named:
        axes.set_yticks(places, [name for name, _ in ranked])
        axes.set_ylabel("speaker")
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(ranked)} speakers, best on top")
        for place in (0, len(ranked) - 1):
            axes.annotate(
                ranked[place][0],
                (values[place], place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=colours.ink,
                size=_style.SIZE - 1,
            )
    axes.set(xlim=(0, 1.02), ylim=(-0.8, len(ranked) - 0.2), xlabel="UA")
    _style.in_percent(axes, "x")
    _style.plain(axes, colours, title)
    axes.spines["left"].set_visible(False)
    axes.tick_params("y", length=0, labelcolor=colours.ink)
    figure.legend(
        loc="outside upper right", frameon=False, ncols=2, fontsize=_style.SIZE - 1, labelcolor=colours.ink
    )
    return figure
