"""ASED: 65 speakers, five emotions, Amharic.

A file name is emotion, sentence, repetition, gender, speaker: ``a5-02-01-01-33``. Sentences 01 and 02 are
common to all emotions, each other sentence belongs to one, so the words may tell the emotion. Five released
names have the other gender code than all others of their speaker: the gender is that of the majority. Four
pairs of repetitions are equal.

Source: Retta et al., A New Amharic Speech Emotion Dataset and Classification Benchmark, ACM TALLIP 22(1),
2023.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance

_EMOTIONS = {"a": "anger", "f": "fear", "h": "happiness", "n": "neutral", "s": "sadness"}
_GENDERS = {"01": "female", "02": "male"}
_COMMON = ("01", "02")
# One released name begins with a capital.
_NAME = re.compile(r"([nfhsa])[1-5]-(0[1-7])-0[12]-(0[12])-(\d\d)", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name, each speaker with one gender."""
    items = list(read_named(root, from_name, "an ASED file name such as a5-02-01-01-33.wav"))
    genders: defaultdict[str | None, Counter[str | None]] = defaultdict(Counter)
    for item in items:
        if isinstance(item, Utterance):
            genders[item.speaker][item.gender] += 1
    for item in items:
        if isinstance(item, Utterance):
            yield replace(item, gender=genders[item.speaker].most_common(1)[0][0])
        else:
            yield item


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem.lower())
    if match is None:
        return None
    emotion, sentence, gender, speaker = match.groups()
    return Utterance(
        id=f"ased/{match[0]}",
        corpus="ased",
        file="",
        speaker=speaker,
        gender=_GENDERS[gender],
        style="scripted",
        text_id=sentence if sentence in _COMMON else f"{emotion}{sentence}",
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="ASED, Amharic Speech Emotion Dataset",
    source="Retta et al., ACM TALLIP 22(1), 2023",
    licence="not stated by its authors",
    layout="05Angry/a5-02-01-01-33.wav",
    utterances=2474,
    people=65,
    language="Amharic",
    known={"emotion": {"anger": 486, "fear": 510, "happiness": 486, "neutral": 522, "sadness": 470}},
    from_name=from_name,
    inner=("0[1-5]*",),
    origin="its authors, https://github.com/Ethio2021/ASED_V1",
    shares={"texts": "all speakers say the same sentences"},
    schemes=usual_schemes("ased", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
