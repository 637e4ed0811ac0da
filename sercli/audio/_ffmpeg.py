"""Decode recordings that libsndfile does not read (m4a, mp4, webm, avi and so on) with the program ffmpeg.

ffmpeg is not a part of sercli: if it is not installed, such files are refused. The sound of a file is written
as float wav at its own sample rate, so that it is checked like any other recording.
"""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sercli.audio.kinds import HEAD_BYTES, recognise
from sercli.errors import AudioError

# Decoded files that are kept: utterances are often cut out of one long file.
_KEPT = 8
_LONGEST_S = 3600
# Times of a film count from its beginning, so a gap in its sound of 0.1 s or more (also before it) becomes
# silence. ffmpeg would also cut out sound whose time is too early, so such times are corrected before.
_IN_TIME = (
    "asetpts='st(0,max(PTS,ld(1)));st(1,ld(0)+NB_SAMPLES);ld(0)',aresample=async=1:min_comp=0.1:first_pts=0"
)
# ffmpeg prints these about a file that was cut short, and ends without an error.
_CUT = re.compile(rb"partial file|prematurely|truncat|moov atom not found", re.IGNORECASE)
_NO_SOUND = re.compile(rb"matches no streams|does not contain any stream", re.IGNORECASE)


def is_installed() -> bool:
    """Return whether ffmpeg is found."""
    return shutil.which("ffmpeg") is not None


@contextmanager
def open_decoded(path: Path, content: bytes | None, most_s: float | None = None) -> Iterator[BinaryIO]:
    """Open the sound of a file as wav.

    Args:
        path: the file.
        content: its bytes, if they were read already.
        most_s: decoding stops a second after so many seconds; the complete file if not given.

    Raises:
        AudioError: it can't be decoded, is cut short, or holds no sound (the message has no place).
    """
    if content is None:
        with _cache.open(path, most_s) as file:
            yield file
        return
    with tempfile.TemporaryDirectory(prefix="sercli-ffmpeg-") as folder:
        given = Path(folder) / "given"
        given.write_bytes(content)
        with _decode(given, Path(folder) / "decoded.wav").open("rb") as file:
            yield file


def forget(path: Path) -> None:
    """Delete the decoded sound of a file, which is otherwise kept until the program ends."""
    _cache.forget(path)


class _Cache:
    """Decoded files, the last used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[str, int, int], Path] = OrderedDict()
        self._busy: dict[tuple[str, int, int], threading.Lock] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def open(self, path: Path, most_s: float | None) -> BinaryIO:
        """Open a decoded file; it is decoded if this was not done before."""
        state = path.stat()
        key = (os.path.realpath(path), state.st_size, state.st_mtime_ns)
        with self._lock:
            busy = self._busy.setdefault(key, threading.Lock())
        with busy:
            with self._lock:
                if key in self._files:
                    self._files.move_to_end(key)
                    return self._files[key].open("rb")
                self._folder = self._folder or tempfile.TemporaryDirectory(prefix="sercli-ffmpeg-")
                self._count += 1
                target = Path(self._folder.name) / f"{self._count}.wav"
            decoded = _decode(path, target, most_s).open("rb")
            with self._lock:
                self._files[key] = target
                while len(self._files) > _KEPT:
                    # A file that is still open can be read to its end.
                    other, oldest = self._files.popitem(last=False)
                    self._busy.pop(other, None)
                    oldest.unlink(missing_ok=True)
            return decoded

    def forget(self, path: Path) -> None:
        """Delete what was decoded of a file."""
        place = os.path.realpath(path)
        with self._lock:
            for key in [key for key in self._busy if key[0] == place]:
                self._busy.pop(key)
                if key in self._files:
                    self._files.pop(key).unlink(missing_ok=True)


_cache = _Cache()


def _decode(path: Path, target: Path, most_s: float | None = None) -> Path:
    """Write the first stream of sound of a file as wav."""
    command = [
        *("ffmpeg", "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file"),
        *("-i", f"file:{path.absolute()}", "-map", "0:a:0", "-af", _IN_TIME, "-c:a", "pcm_f32le"),
        *(() if most_s is None else ("-t", f"{most_s + 1:.3f}")),
        *("-rf64", "auto", "-f", "wav", "-y", str(target)),
    ]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        fault = f"ffmpeg did not decode it within {_LONGEST_S} s"
    else:
        if not done.returncode and target.exists() and not _CUT.search(done.stderr):
            return target
        fault = _explain(done.stderr, done.returncode)
    with suppress(OSError):
        target.unlink(missing_ok=True)
    with path.open("rb") as file:
        kind = recognise(file.read(HEAD_BYTES))
    raise AudioError(f"it is {kind.name}, but {fault}" if kind else fault)


def _explain(printed: bytes, status: int) -> str:
    if _CUT.search(printed):
        return "it is cut short, as ffmpeg reports; copy it again"
    if _NO_SOUND.search(printed):
        return "it holds no sound; leave it out"
    lines = [line for line in printed.decode(errors="replace").splitlines() if line.strip()]
    reason = re.sub(r"^\[[^\]]*\] ", "", lines[0].strip()) if lines else f"its exit status is {status}"
    return f"ffmpeg can't decode it ({reason[:120]}); copy it again, or convert it to wav"
