"""The range test of the learning rate."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from sercli.figures import _style


def range_test(
    rates: Sequence[float],
    losses: Sequence[float],
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw the smoothed loss over rising learning rates, and the limits proposed.

    Args:
        rates: rising, one a step.
        losses: of equal number.
        limits: lower and upper limit; a band between them.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    figure = _style.figure(5.2, 3.0, colours)
    axes = figure.subplots()
    if limits is not None:
        axes.axvspan(*limits, color=colours.second, alpha=0.15, lw=0)
        for limit in limits:
            axes.axvline(limit, color=colours.second, lw=0.9)
            axes.annotate(
                f"{limit:.1e}",
                (limit, 1),
                xycoords=("data", "axes fraction"),
                xytext=(3, -10),
                textcoords="offset points",
                color=colours.ink,
                size=_style.SIZE - 1,
            )
    axes.plot(rates, losses, color=colours.main, lw=1.6)
    axes.set_xscale("log")
    # A loss that explodes at the end would flatten all the rest.
    least, first = float(np.min(losses)), float(np.median(losses[:10]))
    axes.set_ylim(least - 0.1 * (first - least) - 1e-3, max(first + 0.5 * (first - least), first * 1.1))
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss, smoothed")
    axes.grid(axis="y", color=colours.line, lw=0.6)
    _style.plain(axes, colours, title)
    return figure
