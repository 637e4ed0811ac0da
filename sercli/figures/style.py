"""Set the style of all figures on each figure itself, so that no global state changes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from sercli.formatting import clock

# Time axes: the longest in seconds, the most steps between ticks, and the steps of longer axes.
_CLOCK_S, _HOUR_S, _DAY_S = 120, 3600, 86_400
_TICKS = 8
_STEPS_S = (30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)

SIZE = 9.0  # size of text, in points
# People who see few colours can distinguish most of these; with more than ten classes the colours repeat.
HUES: tuple[tuple[float, float, float], ...] = colormaps["tab10"].colors  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours for one background: ``ramp`` runs from zero to the maximum, the others are named by use."""

    paper: str
    ink: str
    muted: str
    faint: str
    line: str
    main: str
    second: str
    ramp: tuple[str, ...]

    @property
    def colormap(self) -> Colormap:
        """The ramp as a colour map of matplotlib; undefined values have the colour of the background."""
        ramp = LinearSegmentedColormap.from_list("sercli", self.ramp)
        return ramp.with_extremes(bad=self.paper)


_LIGHT = Palette(
    paper="#ffffff",
    ink="#1d2430",
    muted="#687285",
    faint="#bbc0c8",
    line="#dfe3ea",
    main="#2458a6",
    second="#c0621b",
    ramp=("#f2f5fa", "#bcd0ec", "#6e9ad3", "#2e66b4", "#143a75"),
)
_DARK = Palette(
    paper="#171b22",
    ink="#e6e9ef",
    muted="#98a2b3",
    faint="#515863",
    line="#323945",
    main="#7fb0f5",
    second="#f0a261",
    ramp=("#1e242e", "#24406b", "#2f62ab", "#5b94e0", "#b5d3ff"),
)


def palette(dark: bool) -> Palette:
    """Return the colours for a dark or a light background."""
    return _DARK if dark else _LIGHT


def figure(width: float, height: float, colours: Palette) -> Figure:
    """Make an empty figure; its size is in inches."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=colours.paper)


def plain(axes: Axes, colours: Palette, title: str | None = None) -> None:
    """Simplify the frame of ``axes``: two thin spines, grey ticks, text in one size."""
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(colours.line)
    axes.tick_params(colors=colours.line, labelcolor=colours.muted, labelsize=SIZE - 1, length=3)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=colours.muted, size=SIZE)
    if title:
        axes.set_title(title, color=colours.ink, size=SIZE + 1.5, loc="left", pad=10)


def time_axis(axes: Axes, seconds: float, *, named: bool = True) -> None:
    """Make the x axis one of time: in seconds, as min:s beyond two minutes, as h:min:s beyond an hour.

    Args:
        axes: has seconds as its x values.
        seconds: length of the axis, which begins at 0.
        named: whether to write the unit below the axis.
    """
    axes.set_xlim(0, seconds)
    name = "seconds"
    if seconds > _CLOCK_S:
        step = next((each for each in _STEPS_S if seconds <= _TICKS * each), None)
        axes.xaxis.set_major_locator(MultipleLocator(step or _DAY_S * math.ceil(seconds / _TICKS / _DAY_S)))
        hours = seconds > _HOUR_S
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value, hours=hours)))
        name = "h:min:s" if hours else "min:s"
    if named:
        axes.set_xlabel(name)


def heading(figure: Figure, title: str | None, colours: Palette) -> None:
    """Write the heading of a figure of several panels, if it has one."""
    if title:
        figure.suptitle(title, color=colours.ink, size=SIZE + 1.5, x=0.01, ha="left")


def legend(
    figure: Figure,
    colours: Palette,
    place: str,
    handles: Sequence[Artist] | None = None,
    labels: Sequence[str] | None = None,
    *,
    columns: int = 1,
) -> None:
    """Write a legend beside the panels: everything that has a label, or these handles."""
    named: dict[str, Any] = {} if handles is None else {"handles": handles, "labels": labels}
    look: dict[str, Any] = {"loc": place, "frameon": False, "ncols": columns, "fontsize": SIZE - 1}
    figure.legend(**named, **look, labelcolor=colours.ink)


def grid_of_panels(figure: Figure, count: int, columns: int, **shared: Any) -> list[Axes]:
    """Make this many panels, line by line, and leave the rest of the last line empty."""
    grid = figure.subplots(-(-count // columns), columns, squeeze=False, **shared).flat
    for axes in grid[count:]:
        axes.set_visible(False)
    return list(grid[:count])


def label_colours(bar: Colorbar, label: str, colours: Palette) -> None:
    """Write the meaning of the colours at a colour bar."""
    bar.set_label(label, color=colours.muted, size=SIZE - 1)
    bar.ax.tick_params(labelcolor=colours.muted, labelsize=SIZE - 2)
    bar.outline.set_visible(False)


def name_rows(axes: Axes, colours: Palette) -> None:
    """Write names of rows at the vertical axis in place of a scale."""
    axes.spines["left"].set_visible(False)
    axes.tick_params("y", length=0, labelcolor=colours.ink)


def annotate(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    offset: tuple[float, float],
    colours: Palette,
    **options: Any,
) -> None:
    """Write a text beside a point, at an offset in points."""
    at: dict[str, Any] = {"xytext": offset, "textcoords": "offset points"}
    axes.annotate(text, place, **at, color=colours.ink, size=SIZE - 1, **options)


def in_percent(axes: Axes, which: str) -> None:
    """Write the ticks of the ``x`` or ``y`` axis in percent, with enough digits for a tick at 22.5 %."""
    getattr(axes, f"{which}axis").set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))


def hue(number: int) -> tuple[float, float, float]:
    """Return the colour of the class with this number."""
    return HUES[number % len(HUES)]


def ink_on(rgb: Sequence[float]) -> str:
    """Return black or white, whichever reads better on a colour (by WCAG's relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb[:3]]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#10151d" if luminance > 0.21 else "#ffffff"
