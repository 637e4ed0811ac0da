"""Draw the course of a training over its epochs, and over rising learning rates."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sercli.figures import style

Epoch = Mapping[str, Any]
"""Values that were measured in an epoch, by name."""
_Points = list[tuple[int, float]]

_PANELS = {
    "loss": {"train_loss": "train", "dev_loss": "dev"},
    "UA": {"train_ua": "train", "dev_ua": "dev"},
    "dev CCC": {"dev_ccc": "dev CCC"},
    "learning rate": {"lr": "learning rate"},
}


def training_curves(history: Sequence[Epoch], title: str | None = None, *, dark: bool = False) -> Figure:
    """Draw loss, UA or dev CCC and learning rate over the epochs, a panel for each that was recorded.

    Several trainings are thin lines. A bold line is the median over those that have not ended; it is drawn
    while this is at least half of them. A dot is the epoch whose weights were kept.

    Args:
        history: epochs with ``epoch`` and any of ``train_loss``, ``dev_loss``, ``train_ua``,
            ``dev_ua``, ``dev_ccc`` and ``lr`` (``None`` if not measured); ``selected`` is true in the
            kept epoch; ``fold`` and ``seed`` identify the training.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    inks = {"train_loss": colours.second, "train_ua": colours.second, "lr": colours.muted}
    trainings = _trainings(history)
    measured = {name for row in history for name, value in row.items() if value is not None}
    panels = {label: [name for name in names if name in measured] for label, names in _PANELS.items()}
    panels = {label: names for label, names in panels.items() if names}
    figure = style.figure(5.2, 0.5 + 1.7 * max(1, len(panels)) + 0.3 * bool(title), colours)
    if not panels:
        figure.text(0.5, 0.5, "no epoch was recorded", ha="center", color=colours.muted, size=style.SIZE)
        return figure
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (label, names) in zip(grid, panels.items(), strict=True):
        for name in names:
            lines = [_points(rows, name) for rows in trainings]
            _draw(axes, lines, inks.get(name, colours.main), _PANELS[label][name])
        if label != "learning rate":
            _mark_selected(axes, trainings, names[-1], colours)
        axes.set_ylabel(label)
        axes.grid(axis="y", color=colours.line, lw=0.6)
        if axes is grid[-1]:
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if label == "UA":
            style.in_percent(axes, "y")
        style.plain(axes, colours, title if axes is grid[0] else None)
        if axes.get_legend_handles_labels()[1] != [label]:
            axes.legend(frameon=False, fontsize=style.SIZE - 1, labelcolor=colours.ink)
    return figure


