"""Tables as CSV: a header, a row an utterance, text in quotes."""

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sercli.errors import ManifestError
from sercli.manifest.interop._reading import head, load_text
from sercli.plain.json import to_json
from sercli.records import Problem


def columns(path: Path) -> list[str]:
    """Return the names of the columns, none for what is no CSV file."""
    if path.suffix.lower() != ".csv":
        return []
    try:
        return [name.strip() for name in next(csv.reader(io.StringIO(head(path), newline="")), [])]
    except csv.Error:
        return []


def rows(path: Path) -> Iterator[tuple[str, dict[str, str]] | Problem]:
    """Yield each row's place and cells by column, or a problem; every cell is text.

    Raises:
        ManifestError: the file is not UTF-8, or two columns share a name.
    """
    text = load_text(path)
    names = columns(path)
    if len(set(names)) < len(names):
        raise ManifestError(f"{path}: two columns have the same name; rename one")
    # pandas users write "file, speaker"; only then is the blank no part of the value.
    padded = ", " in text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=padded)
    with suppress(csv.Error):
        next(reader, None)
    while True:
        place = f"{path}:{reader.line_num + 1}"
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(place, f"not CSV ({error})")
            continue
        if not row:
            continue
        if len(row) != len(names):
            yield Problem(place, f"{len(row)} cells where the header has {len(names)}")
            continue
        yield place, dict(zip(names, row, strict=True))


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
