"""nEMO: nine actors, ninety sentences, six emotions, Polish.

A file name is speaker, emotion, sentence: ``EB0_anger_1``. The table ``data.tsv`` gives the words; speakers
and emotions are those of the names. One actor (MK0) has no surprise.

Source: Christop, nEMO: Dataset of Emotional Speech in Polish, LREC-COLING 2024.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import find_tables, read_named
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "anger": "anger",
    "fear": "fear",
    "happiness": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
    "surprised": "surprise",
}
_WOMEN = ("EB0", "IC0", "KD0", "MK0")
_MEN = ("KS0", "MP0", "SM0", "TP0", "WR0")
_NAME = re.compile(rf"({'|'.join(_WOMEN + _MEN)})_({'|'.join(_EMOTIONS)})_([1-9]|[1-8]\d|90)", re.ASCII)
_TABLE = "data.tsv"


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name, with their words if the table is there."""
    words: dict[str, str] = {}
    for path in find_tables(root, lambda name: name == _TABLE):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            # A quotation mark is a letter of the text, not the beginning of a cell.
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
                words[PurePosixPath(row.get("file_id") or "").stem] = (row.get("raw_text") or "").strip()
    return read_named(root, from_name, "a nEMO file name such as EB0_anger_1.wav", words=words)


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    speaker, emotion, sentence = match.groups()
    return Utterance(
        id=f"nemo/{stem}",
        corpus="nemo",
        file="",
        speaker=speaker,
        gender="female" if speaker in _WOMEN else "male",
        style="scripted",
        text_id=sentence,
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


CORPUS = Corpus(
    parse,
    title="nEMO, emotional speech in Polish",
    source="Christop, nEMO: Dataset of Emotional Speech in Polish, LREC-COLING 2024",
    licence="CC BY-NC-SA 4.0",
    layout="samples/EB0_anger_1.wav, and data.tsv for the words",
    utterances=4481,
    hours=3.0,
    language="Polish",
    known={
        "emotion": {
            "anger": 749,
            "fear": 736,
            "happiness": 749,
            "neutral": 809,
            "sadness": 769,
            "surprise": 669,
        },
        "gender": {"female": 2069, "male": 2412},
        "speaker": {
            "EB0": 539,
            "IC0": 540,
            "KD0": 540,
            "KS0": 540,
            "MK0": 450,
            "MP0": 256,
            "SM0": 538,
            "TP0": 539,
            "WR0": 539,
        },
    },
    from_name=from_name,
    inner=("samples",),
    origin="its author, https://github.com/amu-cai/nEMO",
    shares={"texts": "every actor speaks the same ninety sentences"},
    schemes=usual_schemes("nemo", _EMOTIONS.values()),
)
