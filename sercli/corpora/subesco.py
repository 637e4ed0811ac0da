"""SUBESCO: twenty actors, ten sentences, seven emotions, five takes, Bangla.

A file name is gender, number, name, sentence, emotion, take: ``F_10_FAHMEE_S_6_FEAR_5`` is the woman 10 with
sentence 6, fear, take 5. Men and women are numbered apart: the speaker is ``F10``. One released name,
``F_02_MONIKA_S_2_SURPRISE_3]``, has a bracket too many.

Source: Sultana et al., SUST Bangla Emotional Speech Corpus, PLoS ONE 16(4), 2021.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from sercli.corpora import Corpus, Download, usual_schemes
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "ANGRY": "anger",
    "DISGUST": "disgust",
    "FEAR": "fear",
    "HAPPY": "happiness",
    "NEUTRAL": "neutral",
    "SAD": "sadness",
    "SURPRISE": "surprise",
}
_NAMES = {
    "F": "OISHI MONIKA SMITA SWARNALI MOUNI SIMI TITHI JOYEETA CHAITY FAHMEE",
    "M": "BASHIR NIPUN ILIAS BIBHAS DURANTO SHUKANTO SIBLY PRASUN SHUMANTA EVAN",
}
_SPEAKERS = {
    f"{gender}{number:02d}": f"{gender}_{number:02d}_{name}"
    for gender, names in _NAMES.items()
    for number, name in enumerate(names.split(), 1)
}
_NAME = re.compile(
    rf"({'|'.join(_SPEAKERS.values())})_S_([1-9]|10)_({'|'.join(_EMOTIONS)})_([1-5])\]?", re.ASCII
)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name."""
    return read_named(root, from_name, "a SUBESCO file name such as F_10_FAHMEE_S_6_FEAR_5.wav")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    gender, number, _ = match[1].split("_")
    return Utterance(
        id=f"subesco/{stem.removesuffix(']')}",
        corpus="subesco",
        file="",
        speaker=gender + number,
        gender="female" if gender == "F" else "male",
        style="scripted",
        text_id=match[2],
        emotion_raw=match[3],
        emotion=_EMOTIONS[match[3]],
    )


def _released_ids() -> tuple[str, ...]:
    return tuple(
        f"subesco/{speaker}_S_{sentence}_{emotion}_{take}"
        for speaker, sentence, emotion, take in product(
            _SPEAKERS.values(), range(1, 11), _EMOTIONS, range(1, 6)
        )
    )


CORPUS = Corpus(
    parse,
    title="SUBESCO, SUST Bangla Emotional Speech Corpus",
    source="Sultana et al., PLoS ONE 16(4), 2021",
    licence="CC BY 4.0",
    layout="F_10_FAHMEE_S_6_FEAR_5.wav",
    utterances=7000,
    hours=7.83,
    language="Bangla",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 1000),
        "gender": {"female": 3500, "male": 3500},
        "speaker": dict.fromkeys(_SPEAKERS, 350),
    },
    ids=_released_ids(),
    from_name=from_name,
    download=Download(
        "https://zenodo.org/records/4526477/files/SUBESCO.zip?download=1",
        size=1664512929,
        md5="13d702cf944bf54d70d66bffc036ed7a",
    ),
    shares={"texts": "every actor speaks the same ten sentences"},
    schemes=usual_schemes("subesco", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
