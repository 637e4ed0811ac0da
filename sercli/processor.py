"""Use the processor well: share work among its cores, and keep freed memory."""

import ctypes
import gc
import multiprocessing
import os
import platform
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from sercli.errors import SerError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items per core that wait to be done, or are done and wait for the caller.
_AHEAD = 2
_SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of Linux
# Names and numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_LARGE = 2**31 - 1

# The work of the processes of this pool; a forked process inherits it, so it need not be picklable.
_work: Callable[[Any], Any] | None = None


@contextmanager
def shared_out(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    begin: Callable[[], object] = lambda: None,
    processes: bool = True,
) -> Iterator[Iterator[Result]]:
    """Yield the results of ``work`` for each item, in order: computed on all cores, ahead of the caller.

    Processes are used where they can be forked in a few milliseconds (see `can_fork`), else threads. Threads
    that make many short calls wait for Python's lock most of the time.

    Args:
        work: the work for an item; its result must be picklable. What it changes in memory may be lost.
        items: the items.
        begin: called once in each process or thread before its first item.
        processes: whether processes may be used.

    Raises:
        SerError: a process was killed, for example because memory was not enough.
    """
    with _pool(work, begin, processes=processes and can_fork()) as (pool, call):
        yield _ahead(pool, call, items)


def can_fork() -> bool:
    """Return whether this process can be forked without risk.

    A fork has only the calling thread; a lock that another thread held at that moment stays locked in it.
    """
    return sys.platform == "linux" and threading.active_count() == 1


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_freed_memory() -> bool:
    """Make glibc's allocator keep freed memory, for the rest of this process; return whether it does.

    Training steps on a CPU, and a network applied to many recordings, allocate and free the same large
    tensors again and again; glibc otherwise returns the memory to the system after each step. This needs
    more resident memory and can't be undone, so only commands call it, at their start.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(
        [
            mallopt(_M_MMAP_MAX, 0),
            mallopt(_M_TRIM_THRESHOLD, _LARGE),
            mallopt(_M_TOP_PAD, 64 << 20),
        ]
    )


@contextmanager
def _pool(
    work: Callable[[Item], Result], begin: Callable[[], object], *, processes: bool
) -> Iterator[tuple[Executor, Callable[[Item], Result]]]:
    global _work  # noqa: PLW0603  # forked processes read it
    pool: Executor
    if processes:
        _work = work
        context = multiprocessing.get_context("fork")
        pool = ProcessPoolExecutor(count_cores(), context, _begin_process, (begin,))
    else:
        pool = ThreadPoolExecutor(count_cores(), initializer=begin)
    try:
        yield pool, _do_work if processes else work
    finally:
        # Otherwise an interrupt would wait for all items that are still in the queue.
        pool.shutdown(wait=True, cancel_futures=True)
        _work = None


def _begin_process(begin: Callable[[], object]) -> None:
    # Ctrl-C reaches all processes; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # otherwise the first collection copies all pages that are still shared
    # Without this, a process would wait for work forever if the first one was killed.
    ctypes.CDLL(None).prctl(_SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
    begin()


def _do_work(item: Any) -> Any:
    assert _work is not None
    return _work(item)


def _ahead(pool: Executor, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > _AHEAD * count_cores():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise SerError(
            "a process that computed a part was killed, probably because memory was not enough; "
            "run the command again, it continues where it stopped"
        ) from None
