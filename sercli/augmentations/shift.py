"""Random place in time: an utterance is moved within the silence that surrounds it.

For features of one length, padded: where the utterance lies in them is then no cue.

Source: our own choice, made for the MelCNN on RAVDESS; its paper (Penumajji, arXiv 2503.19677) has no
augmentation that we know of.
"""

from collections.abc import Mapping

import numpy as np

from sercli.augmentations import Augmentation
from sercli.augmentations._silence import count_silent
from sercli.config import Config
from sercli.segments import Signal


class ShiftConfig(Config):
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
        # What is rolled over the edge is silence: at most `before` frames one way, `after` the other.
        moved[name] = np.roll(x, round(u * (before + after)) - before, axis=-1)
    return moved


AUGMENTATION = Augmentation(
    ShiftConfig,
    "features",
    source="our own choice, for the MelCNN (arXiv 2503.19677) on RAVDESS",
    apply=shift,
    warning="acts within the silence at both ends: the padding (duration_s), or zeros in the recording",
)
