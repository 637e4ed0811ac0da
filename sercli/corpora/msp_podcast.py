"""MSP-Podcast: turns of podcasts, natural speech, eight emotions and three dimensions, English.

A file name is podcast and turn: ``MSP-PODCAST_0001_0008``; turns of a part for a contest begin with
``MSP-PODCAST_test3``. The table ``labels_consensus.csv`` (in older releases ``labels_concensus.csv``) has for
each turn emotion, activation, valence, dominance (1 to 7), speaker, gender and part. Activation is called
arousal here. Labels of single raters are in ``labels_detailed.csv`` or ``labels.txt``.

The emotion is the plurality of the raters: X has none (undecided), O is another emotion. The part Test3 has
no labels. The releases have different numbers of turns.

Source: Lotfian and Busso, Building Naturalistic Emotionally Balanced Speech Corpus by Retrieving Emotional
Speech from Existing Podcast Recordings, IEEE Transactions on Affective Computing 10(4), 2019.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli.corpora import Corpus
from sercli.corpora._msp import add_rater, rater_of, read_rater_line
from sercli.corpora._named import (
    check_labelled,
    check_recorded,
    find_tables,
    join_tables,
    read_named,
    read_rows,
    to_number,
)
from sercli.manifest.values import is_absent
from sercli.protocols import Protocol
from sercli.protocols.lists import ReleasedParts
from sercli.records import Problem, Utterance
from sercli.schemes import FOUR, Scheme, keep
from sercli.schemes.targets import RATED, Target

_EMOTIONS = {
    "A": "anger",
    "C": "contempt",
    "D": "disgust",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "O": "other",
    "S": "sadness",
    "U": "surprise",
    "X": "undecided",
}
_RATINGS = {"EmoAct": "arousal", "EmoVal": "valence", "EmoDom": "dominance"}
_PARTS = {
    "train": "train",
    "development": "dev",
    "validation": "dev",
    "test": "test",
    "test1": "test",
    "test2": "test2",
    "test3": "test3",
}
_NAME = re.compile(r"MSP-PODCAST_(?:(\d{4,5})|test3)_\d{4}(?:_\d{4})?", re.ASCII)
_UNLABELLED = "MSP-PODCAST_test3_"
_TABLES = ("labels_consensus.csv", "labels_concensus.csv")
# Raters, the first kind of file that a copy has.
_DETAILED = ("labels_detailed.csv", "labels.txt")
_FOLDER = "Labels"


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the turns at any depth, sorted by name, with the labels of the tables."""
    tables = find_tables(root, _TABLES.__contains__, _FOLDER)
    rows, conflicts = join_tables(
        tables, lambda _, row: _stem(row.get("FileName", "")), ("EmoClass", "SpkrID", "Split_Set")
    )
    yield from conflicts
    raters = _read_raters(root)
    example = "an MSP-Podcast file name such as MSP-PODCAST_0001_0008.wav"
    unlabelled: list[str] = []
    without = dict.fromkeys(rows)
    withheld, unknown = 0, ""
    for item in read_named(root, from_name, example):
        if isinstance(item, Problem):
            yield item
            continue
        name = item.id.removeprefix("msp-podcast/")
        row = rows.get(name, {})
        without.pop(name, None)
        if row.get("EmoClass", "").strip() in _EMOTIONS:
            yield replace(item, **_facts(row), raters=tuple(raters.get(name, ())) or None)
        elif name.startswith(_UNLABELLED):
            withheld += 1
        else:
            unknown = unknown or row.get("EmoClass", "").strip()
            unlabelled.append(item.file)
    if withheld:
        yield Problem(".", f"{withheld} recordings of the part Test3, which has no labels", harmless=True)
    remedy = "add the release's folder Labels"
    lacks = f"no label of the release (such as A or H, but '{unknown}')" if unknown else "no label"
    yield from check_labelled(unlabelled, _TABLES[0], found=bool(tables), remedy=remedy, lacks=lacks)
    yield from check_recorded(rows, without, ".")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    return Utterance(
        id=f"msp-podcast/{stem}", corpus="msp-podcast", file="", session=match[1], style="improvised"
    )


def _facts(row: Mapping[str, str]) -> dict[str, Any]:
    raw = row["EmoClass"].strip()
    gender = row.get("Gender", "").strip().lower()
    # Many turns are of unknown speakers, who are not one person.
    speaker = row.get("SpkrID", "").strip()
    return {
        "speaker": None if is_absent(speaker) else speaker,
        "gender": gender if gender in ("female", "male") else None,
        "part": _PARTS.get(row.get("Split_Set", "").strip().lower()),
        "emotion_raw": raw,
        "emotion": _EMOTIONS[raw],
    } | _ratings(row)


