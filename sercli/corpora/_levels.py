"""Meaning of the levels of folders above recordings: emotion, speaker, gender, session, part, or none."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sercli.errors import list_some
from sercli.labels import is_part
from sercli.manifest.values import GENDERS
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
    "gender": re.compile(
        "(?:" + "|".join(map(re.escape, sorted(GENDERS, key=len, reverse=True))) + r")(?:s|[-_ ]speakers?)?",
        re.IGNORECASE,
    ),
}
NOT_USED = "-"
"""Meaning of a level that the user names and that is not used."""
MEANINGS = ("emotion", "speaker", "gender", "session", "dialog", "text_id", NOT_USED)
"""What a user can name a level."""
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Levels:
    """Meaning of each level of folders.

    Attributes:
        emotion: the level whose names are the labels, 0 for the outermost.
        fields: level by field (``speaker``, ``gender``, ``session``) that its names give.
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
            f"folders of {listed} have emotions' names; name the meaning of each level, for example with "
            f"--set levels={'/'.join(_example(names, fitting))}",
        )
    # If each other level is recognised, a level of several names can only hold the labels.
    unknown = [level for level, found in enumerate(names) if _kind(found) == "unknown"]
    emotion = unknown[0] if not some and len(unknown) == 1 else fitting[0]
    certain = bool(some) or len(unknown) == 1
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


def named_levels(recordings: Sequence[Folders], meanings: Sequence[str]) -> Levels:
    """Return the levels as the user names them, outermost first; further ones are not used."""
    names = [
        list(dict.fromkeys(each[level] for each in recordings if level < len(each)))
        for level in range(len(meanings))
    ]
    fields = {kind: level for level, kind in enumerate(meanings) if kind not in ("emotion", NOT_USED)}
    given = {field: f"the {field}, as named" for field in (*fields, "emotion")} | {
        NOT_USED: "not used, as named"
    }
    notes = [
        Note(".", f"{list_some(found, _SHOWN)}: {given[kind]}", title=f"level {level + 1}")
        for level, (found, kind) in enumerate(zip(names, meanings, strict=True))
    ]
    return Levels(meanings.index("emotion"), fields, tuple(notes), certain=True)


def _example(names: Sequence[Sequence[str]], fitting: Sequence[int]) -> list[str]:
    """Write the levels with the innermost of the possible ones as that of the emotions."""
    kinds = [kind if (kind := _kind(found)) in _NAMED else NOT_USED for found in names[: fitting[-1]]]
    return [*kinds, "emotion"]


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
        "speaker": f"the speaker; if wrong, add --set levels={_written(kinds, 'speaker', NOT_USED)}",
        "session": "the session",
        "gender": "the gender",
        "unknown": "not used",
    }
    for level, kind in enumerate(kinds):
        taken = kind if kind not in _NAMED or fields.get(kind) == level else "unknown"
        meaning = meanings[taken]
        if taken == "unknown" and "speaker" not in fields:
            own = [*kinds[:level], "speaker", *kinds[level + 1 :]]
            meaning = f"{meaning}; if it is the speaker, add --set levels={_written(own)}"
        yield Note(".", f"{list_some(names[level], _SHOWN)}: {meaning}", title=f"level {level + 1}")


def _written(kinds: Sequence[str], *changed: str) -> str:
    """Write kinds of levels as the option does, up to the last one that is used."""
    old, new = changed or ("", "")
    words = [new if kind == old else kind if kind in MEANINGS else NOT_USED for kind in kinds]
    while words[-1] == NOT_USED:
        words.pop()
    return "/".join(words)
