"""Read Kaldi's data folders: ``wav.scp``, and beside it ``segments``, ``utt2spk``, ``utt2emo`` and so on.

Each file has a line for each utterance, speaker or recording: a key, a blank, the value. With ``segments``
(utterance, recording, start, end in seconds), an utterance is cut out of a recording of ``wav.scp``. A value
of ``wav.scp`` may be a command that ends in ``|``. sercli runs no commands: it reads the one audio file that
the command names, and refuses a command that takes one of several channels or changes the sound.

Source: kaldi-asr.org/doc/data_prep.html; the file ``utt2emo`` of recipes for emotions.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from sercli.errors import ManifestError, list_some
from sercli.manifest.interop import Format
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.tables import is_audio
from sercli.manifest.text import read_text
from sercli.records import Note, Problem, Utterance

_LABELS = ("utt2emo", "utt2emotion", "utt2label")
_OF_UTTERANCES = {"speaker": "utt2spk", "session": "utt2session", "duration": "utt2dur", "transcript": "text"}
_MEMBERS = "spk2utt"
_GENDERS = ("spk2gender", "utt2gender")
_SHOWN = 3
_ARCHIVE = re.compile(r".+:\d+")
# Options of sph2pipe, sox and ffmpeg that take one channel or a part, or change the sound.
_CHANGES = re.compile(
    r"-c\s*[12]\b|\b(?:remix|trim|speed|tempo|vol|reverb|sp|map_channel|ss)\b|-t\s+\d", re.ASCII
)


def recognises(path: Path) -> bool:
    """Recognise it by ``wav.scp``, in the given folder or as the given file."""
    return (path / "wav.scp").is_file() or (path.name == "wav.scp" and path.is_file())


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a folder, in the order of ``segments`` or ``wav.scp``.

    Raises:
        ManifestError: a file can't be read as text.
    """
    folder = _folder(path)
    table = _Tables(folder)
    recordings = table.read("wav.scp")
    labels = labels_file(path)
    fields = {field: table.read(name) for field, name in _OF_UTTERANCES.items()}
    names = _OF_UTTERANCES
    if not fields["speaker"]:
        names = names | {"speaker": _MEMBERS}
        fields["speaker"] = table.read_members(_MEMBERS)
    emotions = table.read(labels)
    by_speaker, by_utterance = (table.read(name) for name in _GENDERS)
    segments = table.read("segments")
    yield from table.problems
    yield _note(folder, labels, names.values())
    listing, listed = ("segments", segments) if segments else ("wav.scp", recordings)
    for name, own in [(names[field], own) for field, own in fields.items()] + [(labels, emotions)]:
        if foreign := [key for key in own if key not in listed]:
            fact = f"{name} names utterances that {listing} does not have: {list_some(foreign, _SHOWN)}"
            yield Note(str(folder / name), fact, title="not used")
    reader = RecordReader()
    commands: set[str] = set()
    for key, value in listed.items():
        place = f"{folder / listing}, '{key}'"
        record: dict[str, str] = {field: own[key] for field, own in fields.items() if key in own}
        record |= {"gender": by_utterance.get(key) or by_speaker.get(record.get("speaker", ""), "")}
        try:
            if segments:
                record.pop("duration", None)
                name, record = _cut(value, record)
                if name not in recordings:
                    raise ValueError(f"wav.scp has no recording '{name}'")
            source = recordings[name] if segments else value
            record["file"] = find_file(source)
        except ValueError as error:
            yield Problem(place, str(error))
            continue
        if source.endswith("|"):
            commands.add(source)
        yield reader.read(record, place, key, emotions.get(key))
    if commands:
        fact = (
            f"{len(commands)} of wav.scp are commands, which were not run; the files that they name are read"
        )
        yield Note(str(folder / "wav.scp"), fact, title="commands")


def labels_file(path: Path) -> str:
    """Name the file of the labels; the usual one if there is none."""
    return next((name for name in _LABELS if (_folder(path) / name).is_file()), _LABELS[0])


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def find_file(value: str) -> str:
    """Return the audio file of a value of ``wav.scp``.

    Raises:
        ValueError: there is none, or it is not certain which sound is meant.
    """
    if not value.endswith("|"):
        if _ARCHIVE.fullmatch(value):
            raise ValueError(f"'{value}' is a place within Kaldi's archive; give a wav.scp of audio files")
        return value
    try:
        words = shlex.split(value.removesuffix("|"))
    except ValueError:
        words = value.removesuffix("|").split()
    named = list(dict.fromkeys(word for word in words if is_audio(word)))
    if len(named) != 1 or "|" in words or _CHANGES.search(value):
        raise ValueError(
            f"its recording is the output of a command, which is not run ('{value[:80]}'); run it, and write "
            "the file that it makes into wav.scp"
        )
    return named[0]


def _cut(value: str, record: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Read a line of ``segments``: the recording, and the record with its times."""
    words = value.split()
    if len(words) not in (3, 4):
        raise ValueError("needs the recording, the start and the end")
    recording, start, end = words[:3]
    return recording, record | {"start": start} | ({} if end.startswith("-") else {"end": end})


def _note(folder: Path, labels: str, of_utterances: Iterable[str]) -> Note:
    names = ("wav.scp", "segments", *of_utterances, *_GENDERS, labels)
    read_files = ", ".join(name for name in names if (folder / name).is_file())
    without = (
        ""
        if (folder / labels).is_file()
        else f"; no labels: write them into {labels}, a line with the utterance and its emotion"
    )
    return Note(str(folder), f"{read_files}{without}", title="files read")


class _Tables:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    def read(self, name: str) -> dict[str, str]:
        """Return value by key; empty without such a file."""
        found: dict[str, str] = {}
        for place, key, value in self._lines(name):
            if found.setdefault(key, value) != value:
                raise ManifestError(f"{place}: '{key}' occurs twice, with different values")
        return found

    def read_members(self, name: str) -> dict[str, str]:
        """Return the key of each member, from a file whose values list the members of their key."""
        found: dict[str, str] = {}
        for place, key, value in self._lines(name):
            for member in value.split():
                if (other := found.setdefault(member, key)) != key:
                    raise ManifestError(
                        f"{place}: '{member}' belongs to '{key}' here and to '{other}' in an earlier line; "
                        "remove it from one of the two"
                    )
        return found

    def _lines(self, name: str) -> Iterator[tuple[str, str, str]]:
        """Yield place, key and value of each line; nothing without such a file."""
        path = self.folder / name
        if not path.is_file():
            return
        text, problems = read_text(path)
        self.problems += problems
        for number, line in enumerate(text.split("\n"), 1):
            key, _, value = line.strip().replace("\t", " ", 1).partition(" ")
            if key:
                yield f"{path}:{number}", key, value.strip()


FORMAT = Format(recognises, read, labels_file=labels_file)
