"""How long the server waits for a request to come: one that stops half-way must not hold a place.

The guard gives up a body that does not come, `sercli.demo.protocol` a head.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

SILENT_S = 10.0
"""Longest pause within a request."""
SLOW_S = 60.0
"""Time that a body of any size may take, besides that for its bytes."""
SLOW_BYTES = 100_000
"""Bytes a second that a large body must come with."""


class LateError(Exception):
    """A body that did not come in time; no error of a user, nor of ours."""


class Patient:
    """Receives a request's messages as long as its body comes in time.

    Attributes:
        late: whether it did not.
    """

    def __init__(self, receive: Receive, size: int) -> None:
        """Wait for a body of ``size`` bytes."""
        self.late = False
        self._receive, self._complete = receive, False
        self._until = time.monotonic() + SLOW_S + size / SLOW_BYTES

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            LateError: the body does not come in time.
        """
        if self._complete:  # what follows is that the visitor has gone, after hours perhaps
            return await self._receive()
        left = min(SILENT_S, self._until - time.monotonic())
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, left))
        except TimeoutError:
            self.late = True
            raise LateError from None
        self._complete = not message.get("more_body", False)
        return message
