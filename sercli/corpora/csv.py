"""Read any corpus from a table with a row per utterance, as delimited text, JSON Lines or JSON.

The table needs a column for the file and one for the emotion, or labels of raters (a column for each rater,
or one column with a label of each rater), or ratings of dimensions. Columns of speaker, gender, session,
dialog, text and so on are read if they exist. With ``start`` or ``end`` (seconds, or times such as
``00:01:02.5``) an utterance is cut out of its file. A list of another tool that is more than a table, such as
a folder of Kaldi, is read as `sercli.corpora.manifest` does.
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sercli.corpora import Corpus
from sercli.corpora._any import TableOptions, complete, facts_in_name, facts_named
from sercli.corpora.manifest import complete_list
from sercli.errors import ManifestError
from sercli.labels import to_label
from sercli.manifest.column_choice import field_label
from sercli.manifest.columns import FURTHER_RATINGS, RATERS
from sercli.manifest.interop import read_other
from sercli.manifest.listing import Entry, read_entries
from sercli.manifest.tables import line_of
from sercli.manifest.values import (
    GENDERS,
    NUMBERS,
    RATINGS,
    TIMES,
    explain_span,
    explain_time,
    parse_number,
    ratings_outside,
)
from sercli.records import Problem, Utterance

_SEVERAL_RATERS = (
    "if they are labels of several raters, write a column for each rater (rater1, rater2), or name the rater "
    "of each row in a column rater; if they are ratings, write their mean; if they are segments, write their "
    "start and end"
)


def parse(table: Path, options: TableOptions) -> Iterator[Utterance | Problem]:
    """Yield the utterances that a table lists, in its order; each problem names the line."""
    try:
        other = read_other(table, options.chosen)
    except ManifestError as error:
        yield Problem(table.name, str(error).removeprefix(f"{table}: "))
        return
    if other is not None:
        yield from complete_list(table, other, options)
        return
    needed = ["file"] if options.names_emotion else ["file", "emotion_raw"]
    first: dict[object, tuple[str, Utterance]] = {}
    entries = list(read_entries(table, options.chosen, needed, join=True))
    given = {field for entry in entries if isinstance(entry, Entry) for field in entry.fields}
    rated = given & {*RATINGS, FURTHER_RATINGS}
    labelled = options.names_emotion or not rated or bool(given & {"emotion_raw", RATERS})
    items: list[Utterance | Problem] = []
    several: dict[object, str] = {}  # by recording, why its first row is not its only one
    for entry in entries:
        item = _utterance(entry, options, labelled=labelled) if isinstance(entry, Entry) else entry
        if isinstance(item, Utterance):
            key = item.id or (item.file, item.start, item.end)
            place, known = first.setdefault(key, (entry.place, item))
            if known is not item and known != item and not item.id:
                several.setdefault(key, _difference(entry.place, place, known, item))
            item = item if known is item else _repeated(entry.place, place, known, item)
        items.append(item)
    if len(several) > max(1, len(first) // 2):
        fact = f"{len(several)} of {len(first)} recordings have several rows; {next(iter(several.values()))}"
        yield Problem(table.name, f"{fact}; {_SEVERAL_RATERS}")
        return
    yield from items
    if options.speaker_pattern is not None:
        yield from _overridden(table.name, entries, options)


def _utterance(entry: Entry, options: TableOptions, *, labelled: bool) -> Utterance | Problem:
    if entry.nested:
        return Problem(entry.place, entry.nested)
    values: dict[str, Any] = {}
    for field, value in entry.fields.items():
        if field == "sample_rate":  # the file itself states it
            continue
        try:
            values[field] = _read_field(field, value)
        except ValueError as error:
            return Problem(entry.place, str(error))
    if "file" not in values:
        return Problem(entry.place, "no file")
    values["file"] = posixpath.normpath(values["file"].replace("\\", "/"))
    start = values.get("start", 0.0)
    fact: str | None = explain_span(start, values.get("end"))
    if start < 0:
        fact = f"start {start:g} s is before the recording"
    utterance = Utterance(**{"id": "", "corpus": ""} | values)
    fact = fact or _outside(utterance, options)
    return (
        Problem(entry.place, fact) if fact else complete(utterance, entry.place, options, labelled=labelled)
    )


def _overridden(name: str, entries: Sequence[Entry | Problem], options: TableOptions) -> Iterator[Problem]:
    """Note each column whose values differ from those that the pattern finds in the names of the files."""
    rows = [
        (entry.fields, facts_in_name(str(entry.fields["file"]).replace("\\", "/"), options) or {})
        for entry in entries
        if isinstance(entry, Entry) and "file" in entry.fields
    ]
    for field in facts_named(options):
        differing, count = 0, 0
        for listed, found in rows:
            if field not in listed:
                continue
            count += 1
            given = str(listed[field])
            meant = [to_label(each, options.map) for each in (found.get(field, given), given)]
            if field == "gender":
                meant = [GENDERS.get(each.lower(), each.lower()) for each in meant]
            differing += meant[0] != meant[1]
        if differing:
            fact = f"--speaker-pattern gives another {field_label(field)} than the table in"
            yield Problem(name, f"{fact} {differing} of {count} rows; the pattern counts", harmless=True)


def _read_field(field: str, value: Any) -> Any:
    """Return the value of a field of an utterance.

    Raises:
        ValueError: the value is not one of the field.
    """
    if field == RATERS:
        return value
    if field == FURTHER_RATINGS:
        return {name: _read_number(name, each) for name, each in value.items()}
    return _read_number(field, value) if field in NUMBERS else str(value)


def _read_number(field: str, value: Any) -> float:
    found = parse_number(value)
    if found is None:
        fact = f"{field} '{value}' is not a number; leave it out where it is not known"
        raise ValueError(explain_time(field, value) if field in TIMES else fact)
    return found


def _outside(utterance: Utterance, options: TableOptions) -> str | None:
    """Return which rating is outside of the scale, if there is one."""
    if options.scale is None:
        return None
    rated = {name: getattr(utterance, name) for name in sorted(RATINGS)} | dict(utterance.ratings or {})
    return next(iter(ratings_outside(rated, options.scale).values()), None)


def _repeated(here: str, place: str, known: Utterance, item: Utterance) -> Problem:
    where = line_of(place)
    if known == item:
        return Problem(here, f"the same as {where}", harmless=True)
    if item.id:
        return Problem(here, f"id '{item.id}' is used in {where} already; each utterance needs its own")
    return Problem(here, f"{item.file} is in {where} already, with other values")


def _difference(here: str, place: str, known: Utterance, item: Utterance) -> str:
    """Describe the fields in which two rows of a recording differ."""
    names = (field.name for field in fields(item) if field.name not in ("emotion_raw", "raters"))
    differing = [name for name in names if getattr(known, name) != getattr(item, name)]
    named = " and ".join(differing) or "label"
    return f"those of {item.file} in {line_of(place)} and {line_of(here)} differ in {named}"


CORPUS = Corpus(
    parse,
    title="A corpus that a table lists",
    source="the user's own",
    licence="unknown; ask the owner of the recordings",
    layout="a table with columns file and emotion, and speaker where known (CSV, TSV, JSON Lines)",
    options=TableOptions,
    cuts=True,
    any_name=True,
    takes_file=True,
)
