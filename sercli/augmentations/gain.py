"""Random loudness: an utterance is multiplied by a random factor.

Source: common practice; the range is our own choice.
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from sercli.audio import Samples
from sercli.augmentations import Augmentation, AugmentationConfig


class GainConfig(AugmentationConfig):
    """Settings of the random loudness."""

    p: float = Field(1.0, ge=0, le=1)
    """Probability that the loudness of an utterance is changed."""
    gain_db_min: float = Field(-6.0, ge=-60, le=60)
    """Smallest change in decibels."""
    gain_db_max: float = Field(6.0, ge=-60, le=60)
    """Largest change in decibels."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: all of them if every factor is one."""
        every = type(self).model_fields
        if self.p == 0:
            return dict.fromkeys(every, "p=0")
        if self.gain_db_min == self.gain_db_max == 0:
            return dict.fromkeys(every, "gain_db_min=gain_db_max=0")
        return {}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.gain_db_min > self.gain_db_max:
            raise ValueError(
                f"need gain_db_min <= gain_db_max, got {self.gain_db_min:g} and {self.gain_db_max:g}"
            )
        return self


def scale(samples: Samples, random: np.random.Generator, config: GainConfig) -> Samples:
    """Multiply an utterance by a factor drawn uniformly in decibels.

    Args:
        samples: mono audio at 16 kHz, (samples,).
        random: draws whether and how much.
        config: settings.

    Returns:
        As many samples; peaks may exceed full scale, nothing is clipped.
    """
    if random.random() >= config.p:
        return samples
    gain_db = random.uniform(config.gain_db_min, config.gain_db_max)
    scaled: Samples = samples * np.float32(10 ** (gain_db / 20))
    return scaled


AUGMENTATION = Augmentation(
    GainConfig,
    "samples",
    source="common practice; the range is our own choice",
    apply=scale,
    traces=True,
    level_only=True,
    warning="loudness is a cue of emotion; features that normalise the level do not change",
)
