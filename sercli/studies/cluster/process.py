"""The process of a trial on a machine of a cluster: its lines, its status and its end."""

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
from sercli.studies.cluster.messages import SETTINGS, WORKSPACE, Order

# How often waiting for a line is interrupted, so that the task can be cancelled.
_LOOK_EVERY_S = 0.2

# Time that an interrupted trial gets to end by itself.
_GRACE_S = 10.0


def run_process(
    order: Order, workspace: Path, settings: Mapping[str, Any]
) -> Generator[str, None, tuple[int, list[str]]]:
    """Run a trial's process; yield the lines that it prints, and return its status and its errors.

    If the generator is closed early, because the task is cancelled, the process is ended.
    """
    environment = dict(os.environ) | {"OMP_NUM_THREADS": str(order.threads)}
    with tempfile.TemporaryDirectory(prefix="sercli-") as folder:
        file = Path(folder) / "settings.yaml"
        files.write_text(file, to_yaml(settings))
        places = {SETTINGS: str(file), WORKSPACE: str(workspace)}
        command = [sys.executable, *(places.get(part, part) for part in order.arguments)]
        with _interruptible():
            process = subprocess.Popen(
                command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        errors: list[str] = []
        threads = [
            threading.Thread(target=_pass_on, args=(process.stdout, lines), daemon=True),
            threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            while (line := _next(lines)) is not None:
                yield line.strip()
            status = process.wait()
            threads[1].join()
        finally:
            _end(process)
    return status, errors


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a process that is started here receive interrupts, which Ray's workers block."""
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _pass_on(stream: Iterable[str] | None, lines: "queue.SimpleQueue[str | None]") -> None:
    for line in stream or ():
        lines.put(line)
    lines.put(None)


def _next(lines: "queue.SimpleQueue[str | None]") -> str | None:
    """Wait for a line in short steps, because a task can only be cancelled between two steps of Python."""
    while True:
        with suppress(queue.Empty):
            return lines.get(timeout=_LOOK_EVERY_S)


def _end(process: "subprocess.Popen[str]") -> None:
    """Interrupt a running process as Ctrl-C does; kill it if that takes too long."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
