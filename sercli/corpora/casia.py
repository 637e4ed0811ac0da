"""CASIA: four speakers, fifty sentences, six emotions, Mandarin (the open part).

Speaker and emotion are folders, the name is the sentence: ``wangzhe/neutral/239.wav``. All speakers say the
same sentences in all emotions. The name of one speaker is released as ``liuchanhg``.

Source: Institute of Automation, Chinese Academy of Sciences, CASIA Chinese emotional speech corpus.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named, stem_of
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "angry": "anger",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
_GENDERS = {"liuchanhg": "female", "wangzhe": "male", "zhaoquanyin": "female", "zhaozuoxiang": "male"}
_SENTENCES = tuple(str(number) for number in range(201, 251))
_NAME = re.compile(rf"({'|'.join(_GENDERS)})_({'|'.join(_EMOTIONS)})_(2(?:0[1-9]|[1-4]\d|50))", re.ASCII)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by speaker, emotion and sentence."""
    return read_named(root, from_name, "a CASIA file name such as wangzhe/neutral/239.wav", _name_of)


def _name_of(path: Path) -> str:
    """Return ``wangzhe_neutral_239`` for ``wangzhe/neutral/239.wav``."""
    speaker, emotion = ("", "", *path.parts)[-3:-1]
    return f"{speaker.lower()}_{emotion.lower()}_{stem_of(path)}"


def from_name(name: str) -> Utterance | None:
    """Return the facts in a name such as ``wangzhe_neutral_239``; ``None`` for a foreign name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    speaker, emotion, sentence = match.groups()
    return Utterance(
        id=f"casia/{name}",
        corpus="casia",
        file="",
        speaker=speaker,
        gender=_GENDERS[speaker],
        style="scripted",
        text_id=sentence,
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="CASIA, Chinese emotional speech corpus (open part)",
    source="Institute of Automation, Chinese Academy of Sciences",
    licence="licensed by the Chinese Academy of Sciences; ask for it there",
    layout="wangzhe/neutral/239.wav",
    utterances=1200,
    hours=0.64,
    language="Mandarin",
    known={
        "emotion": dict.fromkeys(_EMOTIONS.values(), 200),
        "gender": {"female": 600, "male": 600},
        "speaker": dict.fromkeys(_GENDERS, 300),
    },
    ids=tuple("casia/" + "_".join(each) for each in product(_GENDERS, _EMOTIONS, _SENTENCES)),
    from_name=from_name,
    inner=(*_GENDERS, "ZhaoZuoxiang", *_EMOTIONS),
    origin="the Institute of Automation, http://www.chineseldc.org",
    shares={"texts": "all speakers say the same sentences in all emotions"},
    schemes=usual_schemes("casia", _EMOTIONS.values()),
)
