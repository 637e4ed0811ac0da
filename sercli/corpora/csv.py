"""Read any corpus from a table with a row per utterance, as delimited text, JSON Lines or JSON.

The table needs a column for the file and one for the emotion, or labels of raters: a column for each rater,
or one column with a label of each rater. Columns of speaker, gender, session, dialog, text and so on are read
if they exist. With ``start`` or ``end`` (seconds, or times such as ``00:01:02.5``) an
utterance is cut out of its file.
"""

import math
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sercli.corpora import Corpus
from sercli.corpora._any import TableOptions, complete
from sercli.manifest.columns import RATERS
from sercli.manifest.listing import Entry, field_label, line_of, read_entries
from sercli.manifest.values import NUMBERS, TIMES, explain_time, parse_number
from sercli.records import Problem, Utterance


def parse(table: Path, options: TableOptions) -> Iterator[Utterance | Problem]:
    """Yield the utterances that a table lists, in its order; each problem names the line."""
    needed = ["file"] if options.names_emotion else ["file", "emotion_raw"]
    first: dict[object, tuple[str, Utterance]] = {}
    for entry in read_entries(table, options.chosen, needed):
        if isinstance(entry, Problem):
            yield entry
            continue
        item = _utterance(entry, options)
        if isinstance(item, Utterance):
            key = item.id or (item.file, item.start, item.end)
            place, known = first.setdefault(key, (entry.place, item))
            if known is not item:
                item = _repeated(entry.place, place, known, item)
        yield item


def _utterance(entry: Entry, options: TableOptions) -> Utterance | Problem:
    values: dict[str, Any] = {}
    for field, value in entry.fields.items():
        if field == RATERS:
            values[field] = value
            continue
        if isinstance(value, (bool, list, dict)):
            return Problem(entry.place, f"{field_label(field)} is neither text nor a number: {value}")
        if field == "sample_rate":  # the file itself states it
            continue
        if field in NUMBERS:
            found = parse_number(value)
            if found is None:
                fact = f"{field} '{value}' is not a number; leave it out where it is not known"
                return Problem(entry.place, explain_time(field, value) if field in TIMES else fact)
            values[field] = found
        else:
            values[field] = str(value)
    if "file" not in values:
        return Problem(entry.place, "no file")
    values["file"] = posixpath.normpath(values["file"].replace("\\", "/"))
    start, end = values.get("start", 0.0), values.get("end", math.inf)
    if start < 0:
        return Problem(entry.place, f"start {start:g} s is before the recording")
    if end <= start:
        return Problem(entry.place, f"start {start:g} s and end {end:g} s leave nothing between them")
    return complete(Utterance(**{"id": "", "corpus": ""} | values), entry.place, options)


def _repeated(here: str, place: str, known: Utterance, item: Utterance) -> Problem:
    where = line_of(place)
    if known == item:
        return Problem(here, f"the same as {where}", harmless=True)
    if item.id:
        return Problem(here, f"id '{item.id}' is used in {where} already; each utterance needs its own")
    return Problem(here, f"{item.file} is in {where} already, with other values")


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
