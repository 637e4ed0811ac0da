"""Read and write EmoBox: lines of JSON with ten keys.

The keys are ``key, dataset, wav, type, sample_rate, num_frame, task, length, emo, channel``. EmoBox ignores
other keys, so sercli's fields are added. ``emo`` is the label in the corpus's spelling, which EmoBox maps
with its ``label_map.json``. Older lists have ``audio`` instead of ``wav`` and ``label`` instead of ``emo``.
Each partition is a separate file; one file is read at a time.

Source: Ma et al., EmoBox, Interspeech 2024; github.com/emo-box/EmoBox, ``data/iemocap/iemocap.jsonl``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sercli import files
from sercli.manifest.interop import Format
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.interop._writing import check_lengths, check_utterances, refuse_folder, to_record
from sercli.manifest.tables import read_json_lines
from sercli.manifest.text import read_first_records
from sercli.plain.json import to_json
from sercli.records import Problem, Utterance

_PATHS = frozenset({"wav", "audio"})


def recognises(path: Path) -> bool:
    """Recognise it by the keys of its first lines."""
    return any("key" in record and not _PATHS.isdisjoint(record) for record in read_first_records(path))


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a list."""
    reader = RecordReader()
    for entry in read_json_lines(path):
        if isinstance(entry, Problem):
            yield entry
            continue
        record = entry.values
        length = record.get("length", record.get("duration"))
        named = {"file": record.get("wav", record.get("audio")), "duration": length}
        yield reader.read(
            record | named, entry.place, record.get("key"), record.get("emo", record.get("label"))
        )


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
