"""Draw features of utterances, a panel for each variant or emotion, and the spectrogram of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sercli.features import Array
from sercli.figures import style

_COLOURS = "magma"
_FLOOR_DB = 70.0  # values that are further below the loudest value get the lightest colour


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Panel of a figure.

    Attributes:
        title: text above the panel.
        features: (maps, bins, frames) or (maps, frames).
        frame_rate: frames per second.
    """

    title: str
    features: Array
    frame_rate: float


def feature_panels(
    panels: Sequence[Panel], title: str, bins: str = "bin", units: Sequence[str] = ()
) -> Figure:
    """Draw features of one kind over time: a row for each map, a column for each variant or utterance.

    All panels of a map have the same scale. A colour bar beside them shows it.

    Args:
        panels: at least one panel; all have the same number of maps.
        title: heading.
        bins: name of the rows of a map.
        units: unit of the values of each map.
    """
    colours = style.palette(dark=False)
    rows = max(len(panel.features) for panel in panels)
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    figure = style.figure(3.1 * columns + 1.2, 1.75 * rows * lines + 0.6, colours)
    style.heading(figure, title, colours)
    grid = figure.subplots(rows * lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    scales = [_scale([panel.features[row] for panel in panels]) for row in range(rows)]
    labels = [units[row] if row < len(units) else "value" for row in range(rows)]
    maps = panels[0].features.ndim > 2
    for number, panel in enumerate(panels):
        for row, values in enumerate(panel.features):
            axes = grid[(number // columns) * rows + row, number % columns]
            axes.set_visible(True)
            _draw_values(axes, values, panel.frame_rate, scales[row])
            if number % columns == 0:
                axes.set_ylabel(bins if maps else labels[row])
            if row == len(panel.features) - 1:
                axes.set_xlabel("seconds")
            style.plain(axes, colours)
            if row == 0:
                axes.set_title(panel.title, color=colours.ink, size=style.SIZE, loc="left")
    for row, scale in enumerate(scales if maps else ()):
        shared = grid[row::rows].ravel().tolist()
        bar = figure.colorbar(ScalarMappable(scale, _COLOURS), ax=shared, aspect=30)
        style.label_colours(bar, labels[row], colours)
    return figure


def _draw_values(axes: Axes, values: Array, frame_rate: float, scale: Normalize) -> None:
    """Draw one map, (bins, frames), as an image, and single values, (frames,), as a line."""
    seconds = values.shape[-1] / frame_rate
    if values.ndim == 1:
        axes.plot(np.arange(len(values)) / frame_rate, values, linewidth=0.7)
        axes.set(xlim=(0, seconds), ylim=(scale.vmin, scale.vmax))
    else:
        extent = (0, seconds, 0, values.shape[0])
        axes.imshow(values, origin="lower", aspect="auto", extent=extent, cmap=_COLOURS, norm=scale)


def spectrogram(
    magnitudes: NDArray[np.floating],
    frame_rate: float,
    top_hz: float,
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw magnitudes over time and frequency, in decibels below the loudest.

    Args:
        magnitudes: magnitudes from 0 Hz, not negative, (bins, frames).
        frame_rate: frames per second.
        top_hz: frequency of the last bin.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    figure = style.figure(7.0, 2.5 + 0.3 * bool(title), colours)
    axes = figure.add_subplot()
    loudest = float(magnitudes.max()) or 1.0
    levels = 20 * np.log10(np.maximum(magnitudes / loudest, 10 ** (-_FLOOR_DB / 20)))
    axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(0.0, magnitudes.shape[1] / frame_rate, 0.0, top_hz / 1000),
        cmap=colours.colormap,
        vmin=-_FLOOR_DB,
        vmax=0.0,
    )
    axes.set(xlabel="seconds", ylabel="kHz")
    style.plain(axes, colours, title)
    return figure


def _scale(maps: Sequence[Array]) -> Normalize:
    """Return the range of a map's values over all panels."""
    return Normalize(min(float(values.min()) for values in maps), max(float(values.max()) for values in maps))
