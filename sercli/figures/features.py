"""Features of utterances, one panel for each variant or emotion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from sercli.features import Array
from sercli.figures import _style

_COLOURS = "magma"


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


def feature_panels(
    panels: Sequence[Panel], title: str, bins: str = "bin", units: Sequence[str] = ()
) -> Figure:
    """Draw features of one kind over time, maps below one another, variants or utterances side by side.

    All panels of a map have one scale, which a bar of colours beside them shows.

    Args:
        panels: at least one, with the same number of maps.
        title: heading.
        bins: what the rows of a map are.
        units: of each map's values.
    """
    rows = max(len(panel.features) for panel in panels)
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(3.1 * columns + 1.2, 1.75 * rows * lines + 0.6), layout="constrained")
    figure.suptitle(title, fontsize=_style.SIZE + 1)
    axes = figure.subplots(rows * lines, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    scales = [_scale([panel.features[row] for panel in panels]) for row in range(rows)]
    for number, panel in enumerate(panels):
        for row, values in enumerate(panel.features):
            axis = axes[(number // columns) * rows + row, number % columns]
            axis.set_visible(True)
            seconds = values.shape[-1] / panel.frame_rate
            if values.ndim == 1:
                axis.plot(np.arange(len(values)) / panel.frame_rate, values, linewidth=0.7)
                axis.set_xlim(0, seconds)
                axis.set_ylim(scales[row].vmin, scales[row].vmax)
                label = units[row] if row < len(units) else "value"
            else:
                extent = (0, seconds, 0, values.shape[0])
                axis.imshow(
                    values, origin="lower", aspect="auto", extent=extent, cmap=_COLOURS, norm=scales[row]
                )
                label = bins
            if number % columns == 0:
                axis.set_ylabel(label, fontsize=_style.SIZE - 1)
            if row == 0:
                axis.set_title(panel.title, fontsize=_style.SIZE)
            axis.tick_params(labelsize=_style.SIZE - 2)
            if row == len(panel.features) - 1:
                axis.set_xlabel("seconds", fontsize=_style.SIZE - 1)
    if panels[0].features.ndim > 2:
        for row, scale in enumerate(scales):
            bar = figure.colorbar(
                ScalarMappable(scale, _COLOURS), ax=axes[row::rows].ravel().tolist(), aspect=30
            )
            bar.set_label(units[row] if row < len(units) else "value", fontsize=_style.SIZE - 1)
            bar.ax.tick_params(labelsize=_style.SIZE - 2)
    return figure


def _scale(maps: Sequence[Array]) -> Normalize:
    """Return the range of a map's values over all panels."""
    return Normalize(min(float(values.min()) for values in maps), max(float(values.max()) for values in maps))
