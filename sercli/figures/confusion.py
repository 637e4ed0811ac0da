"""Which classes are taken for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sercli.figures import _style

_CHARACTER = 0.6 * _style.SIZE / 72  # about the width of one, in inches


def confusion_matrix(
    counts: ArrayLike, classes: Sequence[str], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw a confusion matrix: the share of each true class as colour and percent, counts beneath.

    The row of a class without utterances says "none".

    Args:
        counts: rows by true and predicted class, (classes, classes).
        classes: class names, in the order of ``counts``.
        title: heading.
        dark: draw for a dark background.
    """
    counts = np.asarray(counts)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    cell = min(0.85, max(0.54, 4.4 / len(classes)))  # inches
    longest = max(len(name) for name in classes) * _CHARACTER
    upright = longest < cell
    side = cell * len(classes)
    colours = _style.palette(dark)
    figure = _style.figure(
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
    _style.plain(axes, colours, title)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelcolor=colours.ink)
    size = _style.SIZE + 0.5 if cell > 0.6 else _style.SIZE - 1.5
    for row in np.flatnonzero(totals == 0):
        middle = (len(classes) / 2, row + 0.5)
        axes.text(*middle, "none", ha="center", va="center", color=colours.muted, size=size)
    for (row, column), count in np.ndenumerate(counts):
        if not totals[row]:
            continue
        share, x, y = shares[row, column], column + 0.5, row + 0.5
        ink = _style.ink_on(mesh.cmap(share))
        if count:
            percent = f"{share:.0%}" if share >= 0.005 else "<1%"
            axes.text(x, y - 0.02, percent, ha="center", va="bottom", color=ink, size=size)
            axes.text(x, y + 0.06, str(count), ha="center", va="top", color=ink, alpha=0.75, size=size - 2)
        else:
            axes.text(x, y, "0", ha="center", va="center", color=ink, alpha=0.35, size=size - 1)
    return figure
