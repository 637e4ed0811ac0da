"""PAVOQUE: one man, five styles, German.

The recordings of a style are one long file, ``pavoque-happy.flac``. A list beside it, ``pavoque-happy.yaml``,
gives prompt, words, start and end of each utterance; utterances are cut out. The prompts of the acted styles
are the same. Poker is a style (a poker face), not an emotion. The recordings in ``pavoque-outtakes`` are
rejected ones, and are left out unless the setting ``outtakes`` is true.

Source: Steiner, Schröder and Klepp, The PAVOQUE Corpus as a Resource for Analysis and Synthesis of Expressive
Speech, Phonetics and Phonology 9, 2013.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sercli.audio import SUFFIXES
from sercli.corpora import Corpus, ReaderConfig, list_names, place_of, usual_schemes
from sercli.files import walk
from sercli.plain import PlainError
from sercli.plain.yaml import from_yaml
from sercli.records import Problem, Utterance

_STYLES = {"angry": "anger", "happy": "happiness", "neutral": "neutral", "poker": "poker", "sad": "sadness"}
_OUTTAKES = "outtakes"
_LIST = re.compile(rf"pavoque-({'|'.join(_STYLES)}|{_OUTTAKES})\.ya?ml", re.ASCII)
_SEGMENTS = re.compile(r"(?:- |  )segments:.*", re.DOTALL)
_KEY = re.compile(r"(?:- |  )\w+:.*", re.DOTALL)


class PavoqueConfig(ReaderConfig):
    """Choices of a user who prepares PAVOQUE."""

    outtakes: bool = False
    """Include the rejected recordings."""

    @property
    def notice(self) -> str | None:
        """A sentence that is printed with each result if the rejected recordings are included."""
        return "PAVOQUE with its rejected recordings (outtakes)." if self.outtakes else None


_DEFAULTS = PavoqueConfig()


def parse(root: Path, options: PavoqueConfig = _DEFAULTS) -> Iterator[Utterance | Problem]:
    """Yield the utterances of each list at any depth, lists by name, utterances in their order."""
    for path in walk(root):
        match = _LIST.fullmatch(path.name)
        if match is None:
            continue
        place = place_of(path, root)
        if match[1] == _OUTTAKES and not options.outtakes:
            fact = "rejected recordings; left out, add --set outtakes=true to take them"
            yield Problem(place, fact, harmless=True)
            continue
        audio = next(
            (name for name in list_names(path.parent, SUFFIXES) if Path(name).stem == path.stem), None
        )
        if audio is None:
            yield Problem(place, f"no recording {path.stem}.flac beside it")
            continue
        yield from _read(path, place, place_of(path.parent / audio, root), outtakes=match[1] == _OUTTAKES)


def _read(path: Path, place: str, audio: str, *, outtakes: bool) -> Iterator[Utterance | Problem]:
    try:
        rows = from_yaml("".join(_without_segments(path))).value
    except (PlainError, UnicodeDecodeError) as error:
        yield Problem(place, f"not a list of utterances ({error}); get it again")
        return
    for number, row in enumerate(rows if isinstance(rows, list) else (), 1):
        utterance = _utterance(row, audio, outtakes=outtakes) if isinstance(row, dict) else None
        if utterance is None:
            yield Problem(f"{place}, item {number}", "lacks prompt, a known style, start or end")
        else:
            yield utterance


def _without_segments(path: Path) -> Iterator[str]:
    """Yield the lines of a list without the phones, which are most of it."""
    inside = False
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            inside = _SEGMENTS.fullmatch(line) is not None or (inside and _KEY.fullmatch(line) is None)
            if not inside:
                yield line


def _utterance(row: dict[str, Any], audio: str, *, outtakes: bool) -> Utterance | None:
    prompt, style, start, end = (row.get(key) for key in ("prompt", "style", "start", "end"))
    if not prompt or style not in _STYLES:
        return None
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return None
    words = row.get("text")
    name = f"{_OUTTAKES}_{style}_{prompt}" if outtakes else f"{style}_{prompt}"
    return Utterance(
        id=f"pavoque/{name}",
        corpus="pavoque",
        file=audio,
        start=float(start),
        end=float(end),
        speaker="1",
        gender="male",
        style="scripted",
        text_id=str(prompt),
        transcript=str(words).strip() if words else None,
        emotion_raw=style,
        emotion=_STYLES[style],
    )


CORPUS = Corpus(
    parse,
    title="PAVOQUE, expressive speech of one German speaker",
    source="Steiner, Schröder and Klepp, Phonetics and Phonology 9, 2013",
    licence="CC BY-NC-SA 4.0",
    layout="pavoque-happy.flac and pavoque-happy.yaml",
    utterances=5442,
    language="German",
    known={
        "emotion": {"anger": 601, "happiness": 584, "neutral": 3126, "poker": 575, "sadness": 556},
        "speaker": {"1": 5442},
    },
    counts_from="the lists of version 1, without outtakes",
    cuts=True,
    options=PavoqueConfig,
    origin="its authors, https://github.com/marytts/pavoque-data",
    shares={"texts": "the acted styles have the same prompts"},
    notice="PAVOQUE is the speech of one man: no result on it is speaker independent.",
    schemes=usual_schemes("pavoque", _STYLES.values()),
    default_protocol="stratified-5-fold",
)
