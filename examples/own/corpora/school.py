"""Recordings of a theatre school, whose file names hold all facts.

A name is speaker, emotion, take: 03_joy_2.wav is the second time that speaker 03 acts joy.

Source: made up for the documentation.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, audio_files
from sercli.records import Problem, Utterance
from sercli.schemes import Scheme, keep

_EMOTIONS = {"rage": "anger", "joy": "happiness", "grief": "sadness", "fright": "fear"}
_NAME = re.compile(r"(\d\d)_([a-z]+)_\d+")


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings of the folder, sorted by name, and a problem for each foreign name."""
    for path in audio_files(root):
        match = _NAME.fullmatch(path.stem)
        if match is None or match[2] not in _EMOTIONS:
            yield Problem(path.name, "not a name such as 03_joy_2.wav")
            continue
        yield Utterance(
            id=f"school/{path.stem}",  # begins with the name of the corpus
            corpus="school",
            file=path.name,  # relative to the folder
            speaker=match[1],  # always text
            emotion_raw=match[2],
            emotion=_EMOTIONS[match[2]],
        )


CORPUS = Corpus(
    parse,
    title="Recordings of a theatre school",
    source="made up for the documentation",
    licence="none",
    layout="03_joy_2.wav",
    language="English",
    schemes=(
        Scheme("school-4", "school", keep("anger", "fear", "happiness", "sadness")),
        Scheme("school-2", "school", keep("anger", "sadness")),
    ),
)
