"""Mel spectrogram in decibels below its own maximum, as librosa makes it.

At 22.05 kHz there are frames of 2048 points every 512 points. The middle of the first frame is the first
sample, and zeros surround the utterance. The power is summed by 128 mel filters of equal area up to half the
sample rate. The feature is 10 log10 of the ratio to the utterance's largest value, at least -80 dB. 3 s are
130 frames.

Source: Penumajji, arXiv 2503.19677, as summarised by third parties.
Open in the paper: everything except decibels and the mel formula 2595 log10(1 + f / 700). We use librosa's
defaults for the other settings (librosa's own mel formula is a different one). Prepared audio has 16 kHz and
contains nothing above 8 kHz, unless ``original`` reads the recording as distributed.
Departures: none.
"""

from functools import lru_cache
from typing import Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from sercli import audio
from sercli.audio import Samples
from sercli.errors import ConfigError
from sercli.features import Array, Feature
from sercli.features.shared import LONGEST_S, MOST_FILTERS, MOST_POINTS, DurationConfig, check_range, spectra
from sercli.features.shared.graph import MelPower, Place
from sercli.features.shared.spectra import Bank, mel
from sercli.segments import Placement

_TRIM_FRAME, _TRIM_HOP = 2048, 512

_MOST_OVERLAP = 64


