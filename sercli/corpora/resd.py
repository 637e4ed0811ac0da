"""RESD: acted dialogs, seven emotions, Russian.

A file name is dialog, the two emotions of the dialog, the letter of the emotion of this turn, number:
``32_happiness_enthusiasm_h_120`` is a happy turn of dialog 32. Some names have a blank before the letter. The
folders ``train`` and ``test`` are the parts of the release; all dialogs are in both. Speakers are not stated.

Source: Lubenets, Davidchuk and Amentes, Aniemore, 2022.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import read_named
from sercli.protocols import Protocol
from sercli.protocols.lists import ReleasedParts
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "e": "enthusiasm",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "s": "sadness",
}
_NAME = re.compile(rf"(\d+)_([a-z]+)_([a-z]+)[_ ]([{''.join(_EMOTIONS)}])_(\d+)", re.ASCII)
_PARTS = ("train", "test")


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the turns at any depth, sorted by name."""
    for item in read_named(root, from_name, "a RESD file name such as 32_happiness_enthusiasm_h_120.wav"):
        if isinstance(item, Problem):
            yield item
            continue
        folders = [*PurePosixPath(item.file).parts[-2::-1], root.resolve().name]
        yield replace(item, part=next((folder for folder in folders if folder in _PARTS), None))


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    dialog, letter = match[1], match[4]
    return Utterance(
        id=f"resd/{stem.replace(' ', '_')}",
        corpus="resd",
        file="",
        session=dialog,
        dialog=dialog,
        emotion_raw=letter,
        emotion=_EMOTIONS[letter],
    )


_SHARES = {"sessions": "the release divides each dialog", "dialogs": "the release divides each dialog"}

CORPUS = Corpus(
    parse,
    title="RESD, Russian Emotional Speech Dialogs",
    source="Lubenets, Davidchuk and Amentes, Aniemore, 2022",
    licence="MIT",
    layout="train/32_happiness_enthusiasm/32_happiness_enthusiasm_h_120.wav",
    utterances=1396,
    hours=2.34,
    language="Russian",
    known={
        "emotion": {
            "anger": 219,
            "disgust": 185,
            "enthusiasm": 198,
            "fear": 223,
            "happiness": 218,
            "neutral": 191,
            "sadness": 162,
        },
        "part": {"test": 280, "train": 1116},
    },
    from_name=from_name,
    inner=(*_PARTS, "*_*_*"),
    origin="its authors, https://huggingface.co/datasets/Aniemore/resd",
    notice=(
        "RESD does not state its speakers: no result on it is speaker independent. leave-one-session-out "
        "keeps at least the dialogs apart."
    ),
    schemes=usual_schemes("resd", _EMOTIONS.values()),
    protocols=(
        Protocol(
            "resd-official",
            ReleasedParts(dev=None),
            version=1,
            speaker_independent=False,
            has_dev=False,
            description="the parts of the release, which share dialogs and speakers; no dev part",
            corpus="resd",
            scheme="resd-7",
            shares=_SHARES,
        ),
    ),
    default_protocol="stratified-5-fold",
)
