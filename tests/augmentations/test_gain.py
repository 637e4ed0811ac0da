import numpy as np
import pytest

from sercli.augmentations.gain import GainConfig, scale
from sercli.errors import ConfigError


def test_by_hand():
    samples = np.array([0.1, -0.2, 0.9], np.float32)
    config = GainConfig(gain_db_min=20, gain_db_max=20)  # a factor of ten
    np.testing.assert_allclose(
        scale(samples, np.random.default_rng(0), config), [1, -2, 9], rtol=1e-6
    )  # not clipped


def test_factors_are_uniform_in_decibels():
    random = np.random.default_rng(0)
    one = np.ones(1, np.float32)
    gains = 20 * np.log10([scale(one, random, GainConfig())[0] for _ in range(2000)])
    assert -6 <= gains.min() < -5.9
    assert 5.9 < gains.max() <= 6
    assert np.mean(gains) == pytest.approx(0, abs=0.4)  # five deviations of 0.08
    assert np.std(gains) == pytest.approx(12 / np.sqrt(12), abs=0.2)


def test_the_probability_is_kept():
    one, random = np.ones(1, np.float32), np.random.default_rng(0)
    changed = sum(scale(one, random, GainConfig(p=0.5))[0] != 1 for _ in range(1000))
    assert 400 <= changed <= 600


def test_changes_the_wrong_way_round_are_refused():
    with pytest.raises(ConfigError, match="need gain_db_min <= gain_db_max, got 9 and 6"):
        GainConfig(gain_db_min=9)
