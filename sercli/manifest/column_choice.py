"""Choose the column of a table that holds each field of an utterance.

A column belongs to a field if its name is a usual one (`sercli.manifest.columns`) or the user names it. A
column holds ids only if no two rows share an id. A column called ``utterance`` holds ids if its values look
like ids; otherwise it holds the words.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sercli.errors import ConfigError
from sercli.manifest.columns import (
    FURTHER_RATINGS,
    RATERS,
    SPELLINGS,
    VAGUE,
    fields_by_name,
    paired_times,
    simplify,
)
from sercli.manifest.tables import Table, TableRow, is_audio
from sercli.manifest.values import RATINGS, is_absent, parse_cell, parse_number, parse_seconds

# Names that programs make: one word with a digit, or joined parts. "Fine." is a transcript.
_IDENTIFIER = re.compile(r"[\w./\\:+-]*[\d_/\\][\w./\\:+-]*")
_STYLES = ("improvised", "scripted")


def field_named(name: str) -> str:
    """Return the field of a user's word: the label is called ``emotion``."""
    return "emotion_raw" if name == "emotion" else name


def field_label(field: str) -> str:
    """Return what users call a field."""
    return "emotion" if field == "emotion_raw" else field


def check_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the chosen columns by field.

    Raises:
        ConfigError: there is no such field.
    """
    for name in columns:
        if field_named(name) not in (*SPELLINGS, RATERS, FURTHER_RATINGS):
            known = ", ".join((*map(field_label, SPELLINGS), RATERS, FURTHER_RATINGS))
            raise ConfigError(f"--column {name}: no such field; the fields are {known}")
    return {field_named(name): column for name, column in columns.items()}


def choose_columns(table: Table, chosen: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the column of each field, and remarks on the choice."""
    rows = table.rows
    remarks: list[str] = []
    fields = fields_by_name(table.columns, chosen)
    if "file" not in fields and "file" not in chosen:
        # If a column has the name of a file, the first line is not a header.
        naming = [name for name in table.columns if not is_audio(name) and _names_audio(rows, name)]
        if len(naming) == 1:
            fields["file"] = naming[0]
    if {"start", "end"}.isdisjoint({*fields, *chosen}):
        times, unsure = _choose_paired_times(table)
        fields, remarks = fields | times, remarks + unsure
    if "start" in fields and {"end", "duration"}.isdisjoint({*fields, *chosen}):
        remarks += _remark_on_ends(table, fields)
    if {"start", "end"} <= fields.keys() and "duration" not in fields:
        remarks += _remark_on_gaps(rows, fields["start"], fields["end"])
    for field in ("style", *sorted(RATINGS)):
        if field in fields and field not in chosen and not _is_of_kind(rows, fields[field], field):
            what = "neither improvised nor scripted" if field == "style" else "it holds no number"
            remarks.append(f"'{fields[field]}' is not used: {what}")
            del fields[field]
    return fields, remarks + _settle_ids(table, fields, chosen)


def describe_columns(
    columns: Sequence[str], fields: Mapping[str, str], joined: Mapping[str, Sequence[str]] | None = None
) -> str:
    """List the field of each column, and the columns that were not read, in one line.

    Args:
        columns: columns of the table.
        fields: column by field.
        joined: columns by field, for fields that several columns hold.
    """
    joined = joined or {}
    named = {**fields} | {field: " + ".join(own) for field, own in joined.items() if own}
    read = ", ".join(f"{field_label(field)} <- {column}" for field, column in named.items())
    known = {*fields.values(), *(column for own in joined.values() for column in own)}
    left = [column for column in columns if column and column not in known]
    return read + (f"; not read: {', '.join(left)}" if left else "")


def _settle_ids(table: Table, fields: dict[str, str], chosen: Mapping[str, str]) -> list[str]:
    """Remove the columns of ids and words that hold something else; return remarks."""
    rows, remarks = table.rows, list[str]()
    taken = {name: field for field, name in fields.items() if field not in ("id", "transcript")}
    for field in ("id", "transcript"):
        if field in fields and field not in chosen and fields[field] in taken:
            del fields[field]
    name = fields.get("id")
    if name is not None and "id" not in chosen:
        if simplify(name) == "utterance" and not _are_identifiers(rows, name):
            del fields["id"]
        elif not _are_unique(rows, name):
            remarks.append(f"'{name}' is not used as id, because its values repeat")
            del fields["id"]
    if "id" in fields and fields.get("transcript") == fields["id"] and "transcript" not in chosen:
        del fields["transcript"]
    return remarks


