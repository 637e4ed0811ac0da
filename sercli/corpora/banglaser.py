"""BanglaSER: 34 speakers, three sentences, five emotions, Bangla.

A file name is seven numbers: mode, 01 (scripted), emotion, intensity, statement, repetition, actor:
``03-01-03-02-01-01-07`` is angry, actor 7. Odd actors are men. The names have the form of RAVDESS, but **the
codes of the emotions are others**, so a name alone does not identify the corpus.

Source: Das et al., BanglaSER: A Speech Emotion Recognition Dataset for the Bangla Language, Data in Brief 42,
2022.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._alike import left_to_others
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance

_EMOTIONS = {"01": "happiness", "02": "sadness", "03": "anger", "04": "surprise", "05": "neutral"}
_NAME = re.compile(r"03-01-(0[1-5])-(0[12])-(0[1-3])-(0[1-3])-(0[1-9]|[12]\d|3[0-4])", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name."""
    example = "a BanglaSER file name such as 03-01-03-02-01-01-07.wav"
    return read_named(root, _from_name, example, leaves_out=left_to_others(root, "banglaser"))


def _from_name(stem: str) -> Utterance | None:
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    code, _, statement, _, actor = match.groups()
    return Utterance(
        id=f"banglaser/{stem}",
        corpus="banglaser",
        file="",
        speaker=actor,
        gender="male" if int(actor) % 2 else "female",
        style="scripted",
        text_id=statement,
        emotion_raw=code,
        emotion=_EMOTIONS[code],
    )


CORPUS = Corpus(
    parse,
    title="BanglaSER, emotional speech in Bangla",
    source="Das et al., Data in Brief 42, 2022",
    licence="CC BY 4.0",
    layout="Actor 07/03-01-03-02-01-01-07.wav",
    utterances=1467,
    people=34,
    language="Bangla",
    known={
        "emotion": dict.fromkeys(("anger", "happiness", "sadness", "surprise"), 306) | {"neutral": 243},
    },
    counts_from="the publication; no list of the files was available",
    inner=("Actor*",),
    origin="its authors, https://data.mendeley.com/datasets/t9h6p943xy",
    shares={"texts": "all speakers speak the same three sentences"},
    schemes=usual_schemes("banglaser", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
