"""The range test of the learning rate."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from sercli.figures import _style


def range_test(
    rates: Sequence[float],
    scores: Sequence[float],
    losses: Sequence[float],
    clear: float,
    limits: tuple[float, float] | None = None,
    score_label: str = "dev UA",
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw dev score and training loss over rising learning rates, and the limits proposed.

    Args:
        rates: rising, one an epoch.
        scores: of the dev part, of equal number.
        losses: of the training part, of equal number.
        clear: a smaller difference of scores may be chance; a bar of this height says so.
        limits: lower and upper limit; a band between them.
        score_label: what the scores are.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    figure = _style.figure(5.2, 4.2, colours)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes in (upper, lower):
        if limits is not None:
            axes.axvspan(*limits, color=colours.second, alpha=0.15, lw=0)
        axes.set_xscale("log")
        axes.set_xlim(rates[0] / 2, rates[-1] * 2)
        axes.grid(axis="y", color=colours.line, lw=0.6)
    for limit in limits or ():
        upper.annotate(
            f"{limit:.1e}",
            (limit, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -10),
            textcoords="offset points",
            color=colours.ink,
            size=_style.SIZE - 1,
        )
    upper.plot(rates, scores, color=colours.main, lw=1.6, marker="o", ms=3)
    upper.errorbar(
        [rates[0]],
        [float(np.median(scores[:3]))],
        yerr=[clear],
        color=colours.muted,
        lw=0.9,
        capsize=3,
        label="what chance can do",
    )
    upper.set_ylabel(score_label)
    if score_label == "dev UA":
        _style.in_percent(upper, "y")
    upper.legend(frameon=False, fontsize=_style.SIZE - 1, labelcolor=colours.ink)
    lower.plot(rates, losses, color=colours.second, lw=1.6, marker="o", ms=3)
    # A loss that explodes at the end would flatten all the rest.
    least, first = float(np.min(losses)), float(np.median(losses[:3]))
    lower.set_ylim(least - 0.1 * abs(first - least) - 1e-3, max(first + abs(first - least), first * 1.1))
    lower.set(xlabel="learning rate", ylabel="training loss")
    _style.plain(upper, colours, title)
    _style.plain(lower, colours)
    return figure
