"""Checks of single requests: a request must be complete in time, and must not come from another site's page.

A request that stops half-way must not keep its place. `TimedBody` ends a body that does not arrive; the
server's protocol (`sercli.web.sockets`) ends a head that does not arrive.
"""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Refuse = Callable[[Send, int, str], Awaitable[None]]

SILENT_S = 10.0
"""Longest pause within a request."""
SLOW_S = 60.0
"""Time that a body of any size may take, in addition to the time for its bytes."""
SLOW_BYTES = 100_000
"""Slowest rate of a large body, bytes per second."""


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


class Exchange:
    """A request, whose body must arrive in time, and its answer."""

    def __init__(self, receive: Receive, send: Send, length: int, refuse: Refuse) -> None:
        """Begin.

        Args:
            receive: receives the next message of the request.
            send: sends a part of the answer.
            length: length of the body, bytes.
            refuse: sends an answer with a status and a reason.
        """
        self._body, self._send, self._refuse = TimedBody(receive, length), send, refuse
        self._read: list[Message] = []
        self._begun = self._refused = False

    async def receive(self) -> Message:
        """Return the next message; refuse the request if it does not arrive in time."""
        if self._read:
            return self._read.pop(0)
        try:
            return await self._body.receive()
        except LateError:
            await self.refuse(408, "The request did not arrive in time.")
            raise

    async def read(self) -> bytes:
        """Read a short body; `receive` returns it again."""
        messages = [await self.receive()]
        while messages[-1].get("more_body", False):
            messages.append(await self.receive())
        self._read = messages
        return b"".join(message.get("body", b"") for message in messages)

    async def send(self, message: Message) -> None:
        """Send a part of the application's answer, unless the request was refused meanwhile."""
        self._begun = True
        if not self._refused:
            await self._send(message)

    async def refuse(self, status: int, reason: str) -> None:
        """Answer instead of the application, if it has not begun to answer."""
        self._refused = True
        if not self._begun:
            await self._refuse(self._send, status, reason)


def is_own_host(host: str, local: str | None) -> bool:
    """Return whether a request names the server by a name of its own.

    Without this check, another site could direct its own name to a server of this machine.

    Args:
        host: the header ``Host``.
        local: the only name that is accepted, besides addresses of this machine; any name if ``None``.
    """
    if local is None:
        return True
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name in {"localhost", local.lower()} or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def stated_length(headers: Mapping[bytes, str]) -> int | None:
    """Return the length of the body that a request states, bytes; ``None`` if it states none.

    Args:
        headers: by name, in lower case.
    """
    length = headers.get(b"content-length", "")
    return int(length) if length.isdecimal() and b"transfer-encoding" not in headers else None


def is_of_other_site(headers: Mapping[bytes, str]) -> bool:
    """Return whether a browser sent a request for the page of another site.

    Args:
        headers: by name, in lower case.
    """
    origin, host = headers.get(b"origin"), headers.get(b"host", "")
    return headers.get(b"sec-fetch-site", "none") not in {"same-origin", "none"} or (
        origin is not None and origin.partition("://")[2] != host
    )
