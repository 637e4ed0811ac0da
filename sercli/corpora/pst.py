"""PST, Polish emotional speech: five men, six words, three emotions.

A file name is speaker, emotion, word, repetition: ``m3.s_trzymaj_5`` is speaker m3, fear. The letters are
those of the Polish words: s is strach, fear, and not sadness.

Source: Mięsikowska and Świsulski, Emotions in Polish Speech Recordings, Gdańsk University of Technology,
2020.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance
from sercli.schemes import Scheme, keep

_EMOTIONS = {"a": "anger", "n": "neutral", "s": "fear"}
_WORDS = ("nie", "oddaj", "podaj", "stop", "tak", "trzymaj")
_NAME = re.compile(rf"(m[1-5])\.([{''.join(_EMOTIONS)}])_({'|'.join(_WORDS)})_([1-5])", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name."""
    return read_named(root, from_name, "a PST file name such as m3.s_trzymaj_5.wav")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    speaker, letter, word, _ = match.groups()
    return Utterance(
        id=f"pst/{stem}",
        corpus="pst",
        file="",
        speaker=speaker,
        gender="male",
        style="scripted",
        text_id=word,
        transcript=word,
        emotion_raw=letter,
        emotion=_EMOTIONS[letter],
    )


CORPUS = Corpus(
    parse,
    title="PST, emotions in Polish speech recordings",
    source="Mięsikowska and Świsulski, Gdańsk University of Technology, 2020",
    licence="not stated; ask its authors",
    layout="m3.s_trzymaj_5.wav",
    utterances=450,
    hours=0.1,
    language="Polish",
    known={
        "emotion": {"anger": 150, "fear": 150, "neutral": 150},
        "gender": {"male": 450},
        "speaker": {f"m{speaker}": 90 for speaker in range(1, 6)},
        "text_id": dict.fromkeys(_WORDS, 75),
    },
    from_name=from_name,
    origin="Gdańsk University of Technology, https://mostwiedzy.pl",
    shares={"texts": "all speakers speak the same six words"},
    schemes=(
        Scheme("pst-3", "pst", keep(*_EMOTIONS.values())),
        Scheme("pst-2", "pst", keep("anger", "neutral")),
    ),
)
