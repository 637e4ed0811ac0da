"""Decode files with libsndfile: continue from the present position, without messages on the terminal."""

import ctypes
import os
import platform
import sys
import threading
from contextlib import nullcontext
from types import TracebackType

import numpy as np
import soundfile

from sercli.audio._scale import Block, far_beyond
from sercli.errors import AudioError

# Samples, of all channels, that libsndfile is asked for at once: a damaged header may promise any number.
_AT_ONCE = 1 << 26
# Frames of at most 1152 samples that a decoder of MPEG audio may keep back at both ends of a stream.
_KEPT_BACK = 4 * 1152
# Samples of MPEG audio, of 32 frames at most, whose bits a later frame may use.
_SHARED = 32 * 1152
_SKIPPED = 1 << 16  # samples that are read at once to skip them


class _Silenced:
    """Discard the output of C code to ``stderr`` while any thread requests it.

    libmpg123, which libsndfile decodes MP3 with, prints notes and errors there, and libsndfile has no
    option against it. Redirecting the file descriptor would also lose what other threads of this program
    print. This class replaces only C's variable ``stderr``, which Python does not use.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._usual: int | None = None
        self._null: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            stderr = _c_stderr()
            if self._users == 1 and stderr is not None:
                self._null = self._null or _open_null()
                self._usual, stderr.value = stderr.value, self._null

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._users -= 1
            stderr = _c_stderr()
            if self._users == 0 and stderr is not None:
                stderr.value = self._usual


silenced = _Silenced()
"""A context in which C code prints nothing to ``stderr``."""


class OpenFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """An open file whose reading continues from its position.

    soundfile seeks after every read, to where the file is already. In formats whose frames share bits (MP3)
    that damages the samples that follow, and in all formats it takes time. soundfile does not seek in a
    file that reports that it can't.

    Attributes:
        position: the next sample.
        foreign: whether ffmpeg decoded the file.
    """

    position = 0
    foreign = False

    def seekable(self) -> bool:
        """Report that the file can't seek."""
        return False

    def move_to(self, sample: int) -> None:
        """Make ``sample`` the next one."""
        if sample == self.position:
            return
        # libsndfile can't seek in GSM 6.10, G.72x and NMS ADPCM, nor in DWVW, where it reports that it can.
        if sample > self.position and (not super().seekable() or self.subtype.startswith("DWVW")):
            while self.position < sample and (
                skipped := len(self.read(min(sample - self.position, _SKIPPED)))
            ):
                self.position += skipped
            return
        shared = _SHARED if self.subtype.startswith("MPEG") else 0
        self.seek(max(0, sample - shared))
        if shared:
            self.read(min(sample, shared), dtype="float32")
        self.position = sample


def read_block(file: OpenFile, count: int, first: int) -> Block:
    """Read ``count`` samples from ``first`` on, (samples, channels); 16-bit samples as integers.

    Raises:
        AudioError: there are fewer, or float32 can't hold them.
    """
    # PCM16 read as integers is twice as fast and, divided by 2^15, exactly what float32 gives.
    kind = {"PCM_16": "int16", "DOUBLE": "float64"}.get(file.subtype, "float32")
    mpeg = file.subtype.startswith("MPEG")
    most = max(1, _AT_ONCE // file.channels)
    blocks: list[Block] = []
    done = 0
    try:
        with silenced if mpeg else nullcontext():
            file.move_to(first)
            while done < count:
                wanted = min(count - done, most)
                blocks.append(file.read(wanted, dtype=kind, always_2d=True))
                done += len(blocks[-1])
                if len(blocks[-1]) < wanted:
                    break
            file.position = first + done
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").rstrip(".")
        fact = f"not all of its {file.frames} samples can be read ({reason})"
        raise AudioError(f"cut short or damaged, {fact}; copy it again") from None
    # The end of the last complete frame of MPEG audio is known; the decoder's own count is the length.
    if done < count - (_KEPT_BACK if mpeg else 0):
        raise AudioError(f"cut short, {first + done} of {file.frames} samples; copy it again")
    block = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    return _narrow(block) if file.subtype == "DOUBLE" else block


def _narrow(block: np.ndarray) -> Block:
    """Convert samples of 64 bits to 32.

    Raises:
        AudioError: some are beyond every float32, which would make them infinite (the message has no place).
    """
    peak = np.abs(block).max(initial=0)
    if np.finfo(np.float32).max < peak < np.inf:
        raise far_beyond(f"peak {peak:.6g}")
    with np.errstate(over="ignore"):  # beside infinity, which mixing refuses
        return block.astype(np.float32)


def _c_stderr() -> ctypes.c_void_p | None:
    """Return C's variable; ``None`` on systems where it may not be possible to set it."""
    if sys.platform == "darwin":
        return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "__stderrp")
    if platform.libc_ver()[0] == "glibc":
        return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr")
    return None


def _open_null() -> int | None:
    """Open a C stream that discards everything."""
    fopen = ctypes.CDLL(None).fopen
    fopen.restype, fopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_char_p)
    stream: int | None = fopen(os.fsencode(os.devnull), b"w")
    return stream
