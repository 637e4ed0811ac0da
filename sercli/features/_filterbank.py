"""Mel filterbanks."""

import numpy as np

Bank = np.ndarray[tuple[int, int], np.dtype[np.float64]]


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
    low, high = (2595 * np.log10(1 + f / 700) for f in (f_min, f_max))
    corners_hz = 700 * (10 ** (np.linspace(low, high, n_mels + 2) / 2595) - 1)
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
    low, high = (2595 * np.log10(1 + f / 700) for f in (f_min, f_max))
    corners = 700 * (10 ** (np.linspace(low, high, n_mels + 2) / 2595) - 1)  # (mels + 2,)
    corners[[0, -1]] = f_min, f_max  # a bin there has weight 0, not what rounding leaves
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    left, peak, right = (corners[i : i + n_mels, None] for i in range(3))
    rising, falling = (bins - left) / (peak - left), (right - bins) / (right - peak)
    bank: Bank = np.maximum(0, np.minimum(rising, falling))
    if equal_area:
        bank *= 2 / (right - left)
    return bank
