"""Find the columns of a table that hold the labels of several raters, and read their labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from sercli.labels import to_noun
from sercli.manifest.columns import names_rater, of_raters, simplify
from sercli.manifest.tables import Table, TableRow, line_of
from sercli.manifest.values import is_absent, parse_cell, parse_number, split_labels


def rater_columns(table: Table, chosen: str | None) -> tuple[str, ...]:
    """Return the columns of the raters' labels: one for all raters, or one for each rater.

    Args:
        table: the table.
        chosen: names of the columns, separated by commas; ``None`` searches columns with usual names. If one
            of the named columns does not exist, there are none.
    """
    if chosen is None:
        kinds = {column: of_raters(column) for column in table.columns}
        for wanted in (("one", "perhaps"), ("all",)):
            found = [
                column for column, kind in kinds.items() if kind in wanted and _hold_labels(table, column)
            ]
            if found:
                return tuple(found)
        return ()
    return named_columns(table, chosen)


def columns_by_rater(table: Table) -> tuple[str, ...]:
    """Return the columns that are named by a rater, whatever they hold."""
    return tuple(column for column in table.columns if of_raters(column) == "one")


def named_columns(table: Table, chosen: str | None) -> tuple[str, ...]:
    """Return columns that are named with commas between them; none if one of them does not exist."""
    if chosen in table.columns:
        return (chosen,)
    by_name = {simplify(column): column for column in reversed(table.columns)}
    columns = [by_name.get(simplify(name)) for name in chosen.split(",")] if chosen else []
    return tuple(name for name in columns if name) if all(columns) else ()


def read_raters(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Read the labels of each rater; each label in a column of all raters is that of one rater.

    Raises:
        ValueError: a cell holds something else.
    """
    if len(columns) == 1:
        labels = split_labels(row[columns[0]])
        named = [(str(number), [label]) for number, label in enumerate(labels, 1)]
    else:
        named = [(column, split_labels(row[column])) for column in columns]
    return tuple({"rater": name, "emotions": labels} for name, labels in named if labels)


def rater_of_rows(table: Table, fields: Mapping[str, str]) -> str:
    """Return the column that names the rater of a row, if a recording has rows of several; else empty."""
    named = [column for column in table.columns if names_rater(column) and column not in fields.values()]
    if len(named) != 1 or "file" not in fields:
        return ""
    places = [fields[name] for name in ("file", "start", "end") if name in fields]
    recordings = [tuple(str(row.values[column]) for column in places) for row in table.rows]
    by_rater = {(each, str(row.values[named[0]])) for each, row in zip(recordings, table.rows, strict=True)}
    return named[0] if len(by_rater) > len(set(recordings)) else ""


def read_rater(row: TableRow, column: str, labels: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return the labels of the only rater of a row; a rater without a name is named by the line."""
    name = row.values[column]
    who = line_of(row.place) if is_absent(name) else str(parse_cell("speaker", name))
    return ({"rater": who, "emotions": list(labels)},) if labels else ()


def _hold_labels(table: Table, column: str) -> bool:
    """Return whether a column may hold labels: no numbers; only known nouns if its name is not certain."""
    try:
        labels = [label for row in table.rows for label in split_labels(row.values[column])]
    except ValueError:
        return False
    if of_raters(column) == "perhaps":
        return bool(labels) and all(map(to_noun, labels))
    return not any(parse_number(label) is not None for label in labels)
