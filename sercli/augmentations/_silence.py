"""How much silence lies before and after an utterance, seen from its features."""

import numpy as np

from sercli.segments import Signal

# Half precision keeps 11 bits; the rest is for rounding about zero, far below a bit of 16-bit audio.
_RELATIVE = 2.0**-10
_ABSOLUTE = 1e-6


def count_silent(features: Signal, silence: float | Signal) -> tuple[int, int]:
    """Count the leading and the trailing frames that are silent throughout.

    Args:
        features: (*shape, frames), not standardised; stored in half precision or not.
        silence: the value of digital silence, a number or (*shape, 1).

    Returns:
        Frames before and after the utterance; all of them and none where everything is silent.
    """
    level = np.asarray(silence, np.float32)
    near = np.abs(features - level) <= _ABSOLUTE + _RELATIVE * np.abs(level)  # (*shape, frames)
    sounding = np.flatnonzero(~near.all(axis=tuple(range(features.ndim - 1))))
    frames = features.shape[-1]
    if not sounding.size:
        return frames, 0
    return int(sounding[0]), frames - 1 - int(sounding[-1])
