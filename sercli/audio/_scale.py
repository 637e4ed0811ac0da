"""Bring samples beyond full scale within it.

Float formats and lossy ones can hold samples beyond full scale, which 16 bits cannot. A file with such
samples is divided by one number: if it holds integers as floats, by 2^15, 2^23 or 2^31, the first that its
peak fits in; otherwise by its peak. Nothing is ever clipped, and a note reports what was done. Files whose
scale is unknown are refused: few samples far beyond full scale (a click would make the speech silent),
unsigned integers, and integers so small that they may be of 8 bits or quiet ones of 16.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sercli.errors import AudioError
from sercli.files import Stamp

Block = np.ndarray[tuple[int, int], np.dtype[np.int16 | np.float32]]
"""Samples as a file holds them, (samples, channels)."""

_SUBTYPES = ("FLOAT", "DOUBLE", "VORBIS", "OPUS", "MPEG")
# Samples that are not integer numbers after a filter are integers stored as floats if their peak is at least
# this and nearly all of them are beyond full scale (_MOST). In decibels it is halfway between full scale
# and that of 16 bits: 42 dB too loud, or 48 dB too quiet.
_INTEGERS = 128.0
_INTEGER_SCALES = (2.0**15, 2.0**23, 2.0**31)
# How far a filter may have brought integers beyond their scale.
_OVERSHOOT = 1.5
# Share of filtered integers that is beyond full scale at least.
_MOST = 0.9
# Share of a recording that is too loud, with a peak above _CLICK, that is beyond full scale at least.
_SOME = 0.01
_CLICK = 10.0
_REMEMBERED = 1024  # files


@dataclass(frozen=True, slots=True)
class SampleScale:
    """How the samples of a file are scaled down to full scale.

    Attributes:
        divisor: number that they are divided by; one if they need no change.
        note: description of the change for the user; empty if there is none.
    """

    divisor: float = 1.0
    note: str = ""


class Scales:
    """Remember the scale of files, because all samples must be read to find it."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, Stamp], SampleScale] = {}
        self._lock = threading.Lock()

    def find(self, path: Path) -> SampleScale | None:
        """Return a file's scale; ``None`` if it is not known or the file has changed."""
        with self._lock:
            return self._known.get((path, Stamp.of(path)))

    def keep(self, path: Path, scale: SampleScale) -> None:
        """Remember a file's scale."""
        with self._lock:
            self._known[path, Stamp.of(path)] = scale
            if len(self._known) > _REMEMBERED:
                del self._known[next(iter(self._known))]


def can_exceed(subtype: str) -> bool:
    """Return whether samples of a format, as libsndfile names it, can be beyond full scale."""
    return subtype.startswith(_SUBTYPES)


def far_beyond(share: str) -> AudioError:
    """Make the error for samples that no known scale explains."""
    return AudioError(f"far beyond full scale ({share}); its samples are damaged, or their scale is unknown")


def choose_scale(blocks: Iterable[np.ndarray]) -> SampleScale:
    """Choose how to bring a file within full scale.

    Args:
        blocks: all its samples, in any blocks.

    Raises:
        AudioError: it is beyond every scale, or its scale is unknown (the message has no place).
    """
    peak, lowest, beyond, count, integer = 0.0, 0.0, 0, 0, True
    for block in blocks:
        if not block.size:
            continue
        low = float(block.min())
        highest = max(abs(float(block.max())), abs(low))
        if not np.isfinite(highest):
            return SampleScale()  # mixing refuses samples that are not finite
        peak, lowest, count = max(peak, highest), min(lowest, low), count + block.size
        if highest > 1:
            beyond += int(np.count_nonzero(np.abs(block) > 1))
        integer = integer and _is_integer(block)
    if peak <= 1:
        return SampleScale()
    part = beyond / count
    percent = 100 * part
    share = f"{percent:.{0 if percent >= 10 else 4}f} % of its samples beyond full scale, peak {peak:.6g}"
    limit = 1 if integer else _OVERSHOOT
    scale = next((each for each in _INTEGER_SCALES if peak <= each * limit), None)
    if scale is None:
        raise far_beyond(share)
    if integer and (lowest >= 0 or peak <= _INTEGERS):
        kind = "unsigned integers" if lowest >= 0 else "integers of 8 bits or very quiet ones of 16"
        raise AudioError(f"holds {kind} as floats ({share}); write it again with values between -1 and 1")
    if not integer and peak >= _CLICK and part < (_MOST if peak >= _INTEGERS else _SOME):
        raise AudioError(
            f"some samples are far beyond full scale and the others are not ({share}); they are damaged, or "
            "parts have different scales; repair the recording"
        )
    if not integer and peak < _INTEGERS:
        return SampleScale(peak, f"{share}: divided by the peak")
    divisor = max(peak, scale)
    return SampleScale(divisor, f"{share}: treated as integers and divided by {divisor:.6g}")


def _is_integer(block: np.ndarray) -> bool:
    """Return whether all samples are integers; usually the first few thousand decide it."""
    flat = block.reshape(-1)
    pieces = (flat[begin : begin + 8192] for begin in range(0, len(flat), 8192))
    return all(bool((piece == np.rint(piece)).all()) for piece in pieces)
