"""Read the utterances of a list, with the audio that it names."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sercli import audio, files
from sercli.audit import ListedUtterance
from sercli.errors import AudioError, ManifestError
from sercli.manifest.interop import read_list
from sercli.manifest.lengths import without_foreign_times
from sercli.manifest.recordings import Found, Missing, Recordings, describe_renamed
from sercli.manifest.text import binary_kind
from sercli.processor import count_cores
from sercli.records import Note, Problem, Utterance

Keep = Callable[[Mapping[str, Any]], bool]
"""Returns whether to read a row of a table, from its cells."""

_Stretch = tuple[str, float | None, float | None]
"""A path, and the times of a segment in it, seconds."""


@dataclass(frozen=True, slots=True)
class _Hashes:
    """SHA-256 of a stretch of audio (its samples) and of its file, and the length of the stretch, seconds."""

    samples: str
    file: str
    seconds: float

    def add_to(self, item: ListedUtterance) -> ListedUtterance:
        hashed = replace(item.utterance, sha256=self.samples, source_sha256=self.file)
        return replace(item, utterance=hashed, seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class ListReader:
    """Reads lists and the audio that they name, each stretch of it once.

    Attributes:
        audio_root: folder that their files are relative to; each list's own if not given.
        columns: columns that the user names, by field.
    """

    audio_root: Path | None = None
    columns: Mapping[str, str] | None = None
    _known: dict[_Stretch, _Hashes | None] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the folder.

        Raises:
            ManifestError: it is not a folder.
        """
        if self.audio_root is not None and not self.audio_root.is_dir():
            kind = binary_kind(self.audio_root) if self.audio_root.is_file() else None
            fact = kind or "no such folder; --audio-root names the folder of the audio files"
            raise ManifestError(f"{self.audio_root}: {fact}")

    def read(self, path: Path, keep: Keep | None = None) -> tuple[list[ListedUtterance], list[str]]:
        """Read a list, or the rows to keep; return the items and notes for the user.

        Raises:
            ManifestError: the list can't be read, or a line of it.
        """
        listed: list[Utterance] = []
        notes: list[str] = []
        for found in read_list(path, self.columns, keep):
            if isinstance(found, Utterance):
                listed.append(found)
            elif isinstance(found, Note) or found.harmless:
                notes.append(f"{path.name}: {describe(found)}")
            else:
                raise ManifestError(f"{found.place}: {found.fact}; correct the list")
        if not listed:
            raise ManifestError(f"{path}: lists no utterance")
        base = self.audio_root or (path if path.is_dir() else path.parent)
        found_files = Recordings(base).find(each.file for each in listed)
        found_notes = describe_renamed(found_files, "")
        placed = [replace(each, file=_name_there(each.file, found_files[each.file])) for each in listed]
        placed, times = without_foreign_times(placed, base, path.name)
        notes += [f"{path.name}: {describe(note)}" for note in (*found_notes, *([times] if times else []))]
        items = []
        for each in placed:
            file = base / each.file
            items.append(ListedUtterance(each, each.speaker, str(file) if file.is_file() else None))
        return items, notes

    def add_hashes(self, items: Sequence[ListedUtterance]) -> list[ListedUtterance]:
        """Add the hashes of items whose audio exists; a file that can't be read gets none."""
        stretches = [
            None
            if item.utterance.sha256 or item.path is None
            else (item.path, item.utterance.start, item.utterance.end)
            for item in items
        ]
        new = [each for each in dict.fromkeys(stretches) if each is not None and each not in self._known]
        with ThreadPoolExecutor(count_cores()) as pool:
            self._known.update(zip(new, pool.map(_read_hashes, new), strict=True))
        return [
            item if stretch is None or (read := self._known[stretch]) is None else read.add_to(item)
            for item, stretch in zip(items, stretches, strict=True)
        ]


def _name_there(name: str, answer: Found | Missing) -> str:
    return answer.file if isinstance(answer, Found) else name.replace("\\", "/")


def describe(problem: Problem) -> str:
    """Write a problem of a list without its place; a note with its title."""
    return f"{problem.title}: {problem.fact}" if isinstance(problem, Note) else problem.fact


def _read_hashes(stretch: _Stretch) -> _Hashes | None:
    """Hash the sound of a stretch and the content of its file; ``None`` if the file can't be read."""
    path, start, end = stretch
    try:
        samples, header = audio.decode(Path(path), start, end)
        return _Hashes(
            audio.hash_samples(samples), files.sha256(Path(path)), len(samples) / header.sample_rate
        )
    except (AudioError, OSError):
        return None
