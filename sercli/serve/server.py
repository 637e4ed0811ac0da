"""Run the service until it is stopped; then finish what was begun."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from sercli.serve.app import build_app
from sercli.serve.service import Service, Settings
from sercli.web.limits import private_folder
from sercli.web.loaded import LoadedModel
from sercli.web.sockets import TimedProtocol, address, listen

_MESSAGE_BYTES = 1 << 21  # of a websocket; the service itself refuses half of it with a reason


def serve(
    model: LoadedModel,
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8000,
    grace_s: float = 30.0,
    ready: Callable[[str], None] = lambda address: None,
) -> tuple[int, bool]:
    """Serve until SIGINT or SIGTERM, then finish what was begun; to be called in the main thread.

    Meanwhile temporary files of this process are in the service's own folder, which is deleted at the end.

    Args:
        model: the model.
        settings: settings.
        host: address of the server.
        port: port; 0 chooses a free one.
        grace_s: time in seconds to finish. A second signal ends at once.
        ready: called with the address when the service answers.

    Returns:
        Number of the signal, and whether all requests were finished.

    Raises:
        ConfigError: the address is not available, or the model can't predict a single recording.
    """
    with listen(host, port) as source, _folder(settings) as folder:
        service = Service(model, settings, folder)
        service.warm_up()
        config = uvicorn.Config(
            build_app(service),
            http=TimedProtocol,
            ws_max_size=_MESSAGE_BYTES,
            log_config=None,
            access_log=False,  # nothing about a request is written
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        server = _Server(config, service, grace_s, lambda: ready(address(source)))
        with _quiet():
            server.run(sockets=[source])
        return server.signal, server.finished


class _Server(uvicorn.Server):
    """A server that, once it is told to end, refuses what is new and finishes the rest."""

    def __init__(
        self, config: uvicorn.Config, service: Service, grace_s: float, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._service, self._grace_s, self._ready = service, grace_s, ready
        self._until: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.signal, self.finished = 0, True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to end at the first signal; end at the second."""
        if self.signal:
            self.should_exit = True
        self.signal = sig
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._service.stopping.set)

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether to end."""
        if counter == 0:
            self._loop = asyncio.get_running_loop()
            self._ready()
        if self.signal and self._until is None:
            self._until = time.monotonic() + self._grace_s
            self._service.stopping.set()  # for a signal before the first look
        if self._until is not None:
            late = self.should_exit or time.monotonic() > self._until
            if late and not self._service.idle:
                self.finished = False
                logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # requests that end without an answer
                self._service.queue.abandon()
            self.should_exit = late or self._service.idle
        return await super().on_tick(counter)


@contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    """Make the private folder, and let all temporary files of this process be in it."""
    before = tempfile.tempdir
    with private_folder("serve", settings.memory) as folder:
        tempfile.tempdir = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Let libraries log faults only: nothing that a client sends."""
    levels = {"uvicorn": logging.ERROR, "python_multipart": logging.CRITICAL}
    loggers = {logging.getLogger(name): level for name, level in levels.items()}
    before = {logger: logger.level for logger in loggers}
    try:
        for logger, level in loggers.items():
            logger.setLevel(level)
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
