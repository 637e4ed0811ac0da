"""A text file with the path of one audio file a line."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sercli.audio import SUFFIXES
from sercli.manifest.interop._reading import Intake, head, load
from sercli.records import Problem, Utterance


def recognises(path: Path) -> bool:
    """Tell a list by an audio file among its first lines."""
    return any(_is_audio(line) for line in head(path).split("\n")[:5])


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield an utterance a line, of which only the file is known."""
    intake = Intake(None)
    text, said = load(path)
    yield from said
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{path}:{number}"
        if _is_audio(line):
            yield intake.take({"file": line.strip()}, place)
        elif line.strip():
            yield Problem(place, "not the path of an audio file")


def _is_audio(line: str) -> bool:
    return PurePosixPath(line.strip()).suffix.lower() in SUFFIXES
