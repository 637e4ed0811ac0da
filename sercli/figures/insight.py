"""Draw internal values of a network: weights of channels and layers, attention, embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sercli.figures import style

Values = NDArray[np.float64]
WARNING = "It shows what the network reacts to, not why a person sounds so."
"""Goes beside each explanation of an answer."""
_MARKERS = "osD^v<>ph*X"


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A spectrogram and the attention over it.

    Attributes:
        title: text above the panel.
        features: (bins, frames).
        attention: (bins, frames).
        frame_rate: frames per second.
        hertz: frequency as text at some bins; empty if the numbers of the bins are shown.
    """

    title: str
    features: Values
    attention: Values
    frame_rate: float
    hertz: Mapping[float, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Utterances in a plane.

    Attributes:
        title: text above the panel.
        points: (utterances, 2).
        target: index of the class of each utterance.
        axes: labels of the horizontal and the vertical axis.
    """

    title: str | None
    points: Values
    target: Sequence[int]
    axes: tuple[str, str]


def channel_weights(
    weights: Mapping[int, Values], classes: Sequence[str], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw a line for each class over the channels, and a panel for each layer; all have one scale.

    Args:
        weights: by number of the layer, the mean weight by class and channel, (classes, channels); NaN if a
            class has no weight.
        classes: names.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    columns = min(2, len(weights))
    lines = -(-len(weights) // columns)
    figure = style.figure(2.0 + 5.0 * columns, 0.4 + 2.6 * lines, colours)
    style.heading(figure, title, colours)
    panels = style.grid_of_panels(figure, len(weights), columns, sharey=True)
    named: dict[str, Artist] = {}
    for place, (axes, (layer, means)) in enumerate(zip(panels, weights.items(), strict=True)):
        channels = np.arange(1, means.shape[1] + 1)
        for number, (row, name) in enumerate(zip(means, classes, strict=True)):
            if np.isfinite(row).any():
                dashes = "-" if number < len(style.HUES) else "--"
                (named[name],) = axes.plot(channels, row, dashes, color=style.hue(number), lw=0.9, label=name)
        axes.set(xlabel=f"channel of layer {layer}", xlim=(1, max(2, len(channels))))
        if place % columns == 0:
            axes.set_ylabel("mean weight")
        style.plain(axes, colours)
    _legend(figure, named, colours)
    return figure


def layer_weights(
    numbers: Sequence[int],
    mean: Values,
    deviation: Values | None = None,
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw a bar for the mean weight of each layer, with its deviation over trials.

    Args:
        numbers: numbers of the layers.
        mean: (layers,).
        deviation: standard deviation over the trials, (layers,); None for a single trial.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    figure = style.figure(max(4.2, 1.2 + 0.3 * len(numbers)), 2.8 + 0.2 * bool(title), colours)
    axes = figure.add_subplot()
    places = np.arange(len(numbers))
    axes.bar(places, mean, color=colours.main, width=0.7)
    if deviation is not None:
        axes.errorbar(places, mean, deviation, fmt="none", ecolor=colours.ink, capsize=3)
    axes.axhline(1 / len(numbers), color=colours.muted, lw=1.2, ls=":", label="equal weights")
    axes.set_xticks(places, [str(number) for number in numbers])
    axes.set(xlabel="layer of the encoder", ylabel="weight", ylim=(0, None))
    style.plain(axes, colours, title)
    style.legend(figure, colours, "outside lower right")
    return figure


def projection(
    panels: Sequence[Panel], classes: Sequence[str], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw utterances as points in the plane of their first two principal components, in several panels.

    Args:
        panels: at least one panel; a line has at most three.
        classes: names of the classes in all panels.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure = style.figure(4.3 * columns + 1.3, 4.0 * lines + 0.2 + 0.4 * bool(title), colours)
    style.heading(figure, title, colours)
    grid = style.grid_of_panels(figure, len(panels), columns)
    named: dict[str, Artist] = {}
    for axes, panel in zip(grid, panels, strict=True):
        own = np.asarray(panel.target)
        for number, name in enumerate(classes):
            x, y = panel.points[own == number].T
            if len(x):
                marker = _MARKERS[number % len(_MARKERS)]
                named[name] = axes.scatter(
                    x, y, s=18, marker=marker, color=style.hue(number), alpha=0.75, linewidths=0, label=name
                )
        axes.set(xlabel=panel.axes[0], ylabel=panel.axes[1])
        style.plain(axes, colours, panel.title)
    _legend(figure, {name: named[name] for name in classes if name in named}, colours)
    return figure


def attention_maps(
    overlays: Sequence[Overlay],
    meaning: str,
    neutral: float,
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw spectrograms in grey, and over them, in colour, attention above or below the neutral value.

    All panels have one scale, so that they can be compared.

    Args:
        overlays: at least one overlay.
        meaning: meaning of a value of the attention.
        neutral: the value without a colour.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    columns = min(2, len(overlays))
    lines = -(-len(overlays) // columns)
    figure = style.figure(3.9 * columns + 0.6, 2.1 * lines + 0.4 * bool(title) + 0.2, colours)
    style.heading(figure, title, colours)
    panels = style.grid_of_panels(figure, len(overlays), columns)
    largest = max(float(np.nanmax(np.abs(each.attention - neutral))) for each in overlays) or 1.0
    scale = Normalize(neutral - largest, neutral + largest)
    for number, (axes, each) in enumerate(zip(panels, overlays, strict=True)):
        bins, frames = each.features.shape
        extent = (0.0, frames / each.frame_rate, 0.0, float(bins))
        low, high = np.nanpercentile(each.features, [1, 99])  # so a few peaks do not darken everything else
        axes.imshow(
            each.features, origin="lower", aspect="auto", extent=extent, cmap="gray", vmin=low, vmax=high
        )
        strength = np.nan_to_num(np.abs(each.attention - neutral) / largest)
        axes.imshow(
            each.attention,
            origin="lower",
            aspect="auto",
            extent=extent,
            cmap="coolwarm",
            norm=scale,
            alpha=0.75 * np.sqrt(strength),
            interpolation="nearest",
        )
        style.plain(axes, colours)
        axes.set_title(each.title, color=colours.ink, size=style.SIZE, loc="left")
        if number + columns >= len(overlays):
            axes.set_xlabel("seconds")
        if number % columns == 0:
            axes.set_ylabel("Hz" if each.hertz else "bin")
        if each.hertz:
            axes.set_yticks(list(each.hertz), list(each.hertz.values()))
    bar = figure.colorbar(ScalarMappable(scale, "coolwarm"), ax=panels, shrink=0.8, aspect=30)
    style.label_colours(bar, meaning, colours)
    return figure


def _legend(figure: Figure, named: Mapping[str, Artist], colours: style.Palette) -> None:
    """Name the classes beside the panels."""
    columns = 1 + len(named) // 16
    style.legend(figure, colours, "outside right center", list(named.values()), list(named), columns=columns)
