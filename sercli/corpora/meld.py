"""MELD: dialogs of the television series Friends, seven emotions, English, sound of films.

Dialogs are numbered anew in each part: ``train/train_splits/dia0_utt0.mp4`` is utterance 0 of dialog 0 of
the training part. Emotion, speaker and words are in a table by part, such as ``train_sent_emo.csv``. The test
part has corrected films of some utterances, ``final_videos_testdia0_utt0.mp4``, which replace those of the
same dialog and utterance. The films have to be converted to wav first, with their folders.

Speakers are the names of the roles. Some are of several people at once (``All``, ``Ross and Joey``). The six
main roles are in all parts of the release, so the official division is not speaker independent.

Source: Poria et al., MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in Conversations, ACL
2019.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sercli.audio import recordings
from sercli.corpora import Corpus, usual_schemes
from sercli.corpora._named import (
    check_recorded,
    find_tables,
    join_tables,
    read_named,
    stem_of,
)
from sercli.files import walk
from sercli.protocols import Protocol
from sercli.protocols.lists import ReleasedParts
from sercli.records import Problem, Utterance

_EMOTIONS = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "joy": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
    "surprise": "surprise",
}
_TABLE = re.compile(r"(train|dev|test)_sent_emo\.csv", re.ASCII)
_FOLDER = re.compile(r"(train|dev)(?:_splits(?:_complete)?)?|(?:output_repeated_splits_)?(test)", re.ASCII)
_NAME = re.compile(r"(train|dev|test)_dia(\d+)_utt(\d+)", re.ASCII)
_CORRECTED = "final_videos_test"


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances at any depth, sorted by name, with the facts of the tables."""
    tables = find_tables(root, lambda name: _TABLE.fullmatch(name) is not None)
    rows, conflicts = join_tables(tables, _name_of_row, ("Emotion", "Speaker"))
    yield from conflicts
    example = "a MELD file name in a folder of its part, such as train_splits/dia0_utt0.wav"
    unlabelled: list[str] = []
    without = dict.fromkeys(rows)
    leaves_out = _find_replaced(root)
    for item in read_named(root, from_name, example, _name_of, leaves_out=leaves_out, inner=CORPUS.inner):
        if isinstance(item, Problem):
            yield item
            continue
        name = item.id.removeprefix("meld/")
        row = rows.get(name, {})
        without.pop(name, None)
        raw = row.get("Emotion", "").strip().lower()
        if raw not in _EMOTIONS:
            unlabelled.append(item.file)
            continue
        yield replace(
            item,
            speaker=row.get("Speaker", "").strip() or None,
            session=_episode(row),
            transcript=row.get("Utterance", "").strip() or None,
            emotion_raw=raw,
            emotion=_EMOTIONS[raw],
        )
    if unlabelled and not tables:
        yield Problem(".", "no train_sent_emo.csv and no other table of labels; add the three tables")
    elif unlabelled:
        yield Problem(unlabelled[0], f"no known emotion in the tables ({len(unlabelled)} recordings)")
    yield from check_recorded(rows, without, ".")


def _name_of_row(path: Path, row: dict[str, str]) -> str:
    """Return the name of the recording in a table of a part."""
    part = path.name.partition("_")[0]
    return f"{part}_dia{row.get('Dialogue_ID', '')}_utt{row.get('Utterance_ID', '')}"


def _episode(row: dict[str, str]) -> str | None:
    season, episode = row.get("Season", "").strip(), row.get("Episode", "").strip()
    return f"season {season} episode {episode}" if season and episode else None


def _find_replaced(root: Path) -> Callable[[Path], str | None]:
    """Return a function from a film to the reason why it is left out; a corrected one may have any suffix."""
    films = (path for path in recordings(walk(root.resolve())) if path.stem.startswith(_CORRECTED))
    replaced = {film.with_name(film.stem.removeprefix(_CORRECTED)) for film in films}
    return lambda path: "a corrected film replaces it" if path.with_suffix("") in replaced else None


def _name_of(path: Path) -> str:
    """Return ``train_dia0_utt0`` for ``train_splits/dia0_utt0.wav``."""
    folders = (_FOLDER.fullmatch(folder) for folder in reversed(path.parts[:-1]))
    part = next((match[1] or match[2] for match in folders if match), "")
    return f"{part}_{stem_of(path).removeprefix(_CORRECTED)}"


def from_name(name: str) -> Utterance | None:
    """Return the facts in a name such as ``train_dia0_utt0``; ``None`` for a foreign name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    part, dialog, _ = match.groups()
    return Utterance(
        id=f"meld/{name}",
        corpus="meld",
        file="",
        dialog=f"{part}_dia{dialog}",
        style="scripted",
        part=part,
    )


_UNREADABLE = ("train_dia125_utt3", "dev_dia110_utt7")
_SHORT = (
    *("train_dia4_utt5", "train_dia71_utt0", "train_dia179_utt8", "train_dia312_utt9", "train_dia332_utt1"),
    *("train_dia345_utt0", "train_dia392_utt2", "train_dia406_utt2", "train_dia523_utt10"),
    *("train_dia598_utt3", "train_dia739_utt7", "train_dia747_utt8", "dev_dia99_utt3", "dev_dia108_utt5"),
)
_SHARES = {
    "speakers": "the six main roles are in all parts of the release",
    "sessions": "the release divides episodes into dialogs",
}

CORPUS = Corpus(
    parse,
    title="MELD, Multimodal EmotionLines Dataset (sound)",
    source="Poria et al., ACL 2019",
    licence="GPL-3.0 for the labels; the films are excerpts of a television series",
    layout="train/train_splits/dia0_utt0.mp4 (or converted to wav), and train_sent_emo.csv",
    utterances=13708,
    people=304,
    language="English",
    known={
        "emotion": {
            "anger": 1607,
            "disgust": 361,
            "fear": 358,
            "happiness": 2308,
            "neutral": 6436,
            "sadness": 1002,
            "surprise": 1636,
        },
        "part": {"dev": 1109, "test": 2610, "train": 9989},
    },
    counts_from="the tables of labels; films that cannot be converted are missing",
    faulty={f"meld/{name}": "the released film cannot be read" for name in _UNREADABLE}
    | {f"meld/{name}": "the released film is shorter than 0.1 s" for name in _SHORT},
    from_name=from_name,
    inner=("train", "dev", "test", "*_splits", "*_splits_*"),
    origin="its authors, https://affective-meld.github.io",
    shares=_SHARES,
    schemes=usual_schemes("meld", _EMOTIONS.values()),
    protocols=(
        Protocol(
            "meld-official",
            ReleasedParts(),
            version=1,
            speaker_independent=False,
            has_dev=True,
            description="the parts of the release, not speaker independent: all have the main roles",
            corpus="meld",
            scheme="meld-7",
            shares=_SHARES,
        ),
    ),
    default_protocol="meld-official",
)
