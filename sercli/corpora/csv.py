"""Any corpus that a table lists: one row an utterance, as CSV, TSV or JSON Lines.

The table needs a column for the file and one for the emotion; those of speaker, gender, session,
dialog, text and so on are taken where they are. With ``start`` or ``end`` (seconds) an utterance is
cut out of its file.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from sercli.corpora import Corpus
from sercli.corpora._any import AnyOptions, complete
from sercli.corpora._tables import Row, read_table
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
_NUMBERS = frozenset({"start", "end", "valence", "arousal", "dominance"})


class TableOptions(AnyOptions):
    """Which column is which."""

    columns: dict[str, str] = Field({})
    """Column by field, where it has none of the usual names: ``speaker``, ``emotion``, ``file`` and so on."""


def parse(table: Path, options: TableOptions) -> Iterator[Utterance | Problem]:
    """Yield the utterances that a table lists, in its order; each problem names the line."""
    chosen = {"emotion_raw" if field == "emotion" else field: name for field, name in options.columns.items()}
    foreign = set(chosen) - set(_COLUMNS)
    if foreign:
        known = ", ".join("emotion" if field == "emotion_raw" else field for field in _COLUMNS)
        yield Problem(table.name, f"--column {min(foreign)}: the fields are {known}")
        return
    by_pattern = "(?P<emotion>" in (options.speaker_pattern or "")
    for row in read_table(table):
        if isinstance(row, Problem):
            yield row
            continue
        fields = _fields(row, chosen)
        absent = [name for name in chosen.values() if name not in row.values]
        needed = ["file"] if by_pattern else ["file", "emotion_raw"]
        absent += [_COLUMNS[name][0] for name in needed if name not in fields and name not in chosen]
        if absent:
            fact = f"no column '{absent[0]}'; the columns are {', '.join(row.values)}"
            yield Problem(table.name, f"{fact}; name the right one with --column FIELD=COLUMN")
            return
        yield _utterance(row, fields, options)


def _fields(row: Row, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Name a row's cells by field, leaving out what is empty or no field."""
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
        text = "" if value is None else str(value).strip()
        if not text:
            continue
        if field not in _NUMBERS:
            values[field] = text
            continue
        try:
            values[field] = float(text)
        except ValueError:
            return Problem(row.place, f"{field} '{text}' is not a number")
        if not math.isfinite(values[field]):
            return Problem(row.place, f"{field} is {text}")
    if "file" not in values:
        return Problem(row.place, "no file")
    start, end = values.get("start"), values.get("end")
    if (start or 0) < 0 or (end is not None and end <= (start or 0)):
        return Problem(row.place, f"start {start or 0:g} s and end {end:g} s leave nothing between them")
    if "id" not in values:
        stem = values["file"].removesuffix(Path(values["file"]).suffix).lstrip("./")
        cut = (
            ""
            if start is None and end is None
            else f"_{start or 0:g}-{'' if end is None else format(end, 'g')}"
        )
        values["id"] = stem + cut
    if "transcript" in values:  # who has no ids of texts still has equal words
        values.setdefault("text_id", values["transcript"].casefold())
    return complete(Utterance(corpus="", **values), row.place, options)


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
