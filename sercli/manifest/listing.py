"""Read a table whose rows are utterances: the column of each field, and the values of each row.

A column belongs to a field if its name is a usual one (`sercli.manifest.columns`) or the user names it. A
column holds ids only if no two rows share an id. A column called ``utterance`` holds ids if its values look
like ids; otherwise it holds the words.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from sercli.audio import SUFFIXES
from sercli.errors import ConfigError
from sercli.manifest.columns import (
    FURTHER_RATINGS,
    RATERS,
    SPELLINGS,
    VAGUE,
    fields_by_name,
    in_milliseconds,
    in_samples,
    paired_times,
    simplify,
    unread_times,
)
from sercli.manifest.rater_columns import named_columns, rater_columns, raters_by_row, read_rater, read_raters
from sercli.manifest.tables import Table, TableRow, read_table
from sercli.manifest.values import (
    NAMES,
    RATINGS,
    TIMES,
    find_grouped,
    is_absent,
    parse_cell,
    parse_number,
    parse_seconds,
    settle_times,
)
from sercli.plain import shorten
from sercli.records import Note, Problem

# Names that programs make: one word with a digit, or joined parts. "Fine." is a transcript.
_IDENTIFIER = re.compile(r"[\w./\\:+-]*[\d_/\\][\w./\\:+-]*")
_STYLES = ("improvised", "scripted")
_WHOLE = re.compile(r"\d+\.0")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a table.

    Attributes:
        place: file and line.
        fields: value by field of an utterance, without absent values; the label is ``emotion_raw``. The
            labels of the raters are mappings, as in `sercli.records.Utterance`.
        values: the unchanged row, by column.
        columns: column by field.
    """

    place: str
    fields: dict[str, Any]
    values: dict[str, Any]
    columns: Mapping[str, str]

    @property
    def nested(self) -> str:
        """Explain which cell is neither text nor a number; empty if there is none."""
        for name, column in self.columns.items():
            value = self.fields.get(name)
            if not isinstance(value, bool | list | dict):
                continue
            remedy = "write text or a number"
            if name == "emotion_raw" and isinstance(value, list):
                remedy = f"write one label; --column {RATERS}={column} reads the labels of several raters"
            return f"the column '{column}' can't hold {shorten(value)}; {remedy}"
        return ""


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


def read_entries(
    path: Path,
    chosen: Mapping[str, str] | None = None,
    needed: Sequence[str] = ("file",),
    *,
    join: bool = False,
) -> Iterator[Entry | Problem]:
    """Yield the rows of a table by field, after a note on the field of each column.

    Args:
        path: the table.
        chosen: column by field, as far as the user names it; an empty name switches the field off. The field
            ``raters`` may have several columns, separated by commas; so may ``ratings``, whose columns are
            further dimensions.
        needed: fields that every row must have; labels of raters or ratings replace the label.
        join: if a table has a row for each rater of a recording, make one entry of these rows.
    """
    chosen = chosen or {}
    table = read_table(path)
    rows = table.rows
    fields, remarks = choose_columns(table, chosen)
    raters = rater_columns(table, chosen.get(RATERS))
    ratings = named_columns(table, chosen.get(FURTHER_RATINGS))
    if "emotion_raw" not in chosen and fields.get("emotion_raw") in raters:
        del fields["emotion_raw"]
    found = {*fields, *([RATERS] if raters else []), *([FURTHER_RATINGS] if ratings else [])}
    judged = raters or ratings or RATINGS & fields.keys()
    wanted = [field for field in needed if not (judged and field == "emotion_raw")]
    absent = [field for field in (*filter(chosen.get, chosen), *wanted) if field not in found]
    if rows and absent:
        yield from (item for item in table.items if isinstance(item, Problem) and item.harmless)
        yield _no_column(path, table, absent[0], chosen)
        return
    if rows and (unread := _unread_time(path.name, table, fields)):
        yield unread
        return
    by_row = raters_by_row(table, fields) if join and not raters and chosen.get(RATERS) != "" else ()
    if by_row:
        raters = by_row
        del fields["emotion_raw"]
        remarks.append(
            "each row has the label of one rater; the rows of a recording become one utterance; --column "
            "raters= leaves the rows as they are"
        )
    if rows:
        yield _note(path.name, table, fields, {RATERS: raters, FURTHER_RATINGS: ratings}, remarks)
    entries = _entries(table, fields, raters, ratings, by_row=bool(by_row))
    yield from _joined(entries) if by_row else entries


