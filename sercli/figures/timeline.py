"""Draw predictions over the time of a recording: classes, values, or traces beside their gold standard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sercli.figures import style
from sercli.records import TRACE_RATE

Values = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """One recording of a figure.

    Attributes:
        title: text above the panel.
        predicted: (frames, dimensions).
        target: the gold standard, if there is one, (frames, dimensions).
    """

    title: str | None
    predicted: Values
    target: Values | None = None


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
        borders: borders between the windows in seconds, including the recording's beginning and end,
            (windows + 1).
        probabilities: (windows, classes).
        classes: names.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    edges, top = np.asarray(borders), probabilities.argmax(axis=1)
    figure = style.figure(7.0, 0.7 + 0.5 * len(classes) + 0.3 * bool(title), colours)
    bands: np.ndarray[Any, np.dtype[Any]] = figure.subplots(len(classes), 1, sharex=True, squeeze=False)[:, 0]
    bands[-1].set_xlabel("seconds")
    for number, (axes, name) in enumerate(zip(bands, classes, strict=True)):
        values = probabilities[:, number]
        axes.stairs(values, edges, fill=True, color=colours.muted, alpha=0.45, lw=0)
        axes.stairs(np.where(top == number, values, 0), edges, fill=True, color=colours.main, lw=0)
        axes.set(ylim=(0, 1), xlim=(edges[0], edges[-1]))
        axes.set_yticks([0, 1], ["0", "100 %"] if number == 0 else ["", ""])
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        axes.yaxis.set_label_coords(-0.09, 0.5)
        style.plain(axes, colours, title if number == 0 else None)
    return figure


def value_timeline(
    borders: Sequence[float],
    values: Values,
    dimensions: Sequence[str],
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw a step line for each dimension, with one value for each window.

    Args:
        borders: borders between the windows in seconds, including the recording's beginning and end,
            (windows + 1).
        values: (windows, dimensions).
        dimensions: names.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    figure = style.figure(7.0, 0.7 + 1.1 * len(dimensions) + 0.3 * bool(title), colours)
    panels: np.ndarray[Any, np.dtype[Any]] = figure.subplots(len(dimensions), 1, sharex=True, squeeze=False)[
        :, 0
    ]
    panels[-1].set_xlabel("seconds")
    for number, (axes, name) in enumerate(zip(panels, dimensions, strict=True)):
        axes.stairs(values[:, number], borders, baseline=None, color=colours.main, lw=1.5)
        axes.set(xlim=(borders[0], borders[-1]), ylabel=name)
        style.plain(axes, colours, title if number == 0 else None)
    return figure


def traces(
    recordings: Sequence[Traced], dimensions: Sequence[str], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw traces over time, a panel for each dimension, recordings side by side.

    Args:
        recordings: one or more.
        dimensions: names of the columns.
        title: heading of the figure.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    with_target = any(each.target is not None for each in recordings)
    height = 0.9 + (1.7 if with_target else 1.2) * len(dimensions) + 0.6 * bool(title)
    figure = style.figure(7.2 * len(recordings), height, colours)
    style.heading(figure, title, colours)
    grid = figure.subplots(len(dimensions), len(recordings), sharex="col", sharey="row", squeeze=False)
    for column, recording in enumerate(recordings):
        seconds = np.arange(len(recording.predicted)) / TRACE_RATE
        for row, name in enumerate(dimensions):
            axes = grid[row, column]
            if recording.target is not None:
                # The gold standard is drawn in front, because a prediction with many peaks would hide it.
                gold = recording.target[:, row]
                axes.plot(seconds, gold, color=colours.ink, lw=1.2, zorder=3, label="gold standard")
            ink, width = (colours.second, 0.8) if with_target else (colours.main, 1.2)
            axes.plot(seconds, recording.predicted[:, row], color=ink, lw=width, label="predicted")
            axes.set_xlim(0, max(len(seconds), 2) / TRACE_RATE)
            axes.grid(axis="y", color=colours.line, lw=0.6)
            if column == 0:
                axes.set_ylabel(name)
            if row == len(dimensions) - 1:
                axes.set_xlabel("seconds")
            style.plain(axes, colours, recording.title if row == 0 else None)
    if with_target:
        style.legend(
            figure, colours, "outside lower right", *grid[0, 0].get_legend_handles_labels(), columns=2
        )
    return figure
