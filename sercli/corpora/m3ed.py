"""M3ED: dialogs of television series, seven emotions, Mandarin.

A file name is role, series, dialog, utterance: ``A_shaonianpai_1_1`` is role A. ``annotation.json`` has for
each utterance, without the role, speaker, words and the emotions that each annotator gave. The main emotion
is the label. The lists ``movie_list_train.txt``, ``movie_list_val.txt`` and ``movie_list_test.txt`` divide
the series, so that no speaker is in two parts.

Source: Zhao et al., M3ED: Multi-modal Multi-scene Multi-label Emotional Dialogue Database, ACL 2022.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import check_labelled, check_recorded, find_tables, read_named
from sercli.manifest.values import GENDERS
from sercli.plain import PlainError
from sercli.plain.json import from_json
from sercli.protocols import Protocol
from sercli.protocols.lists import ReleasedParts
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "Anger": "anger",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happy": "happiness",
    "Neutral": "neutral",
    "Sad": "sadness",
    "Surprise": "surprise",
}
_NAME = re.compile(r"([AB])_([a-z]+)_(\d+)_(\d+)", re.ASCII)
_TABLE = "annotation.json"
_PARTS = {"movie_list_train.txt": "train", "movie_list_val.txt": "dev", "movie_list_test.txt": "test"}
_GENDERS = GENDERS | {"男": "male", "女": "female"}


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances at any depth, sorted by name, with the facts of the annotation."""
    facts: dict[str, dict[str, Any]] = {}
    unread: list[Problem] = []
    for path in find_tables(root, _TABLE.__eq__):
        try:
            facts |= dict(_read(from_json(path.read_text(encoding="utf-8-sig"))))
        except (PlainError, UnicodeDecodeError) as error:
            unread.append(Problem(path.name, f"not JSON ({error}); get it again"))
    parts = dict(_read_parts(root))
    unlabelled: list[str] = []
    without = dict.fromkeys(facts)
    for item in read_named(root, from_name, "an M3ED file name such as A_shaonianpai_1_1.wav"):
        if isinstance(item, Problem):
            yield item
            continue
        name = item.id.removeprefix("m3ed/")
        if name not in facts:
            unlabelled.append(item.file)
            continue
        del without[name]
        yield replace(item, **facts[name], part=parts.get(name.split("_")[1]))
    yield from unread
    yield from check_labelled(unlabelled, _TABLE, found=bool(facts))
    yield from check_recorded(facts, without, _TABLE)


def _read_parts(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the series of each part."""
    for path in find_tables(root, _PARTS.__contains__, "splitInfo"):
        for line in path.read_text(encoding="utf-8-sig", errors="replace").split():
            yield line, _PARTS[path.name]


def _read(table: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and facts of each utterance with a known emotion."""
    for series, dialogs in _items(table):
        for _, dialog in _items(dialogs):
            people = dict(_items(_of(dialog, "SpeakerInfo")))
            for key, row in _items(_of(dialog, "Dialog")):
                role, judged = str(_of(row, "Speaker")), dict(_items(_of(row, "EmoAnnotation")))
                raw = str(judged.get("final_main_emo", "")).strip()
                if raw not in _EMOTIONS:
                    continue
                person = people.get(role)
                raters = [
                    {"rater": name, "emotions": labels}
                    for name, given in sorted(judged.items())
                    if not name.startswith("final") and (labels := _labels(given))
                ]
                name = str(_of(person, "Name") or role).strip()
                yield (
                    f"{role}_{key}",
                    {
                        "speaker": f"{series} {name}",
                        "gender": _GENDERS.get(str(_of(person, "Gender")).strip().lower()),
                        "transcript": str(_of(row, "Text") or "").strip() or None,
                        "emotion_raw": raw,
                        "emotion": _EMOTIONS[raw],
                        "raters": tuple(raters) or None,
                    },
                )


def _labels(given: Any) -> list[str]:
    """Return the emotions that an annotator gave: a text with commas, or a list."""
    words = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else []
    return [_EMOTIONS[word] for each in words if (word := str(each).strip()) in _EMOTIONS]


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def from_name(stem: str) -> Utterance | None:
    """Return the facts in a file's name, without its path; ``None`` for a foreign name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    _, series, dialog, _ = match.groups()
    return Utterance(
        id=f"m3ed/{stem}",
        corpus="m3ed",
        file="",
        session=series,
        dialog=f"{series}_{dialog}",
        style="scripted",
    )


CORPUS = Corpus(
    parse,
    title="M3ED, Multi-modal Multi-scene Multi-label Emotional Dialogue Database (sound)",
    source="Zhao et al., ACL 2022",
    licence="for research, on request",
    layout="A_shaonianpai_1_1.wav, annotation.json and splitInfo/movie_list_train.txt",
    utterances=24437,
    language="Mandarin",
    known={
        "emotion": {
            "anger": 5231,
            "disgust": 1497,
            "fear": 395,
            "happiness": 2286,
            "neutral": 10021,
            "sadness": 3957,
            "surprise": 1050,
        },
        "part": {"dev": 2819, "test": 4198, "train": 17420},
    },
    counts_from="a public list of the recordings; the publication states 24 449",
    from_name=from_name,
    inner=("splitInfo", "modality_speech"),
    origin="its authors, https://github.com/AIM3-RUC/RUCM3ED",
    schemes=usual_schemes("m3ed", _EMOTIONS.values()),
    protocols=(
        Protocol(
            "m3ed-official",
            ReleasedParts(),
            version=1,
            speaker_independent=True,
            has_dev=True,
            description="the parts of the release, which divides the series",
            corpus="m3ed",
            scheme="m3ed-7",
        ),
    ),
    default_protocol="m3ed-official",
)
