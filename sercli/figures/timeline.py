"""Draw predictions over the time of a recording: classes, values, or traces beside their gold standard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sercli.audio import Samples
from sercli.figures import style
from sercli.records import TRACE_RATE

Values = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Spans = Sequence[tuple[float, float]]

# Speakers in a legend.
_NAMED = 6
# Width of the line around a span, in points: a span of a long recording can be much narrower than a pixel.
_OUTLINE = 0.6
# Least part of the time axis that the background of a turn takes, likewise.
_LEAST = 1 / 800


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


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """The waveform of a recording, and who speaks where.

    Attributes:
        lowest: least sample of each of equal parts of the recording, (parts,).
        highest: greatest sample likewise.
        speakers: of each span of the figure; none where the spans are windows, or the speaker is not known.
    """

    lowest: Samples
    highest: Samples
    speakers: Sequence[str | None] = ()


def class_timeline(
    spans: Spans,
    probabilities: Values,
    classes: Sequence[str],
    duration: float,
    title: str | None = None,
    *,
    wave: Waveform | None = None,
    dark: bool = False,
) -> Figure:
    """Draw a band for each class, its probability as height, coloured where it is the most probable.

    Args:
        spans: start and end in seconds of each window or turn, in order; turns may have silence between them
            and may overlap.
        probabilities: (spans, classes).
        classes: names.
        duration: of the recording, seconds.
        title: heading.
        wave: waveform to draw above the bands.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    top = probabilities.argmax(axis=1)
    bands, figure = _panels(len(classes), 0.5, spans, duration, title, wave, colours)
    for number, (axes, name) in enumerate(zip(bands, classes, strict=True)):
        values = probabilities[:, number]
        for edges, own in _lanes(spans, values):
            axes.stairs(own, edges, fill=True, fc=colours.faint, ec=colours.faint, lw=_OUTLINE)
        # Undefined, not 0, where another class is more probable: there is nothing to outline.
        for edges, own in _lanes(spans, np.where(top == number, values, np.nan)):
            axes.stairs(own, edges, fill=True, fc=colours.main, ec=colours.main, lw=_OUTLINE)
        axes.set(ylim=(0, 1))
        axes.set_yticks([0, 1], ["0", "100 %"] if number == 0 else ["", ""])
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        axes.yaxis.set_label_coords(-0.09, 0.5)
        style.plain(axes, colours, title if number == 0 and wave is None else None)
    return figure


def value_timeline(
    spans: Spans,
    values: Values,
    dimensions: Sequence[str],
    duration: float,
    title: str | None = None,
    *,
    wave: Waveform | None = None,
    dark: bool = False,
) -> Figure:
    """Draw a step line for each dimension, with one value for each window or turn.

    Args:
        spans: start and end in seconds of each window or turn, as in `class_timeline`.
        values: (spans, dimensions).
        dimensions: names.
        duration: of the recording, seconds.
        title: heading.
        wave: waveform to draw above the lines.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    panels, figure = _panels(len(dimensions), 1.1, spans, duration, title, wave, colours)
    for number, (axes, name) in enumerate(zip(panels, dimensions, strict=True)):
        for edges, own in _lanes(spans, values[:, number]):
            axes.stairs(own, edges, baseline=None, color=colours.main, lw=1.5, capstyle="projecting")
        axes.set(ylabel=name)
        style.plain(axes, colours, title if number == 0 and wave is None else None)
    return figure


def _panels(
    count: int,
    height: float,
    spans: Spans,
    duration: float,
    title: str | None,
    wave: Waveform | None,
    colours: style.Palette,
) -> tuple[list[Axes], Figure]:
    """Make panels of a height in inches, one below the other, with the waveform above them."""
    above = [0.9] if wave else []
    heights = [*above, *[height] * count]
    figure = style.figure(7.0, 0.7 + sum(heights) + 0.3 * bool(title), colours)
    panels = figure.subplots(
        len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    style.time_axis(panels[-1], duration)
    if wave is not None:
        _draw_wave(panels[0], figure, wave, spans, duration, colours)
        style.plain(panels[0], colours, title)
    return list(panels[len(above) :]), figure


def _draw_wave(
    axes: Axes, figure: Figure, wave: Waveform, spans: Spans, duration: float, colours: style.Palette
) -> None:
    """Draw a waveform; the background of a turn has the colour of its speaker."""
    count = len(wave.lowest)
    seconds = (np.arange(count) + 0.5) * duration / max(count, 1)
    axes.fill_between(seconds, wave.lowest, wave.highest, color=colours.muted, lw=0.4)
    peak = max(float(np.abs([wave.lowest, wave.highest]).max(initial=0)), 1e-6)
    axes.set(ylim=(-1.1 * peak, 1.1 * peak), yticks=[])
    names = [name for name in dict.fromkeys(wave.speakers) if name is not None]
    for (start, end), speaker in zip(spans, wave.speakers, strict=bool(wave.speakers)):
        place = names.index(speaker) if speaker is not None else 0
        axes.axvspan(
            start,
            max(end, start + _LEAST * duration),
            color=style.HUES[place % len(style.HUES)],
            alpha=0.25,
            lw=0,
        )
    if names:
        patches = [
            Patch(color=style.HUES[i % len(style.HUES)], alpha=0.25) for i in range(min(len(names), _NAMED))
        ]
        style.legend(figure, colours, "outside upper right", patches, names[:_NAMED], columns=_NAMED)


def _lanes(
    spans: Spans, values: np.ndarray[Any, np.dtype[Any]]
) -> list[tuple[np.ndarray[Any, np.dtype[Any]], np.ndarray[Any, np.dtype[Any]]]]:
    """Return edges, (steps + 1), and values, (steps,), of steps; NaN where there is no span.

    Spans that overlap are in different lanes, each of which is a row of steps.
    """
    lanes: list[tuple[list[float], list[float]]] = []
    for (start, end), value in zip(spans, values.tolist(), strict=True):
        lane = next((each for each in lanes if each[0][-1] <= start), None)
        if lane is None:
            lanes.append(([start, end], [value]))
            continue
        edges, own = lane
        if edges[-1] < start:
            edges.append(start)
            own.append(float("nan"))
        edges.append(end)
        own.append(value)
    return [(np.array(edges), np.array(own)) for edges, own in lanes]


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
            style.time_axis(axes, max(len(seconds), 2) / TRACE_RATE, named=row == len(dimensions) - 1)
            axes.grid(axis="y", color=colours.line, lw=0.6)
            if column == 0:
                axes.set_ylabel(name)
            style.plain(axes, colours, recording.title if row == 0 else None)
    if with_target:
        style.legend(
            figure, colours, "outside lower right", *grid[0, 0].get_legend_handles_labels(), columns=2
        )
    return figure
