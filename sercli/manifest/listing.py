"""Read a table whose rows are utterances: the values of each row by field."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from sercli.manifest.channels import Channels, channel_column
from sercli.manifest.column_choice import choose_columns, describe_columns, field_label
from sercli.manifest.columns import (
    FURTHER_RATINGS,
    RATERS,
    in_milliseconds,
    in_samples,
    simplify,
    unread_times,
)
from sercli.manifest.emotion_columns import (
    columns_of_emotions,
    flags_beside,
    hold_counts,
    hold_votes,
    list_emotions,
    names_of_emotions,
    read_emotions,
)
from sercli.manifest.rater_columns import (
    columns_by_rater,
    named_columns,
    rater_columns,
    rater_of_rows,
    read_rater,
    read_raters,
)
from sercli.manifest.tables import Table, TableRow, is_audio, read_table
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
    split_labels,
)
from sercli.plain import shorten
from sercli.records import Note, Problem

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
        chosen: column by field, as far as the user names it; an empty name switches the field off. These
            fields may have several columns, separated by commas: ``raters``; ``ratings``, whose columns are
            further dimensions; and ``emotion_raw``, whose columns are named by the emotions.
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
    by_emotion = (
        () if raters or "emotion_raw" in fields else columns_of_emotions(table, chosen.get("emotion_raw"))
    )
    several = {"emotion_raw": by_emotion, RATERS: raters, FURTHER_RATINGS: ratings}
    found = {*fields, *(name for name, columns in several.items() if columns)}
    judged = raters or ratings or RATINGS & fields.keys()
    wanted = [field for field in needed if not (judged and field == "emotion_raw")]
    absent = [field for field in (*filter(chosen.get, chosen), *wanted) if field not in found]
    if rows and absent:
        yield from (item for item in table.items if isinstance(item, Problem) and item.harmless)
        yield _no_column(path, table, absent[0], chosen)
        return
    if rows and (
        unread := _unread_time(path.name, table, fields)
        or _unread_channel(table, fields)
        or _without_starts(table, fields)
    ):
        yield unread
        return
    label_column = fields.get("emotion_raw", "")
    joins = join and not raters and chosen.get(RATERS) != "" and bool(label_column or by_emotion)
    by_row = rater_of_rows(table, fields) if joins else ""
    if by_row:
        several[RATERS] = (by_row, label_column) if label_column else (by_row,)
        fields.pop("emotion_raw", None)
        remarks.append(
            "each row has the label of one rater; the rows of a recording become one utterance; --column "
            "raters= leaves the rows as they are"
        )
    doubt = ""
    if by_emotion and not chosen.get("emotion_raw"):
        doubt = _doubt_flags(table, by_emotion, {*by_emotion, by_row, *fields.values()})
        remarks += [doubt] if doubt else []
    if rows:
        yield _note(path.name, table, fields, several, remarks)
    labels = _Labels(raters, by_emotion, hold_votes(table, by_emotion), by_row, label_column, doubt)
    entries = _entries(table, fields, labels, ratings)
    yield from _joined(entries) if by_row else entries


@dataclass(frozen=True, slots=True)
class _Labels:
    """The columns of the labels, if they are not in one column with a label in each row.

    Attributes:
        raters: columns of the raters' labels.
        by_emotion: columns that are named by emotions.
        votes: whether these hold numbers of votes.
        by_row: column of the rater of a row; empty if the rows are not those of raters.
        label: column of the label of such a row; empty if ``by_emotion`` holds it.
        doubt: what to write if a row has no emotion.
    """

    raters: tuple[str, ...]
    by_emotion: tuple[str, ...]
    votes: bool
    by_row: str
    label: str
    doubt: str

    def read(self, row: TableRow) -> dict[str, Any]:
        """Return the labels of a row by field.

        Raises:
            ValueError: a cell holds something else.
        """
        if self.by_row:
            named = list_emotions(row.values, self.by_emotion) or split_labels(row.values.get(self.label))
            return {RATERS: read_rater(row, self.by_row, named)}
        if not self.by_emotion:
            return {RATERS: read_raters(row.values, self.raters)}
        found = read_emotions(row.values, self.by_emotion, votes=self.votes)
        if not found and self.doubt:
            raise ValueError(f"no emotion; {self.doubt}")
        return found


def _doubt_flags(table: Table, by_emotion: Sequence[str], read: Collection[str]) -> str:
    """Ask whether a column with 0 and 1 that is not read is an emotion, too; empty if there is none."""
    flags = flags_beside(table, read)
    if not flags:
        return ""
    every = ",".join(column for column in table.columns if column in {*by_emotion, *flags})
    return f"if '{flags[0]}' is an emotion too, name all of them with --column {quote(f'emotion={every}')}"


def _entries(
    table: Table,
    fields: Mapping[str, str],
    labels: _Labels,
    ratings: Sequence[str],
) -> Iterator[Entry | Problem]:
    """Yield the rows of a table, or a problem for each row that can't be read.

    Args:
        table: the table.
        fields: column by field.
        labels: columns of the labels, if several columns hold them.
        ratings: columns of further dimensions.
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
                named = labels.read(item)
            except ValueError as error:
                yield Problem(item.place, str(error))
                continue
            more = named | {FURTHER_RATINGS: _read_ratings(item.values, ratings)}
            values |= {name: own for name, own in more.items() if own}
            yield Entry(item.place, values, item.values, fields)


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


