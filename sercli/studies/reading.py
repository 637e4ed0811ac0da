"""Read a study's file, and check each of its cells before anything runs."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli.errors import SerError
from sercli.plain.yaml import Place
from sercli.studies._file import StudyFile, parse
from sercli.studies._presentation import read_display, read_references
from sercli.studies._rows import RowReader
from sercli.studies.study import Column, Study, StudyRow, settings_of
from sercli.training.settings import check

_KEYS = (
    *("title", "source", "arch", "on", "set", "vary", "rows"),
    *("paper", "paper_is", "doubtful", "about_values", "references", "test_on"),
    *("metrics", "plot", "confusion", "curves"),
)
_COLUMNS = "columns"
"""Value of ``test_on``: the corpora of the columns that a command chooses."""
_PAPER_IS = ("pooled", "mean over folds")


def read_study(path: Path) -> Study:
    """Read a study.

    Raises:
        ConfigError: something in it is wrong; the message begins with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        StudyFile(str(path), None, {}).fail((), "not a text in UTF-8")
    source = parse(text, str(path))
    top = source.mapping((), source.value, "a study")
    _check_keys(source, top)
    reader = RowReader(source, top)
    rows = reader.read_rows()
    study = Study(
        name=path.stem.replace("_", "-"),
        title=source.text(("title",), top["title"], "title"),
        source=source.text(("source",), top.get("source", "own"), "source"),
        rows=tuple(rows),
        doubtful=_texts(source, top, "doubtful"),
        about_values=_texts(source, top, "about_values"),
        references=read_references(source, top, {on.name for row in rows for on in row.on}),
        means=_means(source, top),
        test_on=_test_on(reader, top, rows[0].arch),
        tests_columns=top.get("test_on") == _COLUMNS,
        file=path,
        display=read_display(source, top, rows),
    )
    for row in study.rows:
        _check(row, source, reader)
    return study


def _check_keys(source: StudyFile, top: Mapping[str, Any]) -> None:
    source.known((), top, _KEYS, "a study")
    rows = top.get("rows")
    each_row_has_on = isinstance(rows, list) and all(isinstance(row, dict) and "on" in row for row in rows)
    for key in ("title", "on"):
        if key not in top and not (key == "on" and each_row_has_on):
            source.fail((), f"a study needs '{key}:'")
    if "rows" not in top and "vary" not in top:
        source.fail((), "a study needs 'rows:' or 'vary:'")


def _texts(source: StudyFile, top: Mapping[str, Any], key: str) -> tuple[str, ...]:
    if key not in top:
        return ()
    return tuple(
        source.text((key, i), text, key) for i, text in enumerate(source.items((key,), top[key], key))
    )


def _test_on(reader: RowReader, top: Mapping[str, Any], arch: str) -> tuple[Column, ...]:
    if top.get("test_on", _COLUMNS) == _COLUMNS:
        return ()
    return reader.read_columns(("test_on",), top["test_on"], arch)


def _means(source: StudyFile, top: Mapping[str, Any]) -> bool:
    stated = top.get("paper_is", _PAPER_IS[0])
    if stated not in _PAPER_IS:
        source.fail(("paper_is",), f"paper_is is {' or '.join(_PAPER_IS)}, not {stated!r}")
    return bool(stated == _PAPER_IS[1])


def _check(row: StudyRow, source: StudyFile, reader: RowReader) -> None:
    """Build the settings of each cell; an error names the setting without which they would be right."""
    for on in row.on:
        try:
            check(settings_of(row, on))
        except SerError as error:
            source.fail(_faulty_place(row, on, reader), f"row '{row.name}', on {on.name}: {error}")


def _faulty_place(row: StudyRow, on: Column, reader: RowReader) -> Place:
    for i, (name, _) in reversed(list(enumerate(row.settings))):
        if _is_right(replace(row, settings=(*row.settings[:i], *row.settings[i + 1 :])), on):
            return reader.place_of(row, name)
    for name, _ in row.settings_on.get(on.name, ()):
        if _is_right(replace(row, settings_on={}), on):
            return reader.place_of(row, name)
    return reader.place_of(row)


def _is_right(row: StudyRow, on: Column) -> bool:
    try:
        check(settings_of(row, on))
    except SerError:
        return False
    return True
