"""Log-mel spectrogram of frames of 40 ms that overlap by half: 50 frames per second.

Every frame that starts within the utterance counts, and the end is padded with zeros. So 3 s are exactly 150
frames and 20 s exactly 1000: two frames for each label of RECOLA. The magnitude spectrum is summed by 40
triangular mel filters from 0 to 7600 Hz. The feature is the natural log of the sums plus 1e-6.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, section 5.3.
Open in the paper: the following choices are ours. The mel formula is 2595 log10(1 + f / 700), and the sides
of filters are straight in hertz. The window is a periodic Hann window. The FFT has 1024 points, the next
power of two. Magnitudes are used, not power. The number added before the log is 1e-6. Most are the values of
TensorFlow's example, which the paper's 7600 Hz suggest.
Departures: none.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from sercli.audio import SAMPLE_RATE, Samples
from sercli.features import Array, Feature
from sercli.features.shared import MOST_FILTERS, MelConfig, spectra
from sercli.features.shared.graph import MelPower, Place
from sercli.features.shared.spectra import Bank, mel
from sercli.segments import Placement


class LogMel40Config(MelConfig):
    """Settings of the log-mel spectrogram of 40 ms."""

    placement: Placement = "end"
    """Part of a longer utterance that is kept, and place of a shorter one in its padding: start, centre or
    end (the paper pads at the front)."""
    window_ms: float = Field(40.0, gt=0, le=1000)
    """Length of a frame in milliseconds."""
    hop_ms: float = Field(20.0, ge=1, le=1000)
    """Milliseconds from the start of a frame to the start of the next one."""
    f_max: float = 7600.0
    """Upper edge of the highest filter in hertz."""
    window: spectra.WindowShape = "periodic-hann"
    """Shape of the window; symmetric unless it is called periodic."""
    n_mels: int = Field(40, ge=1, le=MOST_FILTERS)
    """Number of mel filters."""
    spectrum: Literal["magnitude", "power"] = "magnitude"
    """Spectrum that the filters sum."""
    offset: float = Field(1e-6, ge=1e-37, le=1)
    """Number that is added before the logarithm."""

    @property
    def n_fft(self) -> int:
        """Points of the FFT: the next power of two."""
        return 1 << (self.win_length - 1).bit_length()

    @property
    def least_samples(self) -> int:
        """Length in samples of the shortest recording that an exported graph takes."""
        return self.n_fft


def count_frames(samples: int, config: LogMel40Config) -> int:
    """Return how many frames an utterance has."""
    return spectra.count_frames(config.length(samples), config.win_length, config.hop_length, "every")


@torch.inference_mode()
def extract(samples: Samples, config: LogMel40Config, device: str = "cpu") -> Array:
    """Compute the spectrogram of an utterance.

    Args:
        samples: mono audio at 16 kHz, (samples,), full scale 1.0.
        config: settings.
        device: where to compute.

    Returns:
        Natural log of the filters' sums plus the offset, (1, mels, frames).
    """
    wave = torch.from_numpy(np.ascontiguousarray(config.placed(samples))).to(device)
    frames = spectra.frame(wave, config.win_length, config.hop_length, "every")
    shape = spectra.window(config.window, config.win_length, device)
    if config.spectrum == "power":
        sums = spectra.mel_power(frames, shape, config.n_fft, _filters(config, device))
    else:
        spectrum = spectra.magnitudes(frames, shape, config.n_fft, config.n_fft // 2 + 1)
        sums = (spectrum @ _weights(config, device)).T.contiguous()
    features: Array = (sums + config.offset).log_()[None].cpu().numpy()
    return features


def span(samples: int, config: LogMel40Config) -> tuple[int, int]:
    """Return the first frame that holds a part of the utterance, and the frame after the last one."""
    return config.span(samples, count_frames(samples, config))


class _Graph(nn.Module):
    def __init__(self, config: LogMel40Config) -> None:
        super().__init__()
        size, hop = config.win_length, config.hop_length
        magnitude = config.spectrum == "magnitude"
        self.place = Place(config)
        self.sums = MelPower(
            config.window, size, hop, config.n_fft, _bank(config), "every", magnitude=magnitude
        )
        self.offset = config.offset

    def forward(self, x: Tensor) -> Tensor:
        sums: Tensor = self.sums(self.place(x))  # (batch, mels, frames)
        return (sums + self.offset).log().unsqueeze(1)


@lru_cache(maxsize=16)
def _filters(config: LogMel40Config, device: str) -> spectra.Filters:
    return spectra.lay_out(_bank(config), device)


@lru_cache(maxsize=16)
def _weights(config: LogMel40Config, device: str) -> Tensor:
    """Arrange the filters for magnitudes, (bins, mels)."""
    return torch.from_numpy(np.ascontiguousarray(_bank(config).T, dtype=np.float32)).to(device)


def _bank(config: LogMel40Config) -> Bank:
    return mel(config.n_mels, config.n_fft, SAMPLE_RATE, config.f_min, config.f_max)


FEATURE = Feature(
    LogMel40Config,
    version=1,
    extract=extract,
    shape=lambda config: (1, config.n_mels),
    axes=("maps", "mels", "frames"),
    units=("log energy (nats)",),
    source="Tang et al., EURASIP JASM 2021:18",
    count_frames=count_frames,
    frame_rate=lambda config: SAMPLE_RATE / config.hop_length,
    silence=lambda config: float(np.log(np.float32(config.offset))),
    span=span,
    graph=_Graph,
    local=True,
)
