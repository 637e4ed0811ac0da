"""Read and write a corpus as JSON Lines: one `Utterance` per line, without absent values."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from math import isfinite
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from sercli import files
from sercli.errors import ManifestError
from sercli.manifest.values import NUMBERS
from sercli.plain import PlainError, is_text, shorten
from sercli.plain.json import from_json, to_json
from sercli.records import Utterance

_FIELDS = [field.name for field in dataclasses.fields(Utterance)]
# JSON types of fields; the other fields are text, in particular speakers and sessions.
_KINDS: dict[str, tuple[type, ...]] = dict.fromkeys(_FIELDS, (str,)) | dict.fromkeys(NUMBERS, (int, float))
_KINDS |= {"sample_rate": (int,), "raters": (list,), "ratings": (dict,)}
_NOT_NEGATIVE = {"duration", "sample_rate"}
_LARGEST = 1e9  # seconds or hertz: thirty years, and above all sample rates
_FILES = {"file", "trace"}
_AGAIN = "prepare the corpus again"


def write(path: Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest, completely or not at all.

    Raises:
        ManifestError: two utterances share an id.
    """
    records = list(utterances)
    check_ids(path, records)
    files.write_text(path, "".join(_to_line(record) for record in records))


def check_ids(path: Path, records: Iterable[Utterance]) -> None:
    """Refuse utterances of which two have the same id.

    Raises:
        ManifestError: two have; the message names the file that was to be written.
    """
    repeated = [name for name, count in Counter(record.id for record in records).items() if count > 1]
    if repeated:
        raise ManifestError(f"{path}: the id '{repeated[0]}' occurs more than once")


def read(path: Path) -> list[Utterance]:
    """Read a manifest.

    Raises:
        ManifestError: the file is missing or empty, or a line is not an utterance; the message names it.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such manifest; make it with `sercli prepare`") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{path}: not a manifest (not UTF-8 text)") from None
    utterances = [_from_line(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line]
    if not utterances:
        raise ManifestError(f"{path}: holds no utterance; {_AGAIN}")
    if len({utterance.id for utterance in utterances}) < len(utterances):
        raise ManifestError(f"{path}: an id occurs more than once; {_AGAIN}")
    return utterances


def digest(path: Path) -> str:
    """Hash a manifest; the hash changes when any audio, label or speaker changes."""
    return files.sha256(path)


def wrong_value(utterance: Utterance) -> str:
    """Describe the first value that can't be written, as a plug-in may give it; empty if there is none."""
    for name in (each for each in _FIELDS if each not in ("raters", "ratings")):
        value, kinds = getattr(utterance, name), _KINDS[name]
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            return f"its {name} is {shorten(repr(value))}; give {'text' if str in kinds else 'a number'}"
        if isinstance(value, float) and not isfinite(value):
            return f"its {name} is {value}; give a finite number, or None where there is none"
    for name in ("ratings", "raters"):
        try:
            to_json(getattr(utterance, name))
        except (TypeError, ValueError):
            found = shorten(repr(getattr(utterance, name)))
            return f"its {name} are {found}; give only text and finite numbers in them"
    return ""


def _to_line(utterance: Utterance) -> str:
    record = {name: getattr(utterance, name) for name in _FIELDS}
    present = {name: value for name, value in record.items() if value is not None}
    return to_json(present, escaped=False) + "\n"


def _from_line(line: str, place: str) -> Utterance:
    try:
        record = from_json(line)
    except PlainError as error:
        raise ManifestError(f"{place}: not JSON ({error}); {_AGAIN}") from None
    if not isinstance(record, dict):
        raise ManifestError(f"{place}: not an utterance; {_AGAIN}")
    unknown = set(record) - set(_FIELDS)
    if unknown:
        raise ManifestError(f"{place}: unknown field '{shorten(min(unknown))}'; {_AGAIN}")
    for name, value in record.items():
        if not isinstance(value, _KINDS[name]) or isinstance(value, bool) or not is_text(value):
            raise ManifestError(f"{place}: '{name}' can't be {shorten(repr(value))}; {_AGAIN}")
    if not all(_is_rating(name, value) for name, value in record.get("ratings", {}).items()):
        raise ManifestError(f"{place}: 'ratings' can't be {shorten(repr(record['ratings']))}; {_AGAIN}")
    missing = [name for name in ("id", "corpus", "file") if name not in record]
    if missing:
        raise ManifestError(f"{place}: no '{missing[0]}'; {_AGAIN}")
    for name in _NOT_NEGATIVE & record.keys():
        if not 0 <= record[name] < _LARGEST:
            raise ManifestError(f"{place}: '{name}' can't be {record[name]}; {_AGAIN}")
    for name in _FILES & record.keys():
        if not _is_within(record[name]):
            fact = f"'{shorten(record[name])}' is outside the corpus folder"
            raise ManifestError(f"{place}: '{name}': {fact}; {_AGAIN}")
    if "raters" in record:
        record["raters"] = tuple(record["raters"])
    return Utterance(**record)


def _is_rating(name: str, value: Any) -> bool:
    return is_text(name) and isinstance(value, int | float) and not isinstance(value, bool)


def _is_within(file: str) -> bool:
    """Return whether a relative path names a file below its folder, by its spelling on any system.

    A link below the folder may lead out of the folder: its owner can make such a link, a manifest can't.
    """
    return all(
        file and "\0" not in file and not path.is_absolute() and not path.anchor and ".." not in path.parts
        for path in (PurePosixPath(file), PureWindowsPath(file))
    )
