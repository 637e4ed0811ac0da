"""EMNS: one woman, eight emotions, British English.

``metadata.csv`` has a row for each recording: words, emotion, a level of expressiveness from 0 to 10, status
and file. Only complete recordings are read; others are marked for correction in the table. File names tell
nothing. The recordings are webm and have to be converted to wav first, with their names.

Source: Noriy, Yang and Zhang, EMNS /Imz/ Corpus: An Emotive Single-Speaker Dataset for Narrative Storytelling
in Games, Television and Graphic Novels, arXiv 2305.13137, 2023.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import (
    check_labelled,
    find_tables,
    join_tables,
    read_named,
    to_number,
)
from sercli.manifest.values import GENDERS
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "excited": "excitement",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "sarcastic": "sarcasm",
    "surprised": "surprise",
}
_NAME = re.compile(r"recorded_audio(?:_\w+)?", re.ASCII)
_TABLE = "metadata.csv"
_COMPLETE = "complete"


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the complete recordings at any depth, sorted by name, with the facts of the table."""
    tables = find_tables(root, _TABLE.__eq__)
    facts = ("emotion", "user_id", "status")
    rows, conflicts = join_tables(tables, lambda _, row: _name(row), facts, "|")
    yield from conflicts
    unlabelled: list[str] = []
    incomplete = 0
    for item in read_named(root, _from_name, "an EMNS file name such as recorded_audio_RF6OuQ4.wav"):
        if isinstance(item, Problem):
            yield item
            continue
        row = rows.get(item.id.removeprefix("emns/"), {})
        raw = row.get("emotion", "").strip()
        if row.get("status", _COMPLETE).strip().lower() != _COMPLETE:
            incomplete += 1
        elif raw.lower() in _EMOTIONS:
            gender = row.get("gender", "").strip().lower()
            level = to_number(row.get("level", ""))
            yield replace(
                item,
                speaker=row.get("user_id", "").strip() or None,
                gender=GENDERS.get(gender, gender) or None,
                transcript=row.get("utterance", "").strip() or None,
                emotion_raw=raw,
                emotion=_EMOTIONS[raw.lower()],
                ratings=None if level is None else {"expressiveness": level},
            )
        else:
            unlabelled.append(item.file)
    if incomplete:
        fact = f"{incomplete} recordings are not marked as complete; left out"
        yield Problem(tables[0].name, fact, harmless=True)
    yield from check_labelled(unlabelled, _TABLE, found=bool(tables))


def _name(row: dict[str, str]) -> str:
    return PurePosixPath(row.get("audio_recording", "").strip()).stem


def _from_name(stem: str) -> Utterance | None:
    if not _NAME.fullmatch(stem):
        return None
    return Utterance(id=f"emns/{stem}", corpus="emns", file="", style="scripted")


CORPUS = Corpus(
    parse,
    title="EMNS, Emotive Narrative Storytelling",
    source="Noriy, Yang and Zhang, arXiv 2305.13137, 2023",
    licence="lists disagree (Apache 2.0, CC BY 4.0); read its page",
    layout="cleaned_webm/recorded_audio_RF6OuQ4.webm (or converted to wav), and metadata.csv",
    utterances=1181,
    hours=1.91,
    language="British English",
    known={
        "emotion": {
            "anger": 126,
            "disgust": 162,
            "excitement": 150,
            "happiness": 157,
            "neutral": 149,
            "sadness": 147,
            "sarcasm": 139,
            "surprise": 151,
        },
        "gender": {"female": 1181},
        "speaker": {"3": 1181},
    },
    inner=("raw_webm", "cleaned_webm", "wavs"),
    origin="its authors, https://www.openslr.org/136",
    notice="EMNS is the speech of one woman: no result on it is speaker independent.",
    schemes=usual_schemes("emns", _EMOTIONS.values()),
    default_protocol="stratified-5-fold",
)
