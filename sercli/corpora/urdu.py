"""URDU: 29 speakers of talk shows, four emotions, Urdu.

A file name is speaker, file of the speaker, emotion and number: ``SM1_F10_A010``. Most speakers have one
emotion only, so the voice tells the emotion: results are not meaningful for unknown people.

Source: Latif et al., Cross Lingual Speech Emotion Recognition: Urdu vs. Western Languages, FIT 2018.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance
from sercli.schemes import FOUR, Scheme

_EMOTIONS = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"}
_COUNTS = (
    "SF1 12 SF2 2 SF3 2 SF4 4 SF5 4 SF6 14 SF7 6 SF8 2 SF9 4 SF10 2 SF11 4 SM1 22 SM2 28 SM3 12 SM4 48 "
    "SM5 80 SM6 14 SM7 28 SM17 2 SM18 2 SM19 2 SM20 10 SM21 4 SM22 2 SM23 6 SM24 38 SM25 40 SM26 2 SM27 4"
)
_SPEAKERS = {speaker: int(count) for speaker, count in re.findall(r"(\w+) (\d+)", _COUNTS)}
_NAME = re.compile(r"(S[MF][1-9]\d?)_F\d+_([AHNS])\d+", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name."""
    return read_named(root, from_name, "an URDU file name such as SM1_F10_A010.wav")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    speaker, emotion = match.groups()
    return Utterance(
        id=f"urdu/{stem}",
        corpus="urdu",
        file="",
        speaker=speaker,
        gender="female" if speaker.startswith("SF") else "male",
        style="improvised",
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="URDU, emotional talk shows",
    source="Latif et al., FIT 2018",
    licence="for research",
    layout="Angry/SM1_F10_A010.wav",
    utterances=400,
    hours=0.28,
    language="Urdu",
    known={
        "emotion": dict.fromkeys(_EMOTIONS.values(), 100),
        "gender": {"female": 56, "male": 344},
        "speaker": _SPEAKERS,
    },
    from_name=from_name,
    inner=("Angry", "Happy", "Neutral", "Sad"),
    origin="its authors, https://github.com/siddiquelatif/URDU-Dataset",
    notice="In URDU most speakers have one emotion only: a network may recognise voices instead of emotions.",
    schemes=(Scheme("urdu-4", "urdu", FOUR),),
    default_protocol="speaker-5-fold",
)
