"""Read a table row by row, whatever its format, and name the line of what is wrong."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.records import Problem


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        place: file and line.
        values: cells by column.
    """

    place: str
    values: dict[str, Any]


def read_table(path: Path) -> Iterator[Row | Problem]:
    """Yield the rows of a CSV, TSV or JSON Lines file; which it is, its suffix says."""
    if path.is_dir():
        yield Problem(path.name, "a folder; give the table itself")
        return
    text = _decode(path.read_bytes())
    if text is None:
        yield Problem(path.name, "neither UTF-8 nor Latin-1 text; save the table as UTF-8")
    elif path.suffix.lower() in (".jsonl", ".ndjson"):
        yield from _json_lines(text, path.name)
    else:
        yield from _separated(text, path.name)


def _decode(content: bytes) -> str | None:
    if b"\0" in content:  # UTF-16, or no text at all
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _json_lines(text: str, name: str) -> Iterator[Row | Problem]:
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{name}:{number}"
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except json.JSONDecodeError:
            yield Problem(place, "not JSON (cut short?)")
            continue
        if isinstance(values, dict):
            yield Row(place, values)
        else:
            yield Problem(place, "not a JSON object with a key per column")


def _separated(text: str, name: str) -> Iterator[Row | Problem]:
    header = text.split("\n", 1)[0]
    separator = max("\t;,", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = [cell.strip() for cell in cells]
            elif len(cells) != len(columns):
                yield Problem(f"{name}:{reader.line_num}", f"{len(cells)} cells for {len(columns)} columns")
            else:
                yield Row(f"{name}:{reader.line_num}", dict(zip(columns, cells, strict=True)))
    except csv.Error as error:
        yield Problem(f"{name}:{reader.line_num}", f"not readable as a table ({error})")
