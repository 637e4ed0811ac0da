"""Meaning of the levels of folders above recordings: emotion, speaker, session, part, or none."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sercli.errors import list_some
from sercli.labels import is_part
from sercli.records import Note, Problem

Folders = tuple[str, ...]
"""The folders above a recording, outermost first."""

_NAMED = {
    "speaker": re.compile(
        r"(?:speaker|spkr?|sp|actor|actress|subject|subj|sub|participant|person|talker|[smfp])[-_ ]?\d{1,6}"
        r"|(?!(?:19|20)\d\d$)\d{2,6}",  # a number, but not a year
        re.IGNORECASE,
    ),
    "session": re.compile(r"(?:session|sess?)[-_ ]?\d{1,4}", re.IGNORECASE),
}
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Levels:
    """Meaning of each level of folders.

    Attributes:
        emotion: the level whose names are the labels, 0 for the outermost.
        fields: level by field (``speaker``, ``session``) that its names give.
        notes: a sentence on each level, where there is more than that of the emotions.
        certain: whether the names of that level are labels even if none is a known emotion. Otherwise they
            may be anything.
    """

    emotion: int
    fields: dict[str, int]
    notes: tuple[Note, ...]
    certain: bool


def find_levels(
    recordings: Sequence[Folders], is_emotion: Callable[[str], bool], *, speaker_given: bool
) -> Levels | Problem:
    """Find the one level of folders that have emotions' names, and the meaning of the others.

    Args:
        recordings: the folders of each.
        is_emotion: whether a folder's name is an emotion's.
        speaker_given: whether the user's pattern gives the speaker.

    Returns:
        The levels, or a problem where several could be the emotions'.
    """
    names = [
        list(dict.fromkeys(each[level] for each in recordings if level < len(each)))
        for level in range(max(map(len, recordings), default=0))
    ]
    full = [sum(level < len(each) for each in recordings) == len(recordings) for level in range(len(names))]
    some = [level for level, found in enumerate(names) if any(map(is_emotion, found))]
    every = [level for level in some if full[level] and all(map(is_emotion, names[level]))]
    # Below emotions a level is a rival only if all its names are emotions: "normal" may be a strength.
    inner = [level for level in some if level and all(map(is_emotion, names[level]))]
    fitting = [0, *inner] if 0 in some else every or some or [0]
    if len(fitting) > 1:
        listed = " and ".join(f"level {level + 1} ({list_some(names[level], _SHOWN)})" for level in fitting)
        return Problem(
            ".",
            f"folders of {listed} have emotions' names; give the folder above those of the emotions, "
            "or give the place of the emotion with --speaker-pattern and a group (?P<emotion>...)",
        )
    emotion = fitting[0]
    # A single level of several names can only hold the labels.
    certain = bool(some) or [_kind(found) for found in names] == ["unknown"]
    kinds = ["emotion" if level == emotion else _kind(names[level]) for level in range(len(names))]
    fields: dict[str, int] = {}
    for level, kind in enumerate(kinds):
        if (
            kind in _NAMED
            and full[level]
            and kind not in fields
            and not (kind == "speaker" and speaker_given)
        ):
            fields[kind] = level
    divided = any(full[level] and len(found) > 1 for level, found in enumerate(names[1:], 1))
    if emotion == 0 and not fields and "part" not in kinds and not divided:  # nothing divides the corpus
        return Levels(emotion, fields, (), certain)
    return Levels(emotion, fields, tuple(_notes(names, kinds, fields)), certain)


def _kind(names: Sequence[str]) -> str:
    if all(map(is_part, names)):
        return "part"
    if len(names) == 1:
        return "outer"
    for field, pattern in _NAMED.items():
        if all(map(pattern.fullmatch, names)):
            return field
    return "unknown"


def _notes(names: Sequence[Sequence[str]], kinds: Sequence[str], fields: dict[str, int]) -> Iterator[Note]:
    meanings = {
        "emotion": "the emotion",
        "part": "parts such as train and test, not used: a protocol divides the corpus",
        "outer": "one folder around the others, not used",
        "speaker": "the speaker; if wrong, give the place of the speaker's name with --speaker-pattern",
        "session": "the session",
        "unknown": "not used; if it is the speaker, add --speaker-pattern",
    }
    for level, kind in enumerate(kinds):
        taken = kind if kind not in _NAMED or fields.get(kind) == level else "unknown"
        yield Note(".", f"{list_some(names[level], _SHOWN)}: {meanings[taken]}", title=f"level {level + 1}")