def _names_audio(rows: Sequence[TableRow], column: str) -> bool:
    """Return whether all values of a column are names of audio files."""
    found = [row.values[column] for row in rows if row.values[column] not in (None, "")]
    return bool(found) and all(isinstance(value, str) and is_audio(value) for value in found)


def _choose_paired_times(table: Table) -> tuple[dict[str, str], list[str]]:
    """Return the columns of a pair such as xmin and xmax as start and end, and remarks on unsure pairs."""
    pairs = [pair for pair in paired_times(table.columns) if _are_times(table.rows, *pair)]
    sure = [pair for pair in pairs if simplify(pair[0]) not in VAGUE or _have_fractions(table.rows, *pair)]
    if sure:
        return dict(zip(("start", "end"), sure[0], strict=True)), []
    return {}, [
        f"'{start}' and '{end}' are whole numbers, so they are not read as times; if they are seconds, add "
        f"--column start={start} --column end={end}"
        for start, end in pairs
    ]


def _remark_on_ends(table: Table, fields: Mapping[str, str]) -> list[str]:
    """Name a column that may hold the ends, in a table with starts only."""
    others = (column for column in table.columns if column not in fields.values())
    start, rows = fields["start"], table.rows
    later = next(
        (name for name in others if _are_times(rows, start, name) and _have_fractions(rows, name)), None
    )
    fact = "there is no column of ends, so each part lasts to the end of its file"
    return [f"{fact}; if '{later}' holds the ends, name it with --column end={later}"] if later else []


def _remark_on_gaps(rows: Sequence[TableRow], start: str, end: str) -> list[str]:
    """Count the rows with a start and without an end."""
    cells = [(row.values[start], row.values[end]) for row in rows]
    count = sum(is_absent(last) and not is_absent(first) for first, last in cells)
    rows_of = "1 row has no end, so it lasts" if count == 1 else f"{count} rows have no end, so each lasts"
    return [f"{rows_of} to the end of its file"] if count else []


def _are_times(rows: Sequence[TableRow], start: str, end: str) -> bool:
    """Return whether most rows of two columns have times, the end after the start."""
    given = [(row.values[start], row.values[end]) for row in rows]
    given = [pair for pair in given if not all(map(is_absent, pair))]
    times = [[parse_number(parse_seconds(value)) for value in pair] for pair in given]
    spans = [(first, last) for first, last in times if first is not None and last is not None]
    flags = all(str(value).strip() in ("0", "1") for pair in given for value in pair)
    return not flags and 2 * sum(first < last for first, last in spans) > len(given)


def _have_fractions(rows: Sequence[TableRow], *columns: str) -> bool:
    """Return whether some values of columns are written as times, not as whole numbers."""
    return any(re.search(r"[.,:]\d", str(row.values[name])) for row in rows for name in columns)


def _is_of_kind(rows: Sequence[TableRow], column: str, field: str) -> bool:
    """Return whether a column with a field's name has values of that field, ignoring absent values."""
    found = [row.values[column] for row in rows if not is_absent(row.values[column])]
    if field == "style":
        return all(value in _STYLES for value in found)
    return not found or any(parse_number(parse_cell(field, value)) is not None for value in found)


def _are_identifiers(rows: Sequence[TableRow], column: str) -> bool:
    found = [str(row.values[column]).strip() for row in rows if row.values[column] not in (None, "")]
    return all(_IDENTIFIER.fullmatch(value) for value in found)


def _are_unique(rows: Sequence[TableRow], column: str) -> bool:
    """Return whether no two different rows share a value."""
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        value = row.values[column]
        if value not in (None, "") and first.setdefault(str(value).strip(), row.values) != row.values:
            return False
    return True
