"""What stands between the network and Gradio: only what the page itself asks for comes through."""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from sercli.demo.asked import is_asked
from sercli.demo.folder import Uploads
from sercli.demo.patience import LateError, Patient
from sercli.errors import AudioError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_UPLOAD = "/gradio_api/upload"
_JOIN = "/gradio_api/queue/join"
_FILE = "/gradio_api/file="
_ASKED = {
    "GET": re.compile(
        r"/|/config|/theme\.css|/favicon\.ico|/(static|assets)/[\w./@-]+"
        r"|/gradio_api/(upload_progress|queue/data|heartbeat/\w+|startup-events|file=.+)"
    ),
    "POST": re.compile(r"/gradio_api/(upload|queue/join|cancel|stream/\w+(/close)?)"),
}
_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    b"font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    b"object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_ROOM = 1 << 20  # bytes that an upload may have besides the file
_WORDS = 1 << 16  # bytes of any other request
_HELD = 10  # uploads of the largest size that may lie in the folder at once


class Guard:
    """Wraps an ASGI application.

    Refused unread is what the page does not ask for itself, what a page of another site sends, and what
    is too large or does not say how large it is. A content security policy forbids browsers to ask any
    other host for anything.
    """

    def __init__(
        self,
        app: App,
        uploads: Uploads,
        limit: int,
        local: str | None = None,
        inputs: Mapping[int, int] | None = None,
    ) -> None:
        """Wrap.

        Args:
            app: the application.
            uploads: where it puts uploads.
            limit: bytes that an upload may have.
            local: the name of this machine that it is to be reached by alone, besides its addresses; else
                a stranger's name could be led to it. By any name if not given.
            inputs: how many inputs each function of the page has, by its number; requests to the queue
                are not looked into if not given.
        """
        self.app, self.uploads, self.limit, self.local = app, uploads, limit, local
        self.inputs = inputs
        self._coming = 0  # bytes of uploads that are on their way

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], scope["path"], headers)
        if refusal:
            await _refuse(send, *refusal)
            return
        length = int(headers[b"content-length"]) if scope["method"] == "POST" else 0
        size = length if scope["path"] == _UPLOAD else 0
        exchange = _Exchange(receive, send, length)
        self._coming += size
        try:
            looked_into = scope["path"] == _JOIN and self.inputs is not None
            if looked_into and not is_asked(await exchange.read(), self.inputs or {}):
                await exchange.refuse(400, "The page does not ask for that.")
                return
            await self.app(scope, exchange.receive, _headed(exchange.send))
        except LateError:
            pass  # answered already
        finally:
            self._coming -= size

    def _refusal(self, method: str, path: str, headers: dict[bytes, str]) -> tuple[int, str] | None:
        """Say why a request is refused: status and words."""
        host = headers.get(b"host", "")
        if not self._is_ours(host):
            return 421, "This page is not to be had under that name."
        if method not in _ASKED or not _ASKED[method].fullmatch(path) or not self._is_upload(path):
            return 404, "There is no such page."
        if method == "GET":
            return None
        origin = headers.get(b"origin")
        if headers.get(b"sec-fetch-site", "none") not in {"same-origin", "none"} or (
            origin is not None and origin.partition("://")[2] != host
        ):
            return 403, "Another site may not send anything."
        return self._length_refusal(path, headers)

    def _length_refusal(self, path: str, headers: dict[bytes, str]) -> tuple[int, str] | None:
        length = headers.get(b"content-length", "")
        if b"transfer-encoding" in headers or not length.isdecimal():
            return 411, "The request does not say how long it is."
        if path != _UPLOAD:
            return (413, "The request is too long.") if int(length) > _WORDS else None
        if int(length) > self.limit + _ROOM:
            return 413, f"At most {self.limit / 1e6:g} MB are taken."
        if self.uploads.size() + self._coming + int(length) > _HELD * (self.limit + _ROOM):
            return 507, "Too many recordings are waiting; try again in a minute."
        return None

    def _is_ours(self, host: str) -> bool:
        if self.local is None:
            return True
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in {"localhost", self.local.lower()} or ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    def _is_upload(self, path: str) -> bool:
        """Tell whether a file that is asked for, if one is, lies among the uploads."""
        try:
            return not path.startswith(_FILE) or bool(self.uploads.locate(path.removeprefix(_FILE)))
        except AudioError:
            return False


class _Exchange:
    """A request that has to come in time, and its answer."""

    def __init__(self, receive: Receive, send: Send, length: int) -> None:
        self._patient, self._send = Patient(receive, length), send
        self._read: list[Message] = []
        self._begun = self._refused = False

    async def receive(self) -> Message:
        """Return the next message; refuse the request if it does not come in time."""
        if self._read:
            return self._read.pop(0)
        try:
            return await self._patient.receive()
        except LateError:
            await self.refuse(408, "The request did not come in time.")
            raise

    async def read(self) -> bytes:
        """Read the body, which is short; `receive` gives it once more."""
        messages = [await self.receive()]
        while messages[-1].get("more_body", False):
            messages.append(await self.receive())
        self._read = messages
        return b"".join(message.get("body", b"") for message in messages)

    async def send(self, message: Message) -> None:
        """Send what the application answers, unless the request was refused meanwhile."""
        self._begun = True
        if not self._refused:
            await self._send(message)

    async def refuse(self, status: int, fact: str) -> None:
        """Answer in the application's stead, if it has not begun."""
        self._refused = True
        if not self._begun:
            await _refuse(self._send, status, fact)


def _headed(send: Send) -> Send:
    """Add our headers to an answer, and take out those that let other sites read it."""

    async def send_(message: Message) -> None:
        if message["type"] == "http.response.start":
            given: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
            kept = [header for header in given if not header[0].lower().startswith(b"access-control-")]
            message = dict(message) | {"headers": [*kept, *_HEADERS]}
        await send(message)

    return send_


async def _refuse(send: Send, status: int, fact: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": fact.encode()})
