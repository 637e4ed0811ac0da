import numpy as np
import pytest
from conftest import tone
from python_speech_features import delta, fbank, get_filterbanks

from sercli.errors import ConfigError
from sercli.features.logmel3d import FEATURE, LogMel3DConfig, extract
from sercli.features.shared.spectra import rounded_mel


def reference(samples, config):
    """The same by python_speech_features, in float64."""
    windows = {"hamming": np.hamming, "hann": np.hanning, "rectangular": np.ones}
    energies, _ = fbank(
        samples.astype(np.float64),
        samplerate=16_000,
        winlen=config.window_ms / 1000,
        winstep=config.hop_ms / 1000,
        nfilt=config.n_mels,
        nfft=config.n_fft,
        lowfreq=config.f_min,
        highfreq=config.f_max,
        preemph=config.preemphasis,
        winfunc=windows[config.window],
    )
    logmel = np.log(np.maximum(energies, config.floor))
    slope = delta(logmel, config.delta_frames)
    return np.stack([logmel.T, slope.T, delta(slope, config.delta_frames).T])


CONFIGS = [
    LogMel3DConfig(),
    LogMel3DConfig(preemphasis=0.97, window="rectangular", delta_frames=2),
    LogMel3DConfig(n_mels=26, n_fft=1024, window_ms=40, hop_ms=20, window="hann", f_min=50, f_max=7600),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("length", [8000, 4321, 12_400 - 1, 16_160])
def test_equal_to_python_speech_features_edges_included(config, length):
    # float32 against float64: 1e-3 in the log domain, mostly far less (power sums of 2e-5 relative).
    samples = tone(length / 16_000, seed=length)
    np.testing.assert_allclose(extract(samples, config), reference(samples, config), atol=1e-3, rtol=0)


def test_corners_to_the_nearest_bin_by_a_loop():
    found = rounded_mel(40, 512, 16_000, 0, 8000, nearest=True)
    mels = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 42)
    hertz = [700 * (10 ** (mel / 2595) - 1) for mel in mels]
    bins = np.arange(257) * 16_000 / 512
    corners = [int(np.abs(bins - f).argmin()) for f in hertz]
    for m in range(40):
        left, peak, right = corners[m : m + 3]
        expected = np.interp(np.arange(257), [left, peak, right], [0, 1, 0], left=0, right=0)
        np.testing.assert_allclose(found[m], expected, atol=1e-12)
    down = rounded_mel(40, 512, 16_000, 0, 8000)
    moved = found.argmax(axis=1) - down.argmax(axis=1)
    assert (sum(moved), set(moved)) == (13, {0, 1})  # as the module's docstring says: 13 corners, all peaks


def test_the_nearest_corners_are_used():
    samples = tone(0.5)
    config = LogMel3DConfig(corners="nearest", n_mels=26)
    bank = rounded_mel(26, 512, 16_000, 0, 8000, nearest=True)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), 400)[::160]
    power = np.abs(np.fft.rfft(frames * np.hamming(400), 512)) ** 2 / 512
    expected = np.log(np.maximum(power @ bank.T, config.floor)).T
    np.testing.assert_allclose(extract(samples, config)[0, :, : expected.shape[1]], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("samples", "frames"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3), (16_000, 99)]
)
def test_the_last_frame_is_filled_up_with_zeros(samples, frames):
    # 1 + ceil((n - 400) / 160), at least 1.
    assert extract(tone()[:1].repeat(samples), LogMel3DConfig()).shape == (3, 40, frames)


def test_silence_is_at_the_floor_and_has_no_slope():
    maps = extract(np.zeros(8000, np.float32), LogMel3DConfig())
    np.testing.assert_allclose(maps[0], np.log(1e-10), rtol=1e-6)
    np.testing.assert_allclose(maps[1:], 0, atol=1e-5)  # sums of rounded products
    for settings in ({"normalise_waveform": True}, {"preemphasis": 0.97}):
        assert np.isfinite(extract(np.zeros(8000, np.float32), LogMel3DConfig(**settings))).all()


def test_the_slope_of_a_ramp_is_its_slope():
    # Energies that grow by a factor of e per frame have a log-mel slope of 1 away from the edges.
    samples = (np.exp(np.arange(16_000) / 320) * 1e-12 * np.cos(np.arange(16_000))).astype(np.float32)
    maps = extract(samples, LogMel3DConfig(floor=1e-30))
    np.testing.assert_allclose(maps[1][20, 20:-20], 1.0, atol=0.01)
    np.testing.assert_allclose(maps[2][20, 25:-25], 0.0, atol=0.01)


def test_a_normalised_waveform_does_not_know_its_gain():
    config = LogMel3DConfig(normalise_waveform=True)
    np.testing.assert_allclose(extract(tone(), config), extract(0.1 * tone(), config), atol=1e-3)


def test_the_filterbank_is_that_of_python_speech_features():
    np.testing.assert_allclose(rounded_mel(40, 512, 16_000, 0, 8000), get_filterbanks(40, 512, 16_000))


def test_one_filter_by_hand():
    # Two filters from 0 to 8000 Hz: mel 0, 946.7, 1893.3, 2840.0 are 0, 921, 3054, 8000 Hz, which
    # round down to bins 0, 0, 2, 7 (of 15 points at 16 kHz, 14 + 1).
    expected = np.zeros((2, 8))
    expected[0, 0:2] = [1, 0.5]
    expected[1, 2:7] = [1, 0.8, 0.6, 0.4, 0.2]
    np.testing.assert_allclose(rounded_mel(2, 14, 16_000, 0, 8000)[1, 2:], expected[1, 2:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"f_max": 9000}, "need 0 <= f_min < f_max <= 8000 Hz"),
        ({"window_ms": 40}, "is shorter than the window"),
        ({"n_mels": 0}, "n_mels: input should be greater than or equal to 1"),
        ({"window": "kaiser"}, "window: input should be 'hamming', 'hann' or 'rectangular', got 'kaiser'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ConfigError) as caught:
        LogMel3DConfig(**settings)
    assert message in str(caught.value)


def test_golden_numbers():
    """If these move, raise FEATURE.version: stored features would be stale."""
    maps = extract(tone(), LogMel3DConfig())
    assert FEATURE.version == 1
    assert maps.shape == (3, 40, 49)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), GOLDEN_MEANS, rtol=1e-4)
    np.testing.assert_allclose(maps[:, 5, 20], GOLDEN_POINT, rtol=1e-4, atol=1e-5)


GOLDEN_MEANS = [-8.076719, -2.248326e-03, 9.006393e-04]
GOLDEN_POINT = [-9.256712, -0.08570935, -2.168e-05]
