"""Interpret a cell of a list that sercli did not write: names, genders, times, and absent values."""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from sercli.labels import to_noun, trim
from sercli.plain import PlainError
from sercli.plain.json import from_json

NUMBERS = frozenset({"duration", "start", "end", "valence", "arousal", "dominance"})
"""Fields that hold numbers."""
RATINGS = frozenset({"valence", "arousal", "dominance"})
TIMES = frozenset({"start", "end", "duration"})
"""Fields in seconds."""
NAMES = frozenset({"speaker", "gender", "session", "dialog", "text_id"})
"""Fields that name a person or a thing, which may be unknown."""
# Fields that are looked up in files or lists, or that hold a text to read: no character of theirs is dropped.
_UNCHANGED = frozenset({"file", "id", "key", "transcript"})

GENDERS = {
    **dict.fromkeys(("f", "female", "w", "fem", "woman", "women", "weiblich", "frau", "feminine"), "female"),
    **dict.fromkeys(("mujer", "femenino", "femme", "féminin", "donna", "femmina"), "female"),
    **dict.fromkeys(("m", "male", "man", "men", "männlich", "maennlich", "mann", "masculine"), "male"),
    **dict.fromkeys(("hombre", "masculino", "homme", "masculin", "uomo", "maschio"), "male"),
}
"""Genders by their spellings in lower case; w is German."""