def curves_side_by_side(
    trainings: Mapping[str, Sequence[Epoch]], title: str | None = None, *, dark: bool = False
) -> Figure:
    """Draw the UA of the training and the dev part over the epochs, a panel for each training, on one scale.

    Args:
        trainings: by heading, rows of one fold and seed, as `training_curves` takes them.
        title: heading of the figure.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    columns = min(4, len(trainings))
    lines = -(-len(trainings) // columns)
    figure = style.figure(0.8 + 2.4 * columns, 0.4 + 2.1 * lines + 0.3 * bool(title), colours)
    style.heading(figure, title, colours)
    panels = style.grid_of_panels(figure, len(trainings), columns, sharex=True, sharey=True)
    for place, (axes, (name, rows)) in enumerate(zip(panels, trainings.items(), strict=True)):
        for measure, label in _PANELS["UA"].items():
            points = _points(rows, measure)
            if points:
                ink = colours.second if measure == "train_ua" else colours.main
                axes.plot(*zip(*points, strict=True), color=ink, lw=1.2, label=label)
        axes.grid(axis="y", color=colours.line, lw=0.6)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        if place % columns == 0:
            axes.set_ylabel("UA")
        style.in_percent(axes, "y")
        style.plain(axes, colours)
        axes.set_title(name, color=colours.ink, size=style.SIZE, loc="left")
        if place == 0:
            axes.legend(frameon=False, fontsize=style.SIZE - 1, labelcolor=colours.ink)
    return figure


def range_test(
    rates: Sequence[float],
    scores: Sequence[float],
    losses: Sequence[float],
    clear: float,
    limits: tuple[float, float] | None = None,
    score_label: str = "dev UA",
    title: str | None = None,
    *,
    dark: bool = False,
) -> Figure:
    """Draw dev score and training loss over rising learning rates, and the proposed limits.

    Args:
        rates: rising rates, one per epoch.
        scores: score of the dev part at each rate.
        losses: loss of the training part at each rate.
        clear: limit below which a difference of scores may be chance, drawn as the height of a bar.
        limits: lower and upper limit, drawn as a band.
        score_label: name of the scores.
        title: heading.
        dark: draw for a dark background.
    """
    colours = style.palette(dark)
    figure = style.figure(5.2, 4.2, colours)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes in (upper, lower):
        if limits is not None:
            axes.axvspan(*limits, color=colours.second, alpha=0.15, lw=0)
        axes.set_xscale("log")
        axes.set_xlim(rates[0] / 2, rates[-1] * 2)
        axes.grid(axis="y", color=colours.line, lw=0.6)
    for limit in limits or ():
        top = {"xycoords": ("data", "axes fraction")}
        style.annotate(upper, f"{limit:.1e}", (limit, 1), (3, -10), colours, **top)
    upper.plot(rates, scores, color=colours.main, lw=1.6, marker="o", ms=3)
    bar = {"yerr": [clear], "color": colours.muted, "lw": 0.9, "capsize": 3}
    upper.errorbar([rates[0]], [float(np.median(scores[:3]))], **bar, label="possible by chance")
    upper.set_ylabel(score_label)
    if score_label == "dev UA":
        style.in_percent(upper, "y")
    upper.legend(frameon=False, fontsize=style.SIZE - 1, labelcolor=colours.ink)
    lower.plot(rates, losses, color=colours.second, lw=1.6, marker="o", ms=3)
    # A loss that explodes at the end would make the other values look flat.
    least, first = float(np.min(losses)), float(np.median(losses[:3]))
    lower.set_ylim(least - 0.1 * abs(first - least) - 1e-3, max(first + abs(first - least), first * 1.1))
    lower.set(xlabel="learning rate", ylabel="training loss")
    style.plain(upper, colours, title)
    style.plain(lower, colours)
    return figure


def _trainings(history: Sequence[Epoch]) -> list[list[Epoch]]:
    """Separate the trainings, each in the order of its epochs."""
    found: dict[tuple[Any, Any], list[Epoch]] = defaultdict(list)
    for row in history:
        found[row.get("fold"), row.get("seed")].append(row)
    return [sorted(rows, key=lambda row: row["epoch"]) for rows in found.values()]


def _points(rows: Sequence[Epoch], name: str) -> _Points:
    return [(row["epoch"], row[name]) for row in rows if row.get(name) is not None]


def _draw(axes: Axes, lines: Sequence[_Points], ink: str, label: str) -> None:
    if len(lines) == 1:
        axes.plot(*zip(*lines[0], strict=True), color=ink, lw=1.6, label=label)
        return
    for line in filter(None, lines):
        axes.plot(*zip(*line, strict=True), color=ink, lw=0.8, alpha=0.3)
    axes.plot(*zip(*_medians(lines), strict=True), color=ink, lw=2, label=label)


def _medians(lines: Sequence[_Points]) -> _Points:
    values = defaultdict(list)
    for line in lines:
        for epoch, value in line:
            values[epoch].append(value)
    most = max(len(found) for found in values.values())
    return [(epoch, median(found)) for epoch, found in sorted(values.items()) if 2 * len(found) >= most]


def _mark_selected(
    axes: Axes, trainings: Sequence[Sequence[Epoch]], name: str, colours: style.Palette
) -> None:
    points = [
        point for rows in trainings for point in _points([row for row in rows if row.get("selected")], name)
    ]
    if not points:
        return
    if len(trainings) == 1:
        epoch = points[0][0]
        axes.axvline(epoch, color=colours.muted, lw=0.9, ls=":")
        label = f"selected: epoch {epoch}"
    else:
        label = "selected epochs"
    epochs, values = zip(*points, strict=True)
    axes.scatter(epochs, values, s=20, color=colours.ink, zorder=3, label=label)
