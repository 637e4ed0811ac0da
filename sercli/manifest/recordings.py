"""Find the recordings that a list names, even if it spells their names differently from the disk.

A name that exists on the disk is used unchanged. For any other name the search ignores case, suffix, the
coding of accents, and the folders of another computer before the name. Without a result it decodes ``%20``
and the like. A file is used only if it is the single candidate and no other name of the list leads to it.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from sercli import audio
from sercli.files import walk
from sercli.records import Note

_DRIVE = re.compile(r"/*(?:[A-Za-z]:)?/+|[A-Za-z]:")
# A folder with more files is not searched: it is more than one corpus.
_MOST = 300_000
_NEAR = 20
_NEAR_AMONG = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """A recording.

    Attributes:
        file: path, relative to the folder or absolute, like the name.
        how: difference between its name and the searched name; empty if there is none.
    """

    file: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A name without a recording.

    Attributes:
        fact: a similar name, or the reason why no file is used; empty if there is neither.
    """

    fact: str = ""


class Recordings:
    """The recordings below a folder."""

    def __init__(self, base: Path) -> None:
        """Search below ``base``; its files are listed only when an unchanged name is not found."""
        self.base = base
        self._by_tail: dict[str, list[str]] | None = None
        self._names: dict[str, str] | None = None

    def find(self, names: Iterable[str]) -> dict[str, Found | Missing]:
        """Return the result for each name; pass all names of a list at once."""
        found: dict[str, Found | Missing] = {}
        for name in dict.fromkeys(names):
            slashed = name.replace("\\", "/")
            spelled = next((each for each in (name, slashed) if self._is_there(each)), None)
            found[name] = Missing() if spelled is None else Found(spelled)
        lost = [name for name, answer in found.items() if isinstance(answer, Missing)]
        searched = [name for name in lost if "\0" not in name]
        prefixes: dict[str, str] = {}
        for number, name in enumerate(searched):
            found[name], prefixes[name] = self._search(name, near=number < _NEAR)
        self._refuse_doubtful(found, lost, prefixes)
        return found

    def _is_there(self, name: str) -> bool:
        try:
            return os.path.lexists(self.base / name) and not (self.base / name).is_dir()
        except ValueError:  # a name with a zero in it
            return False

    def _search(self, name: str, *, near: bool) -> tuple[Found | Missing, str]:
        """Return the result for a name, and the leading folders of the name that were ignored."""
        slashed = name.replace("\\", "/").strip()
        if slashed.startswith("file://"):
            slashed = unquote(slashed.removeprefix("file://"))
        foreign = _DRIVE.match(slashed)
        parts = [
            part for part in (slashed[foreign.end() :] if foreign else slashed).split("/") if part != "."
        ]
        if not parts or ".." in parts or "" in parts:
            return Missing(), ""
        tails = self._tails()
        for first in range(len(parts)):
            wanted = "/".join(parts[first:])
            candidates = tails.get(spelling_key(wanted), [])
            at_root = [each for each in candidates if each.count("/") == len(parts) - first - 1]
            # A name without its folder is searched only at the top; below, it may name another recording.
            chosen = at_root or (candidates if len(parts) - first > 1 or len(parts) == 1 else [])
            best = _nearest(wanted, chosen)
            if len(best) > 1:
                return Missing(f"{best[0]} and {best[1]} have that name"), ""
            if best:
                prefix = "/".join(parts[:first])
                return Found(best[0], _difference(wanted, best[0], foreign or first)), prefix
        decoded = unquote(slashed)
        if decoded != slashed:
            answer, prefix = self._search(decoded, near=near)
            if isinstance(answer, Found):
                how = " and ".join(filter(None, [answer.how, "percent-encoding"]))
                answer = Found(answer.file, how)
            return answer, prefix
        return Missing(self._near(parts[-1]) if near else ""), ""

    def _near(self, name: str) -> str:
        if self._names is None:
            self._names = {PurePosixPath(files[0]).name: files[0] for files in self._tails().values()}
        if len(self._names) > _NEAR_AMONG:
            return ""
        close = get_close_matches(name, self._names, 1, 0.8)
        return f"the nearest name is {self._names[close[0]]}" if close else ""

    def _refuse_doubtful(
        self, found: dict[str, Found | Missing], lost: Sequence[str], prefixes: dict[str, str]
    ) -> None:
        """Drop files that two names lead to, and files in another folder than the list states."""
        names: dict[str, list[str]] = defaultdict(list)
        for name, answer in found.items():
            if isinstance(answer, Found):
                names[os.path.normpath(self.base / answer.file)].append(name)
        bare = {
            name
            for name in lost
            if isinstance(answer := found[name], Found) and prefixes[name] and "/" not in answer.file
        }
        several = len({prefixes[name] for name in bare}) > 1
        for name in lost:
            answer = found[name]
            if not isinstance(answer, Found):
                continue
            others = [each for each in names[os.path.normpath(self.base / answer.file)] if each != name]
            if others:
                found[name] = Missing(
                    f"{answer.file} has a similar name, but {others[0]} names that file as well"
                )
            elif several and name in bare:
                found[name] = Missing(
                    f"{answer.file} has that name, but is not in the folder that the list states"
                )

    def _tails(self) -> dict[str, list[str]]:
        """Return the files by each end of their path, in the form of `_key`."""
        if self._by_tail is None:
            self._by_tail = defaultdict(list)
            for file in _files(self.base):
                parts = file.split("/")
                for first in range(len(parts)):
                    self._by_tail[spelling_key("/".join(parts[first:]))].append(file)
        return self._by_tail


