import numpy as np
import pytest
from conftest import tone
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sercli.errors import ConfigError
from sercli.features.spectrogram import (
    FEATURE,
    SpectrogramConfig,
    count_frames,
    extract,
    finish,
    frames_within,
)
from sercli.segments import windows


def by_numpy(samples, config):
    """Magnitudes frame by frame, in float64, zeros after the last sample."""
    shapes = {"hamming": np.hamming, "hann": np.hanning}
    size, hop = config.win_length, config.hop_length
    padded = np.concatenate([samples.astype(np.float64), np.zeros(size)])
    rows = [
        np.abs(np.fft.rfft(padded[start : start + size] * shapes[config.window](size), config.n_fft))
        for start in range(0, len(samples), hop)
    ]
    return np.stack(rows).T[: config.bins]


CONFIGS = [
    SpectrogramConfig(),
    SpectrogramConfig(window_ms=25, hop_ms=12.5, n_fft=512, bins=257, window="hann"),
    SpectrogramConfig(n_fft=801, bins=401),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("length", [1, 100, 639, 640, 641, 4321, 32_000, 96_000, 100_001])
def test_magnitudes_equal_numpys_edges_included(config, length):
    samples = tone(length / 16_000, seed=length)
    features = extract(samples, config)
    assert features.shape == (1, config.bins, count_frames(length, config))
    # float32 against float64 on a linear scale: 2e-7 of magnitudes up to 83.
    assert_allclose(features[0], by_numpy(samples, config), atol=3e-5, rtol=0)


def test_bins_go_from_0_to_3990_hertz():
    wave = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    features = extract(wave, SpectrogramConfig())
    assert features.shape[1] == 400
    assert set(features[0, :, :97].argmax(axis=0)) == {100}  # 10 Hz a bin


@pytest.mark.parametrize(
    ("samples", "within", "every"), [(32_000, 197, 200), (640, 1, 4), (799, 1, 5), (800, 2, 5), (1, 1, 1)]
)
def test_frames_that_lie_within(samples, within, every):
    assert frames_within(samples, SpectrogramConfig()) == within
    assert count_frames(samples, SpectrogramConfig()) == every


def test_a_segment_of_the_utterances_frames_is_the_frames_of_its_samples():
    samples, config = tone(3.31), SpectrogramConfig(mu=0, map="none")
    whole = extract(samples, config)
    for segment in windows(len(samples), 32_000, 6400):
        alone = extract(samples[segment.start : segment.stop], config)
        first = segment.start // 160
        # The same numbers but for the order in which FFTs of other blocks sum: 1e-7 of 83.
        assert_allclose(alone[..., :197], whole[..., first : first + 197], atol=3e-5, rtol=0)
        assert np.abs(alone[..., 197:] - whole[..., first + 197 : first + 200]).max() > 0.01


MATRIX = np.array([[[0, 1], [2, 4]]], np.float32)
# With mu = 3: ln(1 + 3/4) / ln 4, ln(1 + 3/2) / ln 4.
QUARTER, HALF = 0.4036775, 0.6609640


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"mu": 0}, [0, 0.25, 0.5, 1]),
        ({"mu": 3}, [0, QUARTER, HALF, 1]),
        ({"map": "min-max", "mu": 0}, [-1, -0.5, 0, 1]),
        ({"map": "min-max", "mu": 3}, [-1, -HALF, 0, 1]),
        ({"map": "none", "mu": 0}, [0, 1, 2, 4]),
        ({"map": "none", "mu": 3}, [0, 1, np.log(7) / np.log(4), np.log(13) / np.log(4)]),
        # Divided by the training part's maximum before; only companded here.
        ({"map_scope": "training", "mu": 0}, [0, 1, 2, 4]),
        ({"map_scope": "training", "mu": 3}, [0, 1, np.log(7) / np.log(4), np.log(13) / np.log(4)]),
        # Done when the utterance was extracted.
        ({"map_scope": "utterance", "mu": 3}, [0, 1, 2, 4]),
    ],
)
def test_maps_and_mu_law_by_hand(settings, expected):
    before = MATRIX.copy()
    finished = finish(MATRIX, SpectrogramConfig(**settings))
    assert finished.dtype == np.float32
    assert_allclose(finished.ravel(), expected, atol=1e-6)
    np.testing.assert_array_equal(MATRIX, before)


def test_the_mu_law_at_255_by_hand():
    # ln(1 + 255/2) / ln 256 = 4.855929 / 5.545177
    segment = np.array([[[0.5, 1, 0]]], np.float32)
    assert_allclose(finish(segment, SpectrogramConfig()).ravel(), [0.8757032, 1, 0], atol=1e-6)


def test_of_an_utterance_the_map_is_made_when_it_is_extracted():
    samples = tone(3)
    raw = extract(samples, SpectrogramConfig())
    for settings in ({}, {"map": "min-max"}, {"map": "none", "mu": 7.0}):
        mapped = extract(samples, SpectrogramConfig(map_scope="utterance", **settings))
        assert_allclose(mapped, finish(raw, SpectrogramConfig(map_scope="segment", **settings)), atol=1e-6)
    assert extract(samples, SpectrogramConfig(map_scope="utterance")).max() == 1


@pytest.mark.parametrize("map_", ["max-abs", "min-max", "none"])
@pytest.mark.parametrize("scope", ["segment", "utterance"])
def test_silence_and_constants_stay_finite(map_, scope):
    config = SpectrogramConfig(map=map_, map_scope=scope)
    silent = finish(extract(np.zeros(40_000, np.float32), config), config)
    assert (silent == 0).all()
    least = np.full((1, 400, 9), np.float32(1e-45))
    assert np.isfinite(finish(least, SpectrogramConfig(map=map_))).all()


@given(st.lists(st.floats(0, 1e4, width=32), min_size=2, max_size=40), st.sampled_from([0.0, 1.0, 255.0]))
def test_mapped_values_lie_within_one_and_keep_their_order(values, mu):
    segment = np.array(values, np.float32)[None, None]
    for map_ in ("max-abs", "min-max"):
        finished = finish(segment, SpectrogramConfig(map=map_, mu=mu))
        assert np.abs(finished).max() <= 1 + 1e-6
        assert (np.diff(finished.ravel()[np.argsort(values, kind="stable")]) >= -1e-6).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_fft": 512, "bins": 200}, "n_fft=512 must hold the window of 640 samples"),
        ({"bins": 802}, "twice the 802 bins"),
        ({"map": "min-max", "map_scope": "training"}, "min-max is of a segment or an utterance"),
        ({"f_max": 4000}, "unknown setting 'f_max'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ConfigError) as caught:
        SpectrogramConfig(**settings)
    assert message in str(caught.value)


def test_the_defaults_are_the_papers():
    assert SpectrogramConfig().to_dict() == {
        "duration_s": None,
        "placement": "centre",
        "window_ms": 40,
        "hop_ms": 10,
        "window": "hamming",
        "n_fft": 1600,
        "bins": 400,
        "map": "max-abs",
        "map_scope": "segment",
        "mu": 255,
    }


def test_a_hundred_frames_are_a_second():
    assert FEATURE.frame_rate(SpectrogramConfig()) == 100
