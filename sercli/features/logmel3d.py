"""3D log-mel spectrogram: log-mel energies, their slope over time, and the slope of the slope.

Frames of 25 ms every 10 ms have a Hamming window and an FFT of 512 points. The power is divided by 512 and
summed by 40 triangular filters whose corners are rounded down to FFT bins. The energies are natural logs with
a floor of 1e-10. The last frame is padded with zeros, so there are 1 + ceil((samples - window) / hop) frames,
at least one. Slopes are regressions over nine frames on both sides; the first and last frame are repeated.

Source: Madanian et al., Scientific Reports 15:8254, 2025, section "3D Log-Mel spectrogram", Eq. 3-6.
Open in the paper: the following choices are ours. The number of frames, the end of the last frame, the
floor of the log and the scale of the power are those of python_speech_features, with samples at full scale
1.0. Samples are neither pre-emphasised nor normalised. Both are options, and the code of related papers
pre-emphasises.
Departures: corners are rounded down, as in python_speech_features. The paper states the nearest bin, which
    puts 13 of the 42 corners a bin higher (``corners: nearest``).
"""

from functools import lru_cache
from typing import ClassVar, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from sercli.audio import SAMPLE_RATE, Samples
from sercli.features import Array, Feature
from sercli.features.shared import MOST_FILTERS, MOST_POINTS, FramesConfig, check_range, spectra
from sercli.features.shared.graph import MelPower
from sercli.features.shared.spectra import Bank, rounded_mel


