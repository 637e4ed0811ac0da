"""Draw the pictures of a study's page: values of a column's rows, confusion matrices and training curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from sercli.evaluation.classes import Confusion
from sercli.figures.classification import confusion_matrix
from sercli.figures.curves import curves_side_by_side
from sercli.figures.study import Mark, Panel, rows_beside_paper, sweep
from sercli.formatting import PERCENT
from sercli.reports.study_cells import CellReport
from sercli.reports.study_values import RECALL, StudyValue
from sercli.studies import Display


def draw_column(title: str, found: Sequence[CellReport], display: Display, *, dark: bool = False) -> Figure:
    """Draw a column: lines if all rows vary a setting, otherwise a dot for each row.

    Each metric has separate axes, except that the recalls of all classes share axes.

    Args:
        title: heading.
        found: rows of the column.
        display: setting on the horizontal axis, and meaning of the lines.
        dark: draw for a dark background.
    """
    varied = len(found) > 2 and all(each.cell.row.varied for each in found)
    panels: dict[tuple[str, ...], Panel] = {}
    where: tuple[str, ...]
    controls = _controls(found, display.x) if varied else frozenset()
    lines = display.metrics_as_lines and varied
    recalls = [value for each in found for value in each.values if value.key.startswith(RECALL)]
    classes = frozenset(value.name if lines else value.key.removeprefix(RECALL) for value in recalls)
    for key, kind in {value.key: value for each in found for value in each.values}.items():
        recall = key.startswith(RECALL)
        name = key.removeprefix(RECALL) if recall else kind.name
        for each in found:
            line, place, along = _place(each, found, display.x) if varied else ("", each.cell.row.name, "")
            if lines:
                where, heading, label, line = (line, along), line, "", kind.name
            elif recall:
                where, heading, label, line = ("recall", line, along), line, "recall", name
            else:
                where, heading, label = (key, along), "", kind.name
            setting = display.axis.get(each.cell.row.group, display.axis.get(along, along))
            dashed = frozenset() if heading else controls
            hued = classes if lines or recall else frozenset()
            share = kind.scale is PERCENT
            new = Panel(label, share, {}, setting, heading, dashed, hued, kind.chance)
            panel = panels.setdefault(where, new)
            panel.curves.setdefault(line, []).append(_mark(place, each.find_value(key)))
    return (sweep if varied else rows_beside_paper)(list(panels.values()), title, dark=dark)


def draw_columns(
    columns: Mapping[str, Sequence[CellReport]], display: Display, *, dark: bool = False
) -> Figure:
    """Draw the varied rows of all columns: a line for each column, axes for each metric and row.

    Args:
        columns: cells by name of the column; each varies one setting.
        display: labels of the horizontal axis.
        dark: draw for a dark background.
    """
    panels: dict[tuple[str, str], Panel] = {}
    chances: dict[str, set[float | None]] = {}
    for value in (value for found in columns.values() for each in found for value in each.values):
        chances.setdefault(value.key, set()).add(value.chance)
    for name, found in columns.items():
        for each in found:
            row = each.cell.row
            ((setting, place),) = row.varied.items()
            along = display.axis.get(row.group, display.axis.get(setting, setting))
            for value in each.values:
                chance = value.chance if len(chances[value.key]) == 1 else None
                panel = Panel(value.name, value.scale is PERCENT, {}, along, row.group, chance=chance)
                curves = panels.setdefault((row.group, value.key), panel).curves
                curves.setdefault(name, []).append(_mark(place, value))
    return sweep(list(panels.values()), dark=dark)


def find_confusions(found: Sequence[CellReport], display: Display) -> list[tuple[CellReport, Confusion]]:
    """List the rows of a column whose confusion matrices are drawn, each with its matrix."""
    return [
        (each, each.report.evaluation.confusion)
        for each in found
        if each.cell.row.name in display.confusion and each.report.evaluation.confusion is not None
    ]


def draw_confusion(confusion: Confusion, title: str | None = None, *, dark: bool = False) -> Figure:
    """Draw the confusion matrix of a row."""
    return confusion_matrix(confusion.counts, confusion.classes, title, dark=dark)


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Trainings of one fold and seed.

    Attributes:
        trial: name of fold and seed.
        rows: epochs by name of the row.
    """

    trial: str
    rows: Mapping[str, Sequence[Mapping[str, Any]]]

    def draw(self, title: str | None = None, *, dark: bool = False) -> Figure:
        """Draw the rows side by side."""
        return curves_side_by_side(self.rows, title, dark=dark)


def find_curves(found: Sequence[CellReport], display: Display) -> Curves | None:
    """Choose a fold and seed that all these rows have finished, and collect its training curves.

    Returns:
        ``None`` if there are no rows, or all rows have no finished fold in common.
    """
    trials = {
        each.cell.row.name: {(trial.fold, trial.seed): trial for trial in each.report.trials}
        for each in found
        if each.cell.row.name in display.curves and each.report.evaluation.confusion is not None
    }
    if not trials:
        return None
    shared = set.intersection(*(set(each) for each in trials.values()))
    if not shared:
        return None
    fold, seed = min(shared, key=lambda unit: (unit[0] != display.curves_fold, unit))
    name = next(iter(trials.values()))[fold, seed].metrics()["fold_name"]
    epochs = {row: [dict(each) for each in of[fold, seed].history()] for row, of in trials.items()}
    return Curves(f"fold {fold} ({name}), seed {seed}", epochs)


def _mark(place: str, value: StudyValue | None) -> Mark:
    if value is None:
        return Mark(place)
    reported = None if value.paper is None else value.paper.value
    return Mark(place, value.value, value.interval, reported)


def _controls(found: Sequence[CellReport], x: str | None) -> frozenset[str]:
    """Name the lines that do not belong to the first varied row, if one of the rows has several lines."""
    lines: dict[str, dict[str, None]] = {}
    for each in found:
        lines.setdefault(each.cell.row.group, {})[_place(each, found, x)[0]] = None
    first, *others = lines.values()
    alone = all(len(each) == 1 for each in lines.values())
    return frozenset() if alone or len(first) == 1 else frozenset(name for each in others for name in each)


def _place(each: CellReport, found: Sequence[CellReport], x: str | None) -> tuple[str, str, str]:
    """Return the line of a varied row, its place on the line, and the setting along the axis.

    The setting is ``x`` if the row varies it, otherwise the setting with the most values.
    """
    row = each.cell.row
    rows = [other.cell.row for other in found]
    siblings = [
        other for other in rows if other.group == row.group and other.varied.keys() == row.varied.keys()
    ]
    values = {name: {other.varied[name] for other in siblings} for name in row.varied}
    most = max(values, key=lambda name: len(values[name]))
    along = x if x is not None and x in row.varied else most
    rest = [label for name, label in row.varied.items() if name != along]
    groups = {other.group for other in rows}
    return ", ".join([*([row.group] if len(groups) > 1 else []), *rest]), row.varied[along], along
