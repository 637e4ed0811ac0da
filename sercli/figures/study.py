"""Draw a study's values beside the paper's: dots on their intervals, or curves if one setting varies."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sercli.evaluation.metrics import Interval
from sercli.figures import style
from sercli.figures.style import Palette

Colour = str | tuple[float, ...]

_CHARACTER = 0.55 * style.SIZE / 72  # approximate width of a character in the legend, in inches
_HANDLE = 7  # width of a legend's handle and its margins, in characters

_SHAPES = "os^vP*X"  # the diamond is reserved for the paper


@dataclass(frozen=True, slots=True)
class Mark:
    """A value of a row.

    Attributes:
        name: name of the row.
        ours: our value, if there is one.
        interval: interval over speakers.
        paper: value that the paper reports.
    """

    name: str
    ours: float = math.nan
    interval: Interval | None = None
    paper: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Content of one pair of axes.

    Attributes:
        label: name of the metric, such as UA.
        share: whether the metric is printed in percent.
        curves: marks by name of the curve; the name of a mark is its place on the other axis.
        along: setting that varies along the other axis.
        title: subject of the panel, if panels have different subjects.
        controls: names of the curves that are drawn separately, as dashed lines.
        classes: names of the curves of classes. Each has a different hue and no interval; a curve beside
            them, such as WA, is drawn in the colour of the text.
        chance: value of guessing, drawn as a dotted line.
    """

    label: str
    share: bool
    curves: dict[str, list[Mark]]
    along: str = ""
    title: str = ""
    controls: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    chance: float | None = None


def rows_beside_paper(panels: Sequence[Panel], title: str | None = None, *, dark: bool = False) -> Figure:
    """Draw each row as a dot on its interval, the first row on top; the paper's value is a hollow diamond.

    Args:
        panels: panels side by side, all with the same rows. A panel with several curves, such as the recalls
            of classes, has a marker for each curve, one below the other, and no intervals.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    names = [textwrap.fill(_text(mark.name), 30, break_long_words=False) for mark in _first(panels[0])]
    lines = max(name.count("\n") + 1 for name in names)
    most = max(len(panel.curves) for panel in panels)
    height = (
        max(0.2 + 0.14 * lines, 0.14 * most + 0.1 if most > 1 else 0) * len(names) + 1.2 + 0.3 * bool(title)
    )
    with_classes = any(panel.classes for panel in panels)
    figure = style.figure(2.4 + 2.6 * len(panels), height, colours)
    grid = style.grid_of_panels(figure, len(panels), len(panels), sharey=True)
    for axes, panel in zip(grid, panels, strict=True):
        marks = _first(panel)
        ticks = range(len(marks) - 1, -1, -1)
        single = "ours, all classes" if with_classes else "ours"
        for number, ((name, own), colour, shape) in enumerate(_lines(panel, colours, with_classes)):
            below = 0.75 / len(panel.curves) * (number - (len(panel.curves) - 1) / 2)
            places = [tick - below for tick in ticks]
            for place, mark in zip(places, own, strict=True):
                if mark.interval is not None and len(panel.curves) == 1:
                    axes.hlines(place, mark.interval.low, mark.interval.high, color=colour, lw=1.8)
            axes.scatter(
                [mark.ours for mark in own],
                places,
                s=34,
                color=colour,
                marker=shape,
                zorder=3,
                label=_text(name) or single,
            )
            _diamonds(axes, [(mark.paper, place) for mark, place in zip(own, places, strict=True)], colours)
        if panel.chance is not None:
            axes.axvline(panel.chance, **_guessing(colours))
        axes.set_yticks(list(ticks), names)
        axes.set(ylim=(-0.6, len(marks) - 0.4), xlabel=_unit(panel))
        _scale(axes, "x", panel)
        _quiet(axes, colours, "x")
        style.name_rows(axes, colours)
    _head(figure, title, colours)
    return figure


def sweep(panels: Sequence[Panel], title: str | None = None, *, dark: bool = False) -> Figure:
    """Draw metrics over a setting: each is a curve with intervals; the paper's values are diamonds.

    Args:
        panels: panels, one below the other. Those of different subjects have one scale for each metric.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    figure = style.figure(6.4, 2.5 * len(panels) + 0.5 + 0.3 * bool(title), colours)
    grid = style.grid_of_panels(figure, len(panels), 1)
    scales: dict[str, Axes] = {}
    for axes, panel in zip(grid, panels, strict=True):
        if panel.title and scales.setdefault(panel.label, axes) is not axes:
            axes.sharey(scales[panel.label])
        ticks = _in_order([[mark.name for mark in marks] for marks in panel.curves.values()])
        for number, ((name, marks), colour, shape) in enumerate(_lines(panel, colours)):
            aside = 0 if panel.classes else 0.08 * (number - (len(panel.curves) - 1) / 2)
            places = [ticks.index(mark.name) + aside for mark in marks]
            for place, mark in zip(places, marks, strict=True):
                if mark.interval is not None and name not in panel.classes:
                    axes.vlines(place, mark.interval.low, mark.interval.high, color=colour, lw=1, alpha=0.6)
            axes.plot(
                places,
                [mark.ours for mark in marks],
                color=colour,
                marker=shape,
                ms=4.5,
                lw=1.4,
                ls="--" if name in panel.controls else "-",
                label=_text(name) or "ours",
            )
            _diamonds(axes, [(place, mark.paper) for place, mark in zip(places, marks, strict=True)], colours)
        if panel.chance is not None:
            axes.axhline(panel.chance, **_guessing(colours))
        turned = 30 if max(map(len, ticks)) > 6 else 0
        axes.set_xticks(range(len(ticks)), [_text(tick) for tick in ticks], rotation=turned)
        axes.set_xlabel(_text(panel.along))
        axes.set_ylabel(_unit(panel))
        _scale(axes, "y", panel)
        _quiet(axes, colours, "y")
        if panel.title:
            axes.set_title(_text(panel.title), loc="left", color=colours.ink, size=style.SIZE)
    _head(figure, title, colours)
    return figure


