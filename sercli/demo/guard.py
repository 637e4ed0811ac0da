"""The guard between the network and Gradio: only requests that the page itself sends pass."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sercli.demo.requests import Kind, is_page_request
from sercli.demo.uploads import Uploads
from sercli.errors import AudioError
from sercli.web.requests import (
    App,
    Exchange,
    LateError,
    Message,
    Receive,
    Send,
    is_of_other_site,
    is_own_host,
    stated_length,
)

_UPLOAD = "/gradio_api/upload"
_JOIN = "/gradio_api/queue/join"
_FILE = "/gradio_api/file="
_PATHS = {
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
_FORM_BYTES = 1 << 20  # of an upload, in addition to the file
_OTHER_BYTES = 1 << 16  # of any other request
_WAITING_UPLOADS = 10  # uploads of the largest size that may be in the folder at once
_AT_ONCE = 64  # uploads of one visitor that may arrive at once; visitors behind one router count as one
_ALL_AT_ONCE = 256  # uploads of all visitors
_CHECK_BYTES = 1 << 20  # of an upload, after which the room in the folder is checked again
_FULL = 507, "Too many recordings are waiting; try again in a minute."


class NoRoomError(Exception):
    """The folder is full while an upload arrives; neither a user's mistake nor a bug."""


class Guard:
    """Wraps an ASGI application.

    The guard refuses, without reading the body, requests that the page does not send, requests from pages
    of other sites, and requests that are too large or do not state their length. A content security policy
    stops browsers from sending requests to any other host.
    """

    def __init__(
        self,
        app: App,
        uploads: Uploads,
        limit: int,
        local: str | None = None,
        inputs: Mapping[int, Sequence[Kind]] | None = None,
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            uploads: folder where it stores uploads.
            limit: largest upload, bytes.
            local: the only host name that the page answers to, besides addresses of this machine; without
                it, another site could direct its own name to the page. Any name if not given.
            inputs: inputs of each function of the page, by its number; requests to the queue are not checked
                if not given.
        """
        self.app, self.uploads, self.limit, self.local = app, uploads, limit, local
        self.inputs = inputs
        self._room = _WAITING_UPLOADS * (limit + _FORM_BYTES)  # bytes
        self._arriving: Counter[str] = Counter()  # uploads by the visitor's address

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        visitor, _ = scope.get("client") or ("", 0)
        refusal = self._refusal(scope["method"], scope["path"], headers, visitor)
        if refusal:
            await _refuse(send, *refusal)
            return
        length = int(headers[b"content-length"]) if scope["method"] == "POST" else 0
        exchange = Exchange(receive, send, length, _refuse)
        try:
            if scope["path"] == _UPLOAD:
                await self._upload(scope, exchange, visitor)
                return
            checked = scope["path"] == _JOIN and self.inputs is not None
            if checked and not is_page_request(await exchange.read(), self.inputs or {}):
                await exchange.refuse(400, "The page does not send such a request.")
                return
            await self.app(scope, exchange.receive, _with_headers(exchange.send))
        except (LateError, NoRoomError):
            pass  # refused already

    async def _upload(self, scope: Message, exchange: Exchange, visitor: str) -> None:
        """Pass an upload on. It takes as much room as has arrived of it, so one that stops blocks nobody."""
        unchecked = 0

        async def receive() -> Message:
            nonlocal unchecked
            message = await exchange.receive()
            unchecked += len(message.get("body", b""))
            if unchecked >= _CHECK_BYTES:
                unchecked = 0
                if self.uploads.size() > self._room:
                    await exchange.refuse(*_FULL)
                    raise NoRoomError
            return message

        self._arriving[visitor] += 1
        try:
            await self.app(scope, receive, _with_headers(exchange.send))
        finally:
            self._arriving[visitor] -= 1
            self._arriving += Counter()  # forgets visitors without uploads

    def _refusal(
        self, method: str, path: str, headers: dict[bytes, str], visitor: str
    ) -> tuple[int, str] | None:
        """Return the status and the reason of a refusal; ``None`` if the request passes."""
        if not is_own_host(headers.get(b"host", ""), self.local):
            return 421, "Unknown host name."
        if method not in _PATHS or not _PATHS[method].fullmatch(path) or not self._is_upload(path):
            return 404, "Page not found."
        if method == "GET":
            return None
        if is_of_other_site(headers):
            return 403, "Requests from other sites are not allowed."
        return self._length_refusal(path, headers) or (
            self._crowd_refusal(visitor) if path == _UPLOAD else None
        )

    def _crowd_refusal(self, visitor: str) -> tuple[int, str] | None:
        if self._arriving[visitor] >= _AT_ONCE:
            return 429, "Too many uploads from your address at once; try again in a minute."
        if self._arriving.total() >= _ALL_AT_ONCE:
            return 503, "Too many uploads at once; try again in a minute."
        return None

    def _length_refusal(self, path: str, headers: dict[bytes, str]) -> tuple[int, str] | None:
        length = stated_length(headers)
        if length is None:
            return 411, "The request does not state its length."
        if path != _UPLOAD:
            return (413, "The request is too long.") if length > _OTHER_BYTES else None
        if length > self.limit + _FORM_BYTES:
            return 413, f"The file is too large; the limit is {self.limit / 1e6:g} MB."
        return _FULL if self.uploads.size() + length > self._room else None

    def _is_upload(self, path: str) -> bool:
        """Return whether the file that a path names, if it names one, is an upload."""
        try:
            return not path.startswith(_FILE) or bool(self.uploads.locate(path.removeprefix(_FILE)))
        except AudioError:
            return False


def _with_headers(send: Send) -> Send:
    """Add our headers to an answer, and remove those that let other sites read it."""

    async def send_(message: Message) -> None:
        if message["type"] == "http.response.start":
            given: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
            kept = [header for header in given if not header[0].lower().startswith(b"access-control-")]
            message = dict(message) | {"headers": [*kept, *_HEADERS]}
        await send(message)

    return send_


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})
