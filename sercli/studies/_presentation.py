"""The parts of a study's file about its report: scores of papers, metrics, axes, matrices and curves."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sercli.errors import unknown
from sercli.evaluation import metric_by_key
from sercli.plain.yaml import Place
from sercli.studies._file import StudyFile
from sercli.studies.columns import column_name
from sercli.studies.study import METRICS, Display, PaperScore, PaperScores, StudyRow

_PAPER_METRICS = (
    "ua",
    "wa",
    "acc",
    "ua_without_gender",
    "wa_without_gender",
    "ccc_arousal",
    "ccc_valence",
)
_RECALL = "recall_"
_MERGED = "_without_gender"
_DERIVED = re.compile(r"~ ?(-?\d*\.?\d+)")
_PLOT = ("x", "axis", "lines")
_CURVES = ("rows", "fold")

_ACCURACIES = ("ua", "wa", "acc", "macro_f1")


def with_paper(source: StudyFile, top: Mapping[str, Any], rows: Mapping[str, StudyRow]) -> list[StudyRow]:
    """Add the paper's scores to the rows, from the row itself or from the study's ``paper:``.

    Raises:
        ConfigError: there is no such row or column, or a score is out of range.
    """
    found: dict[str, Mapping[str, PaperScores]] = {}
    for i, row in enumerate(top.get("rows", [])):
        if "paper" not in row:
            continue
        name, place = source.row_name(("rows", i), row), ("rows", i, "paper")
        if name not in rows:
            source.fail(place, "this row is varied; write its scores under the study's 'paper:', by row")
        found[name] = _read_scores(source, place, row["paper"], {on.name for on in rows[name].on})
    for name, given in source.mapping(("paper",), top.get("paper", {}), "paper").items():
        if name not in rows:
            source.fail(("paper", name), str(unknown("rows", name, rows)))
        if name in found:
            source.fail(("paper", name), f"row '{name}' has scores of its own")
        found[name] = _read_scores(source, ("paper", name), given, {on.name for on in rows[name].on})
    return [replace(row, paper=found.get(name, {})) for name, row in rows.items()]


def read_references(
    source: StudyFile, top: Mapping[str, Any], columns: set[str]
) -> Mapping[str, Mapping[str, PaperScores]]:
    """Read the scores of other papers that the paper compares itself with, by name and column.

    Raises:
        ConfigError: there is no such column, or a score is out of range.
    """
    given = source.mapping(("references",), top.get("references", {}), "references")
    return {name: _read_scores(source, ("references", name), under, columns) for name, under in given.items()}


def _read_scores(source: StudyFile, place: Place, given: Any, columns: set[str]) -> Mapping[str, PaperScores]:
    named: dict[str, str] = {}
    for column, scores in source.mapping(place, given, "paper").items():
        at, name = (*place, column), column_name(column, columns)
        if name not in columns:
            source.fail(at, str(unknown("on", column, columns)))
        if name in named:
            source.fail(at, f"column '{name}' occurs twice")
        named[name] = column
        for key in source.mapping(at, scores, "paper"):
            if not (key.startswith(_RECALL) and key != _RECALL):
                source.known(at, {key: scores[key]}, _PAPER_METRICS, "scores")
    return {
        name: {
            key: _read_score(source, (*place, column, key), key, value)
            for key, value in given[column].items()
        }
        for name, column in named.items()
    }


def _read_score(source: StudyFile, place: Place, key: str, value: Any) -> PaperScore:
    """Read a score; ``~57.5`` is one that is not printed, but computed from numbers in the paper."""
    derived = _DERIVED.fullmatch(value) if isinstance(value, str) else None
    number = float(derived[1]) if derived else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        source.fail(place, f"{key}: a score is a number, or ~ and a number if it is derived, not {value!r}")
    percent = metric_by_key(key.removesuffix(_MERGED)).unit == "share"
    if not -1 <= number <= (100 if percent else 1):
        unit = "in per cent" if percent else "plain, at most 1"
        source.fail(place, f"{key}: {value} is out of range; write it {unit}")
    accuracy = key.removesuffix(_MERGED) in _ACCURACIES  # another share, such as a recall, may be below 1 %
    if accuracy and isinstance(number, float) and 0 < number <= 1:
        source.fail(place, f"{key}: {value} looks like a fraction; write it in per cent")
    return PaperScore(float(number), derived is not None)


def read_display(source: StudyFile, top: Mapping[str, Any], rows: Sequence[StudyRow]) -> Display:
    """Read ``metrics:``, ``plot:``, ``confusion:`` and ``curves:``.

    Raises:
        ConfigError: a metric, a setting or a row is unknown.
    """
    plot = source.mapping(("plot",), top.get("plot", {}), "plot")
    source.known(("plot",), plot, _PLOT, "plot")
    if plot.get("lines", "metrics") not in ("metrics", "columns"):
        source.fail(("plot", "lines"), f"lines is 'metrics', 'columns' or absent, not {plot['lines']!r}")
    if plot.get("lines") == "columns" and any(len(row.varied) != 1 for row in rows):
        source.fail(("plot", "lines"), "lines: columns needs rows that each vary one setting")
    x = source.text(("plot", "x"), plot["x"], "x") if "x" in plot else None
    varied = {name for row in rows for name in row.varied}
    if x is not None and x not in varied:
        source.fail(("plot", "x"), str(unknown("the varied settings", x, varied)))
    axis = source.mapping(("plot", "axis"), plot.get("axis", {}), "axis")
    source.known(("plot", "axis"), axis, tuple(varied | {row.group for row in rows if row.varied}), "axis")
    curves = source.mapping(("curves",), top.get("curves", {}), "curves")
    source.known(("curves",), curves, _CURVES, "curves")
    fold = curves.get("fold", 1)
    if isinstance(fold, bool) or not isinstance(fold, int) or fold < 1:
        source.fail(("curves", "fold"), f"fold is a number from 1, not {fold!r}")
    return Display(
        metrics=_read_metrics(source, top),
        x=x,
        axis={name: source.text(("plot", "axis", name), text, "axis") for name, text in axis.items()},
        metrics_as_lines=plot.get("lines") == "metrics",
        columns_as_lines=plot.get("lines") == "columns",
        confusion=_read_row_names(source, ("confusion",), top, rows),
        curves=_read_row_names(source, ("curves", "rows"), curves, rows),
        curves_fold=fold,
    )


def _read_metrics(source: StudyFile, top: Mapping[str, Any]) -> tuple[str, ...]:
    if "metrics" not in top:
        return ()
    names = source.items(("metrics",), top["metrics"], "metrics")
    for i, name in enumerate(names):
        if name not in METRICS:
            source.fail(("metrics", i), str(unknown("metrics", str(name), METRICS)))
    return tuple(dict.fromkeys(names))


def _read_row_names(
    source: StudyFile, place: Place, given: Mapping[str, Any], rows: Sequence[StudyRow]
) -> tuple[str, ...]:
    """Read a list of rows' names, or ``all``."""
    if place[-1] not in given:
        return ()
    known, chosen = [row.name for row in rows], given[str(place[-1])]
    if chosen == "all":
        return tuple(known)
    names = source.items(place, chosen, str(place[-1]))
    named = [source.text((*place, i), name, "a row") for i, name in enumerate(names)]
    for i, name in enumerate(named):
        if name not in known:
            source.fail((*place, i), str(unknown("rows", name, known)))
    return tuple(dict.fromkeys(named))
