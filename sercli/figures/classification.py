"""Draw the confusions of a classifier, and its accuracy at each confidence."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sercli.evaluation.calibration import Calibration
from sercli.evaluation.metrics import divide
from sercli.figures import style

_CHARACTER = 0.6 * style.SIZE / 72  # approximate width of a character, in inches


def confusion_matrix(
    counts: ArrayLike, classes: Sequence[str], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw a confusion matrix: the proportion of each true class as colour and percent, and the counts.

    The row of a class without utterances shows the word "none".

    Args:
        counts: rows by true and predicted class, (classes, classes).
        classes: class names, in the order of ``counts``.
        title: heading.
        dark: draw for a dark background.
    """
    counts = np.asarray(counts)
    totals = counts.sum(axis=1, keepdims=True)
    shares = divide(counts, totals)
    cell = min(0.85, max(0.54, 4.4 / len(classes)))  # inches
    longest = max(len(name) for name in classes) * _CHARACTER
    upright = longest < cell
    side = cell * len(classes)
    colours = style.palette(dark)
    figure = style.figure(
        side + longest + 0.5, side + (0.65 if upright else longest + 0.5) + 0.3 * bool(title), colours
    )
    axes = figure.add_subplot()
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(shares), cmap=colours.colormap, vmin=0, vmax=1, edgecolors=colours.paper, lw=1.5
    )
    places = np.arange(len(classes)) + 0.5
    axes.set_xticks(places, classes, rotation=0 if upright else 90)
    axes.set_yticks(places, classes)
    axes.set(xlabel="predicted", ylabel="true (rows add up to 100 %)", aspect="equal")
    axes.invert_yaxis()
    style.plain(axes, colours, title)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelcolor=colours.ink)
    size = style.SIZE + 0.5 if cell > 0.6 else style.SIZE - 1.5
    for row in np.flatnonzero(totals == 0):
        middle = (len(classes) / 2, row + 0.5)
        axes.text(*middle, "none", ha="center", va="center", color=colours.muted, size=size)
    for (row, column), count in np.ndenumerate(counts):
        if not totals[row]:
            continue
        share, x, y = float(shares[row, column]), column + 0.5, row + 0.5
        ink = style.ink_on(mesh.cmap(share))
        if count:
            percent = f"{100 * share:.0f} %" if share >= 0.005 else "<1 %"
            axes.text(x, y - 0.02, percent, ha="center", va="bottom", color=ink, size=size)
            axes.text(x, y + 0.06, str(count), ha="center", va="top", color=ink, alpha=0.75, size=size - 2)
        else:
            axes.text(x, y, "0", ha="center", va="center", color=ink, alpha=0.35, size=size - 1)
    return figure


def reliability_diagram(calibration: Calibration, title: str | None = None, *, dark: bool = False) -> Figure:
    """Draw the proportion of correct rows in each bin of confidence as a bar, with the number of rows below.

    A dot is the bin's mean confidence. If a bar ends above the diagonal, the confidence of its rows is too
    low. If it ends below the diagonal, the confidence is too high.

    Args:
        calibration: calibration to draw.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    figure = style.figure(4.4, 4.6 + 0.3 * bool(title), colours)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    bins = calibration.bins
    lows = [found.low for found in bins]
    widths = [found.high - found.low for found in bins]
    bars = {"width": widths, "align": "edge", "edgecolor": colours.paper, "lw": 0.8}
    shares = [found.right for found in bins]
    above.bar(lows, shares, color=colours.main, **bars)
    above.plot([0, 1], [0, 1], color=colours.ink, lw=1.2, ls=":", label="confidence = proportion correct")
    above.scatter(
        [found.confidence for found in bins],
        shares,
        s=16,
        color=colours.second,
        zorder=3,
        clip_on=False,  # the dot of a bin without a correct row is on the axis
        label=f"mean confidence (ECE {100 * calibration.ece:.1f} %)",
    )
    below.bar(lows, [found.count for found in bins], color=colours.muted, **bars)
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="proportion correct")
    below.set(xlabel="confidence", ylabel="rows")
    style.in_percent(above, "y")
    style.in_percent(below, "x")
    style.plain(above, colours, title)
    style.plain(below, colours)
    style.legend(figure, colours, "outside lower center", columns=2)
    return figure
