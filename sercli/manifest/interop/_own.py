"""sercli's own manifest, read leniently: a bad line is a problem and the rest is read."""

from collections.abc import Iterator
from pathlib import Path

from sercli.manifest.interop._reading import Intake, first_records, json_lines
from sercli.records import Problem, Utterance


def recognises(path: Path) -> bool:
    """Tell a manifest by the fields that every utterance has."""
    return any({"id", "corpus", "file"} <= record.keys() for record in first_records(path))


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a manifest."""
    intake = Intake(None)
    for entry in json_lines(path):
        yield entry if isinstance(entry, Problem) else intake.take(entry[1], entry[0])
