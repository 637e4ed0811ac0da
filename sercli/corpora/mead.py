"""MEAD: 48 actors, eight emotions, three levels, English, sound of films.

Actor, emotion and level are folders, the name is the sentence: ``M003/audio/angry/level_1/001.m4a``. Neutral
has one level. Sentences are numbered within emotion and level. The files have to be converted to wav first,
with their folders.

Source: Wang et al., MEAD: A Large-Scale Audio-Visual Dataset for Emotional Talking-Face Generation, ECCV
2020.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named, stem_of
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "angry": "anger",
    "contempt": "contempt",
    "disgusted": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprised": "surprise",
}
_NAME = re.compile(rf"([MW]\d{{3}})_({'|'.join(_EMOTIONS)})_level_([123])_(\d{{3}})", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by actor, emotion, level and sentence."""
    example = "a MEAD file name such as M003/audio/angry/level_1/001.wav"
    return read_named(root, from_name, example, _name_of)


def _name_of(path: Path) -> str:
    """Return ``M003_angry_level_1_001`` for ``M003/audio/angry/level_1/001.wav``."""
    *_, actor, above, emotion, level = ("", "", "", "", *path.parts[:-1])
    actor = actor if above.lower() == "audio" else above
    return f"{actor.upper()}_{emotion.lower()}_{level.lower()}_{stem_of(path)}"


def from_name(name: str) -> Utterance | None:
    """Return the facts in a name such as ``M003_angry_level_1_001``; ``None`` for a foreign name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    actor, emotion, level, sentence = match.groups()
    return Utterance(
        id=f"mead/{name}",
        corpus="mead",
        file="",
        speaker=actor,
        gender="female" if actor.startswith("W") else "male",
        style="scripted",
        text_id=f"{emotion}_{level}_{sentence}",
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
        # Neutral is recorded at one level, which states no intensity.
        intensity=None if emotion == "neutral" else level,
    )


CORPUS = Corpus(
    parse,
    title="MEAD, Multi-view Emotional Audio-visual Dataset (sound)",
    source="Wang et al., ECCV 2020",
    licence="for research; read the terms of its authors",
    layout="M003/audio/angry/level_1/001.m4a (or converted to wav)",
    utterances=31729,
    people=48,
    hours=37.3,
    language="English",
    known={
        "emotion": {
            "anger": 4193,
            "contempt": 4215,
            "disgust": 4284,
            "fear": 4251,
            "happiness": 4294,
            "neutral": 1916,
            "sadness": 4306,
            "surprise": 4270,
        },
    },
    counts_from="a public list of the 48 released actors; the publication states 60",
    from_name=from_name,
    inner=("[MW][0-9][0-9][0-9]", "audio", *_EMOTIONS, "level_[123]"),
    origin="its authors, https://github.com/uniBruce/Mead",
    shares={"texts": "all actors speak the same sentences"},
    schemes=usual_schemes("mead", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