def _entries(
    table: Table,
    fields: Mapping[str, str],
    raters: Sequence[str],
    ratings: Sequence[str],
    *,
    by_row: bool,
) -> Iterator[Entry | Problem]:
    """Yield the rows of a table, or a problem for each row that can't be read.

    Args:
        table: the table.
        fields: column by field.
        raters: columns of the raters' labels.
        ratings: columns of further dimensions.
        by_row: whether the first column of raters names the rater of the row, and the second one has the
            label.
    """
    rows = table.rows
    whole = {field for field in NAMES & fields.keys() if _are_whole(rows, fields[field])}
    faults = grouped_times(rows, fields)
    for item in table.items:
        if isinstance(item, Problem):
            yield item
        elif item.place in faults:
            yield Problem(item.place, faults[item.place])
        else:
            values = read_cells(item.values, fields, whole)
            if not (parse_number(values.get("duration")) or 0) > 0:
                values.pop("duration", None)  # it only repeats the length of the audio itself
            try:
                labelled = read_rater(item, raters) if by_row else read_raters(item.values, raters)
            except ValueError as error:
                yield Problem(item.place, f"raters: {error}; write labels, for example anger|sadness")
                continue
            more: dict[str, Any] = {RATERS: labelled, FURTHER_RATINGS: _read_ratings(item.values, ratings)}
            values |= {name: own for name, own in more.items() if own}
            yield Entry(item.place, values, item.values, fields)


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
    for field in ("style", *sorted(RATINGS)):
        if field in fields and field not in chosen and not _is_of_kind(rows, fields[field], field):
            what = "neither improvised nor scripted" if field == "style" else "it holds no number"
            remarks.append(f"'{fields[field]}' is not used: {what}")
            del fields[field]
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
    return fields, remarks


def read_cells(
    row: Mapping[str, Any], fields: Mapping[str, str], whole: Collection[str] = ()
) -> dict[str, Any]:
    """Return the value of each field, without absent values; times are in seconds.

    Args:
        row: cells by column.
        fields: column by field.
        whole: fields of integers that may be written as 1.0.
    """
    values: dict[str, Any] = {}
    for field, column in fields.items():
        value = row[column]
        if field == "file" and isinstance(value, dict) and isinstance(value.get("path"), str):
            value = value["path"]  # Hugging Face's datasets store audio in this way
        content = parse_cell(field, value)
        if field in whole and isinstance(content, str):
            content = content.removesuffix(".0")
        # A text that became a number had its unit or colons, and is in seconds already.
        plain = not (isinstance(value, str) and isinstance(content, float))
        found = parse_number(content) if field in TIMES and plain and in_milliseconds(column) else None
        content = content if found is None else round(found / 1000, 9)
        if content not in (None, ""):
            values[field] = content
    columns = [name for name in ("start", "end") if name in fields]
    if columns:
        times = settle_times(dict.fromkeys(columns) | values)
        values = {name: value for name, value in values.items() if name not in columns} | times
    return values


