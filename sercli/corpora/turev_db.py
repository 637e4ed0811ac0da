"""TurEV-DB: six speakers, 83 words, four emotions with calm and without neutral, Turkish.

A file name is speaker, emotion, word: ``1984_sk_eger``. The folder ``Model Output for Test Data`` has
filtered copies, which are left out. Two of the speakers did not record all emotions.

Source: Canpolat et al., Turkish Emotion Voice Database (TurEV-DB), SLTU-CCURL 2020.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import read_named
from sercli.records import Problem, Utterance
from sercli.schemes import Scheme, keep

# Kızgın, üzgün (hl), sakin, mutlu.
_EMOTIONS = {"hl": "sadness", "kz": "anger", "mt": "happiness", "sk": "calm"}
_SPEAKERS = ("1157", "1234", "1358", "1984", "6783", "7895")
_NAME = re.compile(rf"({'|'.join(_SPEAKERS)})_({'|'.join(_EMOTIONS)})_(.+)")
_FILTERED = "Model Output"


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name, without the filtered copies."""
    example = "a TurEV-DB file name such as 1984_sk_eger.wav"
    return read_named(root, from_name, example, leaves_out=_filtered)


def _filtered(path: Path) -> str | None:
    is_copy = any(folder.startswith(_FILTERED) for folder in path.parts[:-1])
    return "filtered copies" if is_copy else None


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    speaker, emotion, word = match.groups()
    return Utterance(
        id=f"turev-db/{stem}",
        corpus="turev-db",
        file="",
        speaker=speaker,
        style="scripted",
        text_id=word,
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="TurEV-DB, Turkish Emotion Voice Database",
    source="Canpolat et al., SLTU-CCURL 2020",
    licence="CC BY-NC-ND 4.0",
    layout="Sound Source/Calm/1984_sk_eger.wav",
    utterances=1735,
    hours=0.46,
    language="Turkish",
    known={
        "emotion": {"anger": 487, "calm": 408, "happiness": 357, "sadness": 483},
        "speaker": dict.fromkeys(_SPEAKERS, 328) | {"1157": 150, "7895": 273},
    },
    from_name=from_name,
    inner=("Angry", "Calm", "Happy", "Sad", "Sound Source"),
    origin="its authors, https://github.com/Xeonen/TurEV-DB",
    shares={"texts": "all speakers say the same words"},
    schemes=(
        Scheme("turev-db-4", "turev-db", keep(*_EMOTIONS.values())),
        Scheme("turev-db-3", "turev-db", keep("anger", "happiness", "sadness")),
    ),
)
