"""HTTP as the server speaks it: connections whose requests do not come are closed."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from sercli.demo import patience


class Protocol(H11Protocol):
    """HTTP whose heads come in time: a connection without a complete one is closed."""

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._watch: asyncio.TimerHandle | None = None
        self._look()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once a head is complete, and wait again after its answer."""
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        self._stop()

    def _look(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._watch is None:
            self._watch = self.loop.call_later(patience.SILENT_S, self.transport.close)

    def _stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = None
