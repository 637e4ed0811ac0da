"""Keep freed memory: glibc else hands it back after each step and takes it again for the next."""

import ctypes
import platform

# Names and numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_LARGE = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to keep what is freed; say whether it could be told.

    Training steps on a CPU, and a network applied to many recordings, allocate and free the same large
    tensors over and over. It costs resident memory, so only those commands call this.
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
