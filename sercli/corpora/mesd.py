"""MESD: single words, six emotions, voices of women, men and children, Mexican Spanish.

A file name is emotion, voice, word list, word: ``Anger_F_A_tarde``. Voices are F (woman), M (man) and C
(child). The names of the eleven speakers are not stated, so no division of this corpus is independent of the
speakers.

Source: Duville et al., Mexican Emotional Speech Database Based on Semantic, Frequency, Familiarity,
Concreteness, and Cultural Shaping of Affective Prosody, Data 6(12), 2021.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance

_EMOTIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
_VOICES = {"F": "female", "M": "male", "C": "child"}
# Two released names have a wrong word.
_WORDS = {"lento_dentro": "lento", "afuera": "fuera"}
_NAME = re.compile(rf"({'|'.join(map(str.capitalize, _EMOTIONS))})_([FMC])_([AB])_([^\d.]+)", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name."""
    return read_named(root, from_name, "a MESD file name such as Anger_F_A_tarde.wav")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    emotion, voice, _, word = match.groups()
    word = _WORDS.get(word, word)
    return Utterance(
        id=f"mesd/{stem}",
        corpus="mesd",
        file="",
        gender=_VOICES[voice],
        style="scripted",
        text_id=word,
        transcript=word.replace("_", " "),
        emotion_raw=emotion,
        emotion=emotion.lower(),
    )


CORPUS = Corpus(
    parse,
    title="MESD, Mexican Emotional Speech Database",
    source="Duville et al., Data 6(12), 2021",
    licence="CC BY 4.0",
    layout="Anger_F_A_tarde.wav",
    utterances=862,
    hours=0.17,
    language="Mexican Spanish",
    known={
        "emotion": dict.fromkeys(_EMOTIONS, 144) | {"anger": 143, "neutral": 143},
        "gender": {"child": 286, "female": 288, "male": 288},
    },
    counts_from="a public list; versions of the release differ",
    from_name=from_name,
    origin="its authors, https://data.mendeley.com/datasets/cy34mh68j9",
    shares={"texts": "all voices speak the same words"},
    notice="MESD does not state its speakers: no result on it is speaker independent.",
    schemes=usual_schemes("mesd", _EMOTIONS),
    default_protocol="stratified-5-fold",
)
