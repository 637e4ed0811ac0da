"""Serve the page until it is stopped."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from sercli import audio
from sercli.demo.answers import Responder
from sercli.demo.guard import Guard
from sercli.demo.uploads import Uploads, sweeping
from sercli.errors import ConfigError
from sercli.web.limits import Limits, private_folder
from sercli.web.loaded import LoadedModel
from sercli.web.sockets import TimedProtocol, address, is_loopback, listen

# Gradio reads them when it is imported. Without them it reports each start to its makers, looks for newer
# versions, and remembers answers in the browser.
_QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def serve(
    models: Sequence[LoadedModel],
    host: str = "127.0.0.1",
    port: int = 7860,
    limits: Limits | None = None,
    keep: Path | None = None,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until SIGINT or SIGTERM; to be called in the main thread.

    Args:
        models: the models.
        host: address of the server.
        port: port; 0 chooses a free one.
        limits: limits on recordings.
        keep: folder that keeps recordings with their answers; none are kept if not given.
        ready: called with the page's address when the page can be opened.

    Raises:
        ConfigError: Gradio is not installed, or the address is not available.
        KeyboardInterrupt: SIGINT was received.
    """
    limits = limits or Limits()
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with (
            listen(host, port) as source,
            private_folder() as folder,
            _environment(_QUIET | {"GRADIO_TEMP_DIR": str(folder)}),
        ):
            try:
                from sercli.demo.page import build_app, patched_gradio
            except ImportError as error:
                raise ConfigError(f"the page needs '{error.name}': pip install 'sercli[demo]'") from None
            uploads = Uploads(folder)
            responder = Responder(models, uploads, limits, keep)
            with patched_gradio(uploads), sweeping(folder, responder.idle_s):
                app, inputs = build_app(responder)
                guarded = Guard(app, uploads, limits.size, host if is_loopback(host) else None, inputs)
                _warm_up(Responder(models, uploads, limits))
                ready(address(source))
                _run(guarded, source)
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(app: Any, source: socket.socket) -> None:
    """Run the server until a signal ends it."""
    forms = logging.getLogger("python_multipart")  # it would report damaged forms
    level = forms.level
    forms.setLevel(logging.CRITICAL)
    try:
        config = uvicorn.Config(
            app,
            http=TimedProtocol,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,  # open pages would delay the end
        )
        uvicorn.Server(config).run(sockets=[source])
    finally:
        forms.setLevel(level)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment until the context ends."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _warm_up(responder: Responder) -> None:
    """Answer seconds of noise, so that the first visitor does not wait for work that is done once."""
    paths = [responder.uploads.folder / f"noise-{number}.wav" for number in range(3)]
    for number, path in enumerate(paths):
        noise = np.random.default_rng(number).normal(0, 0.05, audio.SAMPLE_RATE).astype(np.float32)
        audio.write_pcm16(path, noise, audio.SAMPLE_RATE)
    single, *several = paths
    for _ in responder.answer(single):
        pass
    for _ in responder.answer_several(several):
        pass
