"""Read and write EmoBox: lines of JSON with ten keys.

The keys are ``key, dataset, wav, type, sample_rate, num_frame, task, length, emo, channel``. EmoBox ignores
other keys, so sercli's fields are added. ``emo`` is the label in the corpus's spelling. If ``label_map.json``
is beside the list or in the folder above, it gives the label by that spelling, or that spelling by the label.
Older lists have ``audio`` instead of ``wav`` and ``label`` instead of ``emo``. Each partition is a separate
file; one file is read at a time.

Source: Ma et al., EmoBox, Interspeech 2024; github.com/emo-box/EmoBox, ``data/iemocap/iemocap.jsonl``.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from sercli import files
from sercli.errors import ManifestError
from sercli.labels import to_noun
from sercli.manifest.interop import Format
from sercli.manifest.interop._label_map import LabelMap, label_text, turn_round
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.interop._writing import check_lengths, check_utterances, refuse_folder, to_record
from sercli.manifest.tables import read_json_lines
from sercli.manifest.text import read_first_records
from sercli.manifest.values import is_absent, parse_number
from sercli.plain import PlainError
from sercli.plain.json import from_json, to_json
from sercli.records import Problem, Utterance

_PATHS = frozenset({"wav", "audio"})
_EXPECTED = (
    'expected a label for each spelling, as {"W": "anger", "F": "happiness"}; correct or remove the map'
)


def recognises(path: Path) -> bool:
    """Recognise it by the keys of its first lines."""
    return any("key" in record and not _PATHS.isdisjoint(record) for record in read_first_records(path))


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a list, after a note on labels that its map does not explain.

    Raises:
        ManifestError: the map can't be read.
    """
    entries = list(read_json_lines(path))
    given = [_label(entry.values) for entry in entries if not isinstance(entry, Problem)]
    labels = _read_label_map(path, given)
    if labels:
        yield from labels.notes(given)
    reader = RecordReader()
    for entry in entries:
        if isinstance(entry, Problem):
            yield entry
            continue
        record = entry.values
        length = record.get("length", record.get("duration"))
        named = {"file": record.get("wav", record.get("audio")), "duration": length}
        label = _label(record)
        label = labels.name(label) if labels else label
        yield reader.read(record | named, entry.place, record.get("key"), label)


def _label(record: Mapping[str, Any]) -> Any:
    return record.get("emo", record.get("label"))


def _read_label_map(path: Path, labels: Iterable[Any]) -> LabelMap | None:
    """Read the names of the labels of a list; ``None`` without such a file.

    Raises:
        ManifestError: the file holds anything else.
    """
    place = next((each for each in _map_places(path) if each.is_file()), None)
    if place is None:
        return None
    try:
        found = from_json(place.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, PlainError):
        found = None
    if not isinstance(found, dict):
        raise ManifestError(f"{place}: no JSON object; {_EXPECTED}")
    texts = {label_text(label) for label in labels if not is_absent(label)}
    names = turn_round(found) if _is_turned_round(found, texts) else found
    for key, name in names.items():
        if not isinstance(name, str):
            raise ManifestError(f"{place}: the entry '{key}' is {to_json(name):.80}; {_EXPECTED}")
    # Without this condition, codes whose map is turned round would be taken for names.
    are_names = not texts.isdisjoint(names) or any(map(to_noun, texts))
    return LabelMap(str(place), place.name, names, set(names.values()) if are_names else ())


def _map_places(path: Path) -> list[Path]:
    return [folder / "label_map.json" for folder in (path.parent, path.parent.parent)]


def _is_turned_round(found: Mapping[str, Any], texts: Set[str]) -> bool:
    """Return whether a map has the code of each name: its values, and no keys, are the labels of the list."""
    if not texts or not texts <= set(map(label_text, found.values())) or not texts.isdisjoint(found):
        return False
    coded = all(parse_number(text) is not None for text in texts)
    return coded or (any(map(to_noun, found)) and not any(map(to_noun, texts)))


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
