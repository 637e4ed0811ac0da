"""Any table with a column of files: delimited text, JSON Lines or JSON, whoever wrote it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from sercli.manifest.interop._reading import Intake, is_ours
from sercli.manifest.listing import Entry, choose_columns, line_of, read_entries
from sercli.manifest.tables import read_table
from sercli.records import Note, Problem, Utterance


def recognises(path: Path) -> bool:
    """Tell a table by a column that names files."""
    return path.is_file() and "file" in choose_columns(read_table(path), {})[0]


def read(
    path: Path, corpus: str | None = None, columns: Mapping[str, str] | None = None
) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a table, after a note of which column was read as which field.

    Args:
        path: the table.
        corpus: name to give; ``None`` keeps what a record states.
        columns: column by field, where the user names it.
    """
    intake = Intake(corpus)
    note: Note | None = None
    first: dict[str, Entry] = {}
    for entry in read_entries(path, columns):
        place = str(path.parent / entry.place)
        if isinstance(entry, Note):
            note = replace(entry, place=place)
        elif isinstance(entry, Problem):
            yield replace(entry, place=place)
        elif is_ours(entry.values):  # of its own columns sercli need say nothing
            yield intake.take(entry.values, place, label=entry.values.get("emotion"))
        else:
            if note is not None:
                yield note
            note = None
            fields = entry.fields
            known = first.setdefault(repr(fields), entry)
            if known is not entry:
                yield Problem(place, f"the same as {line_of(known.place)}", harmless=True)
                continue
            yield intake.take(fields, place, fields.get("id"), fields.get("emotion_raw"))
