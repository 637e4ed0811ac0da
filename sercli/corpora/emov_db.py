"""EmoV-DB: four speakers, five emotional styles, sentences of CMU Arctic, English.

A file name is style, range, sentence: ``amused_1-28_0001``. The speaker is in the name of a folder only:
``bea_Amused/`` or ``bea/Amused/``. Files of different speakers have equal names, so the id has the speaker.
One speaker (josh) has neither anger nor disgust.

Source: Adigwe et al., The Emotional Voices Database: Towards Controlling the Emotion Dimension in Voice
Generation Systems, arXiv 1806.09514, 2018.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import read_named, stem_of
from sercli.records import Problem, Utterance
from sercli.schemes import Scheme, keep

# As in the file names; folders have other words (Angry, Disgusted, Sleepy).
_EMOTIONS = {
    "amused": "amusement",
    "anger": "anger",
    "disgust": "disgust",
    "neutral": "neutral",
    "sleepiness": "tiredness",
}
_GENDERS = {"bea": "female", "jenie": "female", "josh": "male", "sam": "male"}
_STYLES = ("Amused", "Angry", "Disgusted", "Neutral", "Sleepy")
_FOLDERS = (*_GENDERS, *(f"{name}_*" for name in _GENDERS), *_STYLES)
_NAME = re.compile(
    rf"({'|'.join(_GENDERS)})_({'|'.join(_EMOTIONS)})_(\d+[-_]\d+)_(\d{{4}})", re.ASCII | re.IGNORECASE
)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by speaker and name."""
    example = "an EmoV-DB file name such as bea_Amused/amused_1-28_0001.wav"
    return read_named(root, from_name, example, _name_of, inner=_FOLDERS)


def _name_of(path: Path) -> str:
    """Put the speaker, from the innermost folder that names one, before the name."""
    folders = (folder.lower().partition("_")[0] for folder in reversed(path.parts[:-1]))
    speaker = next((name for name in folders if name in _GENDERS), None)
    return f"{speaker}_{stem_of(path)}" if speaker else stem_of(path)


def from_name(name: str) -> Utterance | None:
    """Return the facts in a name with the speaker, ``bea_amused_1-28_0001``; ``None`` for a foreign name."""
    match = _NAME.fullmatch(name.lower())
    if match is None:
        return None
    speaker, emotion, _, sentence = match.groups()
    return Utterance(
        id=f"emov-db/{match[0]}",
        corpus="emov-db",
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
    title="EmoV-DB, the Emotional Voices Database",
    source="Adigwe et al., arXiv 1806.09514, 2018",
    licence="non-commercial; read the terms of its authors",
    layout="bea_Amused/amused_1-28_0001.wav",
    utterances=6893,
    hours=9.48,
    language="English",
    known={
        "emotion": {"amusement": 1317, "anger": 1268, "disgust": 1019, "neutral": 1568, "tiredness": 1721},
        "gender": {"female": 3577, "male": 3316},
        "speaker": {"bea": 1787, "jenie": 1790, "josh": 863, "sam": 2453},
    },
    counts_from="a public list of its sorted edition; the authors' page states more",
    from_name=from_name,
    inner=("bea*", "jenie*", "josh*", "sam*", *_STYLES),
    origin="its authors, https://github.com/numediart/EmoV-DB",
    shares={"texts": "every speaker reads sentences of CMU Arctic"},
    schemes=(
        Scheme("emov-db-5", "emov-db", keep(*_EMOTIONS.values())),
        Scheme("emov-db-2", "emov-db", keep("anger", "neutral")),
    ),
)
