"""Short-time spectra and mel filters, fast: blocks that fit a core's cache, power and mel in one product.

Every kind of feature that uses spectra computes them here; kinds differ in the place of their frames and in
window, FFT and filters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from sercli.errors import require_choice

Framing = Literal["whole", "filled", "every", "centred"]
WindowShape = Literal["hamming", "hann", "rectangular", "periodic-hamming", "periodic-hann"]
Bank = np.ndarray[tuple[int, int], np.dtype[np.float64]]

# Blocks of about this many frames stay in a core's own cache from window to filters.
_BLOCK = 256
# Filters multiplied together: fewer leave out more zeros, but make for slower products.
_BAND = 16


def count_frames(samples: int, win_length: int, hop_length: int, framing: Framing) -> int:
    """Return how many frames a signal has.

    Args:
        samples: length of the signal.
        win_length: samples of a frame.
        hop_length: samples from one frame's start to the next one's.
        framing: ``whole``, frames that are completely within the signal (one, filled up with zeros, if it
            is shorter than a frame); ``filled``, the last partial frame too, filled up with zeros;
            ``every``, each frame that starts within the signal; ``centred``, each frame whose middle
            is within it or at its end, with zeros on either side.
    """
    require_choice("framing", framing, get_args(Framing))
    if framing == "every":
        return max(1, -(-samples // hop_length))
    if framing == "centred":
        return 1 + max(0, samples - win_length % 2) // hop_length  # an odd frame's middle is a sample
    beyond = max(0, samples - win_length)
    return 1 + (-(-beyond // hop_length) if framing == "filled" else beyond // hop_length)


def frame(wave: Tensor, win_length: int, hop_length: int, framing: Framing) -> Tensor:
    """View a signal, (samples,), as its frames, (frames, window), zeros where it has no samples."""
    frames = count_frames(len(wave), win_length, hop_length, framing)
    before = win_length // 2 if framing == "centred" else 0
    padded = torch.zeros((frames - 1) * hop_length + win_length, dtype=wave.dtype, device=wave.device)
    kept = wave[: len(padded) - before]
    padded[before : before + len(kept)] = kept
    return padded.unfold(0, win_length, hop_length)


@lru_cache(maxsize=64)
def window(shape: WindowShape, win_length: int, device: str = "cpu", *, normalised: bool = False) -> Tensor:
    """Make a window, (window,); symmetric, or periodic as in librosa and TensorFlow.

    Args:
        shape: which window.
        win_length: samples.
        device: where the window is kept.
        normalised: divide the window by its sum. A sine's largest magnitude is then half its amplitude,
            however long the window is.
    """
    shapes: dict[str, Callable[[int], Any]] = {
        "hamming": np.hamming,
        "hann": np.hanning,
        "rectangular": np.ones,
    }
    make = shapes[shape.removeprefix("periodic-")]
    periodic = shape.startswith("periodic-")
    values = make(win_length + 1)[:-1] if periodic else make(win_length)
    values = values / values.sum() if normalised else values
    return torch.from_numpy(values.astype(np.float32)).to(device)


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Neighbouring filters, and the bins that they use.

    Attributes:
        pairs: the (real, imaginary) pairs, squared and flattened, that they use.
        mels: numbers of the filters.
        weights: (mels, pairs); each weight of a filter occurs twice, for the real and the imaginary part.
    """

    pairs: slice
    mels: slice
    weights: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """A filterbank laid out for `mel_power`.

    Each mel filter uses few bins: a product for each band leaves out most zeros.
    """

    n_mels: int
    bands: tuple[Band, ...]


def lay_out(bank: Bank, device: str = "cpu") -> Filters:
    """Lay a filterbank, (mels, bins), out in bands; on a GPU one product of everything is faster."""
    size = _BAND if device == "cpu" else len(bank)
    bands = []
    for first in range(0, len(bank), size):
        rows = bank[first : first + size]
        used = np.flatnonzero(rows.any(axis=0))
        low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
        weights = np.ascontiguousarray(rows[:, low:high].repeat(2, axis=1), dtype=np.float32)
        mels = slice(first, first + len(rows))
        bands.append(Band(slice(2 * low, 2 * high), mels, torch.from_numpy(weights).to(device)))
    return Filters(len(bank), tuple(bands))