def _read_ratings(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return the rating of each further dimension, without absent ones; whether they are numbers is open."""
    cells = {column: parse_cell("valence", row[column]) for column in columns}
    return {column: value for column, value in cells.items() if value is not None}


def _joined(entries: Iterator[Entry | Problem]) -> Iterator[Entry | Problem]:
    """Join entries that differ only in their id and their rater; a rater of several rows has one vote."""
    joined: dict[str, Entry] = {}
    for entry in entries:
        if isinstance(entry, Problem):
            yield entry
            continue
        key = repr({name: value for name, value in entry.fields.items() if name not in ("id", RATERS)})
        known = joined.setdefault(key, entry)
        if known is not entry:
            labels = {each["rater"]: list(each["emotions"]) for each in known.fields.get(RATERS, ())}
            for each in entry.fields.get(RATERS, ()):
                labels.setdefault(each["rater"], []).extend(each["emotions"])
            votes = tuple({"rater": name, "emotions": own} for name, own in labels.items())
            fields = {name: value for name, value in known.fields.items() if name != "id"}
            joined[key] = replace(known, fields=fields | ({RATERS: votes} if votes else {}))
    yield from joined.values()


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


def is_audio(name: str) -> bool:
    """Return whether a name has the suffix of an audio file."""
    return PurePosixPath(name.strip()).suffix.lower() in SUFFIXES


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


def _are_whole(rows: Sequence[TableRow], column: str) -> bool:
    """Return whether a column has integers that pandas wrote as 1.0, because of gaps."""
    found = [value.strip() for row in rows if isinstance(value := row.values[column], str)]
    numbers = [value for value in found if parse_cell("speaker", value) is not None]
    return bool(numbers) and all(_WHOLE.fullmatch(value) for value in numbers)


def _note(
    name: str,
    table: Table,
    fields: Mapping[str, str],
    joined: Mapping[str, Sequence[str]],
    remarks: Sequence[str],
) -> Note:
    """List the field of each column, and the columns that were not read."""
    return Note(name, "; ".join([describe_columns(table.columns, fields, joined), *remarks]), title="columns")


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
    named = [f"{field_label(field)} <- {column}" for field, column in fields.items()]
    read = ", ".join([*named, *(f"{field} <- {' + '.join(own)}" for field, own in joined.items() if own)])
    known = {*fields.values(), *(column for own in joined.values() for column in own)}
    left = [column for column in columns if column and column not in known]
    return read + (f"; not read: {', '.join(left)}" if left else "")


def _unread_time(name: str, table: Table, fields: Mapping[str, str]) -> Problem | None:
    """Refuse a table with a column of times that is not read: each row would mean its complete file.

    Zeros and ones may be flags, such as `is_end`, and cut nothing.
    """
    for column, field in unread_times(table.columns, fields).items():
        found = [parse_number(parse_seconds(row.values[column])) for row in table.rows]
        if not any(value not in (None, 0, 1) for value in found):
            continue
        if field == "end" and "start" in fields and "duration" in fields:
            continue
        fact = f"the column '{column}' may be the start or the end of an utterance, but it is not read"
        if in_samples(column):
            remedy = f"write seconds into a column {field} instead (samples divided by the sampling rate)"
        else:
            remedy = f"if it holds seconds, name it with --column {field}={column}"
        return Problem(name, f"{fact}; {remedy}; if it holds no such times, remove or rename the column")
    return None


def grouped_times(rows: Sequence[TableRow], fields: Mapping[str, str]) -> dict[str, str]:
    """Explain, by the place of a row, which of its times may have a separator of thousands."""
    named = [column for field, column in fields.items() if field in TIMES]
    columns = {column: in_milliseconds(column) or in_samples(column) for column in named}
    grouped = find_grouped((row.values[name], small) for row in rows for name, small in columns.items())
    faults: dict[str, str] = {}
    for row in rows if grouped else ():
        for name, small in columns.items():
            cell = row.values[name]
            if isinstance(cell, str) and (cell, small) in grouped:
                faults.setdefault(row.place, f"{name} '{cell.strip()}' {grouped[cell, small]}")
    return faults


def _no_column(path: Path, table: Table, field: str, chosen: Mapping[str, str]) -> Problem:
    listed = ", ".join(column for column in table.columns if column)
    wanted = chosen.get(field) or field_label(field)
    if field in (RATERS, FURTHER_RATINGS) and "," in wanted:
        known = set(map(simplify, table.columns))
        wanted = "', '".join(each.strip() for each in wanted.split(",") if simplify(each) not in known)
    fact = f"no column '{wanted}'; the columns are {listed}"
    if any(map(is_audio, table.columns)) or table.columns[0].startswith("#"):
        return Problem(path.name, f"{fact}; the first line must name the columns, such as file and emotion")
    return Problem(path.name, f"{fact}; name the right one with --column {field_label(field)}=COLUMN")
