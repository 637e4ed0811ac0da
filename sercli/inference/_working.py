"""Work on recordings in threads, ahead of the network."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from sercli.inference._parts import Part
from sercli.records import Problem

# How much audio, and how many pieces a thread, may be under way: enough to keep all threads busy, little
# enough that memory stays bounded.
_AHEAD_S = 600.0
_AHEAD = 64


Work = Callable[[], Part | Problem]


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of a recording whose features are wanted.

    Attributes:
        number: of the recording.
        file: the recording.
        seconds: length of the piece; zero where there is none to work on.
        cut: whether it is one of the recording's windows.
    """

    number: int
    file: str
    seconds: float = 0.0
    cut: bool = False


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """Give a pool of as many threads as there are cores."""
    usual = torch.get_num_threads()
    # Parallel over pieces: threads within one piece's small matrices would only get in the way.
    pool = ThreadPoolExecutor(os.cpu_count(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(usual)


def ahead(
    pool: ThreadPoolExecutor, tasks: Iterable[tuple[Task, Work]]
) -> Iterator[tuple[Task, Part | Problem]]:
    """Do the tasks in threads, and yield them in order, so much ahead that all threads are busy."""
    waiting: deque[tuple[Task, Future[Part | Problem]]] = deque()
    seconds = 0.0
    for task, work in tasks:
        waiting.append((task, pool.submit(work)))
        seconds += task.seconds
        while waiting and (seconds > _AHEAD_S or len(waiting) > _AHEAD * (os.cpu_count() or 1)):
            first, future = waiting.popleft()
            seconds -= first.seconds
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()
