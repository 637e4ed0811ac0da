"""Measurements of recordings, and the limits of what is usual."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from sercli.acoustics import LEAST_RECORDINGS, Acoustics, Usual, join, measure

RATE = 16_000
MIDDLE = Acoustics(
    level=-20, contrast=40, active=80, low=-8, high=-20, flatness=-20, change=8, crest=18, clipped=0
)


def bursts(gain: float = 0.5, seconds: float = 1.0) -> np.ndarray:
    """Sine of 1 kHz for half of the time; its frames hold complete periods."""
    times = np.arange(int(seconds * RATE)) / RATE
    wave = gain * np.sin(2 * np.pi * 1000 * times)
    wave[len(wave) // 2 :] *= 1e-2
    return wave.astype(np.float32)


def usual(spread: float = 1.0) -> Usual:
    """Limits of recordings that all measurements of vary evenly."""
    shifts = np.linspace(-spread, spread, LEAST_RECORDINGS)
    recordings = [Acoustics(**{k: v + float(shift) for k, v in asdict(MIDDLE).items()}) for shift in shifts]
    found = Usual.of(recordings)
    assert found is not None
    return found


def test_measurements_of_a_sine_that_is_loud_and_then_40_db_lower_by_hand():
    found = measure(bursts())
    assert found.level == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    assert found.contrast == pytest.approx(40, abs=0.1)
    assert found.active == 50
    assert found.crest == pytest.approx(20 * np.log10(np.sqrt(2)), abs=0.01)
    assert found.low < -60
    assert found.high < -60
    assert found.change < 0.1


def test_white_noise_has_a_flat_spectrum_with_its_power_spread_evenly():
    found = measure(np.random.default_rng(0).normal(0, 0.1, 10 * RATE).astype(np.float32))
    # The mean logarithm of an exponential variable is minus Euler's constant, so -2.51 dB.
    assert found.flatness == pytest.approx(-10 * np.log10(np.e) * np.euler_gamma, abs=0.15)
    assert found.high == pytest.approx(10 * np.log10(0.5), abs=0.1)
    assert found.low == pytest.approx(10 * np.log10(300 / 8000), abs=0.4)
    assert found.contrast < 2
    assert found.active == 100


def test_a_gain_changes_the_level_alone():
    random = np.random.default_rng(1)
    wave = (np.repeat(random.uniform(0.01, 0.3, 40), 400) * random.normal(0, 1, 16_000)).astype(np.float32)
    one, other = measure(wave), measure(wave / 8)
    assert other.level == pytest.approx(one.level - 20 * np.log10(8), abs=1e-3)
    assert asdict(replace(other, level=one.level)) == pytest.approx(asdict(one), abs=1e-3)


def test_clipped_samples_are_counted():
    random = np.random.default_rng(2)
    wave = random.normal(0, 0.5, RATE).astype(np.float32)
    clipped = np.clip(wave, -1, 1)
    assert measure(clipped).clipped == pytest.approx(100 * (np.abs(clipped) >= 0.99).mean(), abs=1e-6)
    assert measure(wave).clipped < 0.1


def test_silence_and_less_than_two_frames_have_no_measurements():
    assert measure(np.zeros(RATE, np.float32)) is None
    assert measure(np.ones(799, np.float32)) is None
    assert measure(np.ones(800, np.float32)) is not None


def test_what_is_within_the_margin_is_not_marked_and_each_direction_has_words():
    limits = usual()
    assert limits.describe_difference(MIDDLE) is None
    assert limits.describe_difference(replace(MIDDLE, level=-20 - 1 - 2.9)) is None
    told = limits.describe_difference(replace(MIDDLE, level=-80.0))
    assert told == "quieter (-80 dB, the training recordings have -21 to -19 dB)"
    assert limits.describe_difference(replace(MIDDLE, level=-5.0)).startswith("louder (-5 dB")
    assert limits.describe_difference(replace(MIDDLE, contrast=80.0)) is None  # a better recording
    assert limits.describe_difference(replace(MIDDLE, contrast=5.0)).startswith("less difference")
    assert limits.describe_difference(replace(MIDDLE, flatness=-2.5)).startswith("more like noise")


def test_only_the_two_furthest_facts_are_named():
    far = replace(MIDDLE, level=-80, high=-60, flatness=-23)
    told = usual().describe_difference(far)
    assert told.count(";") == 1
    assert "quieter" in told
    assert "4 kHz" in told


def test_few_recordings_show_nothing_and_limits_survive_json():
    assert Usual.of([MIDDLE] * (LEAST_RECORDINGS - 1)) is None
    limits = usual()
    assert Usual.from_dict(limits.to_dict()) == limits
    with pytest.raises(ValueError, match="not complete"):
        Usual.from_dict({"count": 20, "limits": {"level": [0, 1]}})
    with pytest.raises(ValueError, match="not complete"):
        Usual.from_dict({"count": 20, "limits": {name: [0, float("nan")] for name in limits.limits}})


def test_a_recording_is_described_by_the_windows_in_which_there_is_sound():
    quiet = replace(MIDDLE, level=-70, contrast=1)
    windows = [None, quiet, quiet, quiet, MIDDLE, replace(MIDDLE, level=-22), replace(MIDDLE, level=-24)]
    assert join(windows) == replace(MIDDLE, level=-22)
    assert join([None]) is None
