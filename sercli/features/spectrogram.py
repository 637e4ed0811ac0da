"""Magnitude spectrogram of 0 to 3990 Hz, mapped to [-1, 1] and companded by the mu law.

Frames of 40 ms every 10 ms have a symmetric Hamming window and an FFT of 1600 points. The lowest 400 bins
(0 to 3990 Hz) are kept, as magnitudes without a logarithm. A segment of 2 s has 197 frames and is padded to
200 with zeros. The matrix of each segment is then mapped linearly and companded with mu = 255.

Source: Li et al., An Attention Pooling based Representation Learning Method for Speech Emotion
Recognition, Interspeech 2018, section 2.1.
Open in the paper: the following choices are ours. Magnitudes are used, not power. The matrix is that of a
segment; that of an utterance or of all training utterances is an option. The matrix is divided by its
maximum, which maps it to [0, 1]. The literal map of minimum and maximum to [-1, 1] is an option; it puts
silence at -1, where companding has no effect.
Departures: none.
"""

from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from sercli.audio import SAMPLE_RATE, Samples
from sercli.features import Array, Feature
from sercli.features.shared import MOST_POINTS, CroppedFramesConfig, spectra
from sercli.features.shared.graph import Place, Spectra


class SpectrogramConfig(CroppedFramesConfig):
    """Settings of the spectrogram."""

    same_uncut: ClassVar = {"map_scope": ("segment", "utterance")}

    window_ms: float = Field(40.0, gt=0, le=1000)
    """Length of a frame in milliseconds."""
    window: spectra.WindowShape = "hamming"
    """Shape of the window; symmetric unless it is called periodic."""
    n_fft: int = Field(1600, ge=2, le=MOST_POINTS)
    """Points of the FFT."""
    bins: int = Field(400, ge=1)
    """Number of bins that are kept, from 0 Hz upwards."""
    map: Literal["max-abs", "min-max", "none"] = "max-abs"
    """Map of a matrix: divided by its largest value, or its smallest and largest value mapped to -1 and 1."""
    map_scope: Literal["segment", "utterance", "training"] = "segment"
    """The matrix that is mapped: a segment, an utterance, or (statistics: max) all training utterances."""
    mu: float = Field(255.0, ge=0, le=1e6)
    """Strength of the mu law; 0 does not compand."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: without a map, the matrix has no effect."""
        return super().idle() | ({"map_scope": "map=none"} if self.map == "none" else {})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.n_fft < self.win_length or self.bins > self.n_fft // 2 + 1:
            raise ValueError(
                f"n_fft={self.n_fft} must hold the window of {self.win_length} samples "
                f"and twice the {self.bins} bins"
            )
        if self.map == "min-max" and self.map_scope == "training":
            raise ValueError("map: min-max is of a segment or an utterance, not of all training utterances")
        return self

    @property
    def least_samples(self) -> int:
        """Length in samples of the shortest recording that an exported graph takes."""
        return self.n_fft


def count_frames(samples: int, config: SpectrogramConfig) -> int:
    """Return how many frames an utterance has: each that starts within it, filled up with zeros."""
    return spectra.count_frames(config.length(samples), config.win_length, config.hop_length, "every")


def frames_within(samples: int, config: SpectrogramConfig) -> int:
    """Return how many complete frames are within so many samples: 197 in 2 s."""
    return spectra.count_frames(samples, config.win_length, config.hop_length, "whole")


@torch.inference_mode()
def extract(samples: Samples, config: SpectrogramConfig, device: str = "cpu") -> Array:
    """Compute the spectrogram of an utterance.

    Args:
        samples: mono audio at 16 kHz, (samples,), full scale 1.0.
        config: settings.
        device: where to compute.

    Returns:
        Magnitudes, (1, bins, frames). They are already mapped and companded if the matrix is the utterance;
        otherwise `finish` does this after a segment is cut.
    """
    wave = torch.from_numpy(np.ascontiguousarray(config.placed(samples))).to(device)
    frames = spectra.frame(wave, config.win_length, config.hop_length, "every")
    shape = spectra.window(config.window, config.win_length, device)
    magnitudes = spectra.magnitudes(frames, shape, config.n_fft, config.bins)
    features: Array = magnitudes.T[None].contiguous().cpu().numpy()
    return _companded(features, config) if config.map_scope == "utterance" else features


