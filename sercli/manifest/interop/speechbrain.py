"""SpeechBrain: one JSON object, ``{id: {"wav": "{data_root}/...", "length": seconds, "emo": label}}``.

``wav`` may also be ``{"file": "{data_root}/...", "start": sample, "stop": sample}``.

SpeechBrain formats every string when it loads the file (``{data_root}`` becomes a folder), so other braces
are doubled. It reserves the key ``id`` and expects the same keys in every entry, so a missing value is
``null``. ``emo`` is the noun if it is known, otherwise the label in the corpus's spelling.

Source: github.com/speechbrain/speechbrain, ``recipes/IEMOCAP/emotion_recognition/iemocap_prepare.py``.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sercli import files
from sercli.errors import ManifestError
from sercli.manifest.interop import Format
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.interop._writing import check_utterances, refuse_folder, to_record
from sercli.manifest.text import read_start, read_unicode
from sercli.manifest.values import parse_number, settle_times
from sercli.plain.json import from_json
from sercli.records import Problem, Utterance

_OPENING = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{')
_WAV = re.compile(r'"wav"\s*:')
_PLACEHOLDER = re.compile(r"\{\w+\}/+")


def recognises(path: Path) -> bool:
    """Recognise it by an object of objects with the key ``wav``."""
    start = read_start(path)
    return _OPENING.match(start) is not None and _WAV.search(start) is not None


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a list; a leading ``{data_root}/`` is not part of the file.

    Raises:
        ManifestError: the file is cut off.
    """
    repeated: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entry = dict(pairs)
        if len(entry) < len(pairs):
            names = [name for name, _ in pairs]
            repeated.extend(name for name in entry if names.count(name) > 1)
        return entry

    try:
        entries: dict[str, Any] = from_json(read_unicode(path), pairs=unique, strict=False)
    except ValueError as error:
        raise ManifestError(f"{path}: damaged JSON ({error}); write it again") from None
    for name in repeated:
        yield Problem(f"{path}, entry '{name}'", "occurs more than once; the last counts")
    reader = RecordReader()
    for key, raw in entries.items():
        place = f"{path}, entry '{key}'"
        if not isinstance(raw, dict):
            yield Problem(place, "not a JSON object")
            continue
        named = {"file": raw.get("wav"), "duration": raw.get("length", raw.get("duration"))}
        if isinstance(named["file"], dict):
            try:
                named |= _part(named["file"], named["duration"])
            except ValueError as error:
                yield Problem(place, str(error))
                continue
        if isinstance(named["file"], str):
            named["file"] = _PLACEHOLDER.sub("", named["file"], count=1)
        entry = _map_texts(raw | named, _undouble)
        yield reader.read(entry | {"id": key}, place, key, entry.get("emo", entry.get("emotion")))


def _part(wav: dict[str, Any], duration: Any) -> dict[str, Any]:
    """Return file, start and end of a part that is stated as file, start and stop, in samples.

    SpeechBrain takes the sample rate from the file. Here it is the usual one by which the part is as long as
    the entry states.

    Raises:
        ValueError: there is no such rate.
    """
    start, stop = wav.get("start", 0), wav.get("stop", wav.get("start", 0))
    if start == stop == 0:  # for SpeechBrain the complete file
        return {"file": wav.get("file")}
    times = settle_times({"start": start, "end": stop, "duration": duration})
    found = [parse_number(each) for each in (times.get("start"), times.get("end"), duration)]
    if None in found or found == [parse_number(each) for each in (start, stop, duration)]:
        raise ValueError(
            f"'wav' has the samples {start} to {stop}, but 'length' is not the same time in seconds; write "
            "that length, or cut the file"
        )
    return {"file": wav.get("file"), "start": times["start"], "end": times["end"]}


def write(path: Path, utterances: Iterable[Utterance], root: Path) -> None:
    """Write a list, ``wav`` below ``{data_root}``, which stands for ``root``.

    Raises:
        ManifestError: ``path`` is a folder.
    """
    refuse_folder(path)
    records = check_utterances(path, utterances, root)
    leave = ("id", "file", "duration")
    used = dict.fromkeys(name for record in records for name in to_record(record, leave))
    entries = {}
    for utterance in records:
        entry = {
            "length": utterance.duration or None,
            "emo": utterance.emotion or utterance.emotion_raw or "",
        }
        entry = _map_texts(entry | dict.fromkeys(used) | to_record(utterance, leave), _double)
        place = "" if Path(utterance.file).is_absolute() else "{data_root}/"
        entries[utterance.id] = {"wav": place + _double(utterance.file)} | entry
    files.write_json(path, entries)


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Change every string of a JSON value, keys left as they are, as SpeechBrain formats them."""
    if isinstance(value, dict):
        return {key: _map_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_map_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _double(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _undouble(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


FORMAT = Format(recognises, read, write)
