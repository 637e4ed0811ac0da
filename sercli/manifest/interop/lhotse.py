"""Read and write lhotse: a folder with ``recordings.jsonl.gz`` and ``supervisions.jsonl.gz``.

A supervision describes a part of a recording; fields that lhotse lacks are in its ``custom``. When a list is
written, every utterance is a separate recording with one supervision over its full length. A folder of such
files (also ``corpus_recordings_train.jsonl.gz``) can be read, or one file: supervisions beside their
recordings, recordings alone, or cuts.

Source: github.com/lhotse-speech/lhotse, ``lhotse/audio/recording.py``, ``lhotse/supervision.py``.
"""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sercli.manifest.channels import REMEDY
from sercli.manifest.interop import Format
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.interop._writing import check_lengths, check_utterances, new_files, to_record
from sercli.manifest.tables import TableRow, read_json_lines
from sercli.manifest.text import read_first_records
from sercli.plain.json import to_json
from sercli.records import Problem, Utterance

_OWN = ("id", "file", "duration", "sample_rate", "speaker", "gender", "transcript")


def recognises(path: Path) -> bool:
    """Recognise it by the keys of a first line; a folder by the files named after what they hold."""
    return any(_kind(file) is not None for file in _lists(path))


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield an utterance per supervision, or per recording if there are no supervisions."""
    kinds = {file: _kind(file) for file in _lists(path)}
    recordings: dict[str, dict[str, Any]] = {}
    alone = "supervisions" not in kinds.values()
    reader = RecordReader()
    for entry in _entries(kinds, "recordings"):
        if isinstance(entry, Problem):
            yield entry
        elif alone:
            yield _utterance(reader, entry.place, {}, entry.values)
        else:
            recordings[str(entry.values.get("id"))] = entry.values
    for entry in _entries(kinds, "supervisions"):
        if isinstance(entry, Problem):
            yield entry
            continue
        place, supervision = entry.place, entry.values
        recording = recordings.get(str(supervision.get("recording_id")))
        if recording is None:
            yield Problem(place, f"its recording '{supervision.get('recording_id')}' is not listed")
        else:
            yield _utterance(reader, place, supervision, recording)
    for entry in _entries(kinds, "cuts"):
        yield from [entry] if isinstance(entry, Problem) else _of_cut(reader, entry.place, entry.values)


def write(path: Path, utterances: Iterable[Utterance], root: Path) -> None:
    """Write a folder; sources are relative to ``root`` (lhotse's ``with_path_prefix``).

    Raises:
        ManifestError: an utterance has no duration or sample rate, or the files are there already.
    """
    records = check_utterances(path, utterances, root)
    check_lengths(path, records)
    recordings: list[dict[str, Any]] = []
    supervisions: list[dict[str, Any]] = []
    for utterance in records:
        recordings.append(
            {
                "id": utterance.id,
                "sources": [{"type": "file", "channels": [0], "source": utterance.file}],
                "sampling_rate": utterance.sample_rate,
                "num_samples": round(utterance.duration * utterance.sample_rate),
                "duration": utterance.duration,
                "channel_ids": [0],
            }
        )
        texts = {"text": utterance.transcript, "speaker": utterance.speaker, "gender": utterance.gender}
        supervisions.append(
            {"id": utterance.id, "recording_id": utterance.id}
            | {"start": 0.0, "duration": utterance.duration, "channel": 0}
            | {name: text for name, text in texts.items() if text is not None}
            | {"custom": to_record(utterance, _OWN)}
        )
    lists = {"recordings.jsonl.gz": recordings, "supervisions.jsonl.gz": supervisions}
    new_files(path, {name: _packed(entries) for name, entries in lists.items()})


def _packed(entries: list[dict[str, Any]]) -> bytes:
    text = "".join(to_json(entry, escaped=False) + "\n" for entry in entries)
    return gzip.compress(text.encode(), mtime=0)  # no time stamp: equal lists, equal files


def _lists(path: Path) -> list[Path]:
    """List the files to read: those of a folder, or a file and the recordings that belong to it."""
    if path.is_dir():
        names = (
            "*recordings*.jsonl",
            "*recordings*.jsonl.gz",
            "*supervisions*.jsonl",
            "*supervisions*.jsonl.gz",
        )
        return sorted(file for name in names for file in path.glob(name))
    beside = path.with_name(path.name.replace("supervisions", "recordings"))
    return [path, beside] if beside != path and beside.exists() else [path]


def _kind(file: Path) -> str | None:
    for record in read_first_records(file):
        if "supervisions" in record and "start" in record:
            return "cuts"
        if "recording_id" in record:
            return "supervisions"
        if "sources" in record and "sampling_rate" in record:
            return "recordings"
    return None


def _entries(kinds: dict[Path, str | None], kind: str) -> Iterator[TableRow | Problem]:
    for file, found in kinds.items():
        if found == kind:
            yield from read_json_lines(file)


def _of_cut(reader: RecordReader, place: str, cut: dict[str, Any]) -> Iterator[Utterance | Problem]:
    """Yield the supervisions of a cut, which count time from its start, as parts of its recording."""
    supervisions, recording, offset = cut.get("supervisions"), cut.get("recording"), cut.get("start")
    if not isinstance(supervisions, list) or not isinstance(recording, dict) or not _is_number(offset):
        yield Problem(place, "not a cut of one recording")
        return
    for supervision in supervisions:
        if not isinstance(supervision, dict) or not _is_number(supervision.get("start")):
            yield Problem(place, "a supervision has no start")
            continue
        start = round(supervision["start"] + offset, 8)
        yield _utterance(reader, place, supervision | {"start": start}, recording)


def _utterance(
    reader: RecordReader, place: str, supervision: dict[str, Any], recording: dict[str, Any]
) -> Utterance | Problem:
    sources = recording.get("sources")
    source = sources[0] if isinstance(sources, list) and sources else None
    if not isinstance(source, dict) or source.get("type") not in ("file", "url"):
        return Problem(place, "its recording is no file")
    channels, channel = source.get("channels"), supervision.get("channel")
    several = len(sources or ()) > 1 or (isinstance(channels, list) and len(channels) > 1)
    if several and isinstance(channel, int):
        file = source.get("source")
        return Problem(place, f"takes channel {channel} of {file}, which has several; {REMEDY}")
    custom = supervision.get("custom")
    record = dict(custom) if isinstance(custom, dict) else {}
    record |= {name: supervision[name] for name in ("id", "speaker", "gender", "text") if name in supervision}
    record |= {"file": source.get("source"), "sample_rate": recording.get("sampling_rate")}
    record |= {"duration": recording.get("duration"), "transcript": supervision.get("text")}
    start, length = supervision.get("start", 0), supervision.get("duration", recording.get("duration"))
    if not _is_number(start) or not _is_number(length):
        return Problem(place, "no start or duration in seconds")
    if start != 0 or length != recording.get("duration"):
        record |= {"start": start, "end": round(start + length, 8), "duration": length}
    return reader.read(record, place, supervision.get("id", recording.get("id")), record.get("emotion"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e12


FORMAT = Format(recognises, read, write)
