"""Reversal in time: an utterance runs backwards, in all inputs of the network together.

Values are moved, not computed again. Maps that are slopes in time, such as the deltas of `logmel3d`,
keep the sign that they had forwards, and so do changes within a frame.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, section 4.2.3.
Open in the paper: whether padding is reversed too (here it is: the sequence as fed).
Departures: none.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from sercli.augmentations import Augmentation, AugmentationConfig
from sercli.augmentations.shift import count_silent
from sercli.segments import Signal


class FlipConfig(AugmentationConfig):
    """Settings of reversal in time."""

    p: float = Field(0.5, ge=0, le=1)
    """Probability that an utterance is reversed."""
    place: Literal["whole", "utterance"] = "whole"
    """Part that is reversed: the complete input, padding included, or the utterance within its padding."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: all of them if no utterance is reversed."""
        return dict.fromkeys(type(self).model_fields, "p=0") if self.p == 0 else {}


def flip(
    features: Mapping[str, Signal],
    silence: Mapping[str, float | Signal],
    random: np.random.Generator,
    config: FlipConfig,
) -> dict[str, Signal]:
    """Reverse an utterance, or leave it as it is.

    Args:
        features: by input, each (*shape, frames), not standardised.
        silence: value of silence by input, a number or (*shape, 1).
        random: draws once for all inputs.
        config: settings.

    Returns:
        Features by input, each of the same shape.

    Source: Tang et al., EURASIP JASM 2021:18, section 4.2.3.
    """
    if random.random() >= config.p:
        return dict(features)
    return {name: _reverse(x, silence[name], config) for name, x in features.items()}


def _reverse(x: Signal, silence: float | Signal, config: FlipConfig) -> Signal:
    before, after = (0, 0) if config.place == "whole" else count_silent(x, silence)
    reversed_ = x.copy()
    stop = x.shape[-1] - after
    reversed_[..., before:stop] = x[..., before:stop][..., ::-1]
    return reversed_


AUGMENTATION = Augmentation(
    FlipConfig,
    "features",
    source="Tang et al., EURASIP JASM 2021:18",
    apply=flip,
    warning="maps that are slopes in time (deltas) keep the sign that they had forwards",
    about_slopes=True,
)
