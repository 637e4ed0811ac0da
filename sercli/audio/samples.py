"""Samples in memory: one channel of several, another sample rate, 16 bits, silence, their hash."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from sercli.audio._scale import Block, SampleScale
from sercli.errors import AudioError, ConfigError

Samples = np.ndarray[tuple[int], np.dtype[np.float32]]

# Range of the samples, in steps of 16 bits, up to which a recording is silent: that of dither.
_SILENCE = 2 / 32768
# Samples in memory that are larger have another full scale, and clipping them to 16 bits would distort them.
# Resampling brings clipped speech up to 1.6 and noise of two values up to 2.4.
_BEYOND = 2.5
# Share of the channels' peak below which the peak of their mean shows that they cancel each other.
_CANCELLED = 0.1


def mix(samples: Block, scale: SampleScale) -> Samples:
    """Average the channels and bring the samples within full scale.

    Raises:
        AudioError: some are not finite (the message has no place).
    """
    if samples.dtype == np.int16:
        samples = samples * np.float32(1 / 32768)
    elif samples.size and not (np.isfinite(samples.max()) and np.isfinite(samples.min())):
        raise AudioError("holds values that are not numbers (NaN or infinity)")
    elif scale.divisor != 1:
        samples = samples / np.float32(scale.divisor)
    if samples.shape[1] == 1:
        mono = samples[:, 0]
    elif samples.shape[1] == 2:
        mono = (samples[:, 0] + samples[:, 1]) * np.float32(0.5)  # as `mean`, but ten times as fast
    else:
        mono = samples.mean(axis=1)
    return np.ascontiguousarray(mono, dtype=np.float32)


class Channels:
    """Find out, block by block, whether the channels of a recording cancel each other."""

    def __init__(self) -> None:
        self._peak = self._level = 0.0  # of the mean of the channels, and of the mean of their magnitudes
        self._silent = True

    def add(self, samples: Block, mono: Samples, scale: SampleScale) -> None:
        """Take a block, and what `mix` made of it."""
        if samples.shape[1] == 1 or not mono.size:
            return
        full = (32768 if samples.dtype == np.int16 else 1) * scale.divisor
        loudest = max(-float(samples.min()), float(samples.max())) / full
        self._peak = max(self._peak, np.abs(mono).max())
        self._silent = self._silent and loudest <= _SILENCE
        # The mean of many channels, few of which hold anything, is low too.
        if self._peak < _CANCELLED * loudest:
            self._level = max(self._level, np.abs(samples / np.float32(full)).mean(axis=1).max())

    @property
    def cancel(self) -> bool:
        """Whether the mean of the channels is nearly silent although the channels are not."""
        return not self._silent and bool(self._peak < _CANCELLED * self._level)


def check_samples(samples: Any) -> None:
    """Refuse sound in memory that is not what a file would give: one channel of finite floats.

    Raises:
        ConfigError: it is something else; the message describes how to convert it.
    """
    if not isinstance(samples, np.ndarray):
        kind = type(samples).__name__
        raise ConfigError(f"sound is an array of NumPy, got {kind}; convert it with numpy.asarray")
    if samples.ndim != 1:
        raise ConfigError(f"sound is mono, (samples,), got {samples.ndim} axes; average the channels")
    if not np.issubdtype(samples.dtype, np.floating):
        raise ConfigError(
            f"sound is floats with full scale 1.0, got {samples.dtype}; convert 16-bit integers with "
            "samples.astype(numpy.float32) / 32768"
        )
    if not np.isfinite(samples).all():
        raise ConfigError("sound holds NaN or infinity; replace these samples, for example with zeros")
    if samples.size and (peak := float(np.abs(samples).max())) > _BEYOND:
        raise ConfigError(
            f"sound has full scale 1.0, got values up to {peak:g}; if they were 16-bit integers, divide them "
            "by 32768, else by the peak of the complete recording"
        )


def is_silent(samples: Samples) -> bool:
    """Return whether samples are digital silence, with or without dither."""
    return not samples.size or bool(samples.max() - samples.min() <= _SILENCE)


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Change the sample rate (soxr VHQ); equal rates return the samples as they are."""
    if from_rate == to_rate:
        return samples
    resampled: Samples = soxr.resample(samples, from_rate, to_rate, quality="VHQ").astype(
        np.float32, copy=False
    )
    return resampled


def write_pcm16(path: Path, samples: Samples, sample_rate: int) -> Samples:
    """Write a 16-bit wav file; values beyond full scale are clipped.

    Returns:
        The samples as `sercli.audio.read` will return them: rounded to 16 bits, (samples,).
    """
    rounded = round_to_pcm16(samples)
    integers = (rounded * np.float32(32768)).astype(np.int16)
    encoded = BytesIO()  # libsndfile can't report that a disk is full
    soundfile.write(encoded, integers, sample_rate, subtype="PCM_16", format="WAV")
    path.write_bytes(encoded.getvalue())
    return rounded


def from_pcm16(content: bytes) -> Samples:
    """Return samples of little-endian 16-bit integers as floats, full scale 1.0."""
    return np.frombuffer(content, "<i2") * np.float32(1 / 32768)


def round_to_pcm16(samples: Samples) -> Samples:
    """Round samples to those that a 16-bit file can hold, clipped at full scale."""
    # libsndfile scales floats by 32767, but reading divides by 32768. Our own rounding keeps both the same.
    integers = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)
    return np.asarray(integers * np.float32(1 / 32768), dtype=np.float32)


def hash_samples(samples: Samples) -> str:
    """Hash the samples (float32, little-endian): headers and containers do not count."""
    return hashlib.sha256(np.ascontiguousarray(samples, dtype="<f4").data).hexdigest()
