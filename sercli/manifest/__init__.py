"""A corpus as JSON Lines: one `Utterance` a line, absent values left out."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sercli import files
from sercli.errors import ManifestError
from sercli.records import Utterance

_FIELDS = [field.name for field in dataclasses.fields(Utterance)]
_NUMBERS = {"duration", "start", "end", "valence", "arousal", "dominance"}
# What JSON has for each field; the rest is text, speakers and sessions above all.
_KINDS: dict[str, tuple[type, ...]] = dict.fromkeys(_FIELDS, (str,)) | dict.fromkeys(_NUMBERS, (int, float))
_KINDS |= {"sample_rate": (int,), "raters": (list,)}


def write(path: Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest, whole or not at all.

    Raises:
        ManifestError: two utterances share an id.
    """
    records = list(utterances)
    repeated = [name for name, count in Counter(record.id for record in records).items() if count > 1]
    if repeated:
        raise ManifestError(f"{path}: the id '{repeated[0]}' occurs more than once")
    files.write_text(path, "".join(_to_line(record) for record in records))


def read(path: Path) -> list[Utterance]:
    """Read a manifest.

    Raises:
        ManifestError: the file is missing, or a line is no utterance; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such manifest; make it with `sercli prepare`") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{path}: not a manifest (not UTF-8 text)") from None
    utterances = [_from_line(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line]
    if len({utterance.id for utterance in utterances}) < len(utterances):
        raise ManifestError(f"{path}: an id occurs more than once; prepare the corpus again")
    return utterances


def digest(path: Path) -> str:
    """Hash a manifest: it changes when any audio, label or speaker does."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _to_line(utterance: Utterance) -> str:
    record = {name: getattr(utterance, name) for name in _FIELDS}
    present = {name: value for name, value in record.items() if value is not None}
    return json.dumps(present, ensure_ascii=False) + "\n"


def _from_line(line: str, place: str) -> Utterance:
    try:
        record: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        raise ManifestError(f"{place}: not JSON; prepare the corpus again") from None
    if not isinstance(record, dict):
        raise ManifestError(f"{place}: not an utterance; prepare the corpus again")
    unknown = set(record) - set(_FIELDS)
    if unknown:
        raise ManifestError(f"{place}: unknown field '{min(unknown)}'; prepare the corpus again")
    for name, value in record.items():
        if not isinstance(value, _KINDS[name]):
            raise ManifestError(f"{place}: '{name}' can't be {value!r}; prepare the corpus again")
    missing = [name for name in ("id", "corpus", "file") if name not in record]
    if missing:
        raise ManifestError(f"{place}: no '{missing[0]}'; prepare the corpus again")
    if "raters" in record:
        record["raters"] = tuple(record["raters"])
    return Utterance(**record)
