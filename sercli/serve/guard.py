"""The guard between the network and the paths: tokens, hosts, sizes and time limits of requests."""

import hmac
from collections.abc import Mapping

from sercli.serve.refusals import RefusalError, busy
from sercli.serve.service import Service
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

PATHS = frozenset({"/v1/predict", "/v1/model", "/v1/stream", "/health", "/metrics", "/docs", "/openapi.json"})
"""The paths of the service."""

_OPEN = frozenset({"/health", "/docs", "/openapi.json"})  # no token: they tell nothing about the model
_FORM_BYTES = 1 << 16  # of a form, in addition to the file
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Guard:
    """Wraps the application, and refuses requests before they reach it.

    A request is refused, without reading its body, if it does not show the token, names a foreign host, comes
    from the page of another site, does not state its length, or is too large. It is dropped if it stops
    half-way.
    """

    def __init__(self, app: App, service: Service) -> None:
        """Wrap an application that answers for a service."""
        self.app, self.service = app, service

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check(scope, headers)
        except RefusalError as error:
            await self._refuse(scope, send, error)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self._pass(scope, receive, send, int(headers.get(b"content-length", "0")))

    async def _pass(self, scope: Message, receive: Receive, send: Send, length: int) -> None:
        """Let the application answer while the body arrives in time and there is room for it."""
        service, stored = self.service, 0

        async def refuse(send: Send, status: int, reason: str) -> None:
            await self._refuse(scope, send, RefusalError(status, reason))

        async def receive_counted() -> Message:
            nonlocal stored
            message = await exchange.receive()
            size = len(message.get("body", b""))
            stored += size
            service.stored += size
            if service.stored > service.settings.stored_bytes:
                limit = f"the limit for all uploads is {service.settings.stored_bytes / 1e6:g} MB"
                raise busy(f"no room for the upload; {limit}", service.queue.wait_s)
            return message

        exchange = Exchange(receive, self._counted(scope, send), length, refuse)
        service.working += scope["method"] == "POST"
        try:
            await self.app(scope, receive_counted, exchange.send)
        except LateError:
            pass  # refused already
        finally:
            service.stored -= stored
            service.working -= scope["method"] == "POST"

    def _check(self, scope: Message, headers: Mapping[bytes, str]) -> None:
        """Refuse a request by its head.

        Raises:
            RefusalError: it is refused.
        """
        settings = self.service.settings
        if not is_own_host(headers.get(b"host", ""), settings.local):
            raise RefusalError(421, "unknown host name; use the one that `sercli serve` printed")
        if settings.token is not None and scope["path"] not in _OPEN:
            given = headers.get(b"authorization", "")
            if not hmac.compare_digest(given.encode("latin-1"), f"Bearer {settings.token}".encode()):
                raise RefusalError(
                    401,
                    "no token, or a wrong one; send the header 'Authorization: Bearer TOKEN'",
                    headers={"www-authenticate": "Bearer"},
                )
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            _check_empty(headers)
            return
        if is_of_other_site(headers):
            raise RefusalError(403, "requests from the pages of other sites are not allowed")
        self.service.check_open()
        if scope["type"] == "http":
            self._check_length(headers)

    def _check_length(self, headers: Mapping[bytes, str]) -> None:
        length, limits = stated_length(headers), self.service.settings.limits
        if length is None:
            raise RefusalError(411, "the request does not state its length; send the header Content-Length")
        if length > limits.size + _FORM_BYTES:
            raise RefusalError(413, f"the recording is too large; the limit is {limits.mb:g} MB")

    def _counted(self, scope: Message, send: Send) -> Send:
        """Count the answer, and add our headers to it."""

        async def send_(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = scope["path"] if scope["path"] in PATHS else "other"
                self.service.metrics.count_request(path, message["status"])
                message = dict(message) | {"headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        return send_

    async def _refuse(self, scope: Message, send: Send, error: RefusalError) -> None:
        prefix = ""
        if scope["type"] == "websocket":
            if "websocket.http.response" not in (scope.get("extensions") or {}):
                await send({"type": "websocket.close", "code": 4000 + error.status})
                return
            prefix = "websocket."
        headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
        headers += [(b"content-type", b"application/json"), (b"connection", b"close")]
        if not prefix:
            send = self._counted(scope, send)
        await send({"type": f"{prefix}http.response.start", "status": error.status, "headers": headers})
        await send({"type": f"{prefix}http.response.body", "body": error.body.encode() + b"\n"})


def _check_empty(headers: Mapping[bytes, str]) -> None:
    if headers.get(b"content-length", "0") != "0" or b"transfer-encoding" in headers:
        raise RefusalError(413, "such a request has no body")
