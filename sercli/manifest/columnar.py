"""Read Parquet and Arrow files with pyarrow: as tables, and the recordings that are inside them.

Hugging Face's datasets are such files. Their schema holds the names of the classes, or the card of the data
set does (``README.md``); a column of audio holds pairs of the encoded recording and its name.

Source: huggingface.co/docs/datasets, Audio and ClassLabel; datasets 5.2, features/audio.py.
"""

import importlib.util
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.errors import ManifestError
from sercli.plain import PlainError
from sercli.plain.json import from_json
from sercli.plain.yaml import from_yaml

SUFFIXES = (".parquet", ".arrow")
INSTALL = "pip install 'sercli[parquet]'"
_MARK = b"PAR1"
_FOOTER = b"\x15"  # first byte of the description at the end of a Parquet file
_ENCODED = ("audio", "wav", "bytes", "audio_bytes", "content", "speech")
_AT_ONCE = 64
_DAMAGED = "a damaged Parquet file; fetch or write it again"


def parquet_kind(path: Path) -> str | None:
    """Describe a Parquet file that can't be read, with a remedy; ``None`` for others and other files."""
    if not is_parquet(path):
        return None
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(4, size - 8))
        end = file.read()
        length = struct.unpack("<I", end[:4])[0] if len(end) == 8 else 0
        file.seek(max(4, size - 8 - length))
        if end[4:] != _MARK or not 0 < length <= size - 12 or file.read(1) != _FOOTER:
            return _DAMAGED
    if importlib.util.find_spec("pyarrow") is None:
        return f"a Parquet file, which needs pyarrow: {INSTALL}, or save the table as CSV in UTF-8"
    return None


def is_parquet(path: Path) -> bool:
    """Recognise a Parquet file by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == _MARK


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of a table.

    Attributes:
        path: the file.
        columns: names of the columns with values that a list can hold.
        recordings: column of the recordings that are inside the file; ``None`` if there are none.
        rows: number of rows.
        classes: names of classes by column, for columns that hold their numbers.
    """

    path: Path
    columns: tuple[str, ...]
    recordings: str | None
    rows: int
    classes: Mapping[str, tuple[str, ...]]


def describe_shard(path: Path) -> Shard:
    """Read the description of a file.

    Raises:
        ManifestError: it is damaged, or pyarrow is not installed.
    """
    with _opened(path) as (file, schema):
        import pyarrow as pa

        def is_binary(kind: Any) -> bool:
            return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

        def is_recording(field: Any) -> bool:
            if pa.types.is_struct(field.type):
                inside = {each.name: each.type for each in field.type}
                return "bytes" in inside and is_binary(inside["bytes"])
            return is_binary(field.type) and field.name.lower() in _ENCODED

        audio = [field.name for field in schema if is_recording(field)]
        columns = tuple(field.name for field in schema if not is_binary(field.type))
        rows = file.metadata.num_rows if hasattr(file, "metadata") else sum(batch.num_rows for batch in file)
        classes = _classes(schema.metadata) or classes_of_card(path)
        return Shard(path, columns, audio[0] if audio else None, rows, classes)


def read_shard(shard: Shard, *, recordings: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; a recording is a dictionary of its ``path`` and, if wanted, its ``bytes``.

    Raises:
        ManifestError: it is damaged.
    """
    own = shard.recordings
    nested = own in shard.columns
    wanted = [name for name in shard.columns if name != own]
    if own is not None and (recordings or nested):
        wanted.append(own if recordings else f"{own}.path")
    with _opened(shard.path) as (file, _):
        if hasattr(file, "iter_batches"):
            batches = file.iter_batches(_AT_ONCE, columns=wanted)
        else:
            names = [own if name == f"{own}.path" else name for name in wanted]
            batches = (batch.select(names) for batch in file)
        for batch in batches:
            for row in batch.to_pylist():
                values = {
                    name: _plain(value, shard.classes.get(name)) for name, value in row.items() if name != own
                }
                if own is not None and own in row:
                    cell = row[own] if isinstance(row[own], dict) else {"bytes": row[own], "path": None}
                    kept = ("path", "bytes") if recordings else ("path",)
                    values[own] = {name: cell.get(name) for name in kept}
                yield values


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a file, with its schema."""
    try:
        import pyarrow as pa
        from pyarrow import ipc, parquet
    except ImportError:
        raise ManifestError(f"{path}: needs pyarrow: {INSTALL}") from None
    try:
        if is_parquet(path):
            with parquet.ParquetFile(path) as file:
                yield file, file.schema_arrow
        else:
            with pa.memory_map(str(path)) as source, ipc.open_stream(source) as file:
                yield file, file.schema
    except (pa.ArrowException, OSError, ValueError) as error:
        fact = " ".join(str(error).split())[:120]
        raise ManifestError(
            f"{path}: a damaged Parquet or Arrow file ({fact}); fetch or write it again"
        ) from None


def _classes(metadata: Mapping[bytes, bytes] | None) -> dict[str, tuple[str, ...]]:
    """Return the names of classes by column, from the description that Hugging Face's datasets write."""
    try:
        described = from_json((metadata or {}).get(b"huggingface", b"{}").decode())
        features = described["info"]["features"]
        named = {
            name: feature["names"]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
        return {name: tuple(map(str, names)) for name, names in named.items()}
    except (PlainError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return {}


def classes_of_card(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the names of classes by column, from the card in the folder of a file or one of two above."""
    for folder in list(path.parents)[:3]:
        try:
            text = (folder / "README.md").read_text(encoding="utf-8-sig")
            described = from_yaml(text.split("---\n")[1]).value["dataset_info"]
            configs = described if isinstance(described, list) else [described]
            found = [_classes_of_features(each["features"]) for each in configs]
        except (OSError, UnicodeDecodeError, PlainError, LookupError, TypeError, AttributeError, ValueError):
            continue
        # Of several configurations, it is not known which one the file belongs to.
        return found[0] if found and all(each == found[0] for each in found) else {}
    return {}


def _classes_of_features(features: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    classes = {}
    for feature in features:
        kind = feature.get("dtype")
        names = kind["class_label"]["names"] if isinstance(kind, dict) and "class_label" in kind else []
        if isinstance(names, dict):  # the number of a class is its key
            names = [names[str(number)] for number in range(len(names))]
        if names:
            classes[str(feature["name"])] = tuple(map(str, names))
    return classes


def _plain(value: Any, classes: tuple[str, ...] | None) -> Any:
    """Return a value as JSON holds it; a number of a class as its name."""
    if isinstance(value, bool):
        return value
    if classes is not None and isinstance(value, int):
        return classes[value] if 0 <= value < len(classes) else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(each, classes) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each, None) for name, each in value.items()}
    return value if value is None or isinstance(value, str | int) else str(value)