def _unread_channel(table: Table, fields: Mapping[str, str]) -> Problem | None:
    """Refuse a table whose rows take different channels of one recording."""
    column = channel_column(table.columns)
    if column is None or "file" not in fields:
        return None
    channels = Channels()
    for row in table.rows:
        if several := channels.add(str(row.values[fields["file"]]), row.values[column]):
            return Problem(row.place, several)
    return None


def _without_starts(table: Table, fields: Mapping[str, str]) -> Problem | None:
    """Refuse a table with several ends in one file and no starts: each part would begin with the file."""
    if not {"file", "end"} <= fields.keys() or not {"start", "duration"}.isdisjoint(fields):
        return None
    first: dict[str, str] = {}
    for row in table.rows:
        if is_absent(row.values[fields["end"]]):
            continue
        file, end = str(row.values[fields["file"]]), str(row.values[fields["end"]]).strip()
        if first.setdefault(file, end) != end:
            fact = (
                f"{file} has several ends ({first[file]} and {end}) and no start, so that its parts overlap"
            )
            return Problem(row.place, f"{fact}; name the column of the starts with --column start=COLUMN")
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
    if field in ("emotion_raw", RATERS, FURTHER_RATINGS) and "," in wanted:
        known = set(map(simplify, table.columns))
        wanted = "', '".join(each.strip() for each in wanted.split(",") if simplify(each) not in known)
    fact = f"no column '{wanted}'; the columns are {listed}"
    if any(map(is_audio, table.columns)) or table.columns[0].startswith("#"):
        return Problem(path.name, f"{fact}; the first line must name the columns, such as file and emotion")
    remedy = f"name the right one with --column {field_label(field)}=COLUMN"
    by_emotion, by_rater = names_of_emotions(table), columns_by_rater(table)
    if field == "emotion_raw" and not chosen.get(field):
        if len(by_emotion) > 1 and hold_counts(table, by_emotion):
            remedy = (
                "if a column for each emotion holds numbers of votes, name these columns with "
                f"--column {quote('emotion=' + ','.join(by_emotion))}"
            )
        elif len(by_emotion) > 1:
            remedy = (
                f"the columns {', '.join(by_emotion)} hold neither 0 and 1 nor numbers of votes; write a "
                "column emotion with the label of each row"
            )
        elif by_rater:
            option = quote("raters=" + ",".join(by_rater))
            remedy = f"if each rater's label is in a column, add --column {option}"
    return Problem(path.name, f"{fact}; {remedy}")
