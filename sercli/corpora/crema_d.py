"""CREMA-D: 91 actors, twelve sentences, six emotions, English.

A file name is actor, sentence, emotion, level: ``1001_IEO_ANG_HI`` is actor 1001 with "It's eleven o'clock",
angry, at a high level. Only this sentence has levels; the others have XX.

The label is the emotion that the actor was asked for. Listeners of the voice alone agree with it for 3099 of
7442 recordings. ``processedResults/tabulatedVotes.csv`` counts their votes, which become raters without
names. Three pairs of names have the same recording, so one label of each pair is wrong.

Source: Cao et al., CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset, IEEE Transactions on
Affective Computing 5(4), 2014.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import find_tables, read_named, read_rows, to_number
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
_LEVELS = {"LO": "low", "MD": "medium", "HI": "high"}
_SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
# By the table VideoDemographics.csv, which many copies lack.
_WOMEN = (
    "1002 1003 1004 1006 1007 1008 1009 1010 1012 1013 1018 1020 1021 1024 1025 1028 1029 1030 1037 1043 "
    "1046 1047 1049 1052 1053 1054 1055 1056 1058 1060 1061 1063 1072 1073 1074 1075 1076 1078 1079 1082 "
    "1084 1089 1091"
)
# Some copies have one name that ends in a single X.
_NAME = re.compile(
    rf"(10(?:0[1-9]|[1-8]\d|9[01]))_({'|'.join(_SENTENCES)})_({'|'.join(_EMOTIONS)})_(LO|MD|HI|XX?)", re.ASCII
)
_FOLDER, _VOTES, _SUMMARY = "processedResults", "tabulatedVotes.csv", "summaryTable.csv"
# Rows of votes have numbers of six digits, which begin with 1 for the voice, 2 for the face, 3 for both.
_VOICE = "1"
_ROW = re.compile(r"[1-3]\d{5}(?:\.0)?", re.ASCII)
_EQUAL = (
    ("1006_TIE_HAP_XX", "1006_TIE_NEU_XX"),
    ("1013_WSI_DIS_XX", "1013_WSI_SAD_XX"),
    ("1017_IWW_ANG_XX", "1017_IWW_FEA_XX"),
)


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the recordings at any depth, sorted by name; wav before the mp3 of the same name."""
    files: dict[str, str] = {}
    tables = find_tables(root, _VOTES.__eq__, _FOLDER)
    raters = {name: judged for path in tables for name, judged in _read_votes(path)}
    if tables and not any(raters.values()):
        fact = "no votes of listeners can be read from it; get it again from the release"
        yield Problem(tables[0].name, fact, harmless=True)
    for item in read_named(root, from_name, "a CREMA-D file name such as 1001_IEO_ANG_HI.wav"):
        if isinstance(item, Problem):
            yield item
            continue
        name = item.id.removeprefix("crema-d/")
        files[name] = item.file
        yield replace(item, raters=raters.get(name) or None)
    summaries = [] if tables else find_tables(root, _SUMMARY.__eq__, _FOLDER)
    if files and summaries:
        fact = f"has no numbers of votes; for the votes of the listeners, add {_VOTES}"
        yield Problem(summaries[0].name, fact, harmless=True)
    for one, other in _EQUAL:
        if one in files and other in files:
            fact = f"the release has the same recording as {one}, with another label; both are used"
            yield Problem(files[other], fact, harmless=True)


def _read_votes(path: Path) -> Iterator[tuple[str, tuple[dict[str, Any], ...]]]:
    """Yield the listeners of the voice alone, by recording: as many raters as each emotion has votes."""
    for row in read_rows(path):
        found = from_name(row.get("fileName", "").strip().removesuffix(".wav"))
        if found is None or not _number(row).startswith(_VOICE):
            continue
        counts = {emotion: to_number(row.get(code[0], "")) or 0 for code, emotion in _EMOTIONS.items()}
        named = [emotion for emotion, count in counts.items() for _ in range(int(count))]
        yield (
            found.id.removeprefix("crema-d/"),
            tuple(
                {"rater": f"listener {number}", "emotions": [emotion]}
                for number, emotion in enumerate(named, 1)
            ),
        )


def _number(row: Mapping[str, str]) -> str:
    """Return the number of a row, which has six digits; pandas names its column, and adds one of its own."""
    cells = (cell.strip() for column, cell in row.items() if not column or column.startswith("Unnamed"))
    return next((cell for cell in cells if _ROW.fullmatch(cell)), "")


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    actor, sentence, emotion, level = match.groups()
    return Utterance(
        id=f"crema-d/{actor}_{sentence}_{emotion}_{'XX' if level == 'X' else level}",
        corpus="crema-d",
        file="",
        speaker=actor,
        gender="female" if actor in _WOMEN.split() else "male",
        style="scripted",
        text_id=sentence,
        transcript=_SENTENCES[sentence],
        emotion_raw=emotion,
        emotion=_EMOTIONS[emotion],
        intensity=_LEVELS.get(level),
    )


CORPUS = Corpus(
    parse,
    title="CREMA-D, Crowd-sourced Emotional Multimodal Actors Dataset",
    source="Cao et al., IEEE Transactions on Affective Computing 5(4), 2014",
    licence="ODbL 1.0",
    layout="AudioWAV/1001_IEO_ANG_HI.wav",
    utterances=7442,
    hours=5.26,
    language="English",
    known={
        "emotion": {
            "anger": 1271,
            "disgust": 1271,
            "fear": 1271,
            "happiness": 1271,
            "neutral": 1087,
            "sadness": 1271,
        },
        "gender": {"female": 3512, "male": 3930},
        "speaker": {str(actor): 82 for actor in range(1001, 1092)}
        # Three actors lack a sentence each, two actors a recording each.
        | {"1002": 81, "1008": 76, "1009": 76, "1019": 76, "1076": 81},
    },
    faulty={"crema-d/1076_MTI_SAD_XX": "the released recording has no signal"},
    from_name=from_name,
    inner=("AudioWAV", "AudioMP3", "Video*", "processedResults"),
    origin="its authors, https://github.com/CheyneyComputerScience/CREMA-D (with git-lfs)",
    shares={"texts": "every actor speaks the same twelve sentences"},
    schemes=usual_schemes("crema-d", _EMOTIONS.values()),
    default_protocol="speaker-5-fold",
)
