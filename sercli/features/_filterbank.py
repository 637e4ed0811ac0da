"""Mel filterbanks."""

import numpy as np

Bank = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def rounded_mel(n_mels: int, n_fft: int, sample_rate: int, f_min: float, f_max: float) -> Bank:
    """Make triangular filters whose corners are rounded to FFT bins, peak 1.

    Corners are equally spaced in mel, 2595 log10(1 + f / 700), and rounded down to the bins of an
    FFT of ``n_fft + 1`` points, as python_speech_features does.

    Returns:
        Weights, (mels, n_fft / 2 + 1).

    Source: Madanian et al., Scientific Reports 15:8254, 2025, section "3D Log-Mel spectrogram".
    """
    low, high = (2595 * np.log10(1 + f / 700) for f in (f_min, f_max))
    corners_hz = 700 * (10 ** (np.linspace(low, high, n_mels + 2) / 2595) - 1)
    corners = np.floor((n_fft + 1) * corners_hz / sample_rate)  # (mels + 2,)
    bins = np.arange(n_fft // 2 + 1)
    bank = np.zeros((n_mels, len(bins)))
    for mel, (left, peak, right) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        rising = (bins >= left) & (bins < peak)
        falling = (bins >= peak) & (bins < right)
        bank[mel, rising] = (bins[rising] - left) / (peak - left)
        bank[mel, falling] = (right - bins[falling]) / (right - peak)
    return bank
