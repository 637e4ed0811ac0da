"""Checks of single requests: a request must be complete in time and have the form that the page gives it.

A request that stops half-way must not keep its place. The guard ends a body that does not arrive; the
server's protocol (`sercli.demo.server`) ends a head that does not arrive.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from sercli.plain import PlainError
from sercli.plain.json import from_json

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

SILENT_S = 10.0
"""Longest pause within a request."""
SLOW_S = 60.0
"""Time that a body of any size may take, in addition to the time for its bytes."""
SLOW_BYTES = 100_000
"""Slowest rate of a large body, bytes per second."""

MOST_FILES = 20
"""Most recordings of one person that are sent at once."""

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


class LateError(Exception):
    """A body did not arrive in time; neither a user's mistake nor a bug."""


class TimedBody:
    """Receives the messages of a request while its body arrives in time."""

    def __init__(self, receive: Receive, size: int) -> None:
        """Wait for a body of ``size`` bytes."""
        self._receive, self._complete = receive, False
        self._until = time.monotonic() + SLOW_S + size / SLOW_BYTES

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            LateError: the body does not arrive in time.
        """
        if self._complete:  # the next message reports, perhaps hours later, that the visitor has left
            return await self._receive()
        left = min(SILENT_S, self._until - time.monotonic())
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, left))
        except TimeoutError:
            raise LateError from None
        self._complete = not message.get("more_body", False)
        return message


def is_page_request(body: bytes, inputs: Mapping[int, int]) -> bool:
    """Return whether the page can have sent a request to its queue.

    Gradio prints a traceback for requests of any other form.

    Args:
        body: the request's body, JSON.
        inputs: number of inputs of each function of the page, by the function's number.
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


def _has_inputs(request: Mapping[str, Any], inputs: Mapping[int, int]) -> bool:
    """Return whether a request has the inputs of its function: a recording, and no state of the server."""
    number, data = request.get("fn_index"), request.get("data")
    if isinstance(number, bool) or not isinstance(number, int) or number not in inputs:
        return False
    if not isinstance(data, list) or len(data) != inputs[number]:
        return False
    return all(each is None for each in data[1:]) and all(
        each is None or _is_file(each) or _are_files(each) for each in data[:1]
    )


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
