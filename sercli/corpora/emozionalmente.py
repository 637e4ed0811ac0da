"""Emozionalmente: 431 speakers, eighteen sentences, seven emotions, Italian, recorded by the speakers.

File names are numbers of thirteen digits. ``metadata/samples.csv`` gives sentence, speaker and emotion of
each, ``users.csv`` the genders, and ``evaluations.csv`` the judgements of five listeners for each recording.
They agree with the meant emotion for 66 %.

Source: Catania et al., Emozionalmente: A Crowdsourced Corpus of Simulated Emotional Speech in Italian, IEEE
Transactions on Audio, Speech and Language Processing 33, 2025.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import check_labelled, find_tables, join_tables, read_named, read_rows
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "joy": "happiness",
    "neutrality": "neutral",
    "sadness": "sadness",
    "surprise": "surprise",
}
_NAME = re.compile(r"\d{13}", re.ASCII)
_TABLE = "samples.csv"


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name, with the facts of the tables."""
    tables = find_tables(root, _TABLE.__eq__, "metadata")
    samples, conflicts = join_tables(tables, lambda _, row: _name(row), ("emotion_expressed", "actor"))
    yield from conflicts
    genders = {row.get("username"): row.get("gender") for row in _rows(root, "users.csv")}
    raters: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(root, "evaluations.csv"):
        raters[_name(row)].append(_rater(row))
    unlabelled: list[str] = []
    for item in read_named(root, _from_name, "an Emozionalmente file name of thirteen digits"):
        if isinstance(item, Problem):
            yield item
            continue
        name = item.id.partition("/")[2]
        sample = samples.get(name, {})
        raw, speaker, text = (sample.get(key) or None for key in ("emotion_expressed", "actor", "sentence"))
        if raw not in _EMOTIONS:
            unlabelled.append(item.file)
            continue
        yield replace(
            item,
            speaker=speaker,
            gender=genders.get(speaker) if speaker else None,
            text_id=text,
            transcript=text,
            emotion_raw=raw,
            emotion=_EMOTIONS[raw],
            raters=tuple(raters[name]) or None,
        )
    remedy = "add the release's folder metadata"
    yield from check_labelled(unlabelled, _TABLE, found=bool(samples), remedy=remedy)


def _name(row: dict[str, str]) -> str:
    return PurePosixPath(row.get("file_name") or "").stem


def _rater(row: dict[str, str]) -> dict[str, Any]:
    """Return a listener's judgement: the recognised emotion, and the quality of the audio if it is bad."""
    judged: dict[str, Any] = {"rater": row.get("evaluator", "")}
    if label := row.get("emotion_recognized", "").strip():
        judged["emotions"] = [_EMOTIONS.get(label, label)]
    quality = row.get("audio_quality", "").strip()
    return judged | ({"comment": f"audio quality: {quality}"} if quality not in ("", "good") else {})


def _rows(root: Path, name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table below the folder, or in the folder ``metadata`` beside it."""
    for path in find_tables(root, name.__eq__, "metadata"):
        yield from read_rows(path)


def _from_name(stem: str) -> Utterance | None:
    if not _NAME.fullmatch(stem):
        return None
    return Utterance(id=f"emozionalmente/{stem}", corpus="emozionalmente", file="", style="scripted")


CORPUS = Corpus(
    parse,
    title="Emozionalmente, crowdsourced emotional speech in Italian",
    source="Catania et al., IEEE Transactions on Audio, Speech and Language Processing 33, 2025",
    licence="CC BY 4.0",
    layout="audio/1600000000000.wav, and metadata/samples.csv",
    utterances=6902,
    people=431,
    hours=6.3,
    language="Italian",
    known={
        "emotion": dict.fromkeys(sorted(_EMOTIONS.values()), 986),
        "gender": {"female": 4891, "male": 2008, "other": 3},
    },
    inner=("audio", "metadata"),
    origin="its authors, https://zenodo.org/record/6569824",
    shares={"texts": "all speakers read the same eighteen sentences"},
    schemes=usual_schemes("emozionalmente", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