class LogMel3DConfig(FramesConfig):
    """Settings of the 3D log-mel spectrogram."""

    neutral: ClassVar = {"corners": "down"}

    window: Literal["hamming", "hann", "rectangular"] = "hamming"
    """Shape of the window (symmetric)."""
    n_fft: int = Field(512, ge=2, le=MOST_POINTS)
    """Points of the FFT; a frame is filled up with zeros."""
    n_mels: int = Field(40, ge=1, le=MOST_FILTERS)
    """Number of mel filters."""
    corners: Literal["down", "nearest"] = "down"
    """How the corners of the filters are rounded to bins of the FFT: down, or to the nearest one."""
    f_min: float = 0.0
    """Lower edge of the lowest filter in hertz."""
    f_max: float = 8000.0
    """Upper edge of the highest filter in hertz."""
    delta_frames: int = Field(9, ge=1, le=50)
    """Frames on either side that a slope is fitted over (N of Eq. 5)."""
    preemphasis: float = Field(0.0, ge=0, le=1)
    """Weight of the previous sample, which is subtracted from each sample; 0.97 in related papers."""
    normalise_waveform: bool = False
    """Whether each utterance's samples are shifted and scaled to zero mean and unit variance."""
    floor: float = Field(1e-10, ge=1e-37, le=1)
    """Smallest energy, so that the logarithm of silence is finite."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_range(self.f_min, self.f_max, SAMPLE_RATE)
        if self.n_fft < self.win_length:
            raise ValueError(f"n_fft={self.n_fft} is shorter than the window of {self.win_length} samples")
        return self

    @property
    def least_samples(self) -> int:
        """Length in samples of the shortest recording that an exported graph takes."""
        return self.n_fft


def count_frames(samples: int, config: LogMel3DConfig) -> int:
    """Return how many frames an utterance has, the last partial one filled up with zeros."""
    return spectra.count_frames(samples, config.win_length, config.hop_length, "filled")


# Frames whose slopes are computed from one row of a product: small blocks copy more, large ones multiply by
# more zeros.
_SLOPE_BLOCK = 32


@torch.inference_mode()
def extract(samples: Samples, config: LogMel3DConfig, device: str = "cpu") -> Array:
    """Compute the three maps of an utterance.

    Args:
        samples: mono audio at 16 kHz, (samples,), full scale 1.0.
        config: settings.
        device: where to compute.

    Returns:
        Log-mel energies (natural log), delta and delta-delta, (3, mels, frames).
    """
    wave = torch.from_numpy(_conditioned(samples, config)).to(device)
    frames = spectra.frame(wave, config.win_length, config.hop_length, "filled")
    shape = spectra.window(config.window, config.win_length, device)
    energies = spectra.mel_power(frames, shape, config.n_fft, _filters(config, device))
    maps = torch.empty(3, *energies.shape, device=device)
    torch.log(energies.clamp_(min=config.floor), out=maps[0])
    _slopes(maps[0], config.delta_frames, out=maps[1])
    _slopes(maps[1], config.delta_frames, out=maps[2])
    features: Array = maps.cpu().numpy()
    return features


def _conditioned(samples: Samples, config: LogMel3DConfig) -> Samples:
    if config.preemphasis:
        samples = np.append(samples[:1], samples[1:] - np.float32(config.preemphasis) * samples[:-1])
    if config.normalise_waveform:
        deviation = samples.std(dtype=np.float64)
        samples = samples - np.float32(samples.mean(dtype=np.float64))
        samples = samples / np.float32(deviation) if deviation > 0 else samples
    return np.ascontiguousarray(samples, dtype=np.float32)


@lru_cache(maxsize=8)
def _filters(config: LogMel3DConfig, device: str) -> spectra.Filters:
    return spectra.lay_out(_bank(config), device)


def _bank(config: LogMel3DConfig) -> Bank:
    """Make the filters, divided by the points of the FFT as the power is."""
    nearest = config.corners == "nearest"
    bank = rounded_mel(config.n_mels, config.n_fft, SAMPLE_RATE, config.f_min, config.f_max, nearest=nearest)
    return bank / config.n_fft


def _slopes(x: Tensor, n: int, out: Tensor) -> None:
    """Fit a line over ``n`` frames on either side of each frame, (mels, frames); edges repeat (Eq. 5)."""
    mels, frames = x.shape
    blocks = -(-frames // _SLOPE_BLOCK)
    padded = torch.empty(mels, blocks * _SLOPE_BLOCK + 2 * n, device=x.device)
    padded[:, :n], padded[:, n : n + frames], padded[:, n + frames :] = x[:, :1], x, x[:, -1:]
    around = padded.unfold(1, _SLOPE_BLOCK + 2 * n, _SLOPE_BLOCK)  # (mels, blocks, frames of a block + 2n)
    slopes = around.reshape(mels * blocks, -1) @ _banded(n, str(x.device))
    out.copy_(slopes.view(mels, -1)[:, :frames])


@lru_cache(maxsize=8)
def _banded(n: int, device: str) -> Tensor:
    """Arrange the weights of slopes as a matrix, (frames of a block + 2n, frames of a block)."""
    weights = torch.zeros(_SLOPE_BLOCK + 2 * n, _SLOPE_BLOCK)
    for frame in range(_SLOPE_BLOCK):
        weights[frame : frame + 2 * n + 1, frame] = _slope(n)
    return weights.to(device)


def _slope(n: int) -> Tensor:
    return torch.arange(-n, n + 1, dtype=torch.float32) / (2 * sum(k * k for k in range(1, n + 1)))


class _Graph(nn.Module):
    def __init__(self, config: LogMel3DConfig) -> None:
        super().__init__()
        size, hop = config.win_length, config.hop_length
        self.power = MelPower(config.window, size, hop, config.n_fft, _bank(config), "filled")
        self.config = config
        self.register_buffer("slope", _slope(config.delta_frames).view(1, 1, 1, -1), persistent=False)
        self.slope: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if self.config.preemphasis:
            x = torch.cat([x[:, :1], x[:, 1:] - self.config.preemphasis * x[:, :-1]], dim=1)
        if self.config.normalise_waveform:
            x = x - x.mean(dim=1, keepdim=True)
            deviation = x.square().mean(dim=1, keepdim=True).sqrt()
            x = x / torch.where(deviation > 0, deviation, 1.0)
        x = self.power(x).clamp(min=self.config.floor).log()  # (batch, mels, frames)
        delta = self._slopes(x)
        return torch.stack([x, delta, self._slopes(delta)], dim=1)  # (batch, 3, mels, frames)

    def _slopes(self, x: Tensor) -> Tensor:
        n = self.config.delta_frames
        x = torch.cat([x[..., :1].expand(-1, -1, n), x, x[..., -1:].expand(-1, -1, n)], dim=2)
        return F.conv2d(x.unsqueeze(1), self.slope).squeeze(1)  # (batch, mels, frames)


FEATURE = Feature(
    LogMel3DConfig,
    version=1,
    extract=extract,
    shape=lambda config: (3, config.n_mels),
    axes=("maps", "mels", "frames"),
    units=("log energy (nats)", "slope (nats a frame)", "slope of the slope"),
    source="Madanian et al., Scientific Reports 15:8254, 2025",
    count_frames=count_frames,
    frame_rate=lambda config: SAMPLE_RATE / config.hop_length,
    graph=_Graph,
    slopes=True,
    # The slopes of silence are zero.
    silence=lambda config: np.log(np.array([[[config.floor]], [[1]], [[1]]], np.float32)),
    shows_level=lambda config: not config.normalise_waveform,
)
