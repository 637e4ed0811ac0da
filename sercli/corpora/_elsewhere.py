"""Find where the emotions of recordings are if they are not the names of folders."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from sercli.labels import is_part
from sercli.manifest.tables import list_names

_TOKEN = re.compile(r"([^\W\d_]+)\d*")
_SEPARATOR = re.compile(r"[-_. ]")
_SHARE = 0.9  # of the file names that must have a known emotion in the same place


def remedy_elsewhere(root: Path, pattern: str, given: str | None = None) -> str:
    """Write the command or option that reads the emotions from a list or from the names; empty if none fits.

    Args:
        root: the folder of the corpus.
        pattern: pattern that finds the emotions in the names of the files, from `pattern_of_names`.
        given: the user's pattern, which does not read the emotions.
    """
    if pattern and given:
        return f"the file names contain emotions; add a group to your --speaker-pattern, as in '{pattern}'"
    if pattern:
        folders = " (it takes the folders for speakers)" if "<speaker>" in pattern else ""
        option = f"--speaker-pattern {shlex.quote(pattern)}{folders}"
        return f"the file names contain emotions; read them with {option}"
    names = list_names(root)
    if names:
        command = shlex.join(["sercli", "prepare", "csv", str(root / names[0])])
        return f"if {names[0]} lists the emotions, read it with `{command}`"
    return ""


def pattern_of_names(files: Sequence[str], is_emotion: Callable[[str], bool]) -> str:
    """Write a pattern that finds the emotion in the names of the files; empty if there is none.

    Nearly all names must have a known emotion in the same place, and there must be several emotions. If the
    files are in several folders, those directly above the files are taken for the speakers.
    """
    paths = [PurePosixPath(file) for file in files]
    words = [list(_words(path.stem)) for path in paths]
    for place in range(max(map(len, words), default=0)):
        found = {each[place] for each in words if place < len(each) and is_emotion(each[place])}
        known = sum(place < len(each) and each[place] in found for each in words)
        if len(found) > 1 and known >= _SHARE * len(words):
            before = rf"(?:[^-_. /]*[-_. ]){{{place}}}" if place else ""
            above = {path.parent.name for path in paths}
            emotional = any(map(is_emotion, (word for name in above for word in _words(name))))
            divided = len(above) > 1 and all(above) and not emotional and not any(map(is_part, above))
            folder = "(?P<speaker>[^/]+)/" if divided else "(?:^|/)"
            return rf"{folder}{before}(?P<emotion>[^\W\d_]+)[^/]*$"
    return ""


def _words(stem: str) -> Iterator[str]:
    """Yield the letters that each part of a name begins with; empty for a part without."""
    for part in _SEPARATOR.split(stem):
        match = _TOKEN.fullmatch(part)
        yield match[1].lower() if match else ""
