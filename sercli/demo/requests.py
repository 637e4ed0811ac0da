"""The form of the requests that the page sends to its queue."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sercli.plain import PlainError
from sercli.plain.json import from_json

MOST_FILES = 20
"""Most recordings of one person that are sent at once."""
Kind = Literal["recording", "switch", "state"]
"""Kind of an input of a function of the page: recordings, a box to tick, or a state that the server keeps."""

_DEPTH = 100  # brackets within each other
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "path": str,
    "url": (str, type(None)),
    "orig_name": (str, type(None)),
    "size": (int, type(None)),
    "mime_type": (str, type(None)),
    "is_stream": bool,
    "meta": dict,
}


def is_page_request(body: bytes, inputs: Mapping[int, Sequence[Kind]]) -> bool:
    """Return whether the page can have sent a request to its queue.

    Gradio prints a traceback for requests of any other form.

    Args:
        body: the request's body, JSON.
        inputs: inputs of each function of the page, by the function's number.
    """
    if max(body.count(b"["), body.count(b"{")) > _DEPTH:
        return False
    try:
        request = from_json(body)
    except PlainError:
        return False
    return isinstance(request, dict) and _names_visitor(request) and _has_inputs(request, inputs)


def _names_visitor(request: Mapping[str, Any]) -> bool:
    """Return whether a request names its visitor, and whether its event is a recording or absent."""
    event = request.get("event_data")
    named = isinstance(request.get("session_hash"), str)
    return named and (event is None or _is_file(event) or _are_files(event))


def _has_inputs(request: Mapping[str, Any], inputs: Mapping[int, Sequence[Kind]]) -> bool:
    """Return whether a request has the inputs of its function."""
    number, data = request.get("fn_index"), request.get("data")
    if isinstance(number, bool) or not isinstance(number, int) or number not in inputs:
        return False
    if not isinstance(data, list) or len(data) != len(inputs[number]):
        return False
    return all(_is_input(each, kind) for each, kind in zip(data, inputs[number], strict=True))


def _is_input(value: Any, kind: Kind) -> bool:
    """Return whether an input can have a value; the page sends no state."""
    if kind == "switch":
        return isinstance(value, bool)
    return value is None or (kind == "recording" and (_is_file(value) or _are_files(value)))


def _are_files(value: Any) -> bool:
    """Return whether a value is a list of files that the page can have sent at once."""
    return isinstance(value, list) and 0 < len(value) <= MOST_FILES and all(map(_is_file, value))


def _is_file(value: Any) -> bool:
    """Return whether a value names a file in the way of Gradio's pages."""
    if not isinstance(value, dict) or not {"path", "meta"} <= value.keys() <= _KINDS.keys():
        return False
    if any(
        not isinstance(each, _KINDS[name]) or (isinstance(each, bool) and name == "size")
        for name, each in value.items()
    ):
        return False
    parts = value["path"].split("/")
    is_name = value["path"].isprintable() and all(len(part.encode()) <= 255 for part in parts)
    return is_name and len(value["path"]) < 4096 and value["meta"] == {"_type": "gradio.FileData"}