def finish(segment: Array, config: SpectrogramConfig) -> Array:
    """Map and compand the matrix of a segment, (1, bins, frames), unless this has been done.

    With ``map_scope: training`` the segment must be divided by the training part's maximum before.
    """
    if config.map_scope == "utterance":
        return segment
    if config.map_scope == "training":
        return _compress(segment, config.mu)
    return _companded(segment, config)


def _companded(matrix: Array, config: SpectrogramConfig) -> Array:
    if config.map != "none":
        largest = matrix.max()
        if config.map == "min-max":
            least = matrix.min()
            spread = largest - least
            matrix = 2 * (matrix - least) / spread - 1 if spread > 0 else np.zeros_like(matrix)
        elif largest > 0:
            matrix = matrix / largest
    return _compress(matrix, config.mu)


def _compress(matrix: Array, mu: float) -> Array:
    """Apply the mu law, sign(x) ln(1 + mu |x|) / ln(1 + mu); values keep their sign."""
    if mu == 0:
        return matrix
    compressed = np.sign(matrix) * np.log1p(np.float32(mu) * np.abs(matrix)) / np.log1p(mu)
    return np.asarray(compressed, dtype=np.float32)


class _Graph(nn.Module):
    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__()
        size, hop = config.win_length, config.hop_length
        self.place = Place(config)
        self.power = Spectra(config.window, size, hop, config.n_fft, config.bins, "every")
        self.config = config

    def forward(self, x: Tensor) -> Tensor:
        x = self.power(self.place(x)).sqrt().unsqueeze(1)
        return _compand(x, self.config) if self.config.map_scope == "utterance" else x


def _finish_graph(x: Tensor, config: SpectrogramConfig) -> Tensor:
    if config.map_scope == "utterance":
        return x
    return _compress_graph(x, config.mu) if config.map_scope == "training" else _compand(x, config)


def _compand(x: Tensor, config: SpectrogramConfig) -> Tensor:
    if config.map != "none":
        largest = x.amax(dim=(1, 2, 3), keepdim=True)
        if config.map == "min-max":
            least = x.amin(dim=(1, 2, 3), keepdim=True)
            spread = largest - least
            x = torch.where(spread > 0, 2 * (x - least) / spread.clamp(min=1e-37) - 1, 0.0)
        else:
            x = x / torch.where(largest > 0, largest, 1.0)
    return _compress_graph(x, config.mu)


def _compress_graph(x: Tensor, mu: float) -> Tensor:
    return x if mu == 0 else x.sign() * (mu * x.abs()).log1p() / float(np.log1p(mu))


FEATURE = Feature(
    SpectrogramConfig,
    version=1,
    extract=extract,
    shape=lambda config: (1, config.bins),
    axes=("maps", "bins", "frames"),
    units=("magnitude",),
    source="Li et al., Interspeech 2018",
    count_frames=count_frames,
    frames_within=frames_within,
    frame_rate=lambda config: SAMPLE_RATE / config.hop_length,
    silence=lambda config: 0.0,
    finish=finish,
    graph=_Graph,
    finish_graph=_finish_graph,
    # A matrix is only mapped and companded.
    needs=lambda config: "max" if (config.map, config.map_scope) == ("max-abs", "training") else "none",
    span=lambda samples, config: config.span(samples, count_frames(samples, config)),
    # A matrix is divided by its own maximum (or mapped from its own range), unless the scope is training.
    shows_level=lambda config: config.map == "none" or config.map_scope == "training",
)
