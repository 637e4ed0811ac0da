"""Predicted traces over the gold standard, and how well each recording is followed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sercli.evaluation.agreement import RecordingScore
from sercli.figures import _style
from sercli.records import TRACE_RATE

_NAMED = 40  # more recordings than this are drawn without their names


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """One recording of the figure: its title, gold standard and predicted values, (frames, dimensions)."""

    title: str
    target: NDArray[np.float64]
    predicted: NDArray[np.float64]


def traces(
    recordings: Sequence[Traced], dimensions: Sequence[str], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw gold standard and prediction over time, a panel for each dimension, recordings side by side.

    Args:
        recordings: one or more.
        dimensions: names of the columns.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    height = 0.9 + 1.7 * len(dimensions) + 0.6 * bool(title)
    figure = _style.figure(7.2 * len(recordings), height, colours)
    if title:
        figure.suptitle(title, color=colours.ink, size=_style.SIZE + 1.5)
    grid = figure.subplots(len(dimensions), len(recordings), sharex="col", sharey="row", squeeze=False)
    for column, recording in enumerate(recordings):
        seconds = np.arange(len(recording.target)) / TRACE_RATE
        for row, name in enumerate(dimensions):
            axes = grid[row, column]
            # In front: a restless prediction would hide it.
            axes.plot(
                seconds, recording.target[:, row], color=colours.ink, lw=1.2, zorder=3, label="gold standard"
            )
            axes.plot(seconds, recording.predicted[:, row], color=colours.second, lw=0.8, label="predicted")
            axes.set_xlim(0, max(len(recording.target), 2) / TRACE_RATE)
            axes.grid(axis="y", color=colours.line, lw=0.6)
            if column == 0:
                axes.set_ylabel(name)
            if row == len(dimensions) - 1:
                axes.set_xlabel("seconds")
            _style.plain(axes, colours, recording.title if row == 0 else None)
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(),
        loc="outside lower right",
        frameon=False,
        ncols=2,
        fontsize=_style.SIZE - 1,
        labelcolor=colours.ink,
    )
    return figure


def per_recording(
    scores: Sequence[RecordingScore], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw the CCC of each recording, a dot for each dimension, the best mean on top.

    Args:
        scores: one or more.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    ranked = sorted(scores, key=lambda score: score.ccc)  # the first is drawn at the bottom
    places = np.arange(len(ranked))
    values = np.array([[each.ccc for each in score.by_dimension] for score in ranked])
    named = len(ranked) <= _NAMED
    figure = _style.figure(5.2, (0.2 * len(ranked) + 1.1 if named else 4.5) + 0.3 * bool(title), colours)
    axes = figure.add_subplot()
    axes.hlines(places, values.min(axis=1), values.max(axis=1), color=colours.line, lw=1.5)
    inks = [colours.main, colours.second, colours.muted]
    for column, each in enumerate(ranked[0].by_dimension):
        axes.scatter(
            values[:, column],
            places,
            s=26 if named else 8,
            color=inks[column % len(inks)],
            label=each.name,
            zorder=3,
        )
    axes.axvline(0, color=colours.muted, lw=1.2, ls=":", label="chance 0")
    axes.set_yticks(places if named else [], [score.id for score in ranked] if named else [])
    axes.set_ylabel("" if named else f"{len(ranked)} recordings, best on top")
    axes.set(xlim=(min(-0.02, values.min() - 0.05), 1.02), ylim=(-0.8, len(ranked) - 0.2), xlabel="CCC")
    _style.plain(axes, colours, title)
    axes.spines["left"].set_visible(False)
    axes.tick_params("y", length=0, labelcolor=colours.ink)
    figure.legend(
        loc="outside upper right", frameon=False, ncols=4, fontsize=_style.SIZE - 1, labelcolor=colours.ink
    )
    return figure
