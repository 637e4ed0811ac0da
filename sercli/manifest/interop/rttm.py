"""Read RTTM, the format of diarisation tools (pyannote, NeMo, Kaldi): who speaks when.

A line ``SPEAKER file channel start length <NA> <NA> speaker <NA> <NA>`` is a turn, in seconds. The file is a
name without suffix. Lines of other types (words, information on speakers) are left out with a note.

Source: NIST, The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan, appendix A.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.manifest.interop import Format
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.text import read_start, read_text
from sercli.manifest.values import parse_number
from sercli.records import Note, Problem, Utterance

ABSENT = "<NA>"
_TURN = "SPEAKER"
_LINE = re.compile(r"(?:;;.*\n|\s*\n)*(?:SPEAKER|SPKR-INFO)\s+\S+\s+\S+\s+\S+")


def recognises(path: Path) -> bool:
    """Recognise it by its suffix or by its first line."""
    if not path.is_file():
        return False
    return path.suffix.lower() == ".rttm" or _LINE.match(read_start(path)) is not None


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the turns in the order of the file."""
    text, problems = read_text(path)
    yield from problems
    reader = RecordReader()
    others: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        cells = line.split()
        if not cells or cells[0].startswith(";"):
            continue
        place = f"{path}:{number}"
        if cells[0] != _TURN:
            others.add(cells[0])
            continue
        start, length = (parse_number(cell) for cell in (*cells[3:5], "", "")[:2])
        if start is None or length is None or len(cells) < 8:
            yield Problem(
                place, "not a turn of RTTM: SPEAKER file 1 start length <NA> <NA> speaker <NA> <NA>"
            )
            continue
        if length <= 0:
            yield Problem(place, f"a turn of {length:g} s")
            continue
        record = {"file": cells[1], "channel": cells[2], "start": start, "end": round(start + length, 6)}
        if cells[7] != ABSENT:
            record["speaker"] = cells[7]
        yield reader.read(record, place, f"{cells[1]}-{number}")
    if others:
        yield Note(str(path), f"lines of type {', '.join(sorted(others))} are not used", title="RTTM")


FORMAT = Format(recognises, read)
