"""Read the label of a row from a table with a column for each emotion: 0 or 1, or numbers of votes."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sercli.labels import to_noun
from sercli.manifest.columns import RATERS
from sercli.manifest.rater_columns import named_columns
from sercli.manifest.tables import Table
from sercli.manifest.values import is_absent, parse_number

_AROUND = re.compile(r"^(?:is|has|emotion|emo|label)[ _-]|[ _-](?:votes?|count)$", re.IGNORECASE)
_MOST_VOTES = 1000  # of an emotion in a row
_FLAGS = {"true": 1, "false": 0, "yes": 1, "no": 0}


def columns_of_emotions(table: Table, chosen: str | None) -> tuple[str, ...]:
    """Return the columns that are named by the emotions; none if there are not several.

    Args:
        table: the table.
        chosen: names of the columns, separated by commas; ``None`` searches known nouns whose columns hold
            only 0 and 1. Larger numbers may be votes or intensities, so the user has to name these columns.
    """
    if chosen is not None:
        return named_columns(table, chosen) if "," in chosen else ()
    found = tuple(column for column in names_of_emotions(table) if _holds_flags(table, column))
    return found if len(found) > 1 and any(_is_set(table, column) for column in found) else ()


def flags_beside(table: Table, columns: Collection[str]) -> tuple[str, ...]:
    """Return the columns beside those that are read that hold 0 and 1, which may be further emotions."""
    others = (name for name in table.columns if name not in columns)
    return tuple(name for name in others if _holds_flags(table, name) and _is_set(table, name))


def hold_counts(table: Table, columns: Sequence[str]) -> bool:
    """Return whether all cells of columns can be numbers of votes."""
    return None not in _counts(table, *columns)


def names_of_emotions(table: Table) -> tuple[str, ...]:
    """Return the columns whose names are known nouns."""
    return tuple(column for column in table.columns if to_noun(label_of(column)))


def label_of(column: str) -> str:
    """Return the label that a column is named by: that of ``emotion_anger`` and ``anger_votes`` is anger."""
    return _AROUND.sub("", column.strip())


def hold_votes(table: Table, columns: Sequence[str]) -> bool:
    """Return whether columns hold numbers of votes, that is more than one of a row."""
    return any((count or 0) > 1 for count in _counts(table, *columns))


def read_emotions(row: Mapping[str, Any], columns: Sequence[str], *, votes: bool = False) -> dict[str, Any]:
    """Return the label of a row as ``emotion_raw``, or its labels as those of raters.

    Args:
        row: cells by column.
        columns: the columns of the emotions.
        votes: whether the cells count raters with one label each. Otherwise a single 1 is the label, and
            several are labels of one rater.

    Raises:
        ValueError: a cell holds something else.
    """
    counts: dict[str, int] = {}
    for column in columns:
        count = _count(row[column])
        if count is None:
            fact = f"'{row[column]}' in column '{column}' is neither 0, 1 nor a number of votes"
            raise ValueError(f"{fact} (at most {_MOST_VOTES})")
        if count:
            counts[label_of(column)] = count
    if not counts:
        return {}
    if not votes and len(counts) == 1:
        return {"emotion_raw": next(iter(counts))}
    if not votes:
        return {RATERS: ({"rater": "1", "emotions": list(counts)},)}
    labels = [label for label, count in counts.items() for _ in range(count)]
    return {RATERS: tuple({"rater": str(at), "emotions": [label]} for at, label in enumerate(labels, 1))}


def list_emotions(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """Return the labels whose columns have a 1 in a row, or more."""
    return [label_of(column) for column in columns if _count(row[column])]


def _holds_flags(table: Table, column: str) -> bool:
    return all(count in (0, 1) for count in _counts(table, column))


def _is_set(table: Table, column: str) -> bool:
    return any(_counts(table, column))


def _counts(table: Table, *columns: str) -> Iterator[int | None]:
    """Yield the cells of columns as `_count` reads them."""
    return (_count(row.values[column]) for row in table.rows for column in columns)


def _count(cell: Any) -> int | None:
    """Return a cell as a whole number that is not negative; an empty cell is 0."""
    if is_absent(cell):
        return 0
    if isinstance(cell, bool):
        return int(cell)
    text = str(cell).strip().casefold()
    number = _FLAGS[text] if text in _FLAGS else parse_number(text)
    if number is None or not 0 <= number <= _MOST_VOTES or not float(number).is_integer():
        return None
    return int(number)
