"""A stream over a websocket: samples in, a line of JSON for each step out."""

import asyncio
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sercli.audio import SAMPLE_RATE, from_pcm16, is_encoded
from sercli.inference.live import LiveStream
from sercli.plain.json import to_json
from sercli.serve.options import read_steadiness
from sercli.serve.refusals import RefusalError, ending
from sercli.serve.service import Service
from sercli.web import requests

END = "end"
"""Text message that ends a stream; what is still open is answered then."""

_MOST_BYTES = 1 << 20  # of a message, half a minute
_WIDTH = 2  # bytes of a sample


async def follow(service: Service, socket: WebSocket) -> None:
    """Follow the speaker of a websocket until it ends; close it with 4000 + status if it is refused."""
    await socket.accept()
    with suppress(WebSocketDisconnect):  # the other side left, and waits for nothing
        try:
            with service.stream(read_steadiness(socket.query_params)) as stream:
                await _Session(service, socket, stream).run()
            await socket.close(1000)
        except RefusalError as error:
            await _in_time(socket.send_text(error.body))
            await socket.close(4000 + error.status, error.kind)
        except TimeoutError:  # it does not read its answers
            await socket.close(4408)


class _Session:
    """One stream."""

    def __init__(self, service: Service, socket: WebSocket, stream: LiveStream) -> None:
        self.service, self.socket, self.stream = service, socket, stream
        self._rest = b""  # half a sample
        self._samples = 0

    async def run(self) -> None:
        """Answer until the other side ends the stream.

        Raises:
            RefusalError: it sends something else, pauses for too long, or the service ends.
            WebSocketDisconnect: it left.
            TimeoutError: it does not read its answers.
        """
        stopping = asyncio.ensure_future(self.service.stopping.wait())
        try:
            while (block := await self._next(stopping)) is not None:
                await self._answer(block)
            await self._send(await self.service.follow(self.stream, None))
        finally:
            stopping.cancel()

    async def _next(self, stopping: "asyncio.Future[Any]") -> bytes | None:
        """Return the next block of bytes; ``None`` at the end."""
        message = asyncio.ensure_future(self.socket.receive())
        done, _ = await asyncio.wait(
            {message, stopping}, timeout=requests.SILENT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if message not in done:
            message.cancel()
            if stopping in done:
                raise ending()
            raise RefusalError(408, f"no samples for {requests.SILENT_S:g} s; begin a new stream")
        found = message.result()
        if found["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(found.get("code", 1005))
        if found.get("bytes") is not None:
            return bytes(found["bytes"])
        if found.get("text") == END:
            return None
        raise RefusalError(
            400, f"send samples as binary messages, and the text '{END}' at the end", "not_samples"
        )

    async def _answer(self, block: bytes) -> None:
        if len(block) > _MOST_BYTES:
            raise RefusalError(413, f"a message has more than {_MOST_BYTES} bytes; send shorter ones")
        data = self._rest + block
        if not self._samples and is_encoded(data):
            fact = "the stream is an encoded file, such as WebM"
            raise RefusalError(
                400, f"{fact}; send samples, 16 kHz mono s16le, without a header", "not_samples"
            )
        complete = len(data) // _WIDTH * _WIDTH
        self._rest = data[complete:]
        self._samples += complete // _WIDTH
        minutes = self.service.settings.limits.minutes
        if self._samples > 60 * minutes * SAMPLE_RATE:
            raise RefusalError(413, f"the stream is longer than {minutes:g} minutes; begin a new one")
        if complete:
            samples = from_pcm16(data[:complete])
            await self._send(await self.service.follow(self.stream, samples))

    async def _send(self, frames: Any) -> None:
        for frame in frames:
            await _in_time(self.socket.send_text(to_json(frame, escaped=False)))


async def _in_time(sending: Any) -> None:
    await asyncio.wait_for(sending, requests.SILENT_S)
