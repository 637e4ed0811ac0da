"""From the records of a list to utterances: text, JSON lines, and what a record states."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Any

from sercli.errors import ManifestError
from sercli.manifest.columns import SPELLINGS, fields_by_name, in_milliseconds, plain
from sercli.manifest.tables import binary_kind, decode
from sercli.manifest.values import (
    GENDERS,
    NAMES,
    NUMBERS,
    TIMES,
    cell,
    is_nothing,
    not_a_time,
    number,
    seconds,
    settle_times,
)
from sercli.plain.json import from_json, to_json
from sercli.records import Problem, Utterance

FIELDS = tuple(field.name for field in fields(Utterance))
_HEAD = 1 << 16
_NOT_NEGATIVE = {"duration", "sample_rate", "start", "end"}

# What is taken from a list that sercli did not write, whose other columns may share a name with a
# field and mean something else (`source` is often the name of a corpus).
_STATED = frozenset(
    {
        *("duration", "sample_rate", "start", "end", "speaker", "gender", "session", "dialog"),
        *("text_id", "transcript", "intensity", "valence", "arousal", "dominance"),
    }
)

_SPELL_NAMES = {spelling for field in NAMES for spelling in SPELLINGS[field]}


class Intake:
    """Turns the records of one list into utterances, or says what is wrong with them.

    Args:
        corpus: name to give; ``None`` keeps the name that a record states.
    """

    def __init__(self, corpus: str | None) -> None:
        self.corpus = corpus
        self._seen: set[str] = set()

    def take(
        self, record: Mapping[str, Any], place: str, key: Any = None, label: Any = None
    ) -> Utterance | Problem:
        """Make an utterance of a record.

        Args:
            record: what the list says, under sercli's names where the format has others.
            place: of the record, for a problem.
            key: the format's own name of the utterance, if it has one.
            label: the format's own label; what sercli wrote beside it comes first.
        """
        ours = is_ours(record)
        values = _written(record) if ours else _stated(record) | {"emotion_raw": cell("emotion_raw", label)}
        try:
            stated = {name: _typed(name, value) for name, value in values.items() if value not in (None, "")}
            if not PurePosixPath(stated.get("file", "")).name:
                return Problem(place, "names no audio file")
            key = cell("key", key)
            key = _key_of(stated) if key in (None, "") else _typed("key", key)
        except ValueError as error:
            return Problem(place, str(error))
        if ours:
            corpus = self.corpus or stated["corpus"]
            key = stated["id"].removeprefix(stated["corpus"] + "/")
        else:
            corpus = self.corpus or "imported"
        stated |= {"id": f"{corpus}/{key}", "corpus": corpus}
        if stated["id"] in self._seen:
            return Problem(place, f"the id '{stated['id']}' occurs more than once")
        self._seen.add(stated["id"])
        return Utterance(**stated)


def is_ours(record: Mapping[str, Any]) -> bool:
    """Tell whether sercli wrote a record: only then are an id and a corpus its own."""
    name, corpus = record.get("id"), record.get("corpus")
    return isinstance(name, str) and isinstance(corpus, str) and name.startswith(f"{corpus}/")


def _written(record: Mapping[str, Any]) -> dict[str, Any]:
    """Pick sercli's fields; see `sercli.manifest.interop._writing.to_record` for the two times."""
    values = {name: record.get(name) for name in FIELDS}
    for name in ("start", "end"):
        # Whoever cut a list of ours into segments may have done so with pandas.
        values[name] = seconds(record.get(f"source_{name}", record.get(name)))
    return values


