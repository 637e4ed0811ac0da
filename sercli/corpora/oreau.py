"""Oréau: 32 speakers, seven emotions, French.

A file name is speaker, text, emotion, version: ``10a02Ja`` is speaker 10 with text a02, joy. The folder above
the folders of the emotions is f or m, for women and men. A first version of the corpus has 502 recordings.
The second one keeps the 434 whose emotion listeners recognised; if a copy has both, the second one is read.

Names of EMO-DB have the same form with other letters, so a name alone does not identify the corpus.

Source: Kerkeni et al., French Emotional Speech Database Oréau, Zenodo 4405783, 2020.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._alike import left_to_others
from sercli.corpora._named import read_named
from sercli.files import walk
from sercli.records import Problem, Utterance

# French initials: colère, dégoût, joie, neutre, peur, surprise, tristesse.
_EMOTIONS = {
    "C": "anger",
    "D": "disgust",
    "J": "happiness",
    "N": "neutral",
    "P": "fear",
    "S": "surprise",
    "T": "sadness",
}
_WOMEN = ("10", "11", "13", "21", "24", "37", "42")
_NAME = re.compile(rf"(\d\d)([a-z]\d\d)([{''.join(_EMOTIONS)}])([a-z])", re.ASCII)
# The name of the corpus before it has accents, which copies damage.
_SECOND = "FR_02"
_FIRST_VERSION = 502


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name; of two versions only the second one."""
    root = root.resolve()
    second = any(_is_second(path.relative_to(root)) for path in walk(root))

    elsewhere = left_to_others(root, "oreau")

    def leaves_out(path: Path) -> str | None:
        older = second and not _is_second(path.relative_to(root))
        return "not in the folder of the second version" if older else elsewhere(path)

    return read_named(root, _from_name, "an Oréau file name such as 10a02Ja.wav", leaves_out=leaves_out)


def _is_second(path: Path) -> bool:
    return any(folder.endswith(_SECOND) for folder in path.parts[:-1])


def _from_name(stem: str) -> Utterance | None:
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    speaker, text, letter, _ = match.groups()
    return Utterance(
        id=f"oreau/{stem}",
        corpus="oreau",
        file="",
        speaker=speaker,
        gender="female" if speaker in _WOMEN else "male",
        style="scripted",
        text_id=text,
        emotion_raw=letter,
        emotion=_EMOTIONS[letter],
    )


def _release_of(utterances: Sequence[Utterance]) -> Corpus:
    """Return the release: the first version is known by its number of recordings only."""
    if len(utterances) != _FIRST_VERSION:
        return CORPUS
    return replace(CORPUS, title="Oréau, first version", utterances=_FIRST_VERSION, known={})


CORPUS = Corpus(
    parse,
    title="Oréau, French emotional speech, second version",
    source="Kerkeni et al., Zenodo 4405783, 2020",
    licence="CC BY 4.0",
    layout="OréauFR_02/f/sessj/10a02Ja.wav",
    utterances=434,
    hours=0.34,
    language="French",
    known={
        "emotion": {
            "anger": 67,
            "disgust": 67,
            "fear": 51,
            "happiness": 62,
            "neutral": 70,
            "sadness": 55,
            "surprise": 62,
        },
        "gender": {"female": 115, "male": 319},
        "speaker": dict.fromkeys(("07", "11"), 37)
        | dict.fromkeys(("10", "25", "38", "39"), 14)
        | dict.fromkeys(("16", "21", "22", "24", "36", "37", "41", "42"), 13)
        | dict.fromkeys(("09", "12", "13", "19", "20", "26", "27", "29", "32"), 12)
        | dict.fromkeys(("08", "14", "18", "31", "33", "40"), 11)
        | {"23": 9, "28": 10, "30": 7},
    },
    release=_release_of,
    inner=(f"*{_SECOND}", "f", "m", "sess[cdjnpst]"),
    origin="its authors, https://zenodo.org/record/4405783",
    shares={"texts": "the speakers speak the same texts"},
    schemes=usual_schemes("oreau", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
