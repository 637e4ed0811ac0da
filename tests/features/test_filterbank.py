import librosa
import numpy as np
import pytest
import torch

from benchmarks._torchaudio import torchaudio
from sercli.features.shared.spectra import mel

SETTINGS = [
    # n_mels, n_fft, sample_rate, f_min, f_max
    (64, 240, 16_000, 0, 8000),
    (64, 512, 16_000, 0, 8000),
    (64, 1024, 16_000, 50, 7600),
    (40, 1024, 16_000, 0, 7600),
    (128, 2048, 22_050, 0, 11_025),
    (26, 801, 16_000, 1000, 4000),
    (1, 16, 8000, 0, 4000),
]


@pytest.mark.parametrize("equal_area", [False, True])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_equal_to_librosa(settings, equal_area):
    n_mels, n_fft, rate, low, high = settings
    norm = "slaney" if equal_area else None
    expected = librosa.filters.mel(
        sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=low, fmax=high, htk=True, norm=norm, dtype=np.float64
    )
    # Both in float64, corners rounded differently: 1e-12 Hz of sides that are 20 Hz wide and more.
    np.testing.assert_allclose(mel(*settings, equal_area=equal_area), expected, atol=1e-11)


@pytest.mark.parametrize("equal_area", [False, True])
@pytest.mark.parametrize("settings", [s for s in SETTINGS if s[1] % 2 == 0])
@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
def test_equal_to_torchaudio(settings, equal_area):
    n_mels, n_fft, rate, low, high = settings
    norm = "slaney" if equal_area else None
    bank = torchaudio.functional.melscale_fbanks(
        n_fft // 2 + 1, low, high, n_mels, rate, norm=norm, mel_scale="htk"
    )
    assert bank.dtype == torch.float32
    # torchaudio works in float32: corners of some kHz are off by 1e-3 Hz, their sides some 100 Hz wide
    # (2e-5 seen).
    np.testing.assert_allclose(mel(*settings, equal_area=equal_area), bank.numpy().T, atol=5e-5)


def test_one_filter_by_hand():
    # Mel 0, 1420.0, 2840.0 are 0, 1768, 8000 Hz; bins at 0, 2000, 4000, 6000, 8000 Hz, all on the
    # falling side but the first: (8000 - f) / (8000 - 1768).
    peak = 700 * (np.sqrt(1 + 8000 / 700) - 1)
    expected = (8000 - np.array([8000, 2000, 4000, 6000, 8000])) / (8000 - peak)
    np.testing.assert_allclose(mel(1, 8, 16_000, 0, 8000), expected[None], atol=1e-12)
    np.testing.assert_allclose(
        mel(1, 8, 16_000, 0, 8000, equal_area=True), expected[None] * 2 / 8000, atol=1e-12
    )


@pytest.mark.parametrize(("low", "high"), [(1000, 4000), (200, 2600), (2200, 7000)])
def test_bins_at_both_ends_of_the_range_weigh_nothing(low, high):
    # There are bins every 66.7 Hz, 15 to 1000 Hz; out of mel and back, 2200 Hz are 2199.9999999999991.
    bank = mel(64, 240, 16_000, low, high)
    first, last = 15 * low // 1000, 15 * high // 1000
    assert (bank[:, [first, last]] == 0).all()
    assert (bank[:, first + 1 : last].sum(axis=0) > 0).all()
