import librosa
import numpy as np
import pytest
from conftest import tone
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import get_window

from sercli.features.logmel40 import FEATURE, LogMel40Config, count_frames, extract, span


def every_frame(wave, config):
    """Samples, and zeros up to the end of the last frame that starts within them."""
    end = (len(wave) - 1) // config.hop_length * config.hop_length + config.win_length
    return np.concatenate([wave, np.zeros(config.win_length)])[:end]


def window_of(config):
    return get_window(
        config.window.removeprefix("periodic-"), config.win_length, fftbins="-" in config.window
    )


def by_librosa(wave, config):
    wave = every_frame(np.asarray(wave, np.float64), config)
    spare = config.n_fft - config.win_length  # librosa centres the window within n_fft points
    sums = librosa.feature.melspectrogram(
        y=np.concatenate([np.zeros(spare // 2), wave, np.zeros(spare - spare // 2)]),
        sr=16_000,
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        win_length=config.win_length,
        window=window_of(config),
        center=False,
        power={"magnitude": 1.0, "power": 2.0}[config.spectrum],
        n_mels=config.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        htk=True,
        norm=None,
        dtype=np.float64,
    )
    return np.log(sums + config.offset)


def by_numpy(wave, config):
    wave = every_frame(np.asarray(wave, np.float64), config)
    starts = range(0, len(wave) - config.win_length + 1, config.hop_length)
    frames = np.stack([wave[s : s + config.win_length] for s in starts]) * window_of(config)
    spectra = np.abs(np.fft.rfft(frames, config.n_fft)) ** {"magnitude": 1, "power": 2}[config.spectrum]
    hertz = np.fft.rfftfreq(config.n_fft, 1 / 16_000)
    low, high = (2595 * np.log10(1 + f / 700) for f in (config.f_min, config.f_max))
    corners = 700 * (10 ** (np.linspace(low, high, config.n_mels + 2) / 2595) - 1)
    bank = [np.interp(hertz, corners[m : m + 3], [0, 1, 0], left=0, right=0) for m in range(config.n_mels)]
    return np.log(np.stack(bank) @ spectra.T + config.offset)


CONFIGS = [
    LogMel40Config(),
    LogMel40Config(spectrum="power"),
    LogMel40Config(spectrum="power", offset=1e-10, window="hamming", n_mels=64, f_max=8000),
    LogMel40Config(window_ms=25, hop_ms=10, window="periodic-hamming", f_min=80, offset=1e-3),
    LogMel40Config(window_ms=10, hop_ms=15, window="hann", n_mels=20),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("length", [1, 319, 320, 321, 639, 640, 641, 4321, 48_000, 48_001, 100_001])
def test_equal_to_librosa_and_numpy_edges_included(config, length):
    samples = tone(length / 16_000, seed=length)
    features = extract(samples, config)[0]
    # float32 against float64: the FFT's error is near 1e-7 of the loudest bin, 1e-5 of what filters of
    # this width hold (8e-6 seen).
    np.testing.assert_allclose(features, by_librosa(samples, config), atol=1e-4, rtol=0)
    np.testing.assert_allclose(features, by_numpy(samples, config), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("samples", "frames"), [(48_000, 150), (320_000, 1000), (1, 1), (320, 1), (321, 2), (640, 2), (641, 3)]
)
def test_each_frame_that_starts_within_the_utterance_counts(samples, frames):
    config = LogMel40Config()
    assert count_frames(samples, config) == frames
    assert extract(np.zeros(samples, np.float32), config).shape == (1, 40, frames)
    assert FEATURE.frame_rate(config) == 50


def test_the_defaults_are_the_papers():
    config = LogMel40Config()
    assert config.to_dict() == {
        "duration_s": None,
        "placement": "end",
        "window_ms": 40,
        "hop_ms": 20,
        "f_min": 0,
        "f_max": 7600,
        "window": "periodic-hann",
        "n_mels": 40,
        "spectrum": "magnitude",
        "offset": 1e-6,
    }
    assert (config.win_length, config.hop_length, config.n_fft) == (640, 320, 1024)


def test_the_tail_is_filled_with_zeros():
    samples = tone(1.007)
    filled = np.concatenate([samples, np.zeros(5000, np.float32)])
    frames = count_frames(len(samples), LogMel40Config())
    np.testing.assert_array_equal(
        extract(samples, LogMel40Config()), extract(filled, LogMel40Config())[..., :frames]
    )


def test_three_seconds_are_padded_at_the_front_and_keep_the_end():
    config, whole = LogMel40Config(duration_s=3), LogMel40Config()
    short, long = tone(1), tone(5.5)
    padded = extract(short, config)
    assert padded.shape == (1, 40, 150)
    # 2 s of zeros are 100 frames; the last of them looks 20 ms into the utterance.
    np.testing.assert_allclose(padded[..., :99], np.log(1e-6), rtol=1e-6)
    np.testing.assert_array_equal(padded[..., 100:], extract(short, whole))
    np.testing.assert_array_equal(extract(long, config), extract(long[-48_000:], whole))
    assert span(len(short), config) == (99, 150)
    assert span(len(long), config) == (0, 150)


def test_magnitude_and_offset_by_hand():
    # A click of 1/4 under the middle of the window has magnitude 1/4 in each bin.
    bank = librosa.filters.mel(sr=16_000, n_fft=1024, n_mels=40, fmax=7600, htk=True, norm=None)
    click = np.zeros(640, np.float32)
    click[320] = 0.25  # the periodic window is 1 there
    for spectrum, height in (("magnitude", 0.25), ("power", 0.0625)):
        config = LogMel40Config(spectrum=spectrum, offset=0.5)
        expected = np.log(height * bank.sum(axis=1) + 0.5)
        np.testing.assert_allclose(extract(click, config)[0, :, 0], expected, atol=1e-5)


configs = st.builds(
    LogMel40Config,
    duration_s=st.one_of(st.none(), st.floats(0.0001, 0.2)),
    placement=st.sampled_from(["start", "centre", "end"]),
    window_ms=st.floats(0.2, 60),
    hop_ms=st.floats(1, 40),
    n_mels=st.just(2),
)


@settings(max_examples=300, deadline=None)
@given(configs, st.integers(1, 5000))
def test_span_is_what_marking_the_utterance_finds(config, length):
    marked = config.placed(np.ones(length, np.float32))
    starts = range(0, len(marked), config.hop_length)
    held = [i for i, s in enumerate(starts) if marked[s : s + config.win_length].any()]
    first, last = span(length, config)
    assert count_frames(length, config) == len(starts)
    if held:
        assert (first, last) == (held[0], held[-1] + 1)
    else:  # in the gap between two frames: one frame all the same
        assert 0 <= first == last - 1 < len(starts)
