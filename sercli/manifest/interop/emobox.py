"""Read and write EmoBox: lines of JSON with ten keys.

The keys are ``key, dataset, wav, type, sample_rate, num_frame, task, length, emo, channel``. EmoBox ignores
other keys, so sercli's fields are added. ``emo`` is the label in the corpus's spelling. If ``label_map.json``
is beside the list or in the folder above, it gives the label by that spelling. Older lists have ``audio``
instead of ``wav`` and ``label`` instead of ``emo``. Each partition is a separate file; one file is read at a
time.

Source: Ma et al., EmoBox, Interspeech 2024; github.com/emo-box/EmoBox, ``data/iemocap/iemocap.jsonl``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sercli import files
from sercli.errors import ManifestError
from sercli.manifest.interop import Format
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.interop._writing import check_lengths, check_utterances, refuse_folder, to_record
from sercli.manifest.tables import read_json_lines
from sercli.manifest.text import read_first_records
from sercli.plain import PlainError
from sercli.plain.json import from_json, to_json
from sercli.records import Problem, Utterance

_PATHS = frozenset({"wav", "audio"})


def recognises(path: Path) -> bool:
    """Recognise it by the keys of its first lines."""
    return any("key" in record and not _PATHS.isdisjoint(record) for record in read_first_records(path))


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a list."""
    reader, labels = RecordReader(), _read_label_map(path)
    for entry in read_json_lines(path):
        if isinstance(entry, Problem):
            yield entry
            continue
        record = entry.values
        length = record.get("length", record.get("duration"))
        named = {"file": record.get("wav", record.get("audio")), "duration": length}
        label = record.get("emo", record.get("label"))
        label = labels.get(label, label) if isinstance(label, str) else label
        yield reader.read(record | named, entry.place, record.get("key"), label)


def _read_label_map(path: Path) -> dict[str, str]:
    """Read the label by the corpus's spelling; empty without such a file.

    Raises:
        ManifestError: the file holds anything else.
    """
    for folder in (path.parent, path.parent.parent):
        place = folder / "label_map.json"
        if place.is_file():
            try:
                found = from_json(place.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, PlainError):
                found = None
            if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
                raise ManifestError(f"{place}: expected a label for each spelling; correct or remove it")
            return found
    return {}


def write(path: Path, utterances: Iterable[Utterance], root: Path) -> None:
    """Write a list, ``wav`` relative to ``root``.

    Raises:
        ManifestError: an utterance has no duration or sample rate, or ``path`` is a folder.
    """
    refuse_folder(path)
    records = check_utterances(path, utterances, root)
    check_lengths(path, records)
    lines = [
        {
            "key": utterance.id.replace("/", "-", 1),
            "dataset": utterance.corpus,
            "wav": utterance.file,
            "type": "raw",
            "sample_rate": utterance.sample_rate,
            "num_frame": float(round(utterance.duration * utterance.sample_rate)),
            "task": "category",
            "length": utterance.duration,
            "emo": utterance.emotion_raw or utterance.emotion or "",
            "channel": 1,
        }
        | to_record(utterance, leave=("file", "duration", "sample_rate"))
        for utterance in records
    ]
    files.write_text(path, "".join(to_json(line, escaped=False) + "\n" for line in lines))


FORMAT = Format(recognises, read, write)
