"""Features as torch modules without loops or branches, so that they can be exported with a network.

They compute the same as `extract`, up to rounding: its FFT and frames become one convolution, whose kernels
are the windowed waves of the Fourier transform.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sercli.features.shared import DurationConfig, spectra
from sercli.features.shared.spectra import Bank


class Place(nn.Module):
    """Crop or pad recordings, (batch, samples), as `DurationConfig.placed` does."""

    def __init__(self, config: DurationConfig) -> None:
        super().__init__()
        self.length = None if config.duration_s is None else config.length(0)
        self.placement = config.placement

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, length), or the recordings unchanged where they keep their length."""
        if self.length is None:
            return x
        surplus = torch.full((1,), x.shape[1] - self.length, device=x.device)  # may be negative
        first = {
            "start": torch.zeros_like(surplus),
            "centre": surplus.div(2, rounding_mode="trunc"),
            "end": surplus,
        }[self.placement]
        place = torch.arange(self.length, device=x.device) + first  # (length,)
        inside = (place >= 0) & (place < x.shape[1])
        # One sample more, so that a clamped place always exists.
        return F.pad(x, (0, 1))[:, place.clamp(0, x.shape[1])] * inside


class Spectra(nn.Module):
    """Power of the lowest bins of each frame's spectrum.

    A recording is at least as long as a frame.

    Args:
        shape: window.
        win_length: samples of a frame.
        hop_length: samples from one frame's start to the next one's.
        n_fft: points of the FFT.
        bins: number of bins that are kept.
        framing: see `spectra.count_frames`.
        normalised: whether the window is divided by its sum.
    """

    def __init__(
        self,
        shape: spectra.WindowShape,
        win_length: int,
        hop_length: int,
        n_fft: int,
        bins: int,
        framing: spectra.Framing,
        *,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        phase = np.outer(np.arange(bins), np.arange(win_length)) % n_fft * (2 * np.pi / n_fft)
        waves = np.concatenate([np.cos(phase), -np.sin(phase)])[:, None]  # (2 * bins, 1, window)
        kernel = torch.from_numpy(waves) * spectra.window(shape, win_length, normalised=normalised).double()
        self.register_buffer("kernel", kernel.float(), persistent=False)
        self.kernel: Tensor
        self.hop_length = hop_length
        reach = win_length // 2
        self.beyond = {
            "whole": (0, 0),
            "filled": (0, hop_length - 1),
            "every": (0, win_length - 1),
            "centred": (reach, reach),
        }[framing]

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, bins, frames) of recordings, (batch, samples)."""
        x = F.pad(x, self.beyond).unsqueeze(1)  # (batch, 1, samples)
        pairs = F.conv1d(x, self.kernel, stride=self.hop_length)  # (batch, 2 * bins, frames)
        real, imaginary = pairs.square().chunk(2, dim=1)
        return real + imaginary


class MelPower(nn.Module):
    """Sum the power spectrum of each frame over filters; arguments as for `Spectra`, and a filterbank."""

    def __init__(
        self,
        shape: spectra.WindowShape,
        win_length: int,
        hop_length: int,
        n_fft: int,
        bank: Bank,
        framing: spectra.Framing,
        *,
        magnitude: bool = False,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        self.spectra = Spectra(
            shape, win_length, hop_length, n_fft, bank.shape[1], framing, normalised=normalised
        )
        self.register_buffer("bank", torch.from_numpy(bank.astype(np.float32)), persistent=False)
        self.bank: Tensor
        self.magnitude = magnitude

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, mels, frames) of recordings, (batch, samples)."""
        power = self.spectra(x)  # (batch, bins, frames)
        mels: Tensor = self.bank @ (power.sqrt() if self.magnitude else power)
        return mels
