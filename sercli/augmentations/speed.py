"""Random speed: an utterance is played faster and higher, or slower and lower.

Source: Ko et al., Audio Augmentation for Speech Recognition, Interspeech 2015, section 2.
Departures: the factor is drawn anew each epoch, where the paper trains on a copy for each factor.
"""

from typing import Annotated

import numpy as np
from pydantic import Field, field_validator

from sercli.audio import SAMPLE_RATE, Samples, resample
from sercli.augmentations import Augmentation, AugmentationConfig


class SpeedConfig(AugmentationConfig):
    """Settings of the random speed."""

    factors: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = (0.9, 1.0, 1.1)
    """Factors of the speed, one of which is drawn for each utterance; above 1 is faster and higher."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: factors that are all one."""
        return {"factors": "all of them 1"} if set(self.factors) == {1.0} else {}

    @field_validator("factors")
    @classmethod
    def _check(cls, factors: tuple[float, ...]) -> tuple[float, ...]:
        if not factors:
            raise ValueError("name at least one factor, such as 1.1")
        return factors


def change_speed(samples: Samples, random: np.random.Generator, config: SpeedConfig) -> Samples:
    """Resample an utterance as if it had been recorded at another rate.

    Args:
        samples: mono audio at 16 kHz, (samples,).
        random: draws the factor.
        config: settings.

    Returns:
        As many samples as before, divided by the factor and rounded; at least one.

    Source: Ko et al., Interspeech 2015, section 2: x(at).
    """
    factor = config.factors[random.integers(len(config.factors))]
    return resample(samples, round(factor * SAMPLE_RATE), SAMPLE_RATE)


AUGMENTATION = Augmentation(
    SpeedConfig,
    "samples",
    source="Ko et al., Interspeech 2015",
    apply=change_speed,
    warning="pitch and tempo change, which may change the perceived emotion",
)
