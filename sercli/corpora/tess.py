"""TESS, the Toronto Emotional Speech Set: two women, 200 words, seven emotions, English.

A file name is speaker, word, emotion: ``OAF_back_angry`` is the older woman (64 years) with "Say the word
back". YAF is the younger one (26 years), ``ps`` is a pleasant surprise.

Source: Dupuis & Pichora-Fuller, Toronto Emotional Speech Set, University of Toronto, 2010.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "ps": "surprise",
    "sad": "sadness",
}
# Copies differ in capitals and in the name of the pleasant surprise; one has a name that begins with OA.
_NAME = re.compile(
    r"(OAF?|YAF)_([a-z]+)_(angry|disgust|fear|happy|neutral|(?P<ps>ps|pleasant_?surprised?)|sad)",
    re.ASCII | re.IGNORECASE,
)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name; a second tree inside the first one is noted."""
    return read_named(root, from_name, "a TESS file name such as OAF_back_angry.wav")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    speaker = "YAF" if match[1].upper() == "YAF" else "OAF"
    word, emotion = match[2].lower(), "ps" if match["ps"] else match[3].lower()
    return Utterance(
        id=f"tess/{speaker}_{word}_{emotion}",
        corpus="tess",
        file="",
        speaker=speaker,
        gender="female",
        style="scripted",
        text_id=word,
        transcript=f"Say the word {word}.",
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="TESS, Toronto Emotional Speech Set",
    source="Dupuis & Pichora-Fuller, Toronto Emotional Speech Set, University of Toronto, 2010",
    licence="CC BY-NC-ND 4.0",
    layout="OAF_angry/OAF_back_angry.wav, or all files in one folder",
    utterances=2800,
    hours=1.60,
    language="English",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 400),
        "gender": {"female": 2800},
        "speaker": {"OAF": 1400, "YAF": 1400},
    },
    from_name=from_name,
    inner=("[OY]AF_*",),
    origin="the University of Toronto, https://tspace.library.utoronto.ca/handle/1807/24487",
    shares={"texts": "both women speak the same 200 words"},
    schemes=usual_schemes("tess", _EMOTIONS.values()),
    # Two speakers leave none for a dev part.
    default_protocol="leave-one-speaker-out-no-dev",
)
