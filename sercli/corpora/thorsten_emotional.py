"""Thorsten-emotional: one man, 300 sentences in eight styles, German.

The folder is the style, and the name identifies the sentence: ``amused/<32 hexadecimal digits>.wav``. All
folders have the same names. Drunk and whisper are styles, not emotions. The words are in
``thorsten-emotional-metadata.csv``.

Source: Müller and Kreutz, Thorsten-Voice, 2021; OpenSLR 110.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sercli.corpora import Corpus
from sercli.corpora._named import find_tables, read_named, stem_of
from sercli.records import Problem, Utterance
from sercli.schemes import Scheme, keep

_STYLES = {
    "amused": "amusement",
    "angry": "anger",
    "disgusted": "disgust",
    "drunk": "drunkenness",
    "neutral": "neutral",
    "sleepy": "tiredness",
    "surprised": "surprise",
    "whisper": "whisper",
}
_NAME = re.compile(rf"({'|'.join(_STYLES)})_([0-9a-f]{{32}})", re.ASCII)
_TABLE = "thorsten-emotional-metadata.csv"


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by style and name, with their words if the table is there."""
    words: dict[str, str] = {}
    for path in find_tables(root, _TABLE.__eq__):
        for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
            name, _, text = line.partition("|")
            words |= {f"{style}_{name.strip()}": text.strip() for style in _STYLES}
    example = "a Thorsten-emotional file name of 32 digits in the folder of a style"
    return read_named(root, _from_name, example, _name_of, words=words)


def _name_of(path: Path) -> str:
    return f"{path.parent.name.lower()}_{stem_of(path)}"


def _from_name(name: str) -> Utterance | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    style, sentence = match.groups()
    return Utterance(
        id=f"thorsten-emotional/{name}",
        corpus="thorsten-emotional",
        file="",
        speaker="1",
        gender="male",
        style="scripted",
        text_id=sentence,
        emotion_raw=style,
        emotion=_STYLES[style],
    )


CORPUS = Corpus(
    parse,
    title="Thorsten-emotional, emotional speech of one German speaker",
    source="Müller and Kreutz, Thorsten-Voice, OpenSLR 110, 2021",
    licence="lists disagree (CC0, CC BY 4.0); read its page",
    layout="thorsten-emotional_v02/amused/<32 digits>.wav, and thorsten-emotional-metadata.csv",
    utterances=2399,
    hours=2.9,
    language="German",
    known={
        "emotion": dict.fromkeys(sorted(_STYLES.values()), 300) | {"whisper": 299},
        "speaker": {"1": 2399},
    },
    inner=tuple(_STYLES),
    origin="its authors, https://www.openslr.org/110",
    shares={"texts": "all styles have the same 300 sentences"},
    notice="Thorsten-emotional is the speech of one man: no result on it is speaker independent.",
    schemes=(
        Scheme("thorsten-emotional-8", "thorsten-emotional", keep(*_STYLES.values())),
        Scheme(
            "thorsten-emotional-6",
            "thorsten-emotional",
            keep("amusement", "anger", "disgust", "neutral", "surprise", "tiredness"),
        ),
        Scheme("thorsten-emotional-2", "thorsten-emotional", keep("anger", "neutral")),
    ),
    default_protocol="stratified-5-fold",
)