# Absent values of pandas and other programs. In this spelling they are never a person's name; "Nan" and
# "Na" may be names.
_NOTHING = frozenset({"nan", "NaN", "NAN", "NA", "NaT", "nat", "<NA>", "<na>"})
# Absent values in any spelling.
_UNKNOWN = frozenset(
    {
        *("", "unknown", "unk", "<unk>", "[unk]", "unknown speaker", "speaker unknown", "unknown_speaker"),
        *("not known", "not_known", "unspecified", "not specified", "undefined", "undetermined", "missing"),
        *("not available", "n/a", "n.a.", "n. a.", "none", "null", "unbekannt", "-", "--", "–", "—"),
        *("#n/a", "#ref!", "#name?", "#value!", "#div/0!", "#null!", "#num!"),  # errors of spreadsheets
    }
)
_MARKS = re.compile(r"\?+")
_PANDAS_TIME = re.compile(r"(\d+) days?(?: (\d+):(\d\d):(\d\d(?:\.\d+)?))?", re.ASCII)
_CLOCK = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]?\d(?:[.,]\d*)?)", re.ASCII)
_WITH_UNIT = re.compile(r"([+-]?[\d.,]+) ?(s|sec|seconds|ms|msec)\.?", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
# 1,250 milliseconds may be a second and a quarter, or one and a quarter milliseconds.
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*", re.ASCII)
_FRACTION = re.compile(r"[+-]?\d*([.,])\d+", re.ASCII)
SAMPLE_RATES = (8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Usual sample rates, hertz."""


def ratings_outside(rated: Mapping[str, float | None], scale: tuple[float, float]) -> dict[str, str]:
    """Explain, by its name, each rating that is outside of a scale; absent ones are not."""
    low, high = scale
    return {
        name: f"{name} {value:g} is outside of the scale from {low:g} to {high:g}"
        for name, value in rated.items()
        if value is not None and not low <= value <= high
    }


def is_absent(value: Any) -> bool:
    """Return whether a value means that something is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    if not isinstance(value, str):
        return False
    text = trim(value)
    return text in _NOTHING or text.casefold() in _UNKNOWN or _MARKS.fullmatch(text) is not None


def parse_cell(name: str, value: Any) -> Any:
    """Read the value of a field in a list; its type is not checked.

    Text loses the blanks around it and, except in names of files, ids and transcripts, its invisible
    characters. An unknown name or rating is absent. In a field of text, the numbers 1
    and 1.0 are the same, and NaN is absent.
    """
    if isinstance(value, str):
        value = value.strip() if name in _UNCHANGED else trim(value)
    if name in TIMES:
        return parse_seconds(value)
    if name in NAMES | RATINGS and is_absent(value):
        return None
    if isinstance(value, str):
        if name in NUMBERS and _DECIMAL_COMMA.fullmatch(value):
            return value.replace(",", ".")
        return unicodedata.normalize("NFC", value) if name in NAMES else value
    if isinstance(value, float) and name not in NUMBERS and name != "sample_rate":
        whole = int(value) if value.is_integer() else value
        return None if math.isnan(value) else whole
    return value


def split_labels(value: Any) -> list[str]:
    """Return the labels in a cell, without absent ones.

    A cell may be a list, also as the text ``["anger", "sadness"]``, or labels separated by ``|`` or ``;``. A
    comma separates only known nouns, because other labels may contain commas.

    Raises:
        ValueError: the cell holds something else.
    """
    if isinstance(value, str):
        parts = _split_text(unicodedata.normalize("NFC", trim(value)))
    else:
        parts = list(value) if isinstance(value, list | tuple) else [value]
    if any(isinstance(part, bool | dict | list) for part in parts):
        fact = f"'{value}' is neither a label nor a list of labels"
        raise ValueError(f"raters: {fact}; write labels, for example anger|sadness")
    return [trim(str(part)) for part in parts if not is_absent(part)]


def _split_text(text: str) -> list[Any]:
    if text.startswith("[") and text.endswith("]"):
        try:
            listed = from_json(text)
        except PlainError:  # as Python writes a list
            listed = [part.strip().strip("'\"") for part in text[1:-1].split(",")]
        return listed if isinstance(listed, list) else [text]
    separator = next((each for each in "|;" if each in text), ",")
    parts = [part.strip() for part in text.split(separator)]
    return parts if separator != "," or all(map(to_noun, parts)) else [text]


def parse_seconds(value: Any) -> Any:
    """Read a time in seconds; a value that is not a time is returned unchanged.

    These forms are read: ``1.5``, ``1,5``, ``1.5 s``, ``1500 ms``, ``00:01:02.500``, ``01:02,5`` (minutes and
    seconds) and pandas' ``0 days 00:00:01.500000``.
    """
    text = value.strip() if isinstance(value, str) else ""
    if text == "NaT":
        return None
    match = _WITH_UNIT.fullmatch(text)
    if match is not None:
        found = parse_number(match[1].replace(",", "."))
        thousands = 1000 if match[2].lower().startswith("m") else 1
        return text if found is None else round(found / thousands, 9)
    if _DECIMAL_COMMA.fullmatch(text):
        return text.replace(",", ".")
    match = _PANDAS_TIME.fullmatch(text)
    if match is not None:
        days, hours, minutes, rest = (float(part or 0) for part in match.groups())
        return round(days * 86_400 + hours * 3_600 + minutes * 60 + rest, 9)
    match = _CLOCK.fullmatch(text)
    if match is not None:
        hours, minutes, rest = (float((part or "0").replace(",", ".")) for part in match.groups())
        return round(hours * 3_600 + minutes * 60 + rest, 9)
    return text or value


def find_grouped(cells: Iterable[tuple[Any, bool]]) -> dict[tuple[Any, bool], str]:
    """Return the times in milliseconds or samples that may have separators of thousands, each with a remedy.

    They do not if another time has the same separator in a way that only fractions have, such as ``0.000``,
    ``12.5`` or ``1250.500``.

    Args:
        cells: times of one table as they are written, each with whether its column is in such a unit.
    """
    numbers: dict[tuple[Any, bool], str] = {}
    for cell, small in cells:
        text = cell.strip() if isinstance(cell, str) else ""
        match = _WITH_UNIT.fullmatch(text)
        if text and match is None and small:
            numbers[cell, small] = text
        elif match is not None and match[2].lower().startswith("m"):
            numbers[cell, small] = match[1]
    grouped = {key: match[1] for key, number in numbers.items() if (match := _GROUPED.fullmatch(number))}
    fractions = (_FRACTION.fullmatch(number) for key, number in numbers.items() if key not in grouped)
    decimal = {match[1] for match in fractions if match}
    return {key: _explain_grouped(numbers[key], mark) for key, mark in grouped.items() if mark not in decimal}


def _explain_grouped(number: str, mark: str) -> str:
    whole = number.replace(mark, "")
    if number.count(mark) > 1:
        return f"has separators of thousands; write {whole}"
    return f"may be {whole} or a fraction; write {whole}, or {number.replace(mark, '.')}0 for the fraction"


def explain_time(field: str, value: Any) -> str:
    """Explain that a value is not a time, and show the forms of times."""
    forms = f"seconds (1.25 or 1,25), 00:00:01.250, or milliseconds in a column {field}_ms"
    return f"{field} '{value}' is not a time; write {forms}; leave it out where it is not known"


def explain_span(start: float | None, end: float | None) -> str:
    """Explain why nothing is between start and end, in seconds; empty if there may be something."""
    if end is None or end > (start or 0.0):
        return ""
    return f"start {start or 0:g} s and end {end:g} s leave nothing between them"


def parse_number(value: Any) -> float | None:
    """Return a finite number; ``None`` for any other value."""
    if isinstance(value, str) and "_" in value:
        return None  # Python reads 0_1 as 1, which is not meant in a list
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and not isinstance(value, bool) else None


def settle_times(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the times of an utterance in seconds, with the end computed from start and length.

    Times in samples or milliseconds are recognised by a length in seconds.

    Args:
        values: the known values of ``start``, ``end``, ``duration`` and ``sample_rate``.
    """
    times = {name: values[name] for name in ("start", "end") if values.get(name) not in (None, "")}
    both = {"start", "end"} <= values.keys()
    if both and all(is_absent(values[name]) for name in ("start", "end")):
        return {}
    start, end = (parse_number(times.get(name)) for name in ("start", "end"))
    length = parse_number(values.get("duration"))
    if not length or length <= 0:
        return times
    if start is not None and start >= 0 and "end" not in times:
        return times | {"end": round(start + length, 9)}
    if end is None or end <= (start or 0):
        return times
    stated = parse_number(values.get("sample_rate"))
    span, known = end - (start or 0), 0.02 * length + 0.01
    for unit in (1.0, stated or 1.0, 1000.0, *SAMPLE_RATES):
        if abs(span / unit - length) <= known:
            return {name: round(float(times[name]) / unit, 9) if unit > 1 else times[name] for name in times}
    return times