class MelSpecDBConfig(DurationConfig):
    """Settings of the mel spectrogram in decibels."""

    duration_s: float | None = Field(3.0, gt=0, le=LONGEST_S)
    """Length in seconds to which an utterance is cropped or padded; null keeps its length."""
    placement: Placement = "start"
    """Part of a longer utterance that is kept, and place of a shorter one in its padding: start, centre or
    end."""
    sample_rate: int = Field(22_050, ge=1000, le=192_000)
    """Sample rate in hertz to which the audio is resampled."""
    original: bool = False
    """Whether the recording as distributed is read instead of the prepared audio at 16 kHz."""
    trim_db: float | None = Field(None, gt=0, le=1000)
    """Decibels below the loudest frame under which both ends are cut off as silence; null cuts nothing."""
    n_fft: int = Field(2048, ge=2, le=MOST_POINTS)
    """Points of the FFT, and length of a frame."""
    hop_length: int = Field(512, ge=1, le=MOST_POINTS)
    """Samples from the middle of a frame to the middle of the next one."""
    n_mels: int = Field(128, ge=1, le=MOST_FILTERS)
    """Number of mel filters."""
    f_min: float = 0.0
    """Lower edge of the lowest filter in hertz."""
    f_max: float | None = None
    """Upper edge of the highest filter in hertz; null takes half the sample rate."""
    top_db: float = Field(80.0, gt=0, le=1000)
    """Decibels below the maximum to which smaller values are raised."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_range(self.f_min, self.top, self.sample_rate)
        if self.n_fft > _MOST_OVERLAP * self.hop_length:
            raise ValueError(
                f"n_fft={self.n_fft} with hop_length={self.hop_length}: a sample would be in "
                f"{self.n_fft // self.hop_length} frames, at most {_MOST_OVERLAP} are computed"
            )
        return self

    @property
    def original_rate(self) -> int | None:
        """Sample rate at which the recording as distributed is read; None if the prepared audio is read."""
        return self.sample_rate if self.original else None

    @property
    def least_samples(self) -> int:
        """Length in samples of the shortest recording that an exported graph takes."""
        return self.n_fft

    @property
    def top(self) -> float:
        """Upper edge of the highest filter in hertz."""
        return self.sample_rate / 2 if self.f_max is None else self.f_max


def count_frames(samples: int, config: MelSpecDBConfig) -> int:
    """Return how many frames an utterance has if no silence is trimmed."""
    if not config.original:
        samples = int(samples * config.sample_rate / audio.SAMPLE_RATE + 0.5)  # as soxr rounds
    length = config.length(samples, config.sample_rate)
    return spectra.count_frames(length, config.n_fft, config.hop_length, "centred")


@torch.inference_mode()
def extract(samples: Samples, config: MelSpecDBConfig, device: str = "cpu") -> Array:
    """Compute the spectrogram of an utterance.

    Args:
        samples: mono audio, (samples,), full scale 1.0; at 16 kHz, or with ``original`` at the
            feature's own sample rate.
        config: settings.
        device: where to compute.

    Returns:
        Decibels below the utterance's maximum, from ``-top_db`` to 0, (1, mels, frames).
    """
    if not config.original:
        samples = audio.resample(samples, audio.SAMPLE_RATE, config.sample_rate)
    if config.trim_db is not None:
        samples = trim(samples, config.trim_db)
    placed = config.placed(samples, config.sample_rate)
    wave = torch.from_numpy(np.ascontiguousarray(placed)).to(device)
    frames = spectra.frame(wave, config.n_fft, config.hop_length, "centred")
    shape = spectra.window("periodic-hann", config.n_fft, device)
    power = spectra.mel_power(frames, shape, config.n_fft, _filters(config, device))
    levels = power.clamp_(min=1e-10).log10_()
    decibels = 10 * (levels - levels.max())
    features: Array = decibels.clamp_(min=-config.top_db)[None].cpu().numpy()
    return features


def trim(samples: Samples, below_db: float) -> Samples:
    """Cut off silence at both ends: frames whose power is ``below_db`` or more below the loudest frame.

    There are frames of 2048 samples every 512 samples; the middle of the first frame is the first sample, as
    in librosa.
    """
    frames = spectra.count_frames(len(samples), _TRIM_FRAME, _TRIM_HOP, "centred")
    padded = np.zeros((frames - 1) * _TRIM_HOP + _TRIM_FRAME)
    padded[_TRIM_FRAME // 2 :][: len(samples)] = samples
    energies = np.square(padded, out=padded).reshape(-1, _TRIM_HOP).sum(axis=1)  # of each hop
    hops = np.ones(_TRIM_FRAME // _TRIM_HOP)
    power = np.maximum(np.convolve(energies, hops, "valid") / _TRIM_FRAME, 1e-10)  # (frames,)
    loud = np.flatnonzero(10 * np.log10(power / power.max()) > -below_db)
    return samples[loud[0] * _TRIM_HOP : (loud[-1] + 1) * _TRIM_HOP]


def span(samples: int, config: MelSpecDBConfig) -> tuple[int, int]:
    """Return the first frame that holds a sample of a 16 kHz utterance, and the frame after the last one.

    The length does not show how much silence is trimmed, so with trimming all frames count.
    """
    own = int(samples * config.sample_rate / audio.SAMPLE_RATE + 0.5)
    frames = spectra.count_frames(
        config.length(own, config.sample_rate), config.n_fft, config.hop_length, "centred"
    )
    if config.trim_db is not None:
        return 0, frames
    placed, reach = config.place(own, config.sample_rate), config.n_fft // 2
    first = max(0, -((reach - 1 - placed.before) // config.hop_length))  # its end is beyond `before`
    last = (placed.before + placed.stop - placed.start - 1 + reach) // config.hop_length + 1
    first = min(first, frames - 1)
    return first, max(first + 1, min(last, frames))


class _Graph(nn.Module):
    def __init__(self, config: MelSpecDBConfig) -> None:
        super().__init__()
        if config.original or config.sample_rate != audio.SAMPLE_RATE:
            raise ConfigError(
                f"'melspec-db' resamples to {config.sample_rate} Hz with soxr, which is not torch; "
                f"one trained with sample_rate={audio.SAMPLE_RATE} can be exported"
            )
        if config.trim_db is not None:
            raise ConfigError("'melspec-db' with trim_db cuts at what it finds in the audio")
        self.place = Place(config)
        self.power = MelPower(
            "periodic-hann", config.n_fft, config.hop_length, config.n_fft, _bank(config), "centred"
        )
        self.top_db = config.top_db

    def forward(self, x: Tensor) -> Tensor:
        levels: Tensor = self.power(self.place(x)).clamp(min=1e-10).log10()  # (batch, mels, frames)
        decibels = 10 * (levels - levels.amax(dim=(1, 2), keepdim=True))
        return decibels.clamp(min=-self.top_db).unsqueeze(1)


@lru_cache(maxsize=16)
def _filters(config: MelSpecDBConfig, device: str) -> spectra.Filters:
    return spectra.lay_out(_bank(config), device)


def _bank(config: MelSpecDBConfig) -> Bank:
    return mel(config.n_mels, config.n_fft, config.sample_rate, config.f_min, config.top, equal_area=True)


FEATURE = Feature(
    MelSpecDBConfig,
    version=1,
    extract=extract,
    shape=lambda config: (1, config.n_mels),
    axes=("maps", "mels", "frames"),
    units=("decibels",),
    source="Penumajji, arXiv 2503.19677",
    count_frames=count_frames,
    frame_rate=lambda config: config.sample_rate / config.hop_length,
    silence=lambda config: -config.top_db,
    span=span,
    graph=_Graph,
    shows_level=lambda config: False,  # decibels below an utterance's own maximum
)
