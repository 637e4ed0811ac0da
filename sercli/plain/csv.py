"""CSV of plain types, with lines that end in a line feed."""

import csv
import io
from collections.abc import Iterable


def to_csv(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV; ``None`` is an empty cell."""
    return "".join(f"{to_line(cells)}\n" for cells in rows)


def to_line(cells: Iterable[object]) -> str:
    """Return a row as CSV, without the end of the line.

    Python 3.11 quotes a carriage return or a line feed in a cell only if the end of the line has it too, so
    the row is written with both.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")
