"""AESDD: six actors, twenty utterances, five emotions without neutral, Greek.

A file name is emotion, utterance, speaker in brackets: ``a03 (3)`` is the third angry utterance of speaker 3.
A letter after the bracket is another take; some names write the speaker 1 as ``(01)``. Utterance 20 is
improvised. The actors' genders are not stated.

The database grows: later copies may have more actors.

Source: Vryzas et al., Speech Emotion Recognition for Performance Interaction, Journal of the Audio
Engineering Society 66(6), 2018.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance
from sercli.schemes import Scheme, keep

_EMOTIONS = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}
_NAME = re.compile(r"([adfhs])(0[1-9]|1\d|20) ?\(0*([1-9]\d*)\)([ab]?)", re.ASCII)
_IMPROVISED = "20"


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by emotion, utterance and speaker."""
    return read_named(root, from_name, "an AESDD file name such as 'a03 (3).wav'")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    emotion, text, speaker, take = match.groups()
    improvised = text == _IMPROVISED
    return Utterance(
        id=f"aesdd/{emotion}{text}_{speaker}{take}",
        corpus="aesdd",
        file="",
        speaker=speaker,
        style="improvised" if improvised else "scripted",
        text_id=None if improvised else text,
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="AESDD, Acted Emotional Speech Dynamic Database",
    source="Vryzas et al., Journal of the Audio Engineering Society 66(6), 2018",
    licence="not stated by its authors; a public copy states CC BY 4.0",
    layout="anger/a03 (3).wav",
    utterances=604,
    hours=0.69,
    language="Greek",
    known={
        "emotion": {"anger": 121, "disgust": 122, "fear": 120, "happiness": 119, "sadness": 122},
        "speaker": {"1": 100, "2": 100, "3": 98, "4": 99, "5": 107, "6": 100},
    },
    counts_from="the readable files of a public list; the database grows",
    faulty={"aesdd/s05_3": "the released file can't be read"},
    from_name=from_name,
    inner=(*_EMOTIONS.values(), "Tools*"),
    origin="the Aristotle University of Thessaloniki, http://m3c.web.auth.gr/research",
    shares={"texts": "every actor speaks the same nineteen utterances"},
    schemes=(
        Scheme("aesdd-5", "aesdd", keep(*_EMOTIONS.values())),
        Scheme("aesdd-3", "aesdd", keep("anger", "happiness", "sadness")),
    ),
)
