"""Sockets to listen on, and the protocol that closes a connection whose request does not arrive."""

import asyncio
import errno
import ipaddress
import socket
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from sercli.errors import ConfigError
from sercli.web import requests


class TimedProtocol(H11Protocol):
    """HTTP that closes a connection whose request head does not arrive in time."""

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._upgraded = False
        self._check()

    def data_received(self, data: bytes) -> None:
        """Stop waiting when a head is complete, and wait again after its answer."""
        super().data_received(data)
        self._check()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Stop waiting for good: the connection becomes a websocket, which has time limits of its own."""
        self._upgraded = True
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        self._stop()

    def _check(self) -> None:
        if self._upgraded or (self.cycle is not None and not self.cycle.response_complete):
            self._stop()
        elif self._timer is None:
            self._timer = self.loop.call_later(requests.SILENT_S, self.transport.close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None


def listen(host: str, port: int) -> socket.socket:
    """Open a socket that accepts connections.

    Raises:
        ConfigError: the port is in use, or this machine does not have the address.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        source = socket.socket(family, kind)
        source.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            source.bind(place)
            source.listen()
        except OSError:
            source.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} is in use; choose another with --port, or a free one with --port 0"
            ) from None
        if isinstance(error, OSError) and error.errno == errno.EACCES:
            raise ConfigError(f"port {port} needs permission; choose one from 1024 on with --port") from None
        raise ConfigError(f"can't serve at {host}:{port} ({error}); see --host and --port") from None
    return source


def is_loopback(host: str) -> bool:
    """Return whether a host can be reached from this machine only."""
    try:
        found = {each[4][0] for each in socket.getaddrinfo(host, None)}
        return all(ipaddress.ip_address(str(each).split("%")[0]).is_loopback for each in found)
    except (OSError, UnicodeError, ValueError):
        return False


def address(source: socket.socket) -> str:
    """Return the address of the server as a URL."""
    host, port = source.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
