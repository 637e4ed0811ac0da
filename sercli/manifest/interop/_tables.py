"""Read lists without a specific tool: a table with a column of files, or a text file with a path per line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli.manifest.column_choice import choose_columns
from sercli.manifest.interop._reading import RecordReader, is_ours
from sercli.manifest.listing import Entry, read_entries
from sercli.manifest.tables import is_audio, line_of, read_table
from sercli.manifest.text import read_start, read_text
from sercli.records import Note, Problem, Utterance


def is_table(path: Path) -> bool:
    """Recognise a table by a column that names files."""
    return path.is_file() and "file" in choose_columns(read_table(path), {})[0]


def read_any_table(
    path: Path,
    columns: Mapping[str, str] | None = None,
    keep: Callable[[Mapping[str, Any]], bool] | None = None,
) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a table, after a note on the field of each column.

    Args:
        path: the table: delimited text, JSON Lines (such as sercli's own manifest) or JSON.
        columns: column by field, as far as the user names it.
        keep: function from the cells of a row to whether to read it; all rows if not given.
    """
    reader = RecordReader()
    note: Note | None = None
    first: dict[str, Entry] = {}
    for entry in read_entries(path, columns, join=True):
        place = str(path.parent / entry.place)
        if isinstance(entry, Note):
            note = replace(entry, place=place)
        elif isinstance(entry, Problem):
            yield replace(entry, place=place)
        elif keep is not None and not keep(entry.values):
            continue
        elif is_ours(entry.values):  # sercli's own columns need no note
            yield reader.read(entry.values, place, label=entry.values.get("emotion"))
        else:
            if note is not None:
                yield note
            note = None
            fields = entry.fields
            known = first.setdefault(repr(fields), entry)
            if known is not entry:
                yield Problem(place, f"the same as {line_of(known.place)}", harmless=True)
                continue
            if entry.nested:
                yield Problem(place, entry.nested)
            else:
                yield reader.read(fields, place, fields.get("id"), fields.get("emotion_raw"))


def is_paths(path: Path) -> bool:
    """Recognise a list of paths by an audio file among its first lines."""
    return any(is_audio(line) for line in read_start(path).split("\n")[:5])


def read_paths(path: Path) -> Iterator[Utterance | Problem]:
    """Yield an utterance per line, with only its file."""
    reader = RecordReader()
    text, problems = read_text(path)
    yield from problems
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{path}:{number}"
        if is_audio(line):
            yield reader.read({"file": line.strip()}, place)
        elif line.strip():
            yield Problem(place, "not the path of an audio file")