def mel_power(frames: Tensor, shape: Tensor, n_fft: int, filters: Filters) -> Tensor:
    """Sum the power spectrum over filters.

    Args:
        frames: (frames, window).
        shape: window, (window,).
        n_fft: points of the FFT; a frame is filled up with zeros, or cut, to it.
        filters: from `lay_out`.

    Returns:
        Energies, (mels, frames).
    """
    energies = torch.empty(filters.n_mels, len(frames), device=frames.device)
    block, size = _block(frames), min(len(shape), n_fft)
    # Filled up here, since the FFT would copy every block to do so.
    filled = torch.zeros(block, n_fft, device=frames.device)
    for start in range(0, len(frames), block):
        part = frames[start : start + block, :size]
        torch.mul(part, shape[:size], out=filled[: len(part), :size])
        spectrum = torch.fft.rfft(filled[: len(part)])
        # One product does power and filters at once: squares of (real, imaginary) pairs. With the few filters
        # in front it is twice as fast as with the many frames in front.
        pairs = torch.view_as_real(spectrum).square_().flatten(1).T  # (2 * bins, block)
        for band in filters.bands:
            torch.mm(band.weights, pairs[band.pairs], out=energies[band.mels, start : start + len(part)])
    return energies


def magnitudes(frames: Tensor, shape: Tensor, n_fft: int, bins: int) -> Tensor:
    """Return the lowest ``bins`` of the magnitude spectrum, (frames, bins)."""
    spectra = torch.empty(len(frames), bins, device=frames.device)
    block = _block(frames)
    for start in range(0, len(frames), block):
        spectrum = torch.fft.rfft(frames[start : start + block] * shape, n_fft)
        spectra[start : start + block] = spectrum[:, :bins].abs()
    return spectra


def _block(frames: Tensor) -> int:
    """Return the size of blocks of frames that fit a core's cache; on a GPU one block holds all frames."""
    blocks = 1 if frames.is_cuda else max(1, round(len(frames) / _BLOCK))
    return -(-len(frames) // blocks)


def to_mel(hertz: Any) -> Any:
    """Return frequencies, hertz, on the mel scale: 2595 log10(1 + f / 700)."""
    return 2595 * np.log10(1 + hertz / 700)


def from_mel(mels: Any) -> Any:
    """Return frequencies of the mel scale in hertz; the inverse of `to_mel`."""
    return 700 * (10 ** (mels / 2595) - 1)


def rounded_mel(
    n_mels: int, n_fft: int, sample_rate: int, f_min: float, f_max: float, *, nearest: bool = False
) -> Bank:
    """Make triangular filters whose corners are rounded to FFT bins, peak 1.

    Corners are equally spaced in mel, 2595 log10(1 + f / 700), and rounded down to the bins of an
    FFT of ``n_fft + 1`` points, as python_speech_features does, or to the nearest bin of the FFT itself.

    Returns:
        Weights, (mels, n_fft / 2 + 1).

    Source: Madanian et al., Scientific Reports 15:8254, 2025, section "3D Log-Mel spectrogram".
    """
    corners_hz = from_mel(np.linspace(to_mel(f_min), to_mel(f_max), n_mels + 2))
    corners = np.floor((n_fft + 1) * corners_hz / sample_rate)  # (mels + 2,)
    if nearest:
        corners = np.rint(n_fft * corners_hz / sample_rate)
    bins = np.arange(n_fft // 2 + 1)
    bank = np.zeros((n_mels, len(bins)))
    for mel, (left, peak, right) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        rising = (bins >= left) & (bins < peak)
        falling = (bins >= peak) & (bins < right)
        bank[mel, rising] = (bins[rising] - left) / (peak - left)
        bank[mel, falling] = (right - bins[falling]) / (right - peak)
    return bank


def mel(
    n_mels: int, n_fft: int, sample_rate: int, f_min: float, f_max: float, *, equal_area: bool = False
) -> Bank:
    """Make triangular filters whose corners are not rounded, equally spaced in mel, peak 1.

    Corners are equally spaced in mel, 2595 log10(1 + f / 700); the sides are straight in hertz, as
    librosa (``htk=True``) and torchaudio have them. With few FFT points the lowest filters may fall
    between two bins and hold nothing.

    Args:
        n_mels: number of filters.
        n_fft: points of the FFT.
        sample_rate: hertz.
        f_min: lower edge of the lowest filter, hertz.
        f_max: upper edge of the highest one.
        equal_area: whether each filter is divided by half its width in hertz (librosa's ``slaney``).

    Returns:
        Weights, (mels, n_fft / 2 + 1).
    """
    corners = from_mel(np.linspace(to_mel(f_min), to_mel(f_max), n_mels + 2))  # (mels + 2,)
    corners[[0, -1]] = f_min, f_max  # a bin there has weight 0, not what rounding leaves
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    left, peak, right = (corners[i : i + n_mels, None] for i in range(3))
    rising, falling = (bins - left) / (peak - left), (right - bins) / (right - peak)
    bank: Bank = np.maximum(0, np.minimum(rising, falling))
    if equal_area:
        bank *= 2 / (right - left)
    return bank
