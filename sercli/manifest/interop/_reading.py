"""Make utterances from the records of a list."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePosixPath
from typing import Any

from sercli.errors import ManifestError
from sercli.manifest.channels import Channels, channel_column
from sercli.manifest.column_choice import field_label
from sercli.manifest.columns import RATERS, SPELLINGS, fields_by_name, simplify
from sercli.manifest.listing import read_cells
from sercli.manifest.values import (
    GENDERS,
    NAMES,
    NUMBERS,
    explain_span,
    explain_time,
    is_absent,
    parse_cell,
    parse_number,
    parse_seconds,
)
from sercli.plain import is_text
from sercli.plain.json import from_json, to_json
from sercli.records import Problem, Utterance

FIELDS = tuple(field.name for field in fields(Utterance))
_NOT_NEGATIVE = {"duration", "sample_rate", "start", "end"}

# Fields that are read from a list that sercli did not write; its other columns may have the name of a
# field and another meaning (`source` is often the name of a corpus).
_STATED = frozenset(
    {
        *("duration", "sample_rate", "start", "end", "speaker", "gender", "session", "dialog"),
        *("text_id", "transcript", "intensity", "valence", "arousal", "dominance"),
    }
)

_SPELL_NAMES = {spelling for field in NAMES for spelling in SPELLINGS[field]}


class RecordReader:
    """Convert the records of one list to utterances, or report their problems."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._channels = Channels()

    def read(
        self, record: Mapping[str, Any], place: str, key: Any = None, label: Any = None
    ) -> Utterance | Problem:
        """Make an utterance from a record.

        Args:
            record: values by field, under sercli's names even if the format has other names.
            place: place of the record, for a problem.
            key: the format's own name of the utterance, if it has one.
            label: the format's own label, which is used if sercli did not write the record.

        Raises:
            ManifestError: the list takes several channels of one recording.
        """
        ours = is_ours(record)
        if ours:
            values = _written(record)
        else:
            values = _stated(record) | {"emotion_raw": parse_cell("emotion_raw", label)}
        try:
            stated = {name: _typed(name, value) for name, value in values.items() if value not in (None, "")}
            if not PurePosixPath(stated.get("file", "")).name:
                return Problem(place, "names no audio file")
            channel = None if ours else channel_column(record)
            if channel and (several := self._channels.add(stated["file"], record[channel])):
                raise ManifestError(f"{place}: {several}")
            if not ours and (nothing := explain_span(stated.get("start"), stated.get("end"))):
                return Problem(place, nothing)
            key = parse_cell("key", key)
            key = _key_of(stated) if key in (None, "") else _typed("key", key)
        except ValueError as error:
            return Problem(place, str(error))
        if not ours:
            stated |= {"id": f"imported/{key}", "corpus": "imported"}
        if stated["id"] in self._seen:
            return Problem(place, f"the id '{stated['id']}' occurs more than once")
        self._seen.add(stated["id"])
        return Utterance(**stated)


def is_ours(record: Mapping[str, Any]) -> bool:
    """Return whether sercli wrote a record; only in this case its id and corpus are sercli's."""
    name, corpus = record.get("id"), record.get("corpus")
    return isinstance(name, str) and isinstance(corpus, str) and name.startswith(f"{corpus}/")


def _written(record: Mapping[str, Any]) -> dict[str, Any]:
    """Pick sercli's fields; see `sercli.manifest.interop._writing.to_record` for the two times."""
    values = {name: record.get(name) for name in FIELDS}
    for name in ("start", "end"):
        # A list of ours may have been cut into segments with pandas.
        values[name] = parse_seconds(record.get(f"source_{name}", record.get(name)))
    return values


def _stated(record: Mapping[str, Any]) -> dict[str, Any]:
    # A name that is absent under one key may be present under another.
    keys = [key for key, value in record.items() if simplify(key) not in _SPELL_NAMES or not is_absent(value)]
    columns = {field: key for field, key in fields_by_name(keys).items() if field in _STATED}
    values = read_cells(record, columns)
    gender = values.get("gender")
    if isinstance(gender, str):
        values["gender"] = GENDERS.get(gender.lower(), gender.lower())
    if isinstance(record.get(RATERS), tuple):  # those of a table, not a column of another meaning
        values[RATERS] = list(record[RATERS])
    file = parse_cell("file", record.get("file"))
    return values if file in (None, "") else values | {"file": file}


def _key_of(stated: Mapping[str, Any]) -> str:
    key = str(PurePosixPath(stated["file"]).with_suffix("")).lstrip("/")
    if "start" not in stated:
        return key
    return f"{key}[{stated['start']}-{stated.get('end', '')}]"


def _typed(name: str, value: Any) -> Any:
    """Convert a value to the type of its field; a number in a field of text becomes text."""
    bad = ValueError(f"'{field_label(name)}' can't be {value!r:.80}")
    if name == "raters":
        return _raters(value, bad)
    if name == "ratings":
        return _ratings(value, bad)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{bad}; write text or a number")
    if name not in NUMBERS and name != "sample_rate":
        text = str(value)
        if not is_text(text):
            raise bad
        return text
    found = parse_number(value)
    if found is None and name in ("start", "end"):
        raise ValueError(explain_time(name, value))
    if found is None or (name in _NOT_NEGATIVE and found < 0):
        raise bad
    if name == "sample_rate":
        if not found.is_integer():
            raise bad
        return int(found)
    return found


def _nested(value: Any, bad: ValueError) -> Any:
    """Return a nested value, which formats of flat columns hold as JSON."""
    try:
        if isinstance(value, str):
            value = from_json(value, strict=False)
        to_json(value)
    except ValueError:
        raise bad from None
    return value


def _ratings(value: Any, bad: ValueError) -> dict[str, float]:
    value = _nested(value, bad)
    if not isinstance(value, dict) or any(parse_number(each) is None for each in value.values()):
        raise bad
    return dict(value)


def _raters(value: Any, bad: ValueError) -> tuple[dict[str, Any], ...]:
    value = _nested(value, bad)
    if not isinstance(value, list) or not all(isinstance(rater, dict) for rater in value):
        raise bad
    return tuple(value)
