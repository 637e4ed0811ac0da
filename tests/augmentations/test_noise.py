import numpy as np
import pytest
from conftest import tone
from scipy import signal

from sercli.augmentations.noise import NoiseConfig, add_noise, pink
from sercli.errors import ConfigError


def ratio_db(samples, noisy):
    noise = noisy.astype(np.float64) - samples
    return 10 * np.log10(np.mean(samples.astype(np.float64) ** 2) / np.mean(noise**2))


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize("snr_db", [-5, 0, 10, 30])
def test_the_ratio_is_as_asked(colour, snr_db):
    config = NoiseConfig(p=1, colour=colour, snr_db_min=snr_db, snr_db_max=snr_db)
    samples = tone(1.2)
    noisy = add_noise(samples, np.random.default_rng(0), config)
    # Float32 rounds the sum: at 30 dB the noise keeps about five digits.
    assert ratio_db(samples, noisy) == pytest.approx(snr_db, abs=1e-3)


def test_ratios_fill_their_range():
    samples, random = tone(0.05), np.random.default_rng(0)
    ratios = [ratio_db(samples, add_noise(samples, random, NoiseConfig(p=1))) for _ in range(300)]
    assert 10 <= min(ratios) + 1e-3 < 11
    assert 29 < max(ratios) < 30 + 1e-3
    assert np.mean(ratios) == pytest.approx(20, abs=1.5)  # deviation of the mean: 0.33


def slope_db(noise):
    """Decibels a decade from 100 Hz to 6 kHz, by a straight line through the averaged spectrum."""
    f, power = signal.welch(noise, 16_000, nperseg=4096)
    within = (f > 100) & (f < 6000)
    return np.polyfit(np.log10(f[within]), 10 * np.log10(power[within]), 1, w=1 / np.sqrt(f[within]))[0]


def test_pink_falls_by_ten_decibels_a_decade_and_white_does_not():
    noise = pink(400_003, np.random.default_rng(0))  # a prime length
    assert len(noise) == 400_003
    assert slope_db(noise) == pytest.approx(-10, abs=0.5)
    silence = tone(25) * 1e-4
    config = NoiseConfig(p=1, snr_db_min=-60, snr_db_max=-60)
    white = add_noise(silence, np.random.default_rng(0), config)
    assert slope_db(white) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("colour", ["white", "pink"])
def test_digital_silence_and_one_sample_do_no_harm(colour):
    config = NoiseConfig(p=1, colour=colour)
    for samples in (np.zeros(100, np.float32), np.zeros(1, np.float32), np.ones(1, np.float32)):
        noisy = add_noise(samples, np.random.default_rng(0), config)
        assert noisy.shape == samples.shape
        assert np.isfinite(noisy).all()
        assert samples.any() or not noisy.any()


def test_the_probability_is_kept():
    samples, random = tone(0.01), np.random.default_rng(0)
    changed = sum((add_noise(samples, random, NoiseConfig()) != samples).any() for _ in range(1000))
    assert 400 <= changed <= 600
    assert not (add_noise(samples, random, NoiseConfig(p=0)) != samples).any()


def test_ratios_the_wrong_way_round_are_refused():
    with pytest.raises(ConfigError, match="need snr_db_min <= snr_db_max, got 40 and 30"):
        NoiseConfig(snr_db_min=40)
