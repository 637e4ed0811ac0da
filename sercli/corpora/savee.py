"""SAVEE: four men, seven emotions, British English.

A file name is emotion and sentence, in a folder by speaker: ``DC/a01`` is the first angry sentence of DC.
Copies without these folders have ``DC_a01``.

Source: Haq & Jackson, Speaker-Dependent Audio-Visual Emotion Recognition, AVSP 2009.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named, stem_of
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
_SPEAKERS = ("DC", "JE", "JK", "KL")
_NAME = re.compile(
    rf"({'|'.join(_SPEAKERS)})_(?:(a|d|f|h|sa|su)(0[1-9]|1[0-5])|(n)(0[1-9]|[12]\d|30))", re.ASCII
)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by speaker and name."""
    example = "a SAVEE file name such as DC/a01.wav or DC_a01.wav"
    return read_named(root, from_name, example, _name_of, inner=CORPUS.inner)


def _name_of(path: Path) -> str:
    """Return ``DC_a01`` for a file of that name, for ``DC/a01.wav`` and for ``dc/anger/a01.wav``."""
    stem = stem_of(path)
    folders = (folder.upper() for folder in reversed(path.parts[:-1]))
    speaker = next((folder for folder in folders if folder in _SPEAKERS), None)
    return f"{speaker}_{stem}" if speaker and "_" not in stem else stem


def from_name(name: str) -> Utterance | None:
    """Return the facts in a name with the speaker, such as ``DC_a01``; ``None`` for a foreign name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    emotion = match[2] or match[4]
    return Utterance(
        id=f"savee/{name}",
        corpus="savee",
        file="",
        speaker=match[1],
        gender="male",
        style="scripted",
        text_id=name.partition("_")[2],
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


def _released_ids() -> tuple[str, ...]:
    return tuple(
        f"savee/{speaker}_{emotion}{number:02d}"
        for speaker in _SPEAKERS
        for emotion in _EMOTIONS
        for number in range(1, 31 if emotion == "n" else 16)
    )


CORPUS = Corpus(
    parse,
    title="SAVEE, Surrey Audio-Visual Expressed Emotion",
    source="Haq & Jackson, Speaker-Dependent Audio-Visual Emotion Recognition, AVSP 2009",
    licence="for research, after registration",
    layout="AudioData/DC/a01.wav or ALL/DC_a01.wav",
    utterances=480,
    hours=0.51,
    language="British English",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 60) | {"neutral": 120},
        "gender": {"male": 480},
        "speaker": dict.fromkeys(_SPEAKERS, 120),
    },
    ids=_released_ids(),
    from_name=from_name,
    inner=(*_SPEAKERS, "Annotation*"),
    origin="the University of Surrey, http://kahlan.eps.surrey.ac.uk/savee",
    shares={"texts": "all men speak the same sentences"},
    schemes=usual_schemes("savee", _EMOTIONS.values()),
)
