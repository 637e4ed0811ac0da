"""Make the records of a list from utterances, after checks."""

import csv
import io
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli import files
from sercli.errors import ManifestError
from sercli.manifest import check_ids
from sercli.manifest.interop._reading import FIELDS
from sercli.plain.json import to_json
from sercli.records import Utterance

_DEFAULTS = {"sha256": "", "duration": 0.0, "sample_rate": 0}


def check_utterances(path: Path, utterances: Iterable[Utterance], root: Path) -> list[Utterance]:
    """Return the utterances with files relative to ``root`` if they are below it.

    Raises:
        ManifestError: there are no utterances, or one could not be read again.
    """
    records = [replace(utterance, file=_below(root, utterance.file)) for utterance in utterances]
    if not records:
        raise ManifestError(f"{path}: there are no utterances to write")
    check_ids(path, records)
    for record in records:
        if not record.id.startswith(f"{record.corpus}/"):
            raise ManifestError(f"{path}: the id '{record.id}' does not begin with '{record.corpus}/'")
        try:
            to_json(to_record(record), escaped=False).encode()
        except ValueError:
            fact = "a number that is not finite, or text that is not Unicode"
            raise ManifestError(f"{path}: '{record.id}' has {fact}; correct its manifest") from None
    return records


def check_lengths(path: Path, records: Iterable[Utterance]) -> None:
    """Check that durations and sample rates are known, for formats that need them.

    Raises:
        ManifestError: a duration or sample rate is unknown.
    """
    for record in records:
        if not (record.duration > 0 and record.sample_rate > 0):
            raise ManifestError(
                f"{path}: '{record.id}' has no duration or sample rate; prepare its corpus first"
            )


def to_record(utterance: Utterance, leave: Iterable[str] = ()) -> dict[str, Any]:
    """Return an utterance's fields, except those that the format holds under its own names.

    ``start`` and ``end`` become ``source_start`` and ``source_end``. In other tools these names mean the part
    to cut out of the file; in a prepared corpus they mean the place that the file was cut from.
    """
    record = {name: getattr(utterance, name) for name in FIELDS if name not in set(leave)}
    for name in ("start", "end"):
        if name in record:
            record[f"source_{name}"] = record.pop(name)
    if record.get("raters") is not None:
        record["raters"] = list(record["raters"])
    return {
        name: value
        for name, value in record.items()
        if value is not None and (name not in _DEFAULTS or value != _DEFAULTS[name])
    }


def to_csv(records: list[dict[str, Any]]) -> str:
    """Write records as CSV with all keys of all records; text is in quotes, nested values are JSON."""
    names = list(dict.fromkeys(name for record in records for name in record))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(names)
    for record in records:
        cells = [record.get(name) for name in names]
        writer.writerow(
            [to_json(cell, escaped=False) if isinstance(cell, list | dict) else cell for cell in cells]
        )
    return buffer.getvalue()


def refuse_folder(path: Path) -> None:
    """Check that a format of one file does not replace a folder.

    Raises:
        ManifestError: it would replace a folder.
    """
    if path.is_dir():
        raise ManifestError(f"{path}: is a folder, and this format is one file; name a file in it")


def new_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a folder, all or none.

    Raises:
        ManifestError: a file already exists.
    """
    for name in contents:
        if (folder / name).exists():
            raise ManifestError(f"{folder / name}: exists already; remove it or name another folder")
    with ExitStack() as stack:
        for name, data in contents.items():
            stack.enter_context(files.replacing(folder / name)).write_bytes(data)


def _below(root: Path, file: str) -> str:
    path = Path(file)
    return path.relative_to(root).as_posix() if path.is_absolute() and path.is_relative_to(root) else file
