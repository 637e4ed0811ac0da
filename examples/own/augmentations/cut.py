"""Silence in a random place: a part of the utterance is set to zero.

Source: made up for the documentation.
"""

import numpy as np
from pydantic import Field

from sercli.audio import SAMPLE_RATE, Samples
from sercli.augmentations import Augmentation, AugmentationConfig


class CutConfig(AugmentationConfig):
    """Settings of the silence."""

    p: float = Field(0.5, ge=0, le=1)
    """Probability that an utterance is changed."""
    longest_s: float = Field(0.2, gt=0, le=10)
    """Length of the longest silence in seconds."""


def cut(samples: Samples, random: np.random.Generator, config: CutConfig) -> Samples:
    """Set a part of the utterance, (samples,), to zero; all random numbers are drawn from ``random``."""
    if random.random() >= config.p:
        return samples
    length = round(random.uniform(0, config.longest_s) * SAMPLE_RATE)
    start = random.integers(max(1, len(samples) - length))
    changed = samples.copy()  # the samples that are given must not change
    changed[start : start + length] = 0
    return changed


AUGMENTATION = Augmentation(CutConfig, "samples", source="made up for the documentation", apply=cut)