def _lines(
    panel: Panel, colours: Palette, with_classes: bool = False
) -> Iterator[tuple[tuple[str, list[Mark]], Colour, str]]:
    """Choose the colour and marker of each curve; ``with_classes``: other panels have curves of classes."""
    classes = [name for name in panel.curves if name in panel.classes]
    for number, curve in enumerate(panel.curves.items()):
        colour: Colour = colours.main
        if curve[0] in panel.classes:
            colour = style.hue(classes.index(curve[0]))
        elif panel.classes or with_classes or curve[0] in panel.controls:
            colour = colours.ink
        elif len(panel.curves) > 1:
            colour = colours.colormap(0.4 + 0.6 * number / (len(panel.curves) - 1))
        yield curve, colour, _SHAPES[number % len(_SHAPES)]


def _in_order(curves: Sequence[Sequence[str]]) -> list[str]:
    """Merge the places of all curves, and keep the order of each curve, even if a curve lacks some places."""
    ticks: list[str] = []
    for names in sorted(curves, key=len, reverse=True):
        at = 0
        for name in names:
            if name in ticks:
                at = ticks.index(name) + 1
            else:
                ticks.insert(at, name)
                at += 1
    return ticks


def _text(text: str) -> str:
    """Prevent matplotlib from reading names as formulas."""
    return text.replace("$", r"\$")


def _first(panel: Panel) -> list[Mark]:
    return next(iter(panel.curves.values()))


def _diamonds(axes: Axes, places: Sequence[tuple[float | None, float | None]], colours: Palette) -> None:
    """Draw the values that the paper reports."""
    reported = [(x, y) for x, y in places if x is not None and y is not None]
    if reported:
        axes.scatter(
            [x for x, _ in reported],
            [y for _, y in reported],
            s=34,
            marker="D",
            facecolor="none",
            edgecolor=colours.second,
            lw=1.4,
            zorder=4,
            label="paper",
        )


def _guessing(colours: Palette) -> dict[str, Any]:
    """Return the look of the line at the value of guessing."""
    return {"color": colours.muted, "lw": 1.2, "ls": ":", "label": "chance", "zorder": 1}


def _unit(panel: Panel) -> str:
    return f"{panel.label} in %".lstrip() if panel.share else panel.label


def _scale(axes: Axes, which: str, panel: Panel) -> None:
    axes.margins(x=0.08 if which == "x" else None, y=0.08 if which == "y" else None)
    factor = 100 if panel.share else 1
    getattr(axes, f"{which}axis").set_major_formatter(FuncFormatter(lambda value, _: f"{factor * value:.4g}"))


def _quiet(axes: Axes, colours: Palette, grid: str) -> None:
    axes.grid(axis=grid, color=colours.line, lw=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    style.plain(axes, colours)


def _head(figure: Figure, title: str | None, colours: Palette) -> None:
    """Write the heading, and a legend if there is more than one kind of mark."""
    style.heading(figure, title and _text(title), colours)
    handles: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    for last in ("paper", "chance"):  # after all of ours
        if last in handles:
            handles[last] = handles.pop(last)
    if len(handles) > 1:
        room = figure.get_figwidth() / _CHARACTER
        columns = max(1, min(6, len(handles), int(room / (max(map(len, handles)) + _HANDLE))))
        named = list(handles.values()), list(handles)
        style.legend(figure, colours, "outside lower right", *named, columns=columns)
