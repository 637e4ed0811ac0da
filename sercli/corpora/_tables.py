"""Read a table row by row, whatever its format, and name the line of what is wrong."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.plain.json import from_json
from sercli.records import Problem


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        place: file and line.
        values: cells by column, the same columns in every row.
    """

    place: str
    values: dict[str, Any]


def read_table(path: Path) -> Sequence[Row | Problem]:
    """Return the rows of a CSV, TSV or JSON Lines file; which it is, its suffix says.

    A table that can't be read to its end has no rows, only that problem: nobody could tell what is
    missing.
    """
    if path.is_dir():
        return [Problem(".", "a folder; give the table itself")]
    content = path.read_bytes()
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        fact = "not plain text (UTF-16, a spreadsheet, or damaged); save the table as CSV in UTF-8"
        return [Problem(f"{path.name}:{line}", fact)]
    said = []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
        said = [Problem(path.name, "not UTF-8, read as Latin-1", harmless=True)]
    as_json = path.suffix.lower() in (".jsonl", ".ndjson", ".json")
    items = (_json_lines if as_json else _separated)(text, path.name)
    if not items:
        return [
            Problem(path.name, "holds no rows; the first line names the columns, each other is an utterance")
        ]
    return said + items


def _json_lines(text: str, name: str) -> list[Row | Problem]:
    items: list[Row | Problem] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would cut at U+2028, too
        if not line.strip():
            continue
        try:
            values = from_json(line, strict=False)
        except ValueError:  # a number of 5000 digits is no JSONDecodeError
            values = None
        if isinstance(values, dict):
            columns |= dict.fromkeys(values)
            items.append(Row(f"{name}:{number}", values))
        else:
            fact = "not a JSON object (cut short?); write one a line, with a key per column"
            items.append(Problem(f"{name}:{number}", fact))
    absent = dict.fromkeys(columns)
    return [item if isinstance(item, Problem) else Row(item.place, absent | item.values) for item in items]


def _separated(text: str, name: str) -> list[Row | Problem]:
    header = next((line for line in text.splitlines() if line.strip()), "")
    separator = max("\t;,", key=header.count)
    # Strict, or a quote that is left open would take the rest of the table for one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    items: list[Row | Problem] = []
    columns: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            place, line = f"{name}:{line}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = [cell.strip() for cell in cells]
                repeated = [column for column, count in Counter(columns).items() if column and count > 1]
                if repeated:
                    return [Problem(place, f"two columns are called '{repeated[0]}'; rename one")]
            elif len(cells) != len(columns):
                why = "cut short?" if len(cells) < len(columns) else f"quote a cell that holds '{separator}'"
                items.append(Problem(place, f"{len(cells)} cells for {len(columns)} columns; {why}"))
            else:
                items.append(Row(place, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        fact = f"not readable as a table from here on ({error})"
        return [Problem(f"{name}:{line}", f"{fact}; a quote may be left open, or not be doubled in a cell")]
    return items
