"""Turns from the scores of frames: hysteresis, joined over short pauses, cut where too long, padded."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Speech ends when the score falls so far below the threshold.
_HYSTERESIS = 0.15
# A turn that is too long is not cut within this share of the greatest length from its ends.
_FROM_ENDS = 0.25
_SMOOTHED_S = 0.2


def find_turns(
    scores: Floats,
    hop_s: float,
    duration: float,
    *,
    threshold: float,
    least_s: float,
    most_s: float,
    gap_s: float,
    pad_s: float,
) -> list[tuple[float, float]]:
    """Return start and end of each turn in seconds, in order and without overlap; see `VoiceConfig`.

    Args:
        scores: of each frame, (frames,).
        hop_s: seconds from one frame to the next one.
        duration: of the recording.
        threshold: score from which on a frame is speech.
        least_s: least length of the speech in a turn.
        most_s: greatest length of a turn, with its padding.
        gap_s: length of a pause below which it is within a turn.
        pad_s: added before and after a turn.
    """
    from scipy import ndimage  # takes a tenth of a second, and most commands find no speech

    runs = _runs(_is_speech(scores, threshold))
    joined: list[tuple[int, int]] = []
    speech = 0.0  # frames of speech in the last turn
    kept: list[tuple[int, int]] = []
    for start, stop in runs:
        if joined and (start - joined[-1][1]) * hop_s < gap_s:
            joined[-1] = (joined[-1][0], stop)
        else:
            kept += joined[-1:] if speech * hop_s >= least_s else []
            joined.append((start, stop))
            speech = 0.0
        speech += stop - start
    kept += joined[-1:] if speech * hop_s >= least_s else []
    most = max(1, math.floor((most_s - 2 * pad_s) / hop_s))
    smooth = ndimage.uniform_filter1d(scores, max(1, round(_SMOOTHED_S / hop_s)))
    cut = [piece for start, stop in kept for piece in _cut(start, stop, smooth, most)]
    return _pad([(start * hop_s, min(stop * hop_s, duration)) for start, stop in cut], pad_s, duration)


def _is_speech(scores: Floats, threshold: float) -> NDArray[np.bool_]:
    """Return which frames are speech: from the threshold on, until the score is clearly below it."""
    marks = np.where(scores >= threshold, 1, np.where(scores < threshold - _HYSTERESIS, 0, -1))
    decided = np.maximum.accumulate(np.where(marks >= 0, np.arange(len(marks)), 0))
    return np.asarray(marks[decided] == 1)


def _runs(speech: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first frame of each run of speech and the one after its last."""
    edges = np.flatnonzero(np.diff(speech.astype(np.int8), prepend=0, append=0))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _cut(start: int, stop: int, smooth: Floats, most: int) -> Iterator[tuple[int, int]]:
    """Cut a turn that is too long where its score is lowest, away from its ends."""
    margin = max(1, math.floor(_FROM_ENDS * most))
    while stop - start > most:
        first, last = start + margin, min(start + most, stop - margin)
        at = first + int(np.argmin(smooth[first : last + 1]))
        yield start, at
        start = at
    yield start, stop


def _pad(spans: Sequence[tuple[float, float]], pad_s: float, duration: float) -> list[tuple[float, float]]:
    """Widen each turn, at most to the middle of the pause beside it."""
    if not spans:
        return []
    middles = [(one[1] + other[0]) / 2 for one, other in pairwise(spans)]
    return [
        (max(start - pad_s, before), min(end + pad_s, after))
        for (start, end), before, after in zip(spans, [0.0, *middles], [*middles, duration], strict=True)
    ]
