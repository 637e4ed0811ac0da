"""Measure the recordings of a training part, each only once in a workspace."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict

from sercli import audio, files
from sercli.acoustics import Acoustics, Usual, measure
from sercli.errors import AudioError
from sercli.plain.json import from_json
from sercli.records import Utterance
from sercli.workspace import Workspace

# Raised if the code changes the measurements.
_VERSION = 1
_MOST = 1000


def usual_acoustics(workspace: Workspace, corpus: str, utterances: Iterable[Utterance]) -> Usual | None:
    """Find the acoustics that are usual in a training part.

    At most a thousand utterances are measured, always the same ones of a corpus: the first in the order of
    their hashes, which is a random order. Measurements are kept in the folder of the corpus.

    Args:
        workspace: folder of the prepared corpora.
        corpus: name of a prepared corpus or a union.
        utterances: the training part.

    Returns:
        The limits; ``None`` if there are too few recordings, or if the audio is not in the workspace, because
        only the features were copied to this machine.
    """
    folder = workspace.corpus(corpus)
    place = folder / f"acoustics-v{_VERSION}.json"
    chosen = sorted(utterances, key=lambda each: each.sha256)[:_MOST]
    known: dict[str, dict[str, float] | None] = {}
    with suppress(OSError, ValueError):
        known = from_json(place.read_text(encoding="utf-8"))
    missing = [each for each in chosen if each.sha256 not in known]
    try:
        for each in missing:
            made = measure(audio.read(folder / each.file))
            known[each.sha256] = None if made is None else asdict(made)
    except AudioError:
        return None
    if missing:
        with suppress(OSError):  # the corpus may be on a read-only disk; it is measured again then
            files.write_json(place, known)
    found = [Acoustics(**value) for each in chosen if (value := known[each.sha256]) is not None]
    return Usual.of(found)