def spelling_key(name: str) -> str:
    """Return a path without the parts in which two spellings may differ."""
    path = PurePosixPath(name)
    suffix = path.suffix if path.suffix.lower() in audio.MEDIA_SUFFIXES else ""
    text = unicodedata.normalize("NFC", name.removesuffix(suffix)).casefold()
    return unicodedata.normalize("NFC", text)


def describe_renamed(found: dict[str, Found | Missing], place: str) -> list[Note]:
    """Report the names that were found with another spelling; each kind of difference has one note."""
    by_way: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, answer in found.items():
        if isinstance(answer, Found) and answer.how:
            by_way[answer.how].append((name, answer.file))
    notes = []
    for how, pairs in by_way.items():
        name, file = pairs[0]
        count = f"{len(pairs)} name" + ("s" if len(pairs) > 1 else "")
        notes.append(
            Note(
                place,
                f"{count} found under a spelling that differs in {how}, such as {name} -> {file}",
                title="files",
            )
        )
    return notes


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _nearest(wanted: str, candidates: Sequence[str]) -> list[str]:
    """Keep the candidates that differ least: in the suffix (one that needs no ffmpeg), then in letters."""
    best = [each for each in candidates if _suffix(each) == _suffix(wanted)]
    best = best or [each for each in candidates if _suffix(each) in audio.SUFFIXES] or list(candidates)
    composed = unicodedata.normalize("NFC", wanted)
    return [each for each in best if unicodedata.normalize("NFC", each).endswith(composed)] or best


def _difference(wanted: str, file: str, before: object) -> str:
    """Describe the difference between a name and the path of its file."""
    own = file.split("/")[-wanted.count("/") - 1 :]
    there, ways = "/".join(own), []
    if before or len(own) < file.count("/") + 1:
        ways.append("the folders before them")
    one, other = PurePosixPath(wanted), PurePosixPath(there)
    suffix = one.suffix if one.suffix.lower() in audio.MEDIA_SUFFIXES else ""
    if suffix.lower() != other.suffix.lower():
        ways.append("the suffix")
    stem, found = wanted.removesuffix(suffix), there.removesuffix(other.suffix)
    composed, there = (unicodedata.normalize("NFC", each) for each in (stem, found))
    if composed != there or (suffix and suffix != other.suffix and suffix.lower() == other.suffix.lower()):
        ways.append("case")
    if composed.casefold() == there.casefold() and stem.casefold() != found.casefold():
        ways.append("how accents are coded")
    return " and ".join(ways)


def _files(base: Path) -> Sequence[str]:
    """List the audio files below a folder, relative to it; none if there are too many to search."""
    recordings = (path for path in walk(base) if _suffix(path.name) in audio.MEDIA_SUFFIXES)
    found = [path.relative_to(base).as_posix() for path in islice(recordings, _MOST + 1)]
    return found if len(found) <= _MOST else []
