"""Draw predicted values of utterances: against their ratings, and the differences from the ratings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sercli.figures import style

Values = np.ndarray[tuple[int, int], np.dtype[np.float64]]

# Points are as transparent as their number demands.
_OPAQUE = 150.0
_MOST_GROUPS = 12


def scatter(
    target: Values,
    predicted: Values,
    dimensions: Sequence[str],
    notes: Sequence[str] = (),
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw the prediction of each utterance against its rating, a panel for each dimension.

    Args:
        target: ratings, (utterances, dimensions).
        predicted: predictions on the same scale, of the same shape.
        dimensions: names.
        notes: text in each panel, such as its CCC.
        title: heading.
        dark: draw for a dark background.
    """
    figure, panels, colours = _panels(len(dimensions), title, dark=dark)
    alpha = _alpha(len(target))
    for number, (axes, name) in enumerate(zip(panels, dimensions, strict=True)):
        x, y = target[:, number], predicted[:, number]
        low, high = _limits(np.concatenate([x, y]))
        axes.plot([low, high], [low, high], color=colours.muted, lw=1, ls="--")
        axes.scatter(x, y, s=9, color=colours.main, alpha=alpha, lw=0)
        axes.set(xlim=(low, high), ylim=(low, high), xlabel=f"{name}, rated", aspect="equal")
        if number == 0:
            axes.set_ylabel("predicted")
        note = notes[number] if notes else ""
        style.plain(axes, colours, "\n".join(filter(None, [title if number == 0 else None, note])) or None)
    return figure


def residuals(
    target: Values,
    predicted: Values,
    dimensions: Sequence[str],
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw the difference of each prediction from its rating, against the rating.

    A line joins the mean differences for each rating, or for ten groups of utterances if there are more
    ratings. Where it falls, the network avoids the ends of the scale.

    Args:
        target: ratings, (utterances, dimensions).
        predicted: predictions on the same scale, of the same shape.
        dimensions: names.
        title: heading.
        dark: draw for a dark background.
    """
    figure, panels, colours = _panels(len(dimensions), title, dark=dark)
    alpha = _alpha(len(target))
    for number, (axes, name) in enumerate(zip(panels, dimensions, strict=True)):
        x = target[:, number]
        apart = predicted[:, number] - x
        axes.axhline(0, color=colours.muted, lw=1, ls="--")
        axes.scatter(x, apart, s=9, color=colours.main, alpha=alpha, lw=0)
        groups = _groups(x)
        means = [(x[groups == own].mean(), apart[groups == own].mean()) for own in np.unique(groups)]
        axes.plot(*zip(*means, strict=True), color=colours.ink, lw=1.5)
        axes.set(xlabel=f"{name}, rated")
        if number == 0:
            axes.set_ylabel("predicted minus rated")
        style.plain(axes, colours, title if number == 0 else None)
    return figure


def _groups(ratings: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the group of each rating: equal ratings, or tenths of the utterances with none divided."""
    different = np.unique(ratings)
    if len(different) <= _MOST_GROUPS:
        return np.searchsorted(different, ratings)
    return np.searchsorted(np.quantile(ratings, np.arange(1, 10) / 10), ratings, side="right")


def _panels(count: int, title: str | None, *, dark: bool) -> tuple[Figure, list[Axes], Any]:
    colours = style.palette(dark)
    figure = style.figure(2.7 * count + 0.5, 3.0 + 0.3 * bool(title), colours)
    made: np.ndarray[Any, np.dtype[Any]] = figure.subplots(1, count, squeeze=False)
    return figure, list(made[0]), colours


def _alpha(points: int) -> float:
    return float(np.clip(_OPAQUE / max(1, points), 0.08, 0.9))


def _limits(values: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low or 1.0)
    return low - margin, high + margin
