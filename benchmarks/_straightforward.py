"""Run the straightforward contestant in a separate process, because a process has one allocator setting."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from benchmarks._case import FORMATS, N_CLASSES, Case, batches, step
from benchmarks._plain import plain


class Opponent:
    """Make a training step on request."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def prepare(self, case: Case, name: str) -> None:
        """Build a network and the batches of one number format."""
        self._ask((case, name))

    def step(self) -> None:
        """Fetch a batch and run a forward and a backward pass."""
        self._ask("step")

    def _ask(self, message: object) -> None:
        self.connection.send(message)
        self.connection.recv()


@contextmanager
def opponent() -> Iterator[Opponent]:
    """Start the process, and end it after the context."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    theirs.close()  # so that our wait ends if the process dies
    try:
        yield Opponent(ours)
    finally:
        ours.close()
        process.join()


def _serve(connection: Connection) -> None:
    """Do the work of each message and answer it, until the other end is closed."""
    take: Callable[[], None] | None = None
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        if message != "step":
            take = _prepared(*message)
        elif take is not None:
            take()
        connection.send(None)


def _prepared(case: Case, name: str) -> Callable[[], None]:
    network = plain(case.arch, case.shape, N_CLASSES)
    delivered = batches(case)
    return lambda: step(network, (next(delivered),), FORMATS[name])
