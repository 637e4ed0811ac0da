"""An utterance's features, one panel for each kind or variant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from sercli.features import Array
from sercli.figures import _style


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One picture of the figure.

    Attributes:
        title: above it.
        features: (maps, bins, frames) or (maps, frames).
        frame_rate: frames a second.
    """

    title: str
    features: Array
    frame_rate: float


def feature_panels(panels: Sequence[Panel], title: str) -> Figure:
    """Draw features over time, maps of a kind below one another, kinds and variants side by side.

    Args:
        panels: at least one.
        title: heading.
    """
    rows = max(len(panel.features) for panel in panels)
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(3.1 * columns + 0.4, 1.75 * rows * lines + 0.6), layout="constrained")
    figure.suptitle(title, fontsize=_style.SIZE + 1)
    axes = figure.subplots(rows * lines, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    for number, panel in enumerate(panels):
        for row, values in enumerate(panel.features):
            axis = axes[(number // columns) * rows + row, number % columns]
            axis.set_visible(True)
            seconds = values.shape[-1] / panel.frame_rate
            if values.ndim == 1:
                axis.plot(np.arange(len(values)) / panel.frame_rate, values, linewidth=0.7)
                axis.set_xlim(0, seconds)
            else:
                extent = (0, seconds, 0, values.shape[0])
                axis.imshow(values, origin="lower", aspect="auto", extent=extent, cmap="magma")
            if row == 0:
                axis.set_title(panel.title, fontsize=_style.SIZE)
            axis.tick_params(labelsize=_style.SIZE - 2)
            if row == len(panel.features) - 1:
                axis.set_xlabel("seconds", fontsize=_style.SIZE - 1)
    return figure
