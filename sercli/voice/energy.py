"""Find speech by its level above the noise around it.

The level of a frame is its power from 150 to 4000 Hz, smoothed over a tenth of a second. The noise floor is
the tenth percentile of the levels within half a minute before and after, the level of speech their 95th
percentile. A frame's score is its place between the two: 0 at the floor, 1 at the level of speech. If the two
are less than 8 dB apart, 8 dB take the place of their distance, so that steady noise has no speech.

The rule knows nothing about voices: music and other sounds that come and go are speech to it, and steady
speech without pauses may be noise to it.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sercli.audio import SAMPLE_RATE, Samples
from sercli.voice import Detector
from sercli.voice._frames import frames

_HOP = 320  # 20 ms
_BAND_HZ = (150, 4000)
# Levels below that of the last of 16 bits are equal: silence with dither and without it.
_LOWEST_DB = -90.0
_SMOOTHED = 5  # frames
_CONTRAST_DB = 8.0
_FLOOR, _SPEECH = 10, 95  # percentiles
_AROUND_S, _STEP_S = 30.0, 5.0
# Frames whose spectra are computed at once.
_AT_ONCE = 4096

_Levels = NDArray[np.float32]


def score(blocks: Iterable[Samples]) -> _Levels:
    """Return the score of each frame of 20 ms, (frames,)."""
    parts = [
        _levels(each[first : first + _AT_ONCE])
        for each in frames(blocks, _HOP)
        for first in range(0, len(each), _AT_ONCE)
    ]
    if not parts:
        return np.zeros(0, np.float32)
    levels = ndimage.uniform_filter1d(np.concatenate(parts), _SMOOTHED, mode="nearest")
    floor, speech = _surroundings(levels)
    span = np.maximum(speech - floor, _CONTRAST_DB)
    return np.asarray(np.clip((levels - floor) / span, 0, 1), np.float32)


def _levels(signal: NDArray[np.float32]) -> _Levels:
    """Return the level of each frame in the band, decibels of full scale, (frames,)."""
    window = np.hanning(_HOP + 2)[1:-1]
    spectra = np.fft.rfft(signal * window, axis=1)  # (frames, bins)
    low, high = (round(each * _HOP / SAMPLE_RATE) for each in _BAND_HZ)
    power = np.square(np.abs(spectra[:, low : high + 1])).sum(axis=1)
    # One-sided: twice the power, divided by that of the window (Parseval).
    power *= 2 / (_HOP * np.square(window).sum())
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (_LOWEST_DB / 10))), np.float32)


def _surroundings(levels: _Levels) -> tuple[_Levels, _Levels]:
    """Return the noise floor and the level of speech around each frame, (frames,) each."""
    rate = SAMPLE_RATE / _HOP
    around, step = round(_AROUND_S * rate), round(_STEP_S * rate)
    centres = np.arange(0, len(levels) + step, step)
    found = np.array(
        [
            np.percentile(levels[max(0, at - around) : at + around], (_FLOOR, _SPEECH))
            for at in np.minimum(centres, len(levels) - 1)
        ]
    )
    places = np.arange(len(levels))
    floor, speech = (np.interp(places, centres, column) for column in found.T)
    return floor.astype(np.float32), speech.astype(np.float32)


DETECTOR = Detector(hop=_HOP, score=score)
