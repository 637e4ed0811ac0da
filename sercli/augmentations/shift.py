"""Random place in time: an utterance is moved within the silence that surrounds it.

For padded features of one length: the place of the utterance in them is then not informative.

Source: our own choice, made for the MelCNN on RAVDESS; no augmentation of its paper (Penumajji, arXiv
2503.19677) is known.
"""

from collections.abc import Mapping

import numpy as np

from sercli.augmentations import Augmentation, AugmentationConfig
from sercli.segments import Signal

# Half precision keeps 11 bits; the rest is for rounding about zero, far below a bit of 16-bit audio.
_RELATIVE = 2.0**-10
_ABSOLUTE = 1e-6


class ShiftConfig(AugmentationConfig):
    """Settings of the random place: there are none."""


def shift(
    features: Mapping[str, Signal],
    silence: Mapping[str, float | Signal],
    random: np.random.Generator,
    config: ShiftConfig,  # noqa: ARG001
) -> dict[str, Signal]:
    """Move an utterance to a random place within its padding.

    Of a leading and b trailing silent frames, round(u (a + b)) lead afterwards. u is the same for all
    inputs: those of other frame rates stay together within a frame. Nothing is lost; an utterance
    without padding stays where it is.

    Args:
        features: by input, each (*shape, frames), not standardised.
        silence: value of silence by input, a number or (*shape, 1).
        random: draws u, uniform in [0, 1).
        config: settings.

    Returns:
        Features by input, each of the same shape.
    """
    u = random.random()
    moved = {}
    for name, x in features.items():
        before, after = count_silent(x, silence[name])
        # Only silence is rolled over the edge: at most `before` frames to the left, `after` to the right.
        moved[name] = np.roll(x, round(u * (before + after)) - before, axis=-1)
    return moved


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


AUGMENTATION = Augmentation(
    ShiftConfig,
    "features",
    source="our own choice, for the MelCNN (arXiv 2503.19677) on RAVDESS",
    apply=shift,
    warning="acts within the silence at both ends: the padding (duration_s), or zeros in the recording",
)
