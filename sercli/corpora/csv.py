"""Any corpus that a table lists: one row an utterance, as CSV, TSV or JSON Lines.

The table needs a column for the file and one for the emotion; those of speaker, gender, session,
dialog, text and so on are taken where they are. With ``start`` or ``end`` (seconds, or times as
pandas writes them) an utterance is cut out of its file.
"""

import math
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from sercli.corpora import Corpus
from sercli.corpora._any import AnyOptions, complete
from sercli.corpora._tables import Row, read_table
from sercli.manifest.interop._reading import NUMBERS, cell
from sercli.records import Problem, Utterance

# What tables call the fields of an utterance.
_COLUMNS = {
    "file": ("file", "path", "filename", "file_name", "filepath", "audio", "wav"),
    "emotion_raw": ("emotion", "label", "emo"),
    "id": ("id", "key", "utterance"),
    "speaker": ("speaker", "speaker_id", "spk", "actor"),
    "gender": ("gender", "sex"),
    "session": ("session",),
    "dialog": ("dialog", "dialogue"),
    "style": ("style",),
    "text_id": ("text_id", "sentence_id"),
    "transcript": ("transcript", "transcription", "text", "sentence"),
    "intensity": ("intensity",),
    "start": ("start",),
    "end": ("end",),
    "valence": ("valence",),
    "arousal": ("arousal", "activation"),
    "dominance": ("dominance",),
}


class TableOptions(AnyOptions):
    """Which column is which."""

    columns: dict[str, str] = Field({})
    """Column by field, where it has none of the usual names: ``speaker``, ``emotion``, ``file`` and so on."""

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        for name in self.columns:
            if _field(name) not in _COLUMNS:
                known = ", ".join("emotion" if field == "emotion_raw" else field for field in _COLUMNS)
                raise ValueError(f"--column {name}: no such field; the fields are {known}")
        return self


def parse(table: Path, options: TableOptions) -> Iterator[Utterance | Problem]:
    """Yield the utterances that a table lists, in its order; each problem names the line."""
    chosen = {_field(name): column for name, column in options.columns.items()}
    needed = ["file"] if options.names_emotion else ["file", "emotion_raw"]
    first: dict[object, tuple[str, Utterance]] = {}
    for row in read_table(table):
        if isinstance(row, Problem):
            yield row
            continue
        fields = _fields(row, chosen)
        absent = [name for name in (*chosen, *needed) if name not in fields]
        if absent:  # of every row
            field = _COLUMNS[absent[0]][0]
            listed = ", ".join(column for column in row.values if column)
            fact = f"no column '{chosen.get(absent[0], field)}'; the columns are {listed}"
            yield Problem(table.name, f"{fact}; name the right one with --column {field}=COLUMN")
            return
        item = _utterance(row, fields, options)
        if isinstance(item, Utterance):
            key = item.id or (item.file, item.start, item.end)
            place, known = first.setdefault(key, (row.place, item))
            if known is not item:
                item = _repeated(row.place, place, known, item)
        yield item


def _field(name: str) -> str:
    return "emotion_raw" if name == "emotion" else name


def _fields(row: Row, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Name a row's cells by field, leaving out what is no field."""
    lower = {name.strip().lower(): name for name in row.values}
    fields: dict[str, Any] = {}
    for field, usual in _COLUMNS.items():
        names = [chosen[field]] if field in chosen else [lower[name] for name in usual if name in lower]
        if names and names[0] in row.values:
            fields[field] = row.values[names[0]]
    return fields


def _utterance(row: Row, fields: Mapping[str, Any], options: TableOptions) -> Utterance | Problem:
    values: dict[str, Any] = {}
    for field, value in fields.items():
        if isinstance(value, (bool, list, dict)):
            return Problem(row.place, f"{_COLUMNS[field][0]} is neither text nor a number: {value}")
        content = cell(field, value)
        text = "" if content is None else str(content)
        if field in NUMBERS and text:
            number = _number(text)
            if number is None:
                fact = f"{field} '{text}' is not a number"
                return Problem(row.place, f"{fact}; leave it out where it is not known")
            values[field] = number
        elif text:
            values[field] = text
    if "file" not in values:
        return Problem(row.place, "no file")
    values["file"] = posixpath.normpath(values["file"].replace("\\", "/"))
    start, end = values.get("start", 0.0), values.get("end", math.inf)
    if start < 0:
        return Problem(row.place, f"start {start:g} s lies before the recording")
    if end <= start:
        return Problem(row.place, f"start {start:g} s and end {end:g} s leave nothing between them")
    return complete(Utterance(**{"id": "", "corpus": ""} | values), row.place, options)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _repeated(here: str, place: str, known: Utterance, item: Utterance) -> Problem:
    line = place.rpartition(":")[2]
    if known == item:
        return Problem(here, f"the same as line {line}", harmless=True)
    if item.id:
        return Problem(here, f"id '{item.id}' is that of line {line}, too; each utterance needs its own")
    return Problem(here, f"{item.file} stands in line {line}, too, and not with the same facts")


CORPUS = Corpus(
    parse,
    title="A corpus that a table lists",
    source="the user's own",
    licence="unknown; whoever has the recordings knows",
    layout="a table with columns file and emotion, and speaker where known (.csv, .tsv, .jsonl)",
    options=TableOptions,
    cuts=True,
    any_name=True,
    takes_file=True,
)