def _ratings(row: Mapping[str, str]) -> dict[str, float]:
    values = {field: to_number(row.get(column, "")) for column, field in _RATINGS.items()}
    return {field: value for field, value in values.items() if value is not None}


def _stem(name: str) -> str:
    return name.strip().removesuffix(".wav")


def _read_raters(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the judgements of each rater, by turn, from the table or the text file of the release."""
    raters: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    paths = next(filter(None, (find_tables(root, name.__eq__, _FOLDER) for name in _DETAILED)), [])
    for path in paths:
        found = _read_text(path) if path.suffix == ".txt" else _read_detailed(path)
        for name, judged in found:
            add_rater(raters[name], judged)
    return dict(raters)


def _read_detailed(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read a table with a row for each rater; in some releases one column has the line of the text file."""
    for row in read_rows(path):
        name, line = _stem(row.get("FileName", "")), row.get("EmoDetail")
        if line is None:
            rater = row.get("Workers") or row.get("WorkerID") or row.get("Worker") or ""
            main, every = row.get("EmoClass_Major", ""), row.get("EmoClass_Second", "")
            yield name, rater_of(rater, main, every, _ratings(row))
        elif judged := read_rater_line(line if line.rstrip().endswith(";") else f"{line};"):
            yield name, judged


def _read_text(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the text file: a line for each turn, followed by a line for each of its raters."""
    name = ""
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        first = line.partition(";")[0].strip()
        if first.endswith(".wav"):
            name = _stem(first)
        elif name and (judged := read_rater_line(line)):
            yield name, judged


_ALL = keep(*sorted(set(_EMOTIONS.values()) - {"other", "undecided"}))
_SCHEMES = (
    Scheme("msp-podcast-8", "msp-podcast", _ALL),
    Scheme("msp-podcast-4", "msp-podcast", FOUR),
    Scheme("msp-podcast-dimensions", "msp-podcast", {}, targets=tuple(map(Target, RATED))),
    Scheme("msp-podcast-8-dimensions", "msp-podcast", _ALL, targets=tuple(map(Target, RATED))),
)


def _official(name: str, part: str, released: str) -> Protocol:
    return Protocol(
        name,
        ReleasedParts(test=part),
        version=1,
        speaker_independent=True,
        has_dev=True,
        description=f"the parts Train and Development of the release, tested on {released}",
        corpus="msp-podcast",
        scheme="msp-podcast-8",
    )


def _release_of(utterances: Sequence[Utterance]) -> Corpus:
    """Return the release that has as many labelled turns, since no file names it."""
    known = {each.utterances: each for each in (CORPUS, _RELEASE_1_8)}
    return known.get(len(utterances), _UNKNOWN_RELEASE)


CORPUS = Corpus(
    parse,
    title="MSP-Podcast, release 1.11",
    source="Lotfian and Busso, IEEE Transactions on Affective Computing 10(4), 2019",
    licence="licensed by the University of Texas at Dallas for research, after a signed form",
    layout="Audios/MSP-PODCAST_0001_0008.wav and Labels/labels_consensus.csv",
    utterances=149307,
    language="English",
    known={"part": {"dev": 19815, "test": 30647, "test2": 14815, "train": 84030}},
    counts_from="the laboratory's page, without the part Test3",
    release=_release_of,
    from_name=from_name,
    inner=("Audio", "Audios", "Labels"),
    origin="the University of Texas at Dallas, https://ecs.utdallas.edu/research/researchlabs/msp-lab",
    scale=(1, 7),
    schemes=_SCHEMES,
    protocols=(
        _official("msp-podcast-official", "test", "Test1"),
        _official("msp-podcast-official-test2", "test2", "Test2"),
    ),
    default_protocol="msp-podcast-official",
)

# Release 1.8, by a list of its labels.
_RELEASE_1_8 = replace(
    CORPUS,
    title="MSP-Podcast, release 1.8",
    utterances=73042,
    known={
        "emotion": {
            "anger": 3218,
            "contempt": 3644,
            "disgust": 2593,
            "fear": 1544,
            "happiness": 14285,
            "neutral": 26009,
            "other": 817,
            "sadness": 2649,
            "surprise": 4084,
            "undecided": 14199,
        },
    },
    counts_from="a public list of the labels",
)
_UNKNOWN_RELEASE = replace(
    CORPUS, title="MSP-Podcast, a release or a part whose numbers are not known", utterances=None, known={}
)
