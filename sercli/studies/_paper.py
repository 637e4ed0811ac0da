"""What papers report, as a study's file has it: by row and column, and of others."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sercli.errors import unknown
from sercli.plain.yaml import Place
from sercli.studies import Figures, Reported, Row
from sercli.studies._source import Source

_KEYS = ("ua", "wa", "acc", "ua_without_gender", "wa_without_gender", "ccc_arousal", "ccc_valence")
_RECALL = "recall_"
_DERIVED = re.compile(r"~ ?(-?\d*\.?\d+)")


def with_paper(source: Source, top: Mapping[str, Any], rows: Mapping[str, Row]) -> list[Row]:
    """Give rows the paper's figures, from the row itself or from the study's ``paper:``.

    Raises:
        ConfigError: there is no such row or column, or a figure can't be one.
    """
    found: dict[str, Mapping[str, Figures]] = {}
    for i, row in enumerate(top.get("rows", [])):
        if "paper" not in row:
            continue
        name, place = str(row.get("name", "")), ("rows", i, "paper")
        if name not in rows:
            source.fail(place, "this row is varied; put its figures under the study's 'paper:', by row")
        found[name] = _figures(source, place, row["paper"], {on.name for on in rows[name].on})
    for name, given in source.mapping(("paper",), top.get("paper", {}), "paper").items():
        if name not in rows:
            source.fail(("paper", name), str(unknown("rows", name, rows)))
        if name in found:
            source.fail(("paper", name), f"row '{name}' has figures of its own")
        found[name] = _figures(source, ("paper", name), given, {on.name for on in rows[name].on})
    return [replace(row, paper=found.get(name, {})) for name, row in rows.items()]


def read_references(
    source: Source, top: Mapping[str, Any], columns: set[str]
) -> Mapping[str, Mapping[str, Figures]]:
    """Read the figures of others that the paper compares itself with, by name and column.

    Raises:
        ConfigError: there is no such column, or a figure can't be one.
    """
    given = source.mapping(("references",), top.get("references", {}), "references")
    return {name: _figures(source, ("references", name), under, columns) for name, under in given.items()}


def _figures(source: Source, place: Place, given: Any, columns: set[str]) -> Mapping[str, Figures]:
    for column, figures in source.mapping(place, given, "paper").items():
        at = (*place, column)
        if column not in columns:
            source.fail(at, str(unknown("on", column, columns)))
        for key in source.mapping(at, figures, "paper"):
            if not (key.startswith(_RECALL) and key != _RECALL):
                source.known(at, {key: figures[key]}, _KEYS, "figures")
    return {
        column: {key: _reported(source, (*place, column, key), key, value) for key, value in figures.items()}
        for column, figures in given.items()
    }


def _reported(source: Source, place: Place, key: str, value: Any) -> Reported:
    """Read a value; ``~57.5`` is one that the paper does not print, but that follows from what it states."""
    derived = _DERIVED.fullmatch(value) if isinstance(value, str) else None
    number = float(derived[1]) if derived else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        source.fail(place, f"{key}: a figure is a number, or ~ and a number if it is derived, not {value!r}")
    limit = 1 if key.startswith("ccc") else 100
    if not -1 <= number <= limit:
        unit = "in per cent" if limit > 1 else "plain, at most 1"
        source.fail(place, f"{key}: {value} is out of range; write it {unit}")
    return Reported(float(number), derived is not None)
