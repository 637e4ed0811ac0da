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


def is_of_other_site(headers: Mapping[bytes, str]) -> bool:
    """Return whether a browser sent a request for the page of another site.

    Args:
        headers: by name, in lower case.
    """
    origin, host = headers.get(b"origin"), headers.get(b"host", "")
    return headers.get(b"sec-fetch-site", "none") not in {"same-origin", "none"} or (
        origin is not None and origin.partition("://")[2] != host
    )
