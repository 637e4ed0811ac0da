"""A recording's spectrogram, for the eye."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sercli.figures import _style

_FLOOR = 70.0  # decibels below the loudest that are shown


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
        magnitudes: not negative, (bins, frames), from 0 Hz.
        frame_rate: frames a second.
        top_hz: frequency of the last bin.
        title: heading.
        dark: draw for a dark background.
    """
    colours = _style.palette(dark)
    figure = _style.figure(7.0, 2.5 + 0.3 * bool(title), colours)
    axes = figure.add_subplot()
    loudest = float(magnitudes.max()) or 1.0
    levels = 20 * np.log10(np.maximum(magnitudes / loudest, 10 ** (-_FLOOR / 20)))
    axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(0.0, magnitudes.shape[1] / frame_rate, 0.0, top_hz / 1000),
        cmap=colours.colormap,
        vmin=-_FLOOR,
        vmax=0.0,
    )
    axes.set(xlabel="seconds", ylabel="kHz")
    _style.plain(axes, colours, title)
    return figure
