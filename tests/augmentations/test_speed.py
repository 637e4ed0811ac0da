import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sercli.augmentations.speed import SpeedConfig, change_speed
from sercli.errors import ConfigError


def run(samples, factor):
    return change_speed(samples, np.random.default_rng(0), SpeedConfig(factors=(factor,)))


@given(st.integers(1, 5000), st.sampled_from([0.5, 0.9, 0.95, 1.0, 1.1, 1.5, 2.0]))
def test_the_length_is_divided_by_the_factor(length, factor):
    changed = run(np.ones(length, np.float32), factor)
    assert abs(len(changed) - length / factor) <= 1
    assert len(changed) >= 1


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1])
def test_a_tone_moves_by_the_factor(factor):
    n = np.arange(32_000)
    changed = run(np.sin(2 * np.pi * 440 * n / 16_000).astype(np.float32), factor)
    expected = np.sin(2 * np.pi * 440 * factor * np.arange(len(changed)) / 16_000)
    middle = slice(1000, -1000)  # the filter rings at the ends
    np.testing.assert_allclose(changed[middle], expected[middle], atol=1e-3)


def test_a_factor_of_one_changes_nothing():
    samples = np.arange(9, dtype=np.float32)
    np.testing.assert_array_equal(run(samples, 1.0), samples)


def test_factors_are_equally_likely():
    random, samples = np.random.default_rng(0), np.zeros(990, np.float32)
    lengths = [len(change_speed(samples, random, SpeedConfig())) for _ in range(900)]
    values, counts = np.unique(lengths, return_counts=True)
    assert values.tolist() == [900, 990, 1100]
    assert counts.min() > 230  # five deviations of 14 below 300


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ((), "factors: name at least one factor, such as 1.1"),
        ((0.0,), "factors.0: input should be greater than or equal to 0.5, got 0.0"),
        ((1, 2.5), "factors.1: input should be less than or equal to 2, got 2.5"),
    ],
)
def test_factors_that_make_no_speech_are_refused(factors, message):
    with pytest.raises(ConfigError) as refusal:
        SpeedConfig(factors=factors)
    assert str(refusal.value) == message
