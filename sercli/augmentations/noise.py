"""White or pink noise, added at a random signal-to-noise ratio.

Source: common practice in speech recognition; levels and colours are our own choice.
"""

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy import fft

from sercli.audio import Samples
from sercli.augmentations import Augmentation, AugmentationConfig


class NoiseConfig(AugmentationConfig):
    """Settings of added noise."""

    p: float = Field(0.5, ge=0, le=1)
    """Probability that noise is added to an utterance."""
    colour: Literal["white", "pink"] = "white"
    """Colour of the noise: white has equal power in each hertz, pink in each octave."""
    snr_db_min: float = Field(10.0, ge=-60, le=120)
    """Smallest ratio of the power of the utterance to the power of the noise, in decibels."""
    snr_db_max: float = Field(30.0, ge=-60, le=120)
    """Largest ratio of the power of the utterance to the power of the noise, in decibels."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: all of them if no utterance gets noise."""
        return dict.fromkeys(type(self).model_fields, "p=0") if self.p == 0 else {}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.snr_db_min > self.snr_db_max:
            raise ValueError(
                f"need snr_db_min <= snr_db_max, got {self.snr_db_min:g} and {self.snr_db_max:g}"
            )
        return self


def add_noise(samples: Samples, random: np.random.Generator, config: NoiseConfig) -> Samples:
    """Add noise, or leave an utterance as it is.

    The ratio, uniform in decibels, is of powers averaged over the whole utterance, pauses included, and
    is met exactly. Digital silence has no power and stays as it is.

    Args:
        samples: mono audio at 16 kHz, (samples,).
        random: draws whether, how much, and the noise.
        config: settings.

    Returns:
        As many samples; peaks may exceed full scale, nothing is clipped.
    """
    if random.random() >= config.p:
        return samples
    snr_db = random.uniform(config.snr_db_min, config.snr_db_max)
    drawn = (white if config.colour == "white" else pink)(len(samples), random)
    speech, power = _power(samples), _power(drawn)
    if not speech or not power:
        return samples
    noisy: Samples = samples + np.float32(np.sqrt(speech / power / 10 ** (snr_db / 10))) * drawn
    return noisy


def white(length: int, random: np.random.Generator) -> Samples:
    """Draw noise of equal power in each hertz, (length,), normal, of unit variance."""
    return random.standard_normal(length, dtype=np.float32)


def pink(length: int, random: np.random.Generator) -> Samples:
    """Draw noise whose power falls as 1 / f, (length,), without a constant part, of any scale."""
    size = fft.next_fast_len(max(2, length), real=True)
    spectrum = fft.rfft(white(size, random))  # (1 + size // 2,)
    bins = np.arange(len(spectrum), dtype=np.float32)
    bins[0] = np.inf
    noise = fft.irfft(spectrum / np.sqrt(bins), size)[:length]
    return np.ascontiguousarray(noise, dtype=np.float32)


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


AUGMENTATION = Augmentation(
    NoiseConfig,
    "samples",
    source="common practice; levels are our own choice",
    apply=add_noise,
    traces=True,
    warning="noise fills pauses, and covers quiet voices more where their loudness varies",
)
