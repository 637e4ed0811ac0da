"""Start the processes that train trials, without importing torch and Lightning for each of them.

On Linux a template process imports them once. It starts no thread, computes nothing and asks for no GPU; for
each trial it forks. A fork is a process as any other: it begins in the state of a process that has only
imported, a crash ends nothing else, and its memory is returned when it ends. A process that trained one trial
after the other would have to undo what a training changes. Systems other than Linux do not support a fork of
a process with such libraries, and Lightning runs the command again for each of several devices: there, each
trial has a new interpreter.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import IO, Protocol

from sercli.training.template import MESSAGE_BYTES

_TEMPLATE = (sys.executable, "-m", "sercli", "template")


class Process:
    """A process that trains.

    Args:
        stdout: stream of what it prints.
        stderr: stream of its errors.
        wait: waits until it has ended; returns its exit status (the negative number of the signal if one
            killed it) and further lines that explain it.
    """

    def __init__(
        self, stdout: IO[str] | None, stderr: IO[str] | None, wait: Callable[[], tuple[int, Sequence[str]]]
    ) -> None:
        self._stdout, self._stderr, self._wait = stdout, stderr, wait
        self._errors: list[str] = []
        self._reader = threading.Thread(target=lambda: self._errors.extend(stderr or ()), daemon=True)
        self._reader.start()

    def lines(self) -> Iterator[str]:
        """Iterate over the lines that it prints, to its end."""
        return iter(self._stdout or ())

    def finish(self) -> tuple[int, list[str]]:
        """Wait until it has ended; return its exit status and its lines on stderr."""
        status, more = self._wait()
        self._reader.join()
        for stream in (self._stdout, self._stderr):
            if stream is not None:
                stream.close()
        return status, [*self._errors, *more]


class Starter(Protocol):
    """Starts processes that run a command of sercli; threads may call it."""

    def start(self, arguments: Sequence[str]) -> Process:
        """Start ``sercli ARGUMENTS``."""

    def send_signal(self, number: int) -> None:
        """Send a signal to all running processes."""

    def close(self) -> None:
        """Release what it holds; no process may run any more."""


def make_starter(environment: dict[str, str], *, several_devices: bool) -> Starter:
    """Make the starter for this system.

    Args:
        environment: variables of the processes.
        several_devices: whether each trial is trained by several processes together.
    """
    forks = sys.platform == "linux" and not several_devices
    return Template(environment) if forks else Interpreters(environment)


@dataclass(slots=True)
class Interpreters:
    """Starts a new interpreter for each process."""

    environment: dict[str, str]
    _running: set[subprocess.Popen[str]] = field(default_factory=set)

    def start(self, arguments: Sequence[str]) -> Process:
        """Start ``sercli ARGUMENTS``."""
        process = subprocess.Popen(
            [sys.executable, "-m", "sercli", *arguments],
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._running.add(process)

        def wait() -> tuple[int, Sequence[str]]:
            status = process.wait()
            self._running.discard(process)
            return status, ()

        return Process(process.stdout, process.stderr, wait)

    def send_signal(self, number: int) -> None:
        """Send a signal to all running processes."""
        for process in list(self._running):
            with suppress(ProcessLookupError):
                process.send_signal(number)

    def close(self) -> None:
        """Do nothing; nothing is held."""


class Template:
    """Starts processes as forks of a template process; a template that has ended is replaced."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._server = _Server(environment)

    def start(self, arguments: Sequence[str]) -> Process:
        """Start ``sercli ARGUMENTS``."""
        with self._lock:
            if self._server.ended:
                self._server = _Server(self._environment)
            return self._server.start(arguments)

    def send_signal(self, number: int) -> None:
        """Send a signal to all running processes."""
        with self._lock:
            self._server.send_signal(number)

    def close(self) -> None:
        """End the template process."""
        self._server.close()


class _Server:
    """One template process, seen from the process that started it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            _TEMPLATE,
            env=environment,
            stdin=other.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        other.close()
        self.ended = False
        self._numbers = count()
        self._ends: dict[int, Future[tuple[int, Sequence[str]]]] = {}
        self._lock = threading.Lock()
        self._receiver = threading.Thread(target=self._receive, daemon=True)
        self._receiver.start()

    def start(self, arguments: Sequence[str]) -> Process:
        """Let the template fork a process that runs ``sercli ARGUMENTS``."""
        (out, its_out), (errors, its_errors) = os.pipe(), os.pipe()
        end: Future[tuple[int, Sequence[str]]] = Future()
        with self._lock:
            number = next(self._numbers)
            self._ends[number] = end
        try:
            message = json.dumps({"number": number, "arguments": list(arguments)}).encode()
            socket.send_fds(self._control, [message], [its_out, its_errors])
        except OSError:  # the template has just ended
            self._give_up()
        finally:
            os.close(its_out)
            os.close(its_errors)
        return Process(os.fdopen(out), os.fdopen(errors), end.result)

    def send_signal(self, number: int) -> None:
        """Let the template send a signal to all its forks."""
        with suppress(OSError):
            self._control.send(json.dumps({"signal": number}).encode())

    def close(self) -> None:
        """End the template."""
        self._process.kill()
        self._process.wait()
        self._receiver.join()
        self._control.close()
        self._errors.close()

    def _receive(self) -> None:
        """Pass on the ends of forks until the template ends."""
        while True:
            try:
                message = self._control.recv(MESSAGE_BYTES)
            except OSError:
                break
            if not message:
                break
            ended = json.loads(message)
            with self._lock:
                end = self._ends.pop(ended["number"])
            end.set_result((ended["status"], ()))
        self._give_up()

    def _give_up(self) -> None:
        """End all processes that still run, since forks end with their template."""
        self.ended = True
        with self._lock:
            ends, self._ends = self._ends, {}
        if not ends:
            return
        self._process.kill()
        status = self._process.wait()
        self._errors.seek(0)
        errors = self._errors.readlines()
        for end in ends.values():
            end.set_result((status, errors))
