"""Write tables as CSV: a header, a row an utterance, text in quotes."""

import csv
import io
from typing import Any

from sercli.plain.json import to_json


def table(records: list[dict[str, Any]]) -> str:
    """Write records as CSV, with every key that any of them has; nested values as JSON."""
    names = list(dict.fromkeys(name for record in records for name in record))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(record.get(name)) for name in names] for record in records)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    return to_json(value, escaped=False) if isinstance(value, list) else value
