"""How often a classifier is right, by how sure it is."""

from matplotlib.figure import Figure

from sercli.evaluation.calibration import Calibration
from sercli.figures import _style


def reliability_diagram(calibration: Calibration, title: str | None = None, *, dark: bool = False) -> Figure:
    """Draw the share right of each bin of confidence as a bar, and beneath how many rows it holds.

    A dot is the bin's mean confidence: a bar that ends above the diagonal is of rows too unsure, one that
    ends below it of rows too sure.

    Args:
        calibration: what is drawn.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    figure = _style.figure(4.4, 4.6 + 0.3 * bool(title), colours)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    bins = calibration.bins
    lows = [found.low for found in bins]
    widths = [found.high - found.low for found in bins]
    bars = {"width": widths, "align": "edge", "edgecolor": colours.paper, "lw": 0.8}
    shares = [found.right for found in bins]
    above.bar(lows, shares, color=colours.main, **bars)
    above.plot([0, 1], [0, 1], color=colours.ink, lw=1.2, ls=":", label="as sure as right")
    above.scatter(
        [found.confidence for found in bins],
        shares,
        s=16,
        color=colours.second,
        zorder=3,
        clip_on=False,  # a bin without a right row has its dot on the axis
        label=f"mean confidence (ECE {calibration.ece:.1%})",
    )
    below.bar(lows, [found.count for found in bins], color=colours.muted, **bars)
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="share right")
    below.set(xlabel="confidence", ylabel="rows")
    _style.in_percent(above, "y")
    _style.in_percent(below, "x")
    _style.plain(above, colours, title)
    _style.plain(below, colours)
    figure.legend(
        loc="outside lower center", frameon=False, ncols=2, fontsize=_style.SIZE - 1, labelcolor=colours.ink
    )
    return figure
