"""What is said of a recording, over its time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sercli.figures import _style

Values = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def class_timeline(
    borders: Sequence[float],
    probabilities: Values,
    classes: Sequence[str],
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw a band for each class, its probability as height, coloured where it is the most probable.

    Args:
        borders: seconds at which the windows take over from one another, the recording's beginning and
            end included, (windows + 1).
        probabilities: (windows, classes).
        classes: names.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    edges, top = np.asarray(borders), probabilities.argmax(axis=1)
    figure, bands = _bands(len(classes), 0.5, title, colours)
    for number, (axes, name) in enumerate(zip(bands, classes, strict=True)):
        values = probabilities[:, number]
        axes.stairs(values, edges, fill=True, color=colours.muted, alpha=0.45, lw=0)
        axes.stairs(np.where(top == number, values, 0), edges, fill=True, color=colours.main, lw=0)
        axes.set(ylim=(0, 1), xlim=(edges[0], edges[-1]))
        axes.set_yticks([0, 1], ["0", "100 %"] if number == 0 else ["", ""])
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        axes.yaxis.set_label_coords(-0.09, 0.5)
        _style.plain(axes, colours, title if number == 0 else None)
    return figure


def trace_timeline(
    trace: Values,
    frames_per_second: float,
    dimensions: Sequence[str],
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw continuous labels as lines, a panel for each dimension.

    Args:
        trace: (frames, dimensions).
        frames_per_second: how many frames a second has.
        dimensions: names.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    times = np.arange(len(trace)) / frames_per_second
    figure, panels = _bands(len(dimensions), 1.2, title, colours)
    for number, (axes, name) in enumerate(zip(panels, dimensions, strict=True)):
        axes.plot(times, trace[:, number], color=colours.main, lw=1.2)
        axes.grid(axis="y", color=colours.line, lw=0.6)
        axes.set_ylabel(name)
        _style.plain(axes, colours, title if number == 0 else None)
    return figure


def _bands(
    count: int, height: float, title: str | None, colours: _style.Palette
) -> tuple[Figure, "np.ndarray[Any, np.dtype[Any]]"]:
    """Make a figure of panels beneath one another that share the time."""
    figure = _style.figure(7.0, 0.7 + height * count + 0.3 * bool(title), colours)
    panels = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    last: Axes = panels[-1]
    last.set_xlabel("seconds")
    return figure, panels
