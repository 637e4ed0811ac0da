"""Serve the page until it is stopped."""

import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from sercli import audio
from sercli.demo.answers import Listener
from sercli.demo.folder import Uploads, private_folder, sweeping
from sercli.demo.guard import Guard
from sercli.demo.limits import Limits
from sercli.demo.loaded import Loaded
from sercli.errors import ConfigError

# Gradio reads them when it is imported. It would tell its makers of each start, ask for newer
# versions, and remember answers in the browser.
_QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def serve(
    loaded: Sequence[Loaded],
    host: str = "127.0.0.1",
    port: int = 7860,
    limits: Limits | None = None,
    keep: Path | None = None,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until SIGINT or SIGTERM; to be called in the main thread.

    Args:
        loaded: the models.
        host: address to listen at.
        port: port; 0 takes a free one.
        limits: what is taken.
        keep: folder to keep recordings in with their answers; none are kept if none.
        ready: called with the page's address once it can be asked for.

    Raises:
        ConfigError: Gradio is not installed, or the address can't be had.
        KeyboardInterrupt: SIGINT came.
    """
    os.environ.update(_QUIET)
    limits = limits or Limits()
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with listen(host, port) as source, private_folder() as folder:
            try:
                import uvicorn

                from sercli.demo.page import build_app
                from sercli.demo.protocol import Protocol
            except ImportError as error:
                raise ConfigError(f"the page needs '{error.name}': pip install 'sercli[demo]'") from None
            uploads = Uploads(folder)
            listener = Listener(loaded, uploads, limits, keep)
            app, inputs = build_app(listener)
            guarded = Guard(app, uploads, limits.size, host if is_loopback(host) else None, inputs)
            _warm_up(Listener(loaded, uploads, limits))
            logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # forms that are none
            config = uvicorn.Config(
                guarded,
                http=Protocol,
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=1,  # pages that stay open would hold it up
            )
            with sweeping(folder, listener.idle_s):
                ready(_address(source))
                uvicorn.Server(config).run(sockets=[source])
    finally:
        signal.signal(signal.SIGTERM, before)


def listen(host: str, port: int) -> socket.socket:
    """Open a socket to listen at.

    Raises:
        ConfigError: the port is in use, or the host is none of this machine's.
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
                f"port {port} is in use; take another with --port, or a free one with 0"
            ) from None
        if isinstance(error, OSError) and error.errno == errno.EACCES:
            raise ConfigError(f"port {port} is not to be had; take one from 1024 on with --port") from None
        raise ConfigError(f"{host}:{port} can't be listened at ({error}); see --host and --port") from None
    return source


def is_loopback(source_or_host: str) -> bool:
    """Tell whether a host is reached from this machine alone."""
    try:
        found = {each[4][0] for each in socket.getaddrinfo(source_or_host, None)}
        return all(ipaddress.ip_address(str(each).split("%")[0]).is_loopback for each in found)
    except (OSError, UnicodeError, ValueError):
        return False


def _address(source: socket.socket) -> str:
    host, port = source.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _warm_up(listener: Listener) -> None:
    """Answer a second of noise, so that who comes first need not wait for what is done once."""
    path = listener.uploads.folder / "noise.wav"
    noise = np.random.default_rng(0).normal(0, 0.05, audio.SAMPLE_RATE).astype(np.float32)
    audio.write_pcm16(path, noise, audio.SAMPLE_RATE)
    for _ in listener.answer(path):
        pass
