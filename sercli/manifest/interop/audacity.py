"""Read the labels that Audacity exports: ``start``, ``end`` and text of each label, separated by tabs.

The times are in seconds; the text is the speaker. The format does not name the recording: it is taken to have
the name of the list. Lines of frequencies, which begin with a backslash, are left out.

Source: manual.audacityteam.org, "Importing and Exporting Labels".
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.manifest.interop import Format
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.text import read_start, read_text
from sercli.records import Problem, Utterance

_NUMBER = r"\d+(?:[.,]\d+)?"
_LINE = re.compile(rf"({_NUMBER})\t({_NUMBER})(?:\t([^\t]*))?\r?")


def recognises(path: Path) -> bool:
    """Recognise it by its first line."""
    return path.is_file() and _LINE.fullmatch(read_start(path).partition("\n")[0]) is not None


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the labels in the order of the file; one without a length is a point in time, and a problem."""
    text, problems = read_text(path)
    yield from problems
    reader = RecordReader()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        place = f"{path}:{number}"
        found = _LINE.fullmatch(line)
        if found is None:
            yield Problem(place, "not a label: start, end and text, with tabs between them")
            continue
        start, end = (float(each.replace(",", ".")) for each in found.group(1, 2))
        if end <= start:
            yield Problem(place, f"a label at {start:g} s without a length")
            continue
        record: dict[str, object] = {"file": path.stem, "start": start, "end": end}
        if speaker := (found[3] or "").strip():
            record["speaker"] = speaker
        yield reader.read(record, place, f"{path.stem}-{number}")


FORMAT = Format(recognises, read)
