"""MSP-IMPROV: twelve actors in six sessions, two at a time, improvised and read turns, English.

A file name is sentence and meant emotion, speaker, kind of turn, number: ``MSP-IMPROV-S01A-F01-P-FM01``.
Kinds are target sentences, improvised (T) or read (R), other improvised turns (S), and talk between the
scenes (P). The file ``Evaluation.txt`` (in some copies ``Evalution.txt``) has the labels. Its names begin
with UTD-IMPROV. The label is the majority of the raters: X has none, O is another emotion. The lines of
single raters follow. Ratings are 1 to 5; activation is called arousal here, and naturalness is a further
dimension.

Source: Busso et al., MSP-IMPROV: An Acted Corpus of Dyadic Interactions to Study Emotion Perception, IEEE
Transactions on Affective Computing 8(1), 2017.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli.corpora import Corpus
from sercli.corpora._msp import add_rater, read_rater_line, read_ratings
from sercli.corpora._named import (
    check_labelled,
    check_recorded,
    find_tables,
    join_rows,
    read_named,
    to_number,
)
from sercli.records import Problem, Utterance
from sercli.schemes import FOUR, Scheme
from sercli.schemes.targets import RATED, Target

_EMOTIONS = {
    "A": "anger",
    "H": "happiness",
    "N": "neutral",
    "O": "other",
    "S": "sadness",
    "X": "undecided",
}
_READ = "R"
_NAME = re.compile(
    r"(?:MSP|UTD)-IMPROV-(S(?:0[1-9]|1\d|20)[AHNS])-([FM])(0[1-6])-([PRST])-([FM]{1,2}\d{2,3})", re.ASCII
)
_TABLES = ("evaluation.txt", "evalution.txt")
_NATURALNESS = re.compile(r"N\s*:\s*(\S+)")


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the turns at any depth, sorted by name, with the labels of the table."""
    tables = find_tables(root, lambda name: name.lower() in _TABLES)
    labels, conflicts = join_rows((path, _read_labels(path)) for path in tables)
    yield from conflicts
    example = "an MSP-IMPROV file name such as MSP-IMPROV-S01A-F01-P-FM01.wav"
    unlabelled: list[str] = []
    without = dict.fromkeys(labels)
    for item in read_named(root, from_name, example):
        if isinstance(item, Problem):
            yield item
        elif (name := item.id.removeprefix("msp-improv/")) in labels:
            del without[name]
            yield replace(item, **labels[name])
        else:
            unlabelled.append(item.file)
    table = tables[0].name if tables else "Evaluation.txt"
    yield from check_labelled(unlabelled, table, found=bool(tables), lacks="no label")
    yield from check_recorded(labels, without, table)


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    text, gender, session, kind, _ = match.groups()
    return Utterance(
        id=f"msp-improv/{stem.partition('-IMPROV-')[2]}",
        corpus="msp-improv",
        file="",
        speaker=gender + session,
        gender="female" if gender == "F" else "male",
        session=session,
        style="scripted" if kind == _READ else "improvised",
        # Only target sentences have fixed words.
        text_id=text[:3] if kind in ("R", "T") else None,
    )


def _read_labels(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name, label, mean ratings and the raters of each turn."""
    turn: str | None = None
    facts: dict[str, Any] = {}
    raters: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        cells = [cell.strip() for cell in line.split(";")]
        named = from_name(cells[0].removesuffix(".avi").removesuffix(".wav"))
        if named is None:
            if turn is not None and (judged := read_rater_line(line)):
                add_rater(raters, judged)
            continue
        if turn is not None:
            yield turn, facts | {"raters": tuple(raters) or None}
        turn, facts, raters = None, {}, []
        if len(cells) > 1 and cells[1] in _EMOTIONS:
            turn = named.id.removeprefix("msp-improv/")
            facts = {"emotion_raw": cells[1], "emotion": _EMOTIONS[cells[1]]} | read_ratings(line)
            natural = _NATURALNESS.fullmatch(next((cell for cell in cells[2:] if cell[:1] == "N"), ""))
            value = to_number(natural[1]) if natural else None
            facts |= {"ratings": {"naturalness": value}} if value is not None else {}
    if turn is not None:
        yield turn, facts | {"raters": tuple(raters) or None}


_DIMENSIONS = tuple(map(Target, RATED))

CORPUS = Corpus(
    parse,
    title="MSP-IMPROV, acted dyadic interactions",
    source="Busso et al., IEEE Transactions on Affective Computing 8(1), 2017",
    licence="licensed by the University of Texas at Dallas for research, after a signed form",
    layout="session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav and Evaluation.txt",
    utterances=8438,
    people=12,
    language="English",
    known={
        "emotion": {
            "anger": 792,
            "happiness": 2644,
            "neutral": 3477,
            "other": 85,
            "sadness": 885,
            "undecided": 555,
        },
        "style": {"improvised": 7818, "scripted": 620},
    },
    counts_from="the publication; no list of the files was available",
    from_name=from_name,
    inner=("session[1-6]", "Audio", "S[0-9][0-9][AHNS]", "[PRST]"),
    origin="the University of Texas at Dallas, https://ecs.utdallas.edu/research/researchlabs/msp-lab",
    shares={"texts": "all actors speak the same twenty target sentences"},
    scale=(1, 5),
    schemes=(
        Scheme(
            "msp-improv-4",
            "msp-improv",
            FOUR,
            known={"class": {"anger": 792, "happiness": 2644, "neutral": 3477, "sadness": 885}},
        ),
        Scheme("msp-improv-dimensions", "msp-improv", {}, targets=_DIMENSIONS),
        Scheme("msp-improv-4-dimensions", "msp-improv", FOUR, targets=_DIMENSIONS),
    ),
    default_protocol="leave-one-session-out",
)