def _stated(record: Mapping[str, Any]) -> dict[str, Any]:
    # A name that is not known under one key may be under another.
    keys = [key for key, value in record.items() if plain(key) not in _SPELL_NAMES or not is_nothing(value)]
    columns = {field: key for field, key in fields_by_name(keys).items() if field in _STATED}
    values = {}
    for field, column in columns.items():
        value = cell(field, record[column])
        if field in TIMES and in_milliseconds(column) and (found := number(value)) is not None:
            value = round(found / 1000, 9)
        values[field] = value
    times = settle_times(values)
    values = {name: value for name, value in values.items() if name not in ("start", "end")} | times
    values = {name: value for name, value in values.items() if value not in (None, "")}
    gender = values.get("gender")
    if isinstance(gender, str):
        values["gender"] = GENDERS.get(gender.lower(), gender.lower())
    file = cell("file", record.get("file"))
    return values if file in (None, "") else values | {"file": file}


def _key_of(stated: Mapping[str, Any]) -> str:
    key = str(PurePosixPath(stated["file"]).with_suffix("")).lstrip("/")
    if "start" not in stated:
        return key
    return f"{key}[{stated['start']}-{stated.get('end', '')}]"


def _typed(name: str, value: Any) -> Any:
    """Give a value the type of its field; a number where text belongs becomes text."""
    bad = ValueError(f"'{name}' can't be {value!r:.80}")
    if name == "raters":
        return _raters(value, bad)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise bad
    if name not in NUMBERS and name != "sample_rate":
        text = str(value)
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise bad
        return text
    found = number(value)
    if found is None and name in ("start", "end"):
        raise ValueError(not_a_time(name, value))
    if found is None or (name in _NOT_NEGATIVE and found < 0):
        raise bad
    if name == "sample_rate":
        if not found.is_integer():
            raise bad
        return int(found)
    return found


def _raters(value: Any, bad: ValueError) -> tuple[dict[str, Any], ...]:
    try:
        if isinstance(value, str):  # formats of flat columns hold it as JSON
            value = from_json(value, strict=False)
        to_json(value)
    except ValueError:
        raise bad from None
    if not isinstance(value, list) or not all(isinstance(rater, dict) for rater in value):
        raise bad
    return tuple(value)


def refusal(path: Path, what: str) -> ManifestError:
    """Say that a path is not of a format; ``what`` names the format and what it looks like."""
    if not path.exists():
        return ManifestError(f"{path}: no such file or folder")
    return ManifestError(f"{path}: not {what}; name another file or another format")


def load(path: Path) -> tuple[str, list[Problem]]:
    """Read a text file, unpacked where it is gzip, and what is to be said of its encoding.

    Raises:
        ManifestError: the file is missing, cut off or no text.
    """
    try:
        kind = binary_kind(path)
        text, problem = decode(path.read_bytes(), str(path)) if kind is None else (None, Problem("", kind))
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file") from None
    if text is None:
        raise ManifestError(f"{path}: {problem.fact if problem else 'no text'}")
    return text, [problem] if problem else []


def load_text(path: Path) -> str:
    """Read a text file that has to be Unicode.

    Raises:
        ManifestError: the file is missing, cut off or not Unicode.
    """
    text, said = load(path)
    if said:
        raise ManifestError(f"{path}: not UTF-8 text; save it as UTF-8")
    return text


def head(path: Path) -> str:
    """Return the first 64 KiB of a text file, empty for whatever is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD)
        if data[:2] == b"\x1f\x8b":
            data = zlib.decompressobj(wbits=31).decompress(data, _HEAD)  # 31: gzip, also where cut off
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        return data.decode(encoding, errors="replace")
    except (OSError, zlib.error):
        return ""


def first_records(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects among the first lines, for a format to recognise its own by."""
    records = []
    for line in [line for line in head(path).split("\n") if line.strip()][:5]:
        try:
            records.append(from_json(line, strict=False))
        except ValueError:
            continue
    return [record for record in records if isinstance(record, dict)]


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]] | Problem]:
    """Yield each line's place and JSON object, or a problem."""
    text, said = load(path)
    yield from said
    # Not splitlines: JSON may hold the other line separators of Unicode.
    for count, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{path}:{count}"
        try:
            record = from_json(line, strict=False)
        except ValueError:
            yield Problem(place, "not JSON, or cut off")
            continue
        yield (place, record) if isinstance(record, dict) else Problem(place, "not a JSON object")
