"""A trial's process on a machine of a cluster: what it says, and its end."""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sercli import files
from sercli.plain.yaml import to_yaml
from sercli.studies._ray.messages import SETTINGS, WORKSPACE, Order

# How often a process that says nothing is left, to see whether the task is cancelled.
_LOOK_EVERY_S = 0.2

# How long a trial that is interrupted may take to end by itself.
_GRACE_S = 10.0


def listen(
    order: Order, workspace: Path, settings: Mapping[str, Any]
) -> Generator[str, None, tuple[int, list[str]]]:
    """Run a trial's process; give the lines that it says, and at the end its status and its complaints.

    Left early, as where the task is cancelled, the process is ended.
    """
    environment = dict(os.environ) | {"OMP_NUM_THREADS": str(order.threads)}
    with tempfile.TemporaryDirectory(prefix="sercli-") as folder:
        file = Path(folder) / "settings.yaml"
        files.write_text(file, to_yaml(settings))
        places = {SETTINGS: str(file), WORKSPACE: str(workspace)}
        asked = [sys.executable, *(places.get(part, part) for part in order.arguments)]
        with _interruptible():
            process = subprocess.Popen(
                asked, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        complaints: list[str] = []
        threads = [
            threading.Thread(target=_tell, args=(process.stdout, heard), daemon=True),
            threading.Thread(target=lambda: complaints.extend(process.stderr or ()), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            while (line := _next(heard)) is not None:
                yield line.strip()
            status = process.wait()
            threads[1].join()
        finally:
            _end(process)
    return status, complaints


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a process that is started here be interrupted: Ray's workers can't be, nor what they start."""
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _tell(stream: Iterable[str] | None, heard: "queue.SimpleQueue[str | None]") -> None:
    for line in stream or ():
        heard.put(line)
    heard.put(None)


def _next(heard: "queue.SimpleQueue[str | None]") -> str | None:
    """Wait for a line in short steps: a task is cancelled between two steps of Python alone."""
    while True:
        with suppress(queue.Empty):
            return heard.get(timeout=_LOOK_EVERY_S)


def _end(process: "subprocess.Popen[str]") -> None:
    """Interrupt a process that is still at work, as Ctrl-C does, or kill it if that takes long."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
