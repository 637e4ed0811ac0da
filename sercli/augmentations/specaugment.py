"""SpecAugment: stripes of a spectrogram in time and in frequency set to their mean.

Source: Park et al., SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition,
Interspeech 2019, section 2.
Open in the paper: widths for short utterances and few filters (here up to 20 frames and 8 bands).
Departures: no time warp, which the paper finds to help least; the share of frames bounds all time
masks together, the paper's p each of them; of bands at least one is left by each mask.
"""

import numpy as np
from pydantic import Field

from sercli.augmentations import Augmentation, AugmentationConfig
from sercli.segments import Signal


class SpecAugmentConfig(AugmentationConfig):
    """Settings of SpecAugment."""

    time_masks: int = Field(2, ge=0, le=100)
    """Number of masks in time."""
    time_width: int = Field(20, ge=0, le=10_000)
    """Largest width of a mask in time, in frames."""
    time_share: float = Field(0.2, ge=0, le=1)
    """Largest share of the frames of an utterance that all masks in time cover together."""
    band_masks: int = Field(2, ge=0, le=100)
    """Number of masks in frequency."""
    band_width: int = Field(8, ge=0, le=10_000)
    """Largest width of a mask in frequency, in bands."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: those of masks that are absent or have no width."""
        idle: dict[str, str] = {}
        absent = {name for name, value in self.to_dict().items() if value == 0}
        for name, others in (
            ("time_masks", ("time_width", "time_share")),
            ("time_width", ("time_masks", "time_share")),
            ("time_share", ("time_masks", "time_width")),
            ("band_masks", ("band_width",)),
            ("band_width", ("band_masks",)),
        ):
            if name in absent:
                idle |= dict.fromkeys(others, f"{name}=0")
        if {"time_masks", "band_masks"} <= idle.keys() | absent:
            return dict.fromkeys(type(self).model_fields, "neither masks in time nor in frequency")
        return idle


def mask(features: Signal, frames: int, random: np.random.Generator, config: SpecAugmentConfig) -> Signal:
    """Set stripes in time and in frequency to zero, the mean, in all maps alike.

    Args:
        features: (*maps, bands, frames), standardised; without bands, (1, frames), they stay as they are.
        frames: how many of them, from the first, are the utterance's; masks in time lie within these.
        random: draws widths, uniform from 0 to the largest, and places.
        config: settings.

    Returns:
        The same shape.

    Source: Park et al., Interspeech 2019, section 2.
    """
    if not has_bands(features.shape):
        return features
    masked = features.copy()
    bands = features.shape[-2]
    widest = int(config.time_share * frames) // max(1, config.time_masks)
    for start, stop in _stripes(frames, config.time_masks, min(config.time_width, widest), random):
        masked[..., start:stop] = 0
    for start, stop in _stripes(bands, config.band_masks, min(config.band_width, bands - 1), random):
        masked[..., start:stop, :] = 0
    return masked


def has_bands(shape: tuple[int, ...]) -> bool:
    """Return whether features of a shape, (*shape, frames), are spectrograms, which can be masked."""
    return len(shape) >= 2 and shape[-2] >= 2


def _stripes(length: int, count: int, widest: int, random: np.random.Generator) -> list[tuple[int, int]]:
    """Draw where each stripe starts and ends."""
    widths = random.integers(0, widest, count, endpoint=True)
    starts = random.integers(0, length - widths, endpoint=True)
    return [(int(start), int(start + width)) for start, width in zip(starts, widths, strict=True)]


AUGMENTATION = Augmentation(
    SpecAugmentConfig,
    "standard",
    source="Park et al., Interspeech 2019",
    apply=mask,
    traces=True,
    needs_bands=True,
    warning="masks only spectrograms: other inputs of the network still contain the masked part; zero is the "
    "mean only of standardised features",
)
