"""Whether a request to the page's queue has the form that the page itself gives it.

Gradio prints a traceback for each that has another.
"""

from collections.abc import Mapping
from typing import Any

from sercli.plain import PlainError
from sercli.plain.json import from_json

_DEPTH = 20  # brackets within each other
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "path": str,
    "url": (str, type(None)),
    "orig_name": (str, type(None)),
    "size": (int, type(None)),
    "mime_type": (str, type(None)),
    "is_stream": bool,
    "meta": dict,
}


def is_asked(body: bytes, inputs: Mapping[int, int]) -> bool:
    """Tell whether the page could have sent a request.

    Args:
        body: of the request, JSON.
        inputs: how many inputs each function of the page has, by its number.
    """
    if max(body.count(b"["), body.count(b"{")) > _DEPTH:
        return False
    try:
        asked = from_json(body)
    except PlainError:
        return False
    return isinstance(asked, dict) and _names_visitor(asked) and _has_inputs(asked, inputs)


def _names_visitor(asked: Mapping[str, Any]) -> bool:
    """Tell whether a request names its visitor, and its event a recording if anything."""
    event = asked.get("event_data")
    return isinstance(asked.get("session_hash"), str) and (event is None or _is_file(event))


def _has_inputs(asked: Mapping[str, Any], inputs: Mapping[int, int]) -> bool:
    """Tell whether a request has what its function takes: a recording, and nothing of the server's own."""
    number, data = asked.get("fn_index"), asked.get("data")
    if isinstance(number, bool) or not isinstance(number, int) or number not in inputs:
        return False
    if not isinstance(data, list) or len(data) != inputs[number]:
        return False
    return all(each is None for each in data[1:]) and all(each is None or _is_file(each) for each in data[:1])


def _is_file(value: Any) -> bool:
    """Tell whether a value names a file as Gradio's pages do."""
    if not isinstance(value, dict) or not {"path", "meta"} <= value.keys() <= _KINDS.keys():
        return False
    if any(
        not isinstance(each, _KINDS[name]) or (isinstance(each, bool) and name == "size")
        for name, each in value.items()
    ):
        return False
    parts = value["path"].split("/")
    named = value["path"].isprintable() and all(len(part.encode()) <= 255 for part in parts)
    return named and len(value["path"]) < 4096 and value["meta"] == {"_type": "gradio.FileData"}
