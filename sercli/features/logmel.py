"""Log-mel spectrogram of a centred six seconds, at eight window lengths (v1 to v8).

The utterance is cropped or padded with zeros to 6 s, equally at both ends. It contains frames of 15, 20, ...,
50 ms (v1 to v8) every 10 ms. These are 599 to 596 frames; columns of silence are added at the end up to
600, so that all variants have one size. The feature is the power spectrum, summed by 64 triangular mel
filters (peak 1), as the natural log of the energies with a floor of 1e-10.

If the FFT is as long as the window, the lowest filters are narrower than a bin. In v1 one filter is empty
(its value is the floor) and 13 filters hold a single bin. In v2 no filter is empty and 7 hold a single bin.
In v6 to v8 all filters hold two bins or more. Empty filters and padding are excluded from the statistics.

Source: the ECA-CNN paper (arXiv 2409.04007), sections III-A and V-B.
Open in the paper: the following choices are ours. The FFT has as many points as the window, as in MATLAB; the
next power of two or any number is an option. The window is a symmetric Hamming window. Spectra are not
divided by the window's sum, so the levels of v1 and v8 differ by 2.6 nats on EMO-DB. The range is 0 to
8000 Hz. The floor is also our choice. Silence at the end fills 596 frames up to 600. Filters do not have
equal area. The paper computes its features in MATLAB and does not name the function. `spectrogram` and `stft`
do not divide. `melSpectrogram` and `audioFeatureExtractor` use by default a periodic Hamming window divided
by its sum, and filters of equal area.
Departures: none.
"""

from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from sercli.audio import SAMPLE_RATE, Samples
from sercli.features import Array, Feature
from sercli.features.shared import LONGEST_S, MOST_FILTERS, MOST_POINTS, MelConfig, spectra
from sercli.features.shared.graph import MelPower, Place
from sercli.features.shared.spectra import Bank, mel
from sercli.segments import Placement


class LogMelConfig(MelConfig):
    """Settings of the log-mel spectrogram."""

    neutral: ClassVar = {"normalise_window": False}

    duration_s: float | None = Field(6.0, gt=0, le=LONGEST_S)
    """Length in seconds to which an utterance is cropped or padded; null keeps its length."""
    placement: Placement = "centre"
    """Part of a longer utterance that is kept, and place of a shorter one in its padding: start, centre or
    end."""
    window_ms: float = Field(50.0, gt=0, le=1000)
    """Length of a frame in milliseconds."""
    window: spectra.WindowShape = "hamming"
    """Shape of the window; symmetric unless it is called periodic."""
    normalise_window: bool = False
    """Whether the window is divided by its sum, so that a tone has one level at every window length; the
    energies are then 2e4 to 2e5 times smaller (15 to 50 ms), and ``floor`` should be too."""
    n_fft: Annotated[int, Field(ge=2, le=MOST_POINTS)] | Literal["window", "power-of-two"] = "window"
    """Points of the FFT: as many as the window has, the next power of two, or a number."""
    n_mels: int = Field(64, ge=1, le=MOST_FILTERS)
    """Number of mel filters."""
    equal_area: bool = False
    """Whether wide filters are lowered so that all filters have the same area."""
    floor: float = Field(1e-10, ge=1e-37, le=1)
    """Smallest energy, so that the logarithm of silence is finite."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.fft_length < self.win_length:
            raise ValueError(f"n_fft={self.n_fft} is shorter than the window of {self.win_length} samples")
        return self

    @property
    def fft_length(self) -> int:
        """Points of the FFT."""
        if self.n_fft == "window":
            return self.win_length
        if self.n_fft == "power-of-two":
            return 1 << (self.win_length - 1).bit_length()
        return self.n_fft

    @property
    def least_samples(self) -> int:
        """Length in samples of the shortest recording that an exported graph takes."""
        return self.fft_length


def count_frames(samples: int, config: LogMelConfig) -> int:
    """Return how many frames an utterance has."""
    if config.duration_s is not None:
        return max(1, config.length(samples) // config.hop_length)
    return _count_whole(samples, config)


@torch.inference_mode()
def extract(samples: Samples, config: LogMelConfig, device: str = "cpu") -> Array:
    """Compute the spectrogram of an utterance.

    Args:
        samples: mono audio at 16 kHz, (samples,), full scale 1.0.
        config: settings.
        device: where to compute.

    Returns:
        Natural log of the energies, (1, mels, frames).
    """
    wave = torch.from_numpy(np.ascontiguousarray(config.placed(samples))).to(device)
    frames = spectra.frame(wave, config.win_length, config.hop_length, "whole")
    shape = spectra.window(config.window, config.win_length, device, normalised=config.normalise_window)
    energies = spectra.mel_power(frames, shape, config.fft_length, _filters(config, device))
    out = torch.full((1, config.n_mels, count_frames(len(samples), config)), config.floor, device=device)
    kept = min(out.shape[2], energies.shape[1])
    out[0, :, :kept] = energies[:, :kept]
    features: Array = out.clamp_(min=config.floor).log_().cpu().numpy()
    return features


def span(samples: int, config: LogMelConfig) -> tuple[int, int]:
    """Return the first frame that holds a part of the utterance, and the frame after the last one."""
    return config.span(samples, min(count_frames(samples, config), _count_whole(samples, config)))


def empty(config: LogMelConfig) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which filters contain no bin of the FFT, (1, mels, 1)."""
    return np.asarray(_bank(config).sum(axis=1) == 0)[None, :, None]


def _count_whole(samples: int, config: LogMelConfig) -> int:
    """Return how many frames are within the cropped or padded utterance."""
    return spectra.count_frames(config.length(samples), config.win_length, config.hop_length, "whole")


class _Graph(nn.Module):
    def __init__(self, config: LogMelConfig) -> None:
        super().__init__()
        size, hop = config.win_length, config.hop_length
        self.place = Place(config)
        self.power = MelPower(
            config.window,
            size,
            hop,
            config.fft_length,
            _bank(config),
            "whole",
            normalised=config.normalise_window,
        )
        self.frames = None if config.duration_s is None else count_frames(0, config)
        self.floor = config.floor

    def forward(self, x: Tensor) -> Tensor:
        x = self.power(self.place(x))  # (batch, mels, frames)
        if self.frames is not None:
            x = F.pad(x, (0, self.frames - x.shape[2]))  # a negative number crops
        return x.clamp(min=self.floor).log().unsqueeze(1)


@lru_cache(maxsize=16)
def _bank(config: LogMelConfig) -> Bank:
    area = config.equal_area
    return mel(config.n_mels, config.fft_length, SAMPLE_RATE, config.f_min, config.f_max, equal_area=area)


@lru_cache(maxsize=16)
def _filters(config: LogMelConfig, device: str) -> spectra.Filters:
    return spectra.lay_out(_bank(config), device)


FEATURE = Feature(
    LogMelConfig,
    version=1,
    extract=extract,
    shape=lambda config: (1, config.n_mels),
    axes=("maps", "mels", "frames"),
    units=("log energy (nats)",),
    source="ECA-CNN, arXiv 2409.04007",
    count_frames=count_frames,
    frame_rate=lambda config: SAMPLE_RATE / config.hop_length,
    silence=lambda config: float(np.log(np.float32(config.floor))),
    span=span,
    empty=empty,
    graph=_Graph,
    variants={f"v{i}": {"window_ms": 10.0 + 5 * i} for i in range(1, 9)},
)
