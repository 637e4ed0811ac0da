"""ShEMO: 87 speakers of radio plays, six emotions, Persian.

A file name is speaker, emotion, number: ``F01A02`` is woman 1, anger. The speaker is the gender and the
number: F01 and M01 are two people. As the emotion, F is fear and W is surprise.

A later edition has a table, ``shemo.json``, with revised labels: 162 recordings got another one. Their rows
have new names, so that these rows cannot be joined to the recordings. The labels are therefore those of the
names; ``revised=true`` leaves the recordings without a row out.

Source: Mohamad Nezami et al., ShEMO: a Large-Scale Validated Database for Persian Speech Emotion Detection,
Language Resources and Evaluation 53, 2019.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli.corpora import Corpus, ReaderConfig, usual_schemes
from sercli.corpora._named import find_tables, read_named
from sercli.plain.json import from_json
from sercli.records import Note, Problem, Utterance

_EMOTIONS = {
    "A": "anger",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
    "W": "surprise",
}
# As the table spells them.
_REVISED = {
    "angry": "anger",
    "fearful": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprised": "surprise",
}
_WOMEN = (
    "73 34 53 18 68 27 143 2 51 64 15 28 28 12 8 7 16 4 43 29 174 38 44 160 11 10 5 40 12 34 12"  # F01 to F31
)
_MEN = (
    "4 53 89 107 53 16 17 16 26 4 16 180 5 7 18 49 13 19 17 23 26 45 5 18 120 61 66 103 26 16 20 14 3 24 3 "
    "11 21 16 5 62 21 14 35 44 7 17 50 18 6 15 26 7 57 5 11 7"  # M01 to M56
)
_SPEAKERS = {
    f"{gender}{number:02d}": int(count)
    for gender, counts in (("F", _WOMEN), ("M", _MEN))
    for number, count in enumerate(counts.split(), 1)
}
_NAME = re.compile(r"([MF]\d\d)([AFHNSW])\d\d", re.ASCII)
_TABLE = "shemo.json"
_TRANSCRIPT = ".ort"


class ShemoConfig(ReaderConfig):
    """Choices of a user who prepares ShEMO."""

    revised: bool = False
    """Leave out the recordings whose label the revised edition (shemo.json) changes."""

    @property
    def notice(self) -> str | None:
        """A sentence that is printed with each result if only the confirmed recordings are used."""
        if not self.revised:
            return None
        return (
            "ShEMO without the recordings whose label the revised edition changes: results are not "
            "comparable with those on all 3000."
        )


_DEFAULTS = ShemoConfig()


def parse(root: Path, options: ShemoConfig = _DEFAULTS) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name, with words as far as the copy has them."""
    rows = _read_table(root)
    if isinstance(rows, Problem):
        yield rows
        rows = {}
    if options.revised and not rows:
        yield Problem(".", f"no {_TABLE}; add it, or leave revised=true out")
        return
    words = {name: str(row.get("transcript") or "") for name, row in rows.items()} | {
        path.stem: path.read_text(encoding="utf-8-sig", errors="replace").strip()
        for path in find_tables(root, lambda name: name.endswith(_TRANSCRIPT))
    }
    counted: Counter[str] = Counter()
    for item in read_named(root, from_name, "a ShEMO file name such as F01A02.wav", words=words):
        if isinstance(item, Problem):
            yield item
            continue
        row = rows.get(item.id.removeprefix("shemo/"))
        revised = str(row.get("emotion")) if row else ""
        agrees = _REVISED.get(revised) == item.emotion
        counted["agree" if agrees else "changed"] += 1
        if not options.revised:
            yield item
        elif agrees:
            yield replace(item, emotion_raw=revised)
    if rows and counted:
        yield _note(counted, len(rows), options)


def _note(counted: Mapping[str, int], rows: int, options: ShemoConfig) -> Note:
    fact = (
        f"{_TABLE} has {rows} rows of revised labels: {counted['agree']} recordings have a row with the same "
        f"label, {counted['changed']} have no such row, since their label was revised and their row renamed"
    )
    taken = (
        "these are left out (revised=true)"
        if options.revised
        else "all labels are those of the file names; --set revised=true leaves these recordings out"
    )
    return Note(".", f"{fact}; {taken}", title="labels")


def _read_table(root: Path) -> dict[str, dict[str, Any]] | Problem:
    """Read the rows of the revised edition by name; none if a copy has no table."""
    for path in find_tables(root, lambda name: name.lower().endswith(_TABLE)):
        try:
            table = from_json(path.read_text(encoding="utf-8-sig"))
        except ValueError:
            table = None
        if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
            return Problem(path.name, "not a table of rows by name in JSON; ignored", harmless=True)
        return table
    return {}


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None or match[1] not in _SPEAKERS:
        return None
    speaker, emotion = match.groups()
    return Utterance(
        id=f"shemo/{stem}",
        corpus="shemo",
        file="",
        speaker=speaker,
        gender="female" if speaker.startswith("F") else "male",
        style="scripted",
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
    )


def _release_of(utterances: Sequence[Utterance]) -> Corpus:
    """Return the known facts about all recordings, or about those whose label the revised edition keeps."""
    if not all(utterance.emotion_raw in _REVISED for utterance in utterances):
        return CORPUS
    kept = {"anger": 1034, "fear": 29, "happiness": 198, "neutral": 1018, "sadness": 360, "surprise": 199}
    return replace(CORPUS, utterances=2838, hours=3.29, known={"emotion": kept})


CORPUS = Corpus(
    parse,
    title="ShEMO, Sharif Emotional Speech Database",
    source="Mohamad Nezami et al., Language Resources and Evaluation 53, 2019",
    licence="for academic use",
    layout="female/F01A02.wav and male/M01N01.wav",
    utterances=3000,
    hours=3.42,
    language="Persian",
    known={
        "emotion": {
            "anger": 1059,
            "fear": 38,
            "happiness": 201,
            "neutral": 1028,
            "sadness": 449,
            "surprise": 225,
        },
        "gender": {"female": 1263, "male": 1737},
        "speaker": _SPEAKERS,
    },
    release=_release_of,
    options=ShemoConfig,
    from_name=from_name,
    inner=("female", "male", "transcript", "final text"),
    origin="its authors, https://github.com/mansourehk/ShEMO",
    schemes=usual_schemes("shemo", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
