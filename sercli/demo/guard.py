"""What stands between the network and Gradio: no address but our own, and no upload beyond the limit."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# What Gradio 5 puts into its page: fonts and a script of other hosts.
_ELSEWHERE = re.compile(
    rb"<link\b[^>]*\brel=\"preconnect\"[^>]*>|<script\b[^>]*\bsrc=\"https?://[^>]*>\s*</script>", re.DOTALL
)
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
_ROOM = 1 << 20  # bytes that a request may have besides the file


class Guard:
    """Wraps an ASGI application.

    A content security policy forbids browsers to ask any other host for anything; what the page would ask
    for is taken out besides. Requests that announce more than the limit, or no length, are refused unread.
    """

    def __init__(self, app: App, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "POST":
            length = dict(scope["headers"]).get(b"content-length", b"")
            if not length.isdigit():
                await _refuse(send, 411, "The request does not say how long it is.")
                return
            if int(length) > self.limit + _ROOM:
                await _refuse(send, 413, f"At most {self.limit / 1e6:g} MB are taken.")
                return
        if scope["path"] == "/":
            plain = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
            await self.app(dict(scope) | {"headers": plain}, receive, _Cleaned(send))
        else:
            await self.app(scope, receive, _Headed(send))


class _Headed:
    """Adds the headers to an answer."""

    def __init__(self, send: Send) -> None:
        self.send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await self.send(message)


class _Cleaned:
    """Adds the headers, and takes out of the page what asks other hosts."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message = {}
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = _ELSEWHERE.sub(b"", self.body)
        kept = [header for header in self.start.get("headers", ()) if header[0] != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self.send(dict(self.start) | {"headers": [*kept, length, *_HEADERS]})
        await self.send({"type": "http.response.body", "body": body})


async def _refuse(send: Send, status: int, fact: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": fact.encode()})
