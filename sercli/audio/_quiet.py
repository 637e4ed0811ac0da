"""Keep a C library's remarks off the terminal."""

import ctypes
import os
import platform
import sys
import threading
from types import TracebackType


class _Remarks:
    """Discards what C code prints to ``stderr`` while any thread asks for it.

    libmpg123, which libsndfile reads MP3 with, prints notes and errors there, and libsndfile has no
    switch for it. Redirecting the file descriptor would also lose what other threads of this program
    print. This replaces C's ``stderr`` alone, which Python does not use.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._usual: int | None = None
        self._nowhere: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            stderr = _stderr()
            if self._users == 1 and stderr is not None:
                self._nowhere = self._nowhere or _open_nowhere()
                self._usual, stderr.value = stderr.value, self._nowhere

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._users -= 1
            stderr = _stderr()
            if self._users == 0 and stderr is not None:
                stderr.value = self._usual


without_remarks = _Remarks()
"""A context in which C code prints nothing to ``stderr``."""


def _stderr() -> ctypes.c_void_p | None:
    """Return C's variable; none where it is not known to be one that can be set."""
    if sys.platform == "darwin":
        return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "__stderrp")
    if platform.libc_ver()[0] == "glibc":
        return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr")
    return None


def _open_nowhere() -> int | None:
    """Open a C stream that discards everything."""
    fopen = ctypes.CDLL(None).fopen
    fopen.restype, fopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_char_p)
    stream: int | None = fopen(os.fsencode(os.devnull), b"w")
    return stream
