"""Check that a description has the keys of one, with values of their types, before it is read."""

from collections.abc import Mapping
from typing import Any

from sercli.plain import shorten
from sercli.plain.json import to_json

_WORDS: Mapping[type, str] = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    int: "a whole number",
    object: "a number or a list of numbers",
}
_KEYS: Mapping[str, type] = {
    "arch": str,
    "model": dict,
    "classes": list,
    "inputs": dict,
    "statistics": dict,
    "segments": dict,
    "facts": dict,
    "weights_sha256": str,
}
_OPTIONAL: Mapping[str, type] = {"files": dict, "dimensions": dict, "usual_acoustics": dict}


def check_format(description: Any) -> None:
    """Refuse a description that is not a mapping with the number of its format.

    Raises:
        ValueError: it is something else; the message names the key.
    """
    _check_keys(description, "", {"format": int})


def check_form(description: Mapping[str, Any]) -> None:
    """Refuse a description of the format with a missing key or a value of the wrong type.

    Raises:
        ValueError: the message names the key and what it must be.
    """
    _check_keys(description, "", _KEYS, _OPTIONAL)
    _check_keys(description["facts"], "facts", {}, {"code": dict})
    for name, features in description["inputs"].items():
        _check_keys(features, f"inputs.{name}", {"kind": str})
        _check_keys(description["statistics"], "statistics", {name: dict})
        _check_keys(description["statistics"][name], f"statistics.{name}", {"mean": object, "std": object})
    for name, scale in description.get("dimensions", {}).items():
        _check_keys(scale, f"dimensions.{name}", {"mean": object, "deviation": object})
    if "usual_acoustics" in description:
        _check_keys(description["usual_acoustics"], "usual_acoustics", {"count": int, "limits": dict})


def _check_keys(
    values: Any, place: str, needed: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> None:
    """Refuse values that are not a mapping, lack a key, or have another type under a key."""
    if not isinstance(values, dict):
        raise ValueError(f"{place or 'the content'} must be a mapping, not {shorten(to_json(values))}")
    for key, kind in {**needed, **(optional or {})}.items():
        named = f"{place}.{key}" if place else key
        value = values.get(key)
        if key not in values and key in needed:
            raise ValueError(f"{named} is missing, it must be {_WORDS[kind]}")
        fits = isinstance(value, kind) and value is not None and not (kind is int and isinstance(value, bool))
        if key in values and not fits:
            raise ValueError(f"{named} must be {_WORDS[kind]}, not {shorten(to_json(value))}")
