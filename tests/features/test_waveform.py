import numpy as np
import pytest
from conftest import tone

from sercli.features.waveform import FEATURE, WaveformConfig, count_frames, extract


@pytest.mark.parametrize("length", [1, 639, 4321, 96_000, 100_001])
def test_samples_are_left_as_they_are(length):
    samples = tone(length / 16_000)
    features = extract(samples, WaveformConfig())
    assert features.shape == (1, length)
    np.testing.assert_array_equal(features[0], samples)
    assert FEATURE.frame_rate(WaveformConfig()) == 16_000


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        # Frames of four samples: -3 1 2 0 | 0 -1 -1 0 | 2, filled up with zeros.
        ("max", [2, 0, 2]),
        ("max-abs", [3, 1, 2]),
        ("rms", [np.sqrt(14 / 4), np.sqrt(2 / 4), np.sqrt(4 / 4)]),
    ],
)
def test_a_frames_value_by_hand(aggregate, expected):
    samples = np.array([-3, 1, 2, 0, 0, -1, -1, 0, 2], np.float32)
    features = extract(samples, WaveformConfig(aggregate=aggregate, frame_ms=0.25))
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, [expected], rtol=1e-7)  # half a unit in the last place


def test_zeros_fill_the_tail_even_where_all_samples_are_negative():
    samples = np.full(5, -1, np.float32)
    assert extract(samples, WaveformConfig(aggregate="max", frame_ms=0.25)).tolist() == [[-1, 0]]


@pytest.mark.parametrize("aggregate", ["max", "max-abs", "rms"])
@pytest.mark.parametrize("length", [1, 639, 640, 641, 4321, 48_000, 320_000])
def test_values_equal_a_plain_loops(aggregate, length):
    samples = tone(length / 16_000, seed=length)
    functions = {
        "max": np.max,
        "max-abs": lambda x: np.abs(x).max(),
        "rms": lambda x: np.sqrt(np.mean(x.astype(np.float64) ** 2)),
    }
    filled = np.concatenate([samples, np.zeros(-length % 640, np.float32)])
    expected = [functions[aggregate](filled[i : i + 640]) for i in range(0, length, 640)]
    features = extract(samples, WaveformConfig(aggregate=aggregate))
    np.testing.assert_allclose(features[0], expected, rtol=1e-6)  # float64 rounded to float32


@pytest.mark.parametrize(
    ("samples", "values"), [(48_000, 75), (320_000, 500), (1, 1), (640, 1), (641, 2), (639, 1)]
)
def test_25_values_a_second(samples, values):
    config = WaveformConfig(aggregate="rms")
    assert count_frames(samples, config) == values
    assert extract(np.zeros(samples, np.float32), config).shape == (1, values)
    assert FEATURE.frame_rate(config) == 25


def test_three_seconds_are_padded_at_the_front_and_keep_the_end():
    config = WaveformConfig(duration_s=3)
    short, long = tone(1), tone(5.5)
    np.testing.assert_array_equal(extract(short, config)[0], np.append(np.zeros(32_000, np.float32), short))
    np.testing.assert_array_equal(extract(long, config)[0], long[-48_000:])
    start = WaveformConfig(duration_s=3, placement="start")
    np.testing.assert_array_equal(extract(long, start)[0], long[:48_000])
    loudness = extract(short, WaveformConfig(duration_s=3, aggregate="rms"))
    assert loudness.shape == (1, 75)
    assert (loudness[0, :50] == 0).all()
    assert (loudness[0, 50:] > 0).all()
