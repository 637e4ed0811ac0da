import librosa
import numpy as np
import pytest
import scipy.signal
import torch
from conftest import tone
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks._torchaudio import torchaudio
from sercli.errors import ConfigError
from sercli.features.logmel import FEATURE, LogMelConfig, count_frames, empty, extract, span

FLOOR = np.log(1e-10)

# float32 against float64: the FFT's error is near 1e-7 of the loudest bin, so that filters 50 dB below
# it are off by some 1e-4 of their energy, and by as much in the log domain (2e-4 seen).
TOLERANCE = 5e-4

pytestmark = [
    pytest.mark.filterwarnings("ignore:Empty filters"),
    pytest.mark.filterwarnings("ignore:At least one mel filterbank"),
]


def six_seconds(samples):
    """The middle 96000 samples, or zeros on either side; the odd one at the end."""
    surplus = len(samples) - 96_000
    if surplus >= 0:
        return samples[surplus // 2 : surplus // 2 + 96_000].astype(np.float64)
    before = -surplus // 2
    return np.concatenate([np.zeros(before), samples, np.zeros(-surplus - before)])


def shape_of(config):
    win = config.win_length
    return {"hamming": np.hamming(win), "hann": np.hanning(win), "rectangular": np.ones(win)}[config.window]


def between_zeros(wave, config):
    """Zeros such that a window that librosa and torch centre within n_fft points starts where ours does."""
    spare = config.fft_length - config.win_length
    return np.concatenate([np.zeros(spare // 2), wave, np.zeros(spare - spare // 2)])


def by_librosa(wave, config):
    energies = librosa.feature.melspectrogram(
        y=between_zeros(wave, config),
        sr=16_000,
        n_fft=config.fft_length,
        hop_length=config.hop_length,
        win_length=config.win_length,
        window=shape_of(config),
        center=False,
        power=2.0,
        n_mels=config.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        htk=True,
        norm="slaney" if config.equal_area else None,
        dtype=np.float64,
    )
    return np.log(np.maximum(energies, config.floor))


def by_torchaudio(wave, config):
    spectra = torch.stft(
        torch.from_numpy(between_zeros(wave, config)),
        config.fft_length,
        hop_length=config.hop_length,
        win_length=config.win_length,
        window=torch.from_numpy(shape_of(config)),
        center=False,
        return_complex=True,
    )
    bank = torchaudio.functional.melscale_fbanks(
        config.fft_length // 2 + 1,
        config.f_min,
        config.f_max,
        config.n_mels,
        16_000,
        norm="slaney" if config.equal_area else None,
        mel_scale="htk",
    )
    return (bank.double().T @ spectra.abs().square()).clamp(min=config.floor).log().numpy()


def by_numpy(wave, config):
    """Frame by frame and filter by filter."""
    win, hop = config.win_length, config.hop_length
    wave = np.concatenate([wave, np.zeros(max(0, win - len(wave)))])
    starts = range(0, len(wave) - win + 1, hop)
    spectra = [np.fft.rfft(wave[s : s + win] * shape_of(config), config.fft_length) for s in starts]
    hertz = np.fft.rfftfreq(config.fft_length, 1 / 16_000)
    low, high = (2595 * np.log10(1 + f / 700) for f in (config.f_min, config.f_max))
    corners = 700 * (10 ** (np.linspace(low, high, config.n_mels + 2) / 2595) - 1)
    out = np.full((config.n_mels, len(spectra)), np.log(config.floor))
    for m in range(config.n_mels):
        triangle = np.interp(hertz, corners[m : m + 3], [0, 1, 0], left=0, right=0)
        if config.equal_area:
            triangle *= 2 / (corners[m + 2] - corners[m])
        out[m] = np.log(np.maximum(np.abs(np.array(spectra)) ** 2 @ triangle, config.floor))
    return out


CONFIGS = [
    LogMelConfig(),
    LogMelConfig(window_ms=15),
    LogMelConfig(window_ms=15, n_fft="power-of-two"),
    LogMelConfig(window_ms=25, n_fft=1024),
    LogMelConfig(window_ms=30, n_fft="power-of-two", equal_area=True),
    LogMelConfig(n_mels=40, window_ms=32, hop_ms=8, window="hann", f_min=50, f_max=7600, equal_area=True),
    LogMelConfig(window_ms=20, hop_ms=25, window="rectangular", floor=1e-6),
]
LENGTHS = [1, 100, 240, 800, 4321, 48_001, 96_000, 96_001, 120_123]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("length", LENGTHS)
def test_six_seconds_equal_librosa_torchaudio_and_numpy_edges_included(config, length):
    samples = tone(length / 16_000, seed=length)
    features = extract(samples, config)[0]
    assert features.shape == (config.n_mels, 96_000 // config.hop_length)
    wave = six_seconds(samples)
    expected = by_librosa(wave, config)
    real = expected.shape[1]
    np.testing.assert_allclose(features[:, :real], expected, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(features[:, real:], np.log(config.floor), rtol=1e-6)
    # torchaudio's filters are made in float32: another 1e-4 of the weights.
    np.testing.assert_allclose(features[:, :real], by_torchaudio(wave, config), atol=2 * TOLERANCE, rtol=0)
    if length == 4321:  # the slowest reference
        np.testing.assert_allclose(features[:, :real], by_numpy(wave, config), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("config", [c.model_copy(update={"duration_s": None}) for c in CONFIGS])
@pytest.mark.parametrize("length", [1, 239, 800, 801, 4321, 100_001])
def test_whole_utterances_equal_numpy_and_librosa(config, length):
    samples = tone(length / 16_000, seed=length)
    features = extract(samples, config)[0]
    np.testing.assert_allclose(features, by_numpy(samples, config), atol=TOLERANCE, rtol=0)
    if length >= config.win_length:
        np.testing.assert_allclose(features, by_librosa(samples, config), atol=TOLERANCE, rtol=0)


def test_the_defaults_are_the_papers():
    assert LogMelConfig().to_dict() == {
        "duration_s": 6,
        "placement": "centre",
        "window_ms": 50,
        "hop_ms": 10,
        "f_min": 0,
        "f_max": 8000,
        "window": "hamming",
        "normalise_window": False,
        "n_fft": "window",
        "n_mels": 64,
        "equal_area": False,
        "floor": 1e-10,
    }


def test_the_eight_variants_fill_600_columns_and_differ_in_how_many_are_real():
    samples = tone(7)
    real = []
    for name in ("v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8"):
        config = LogMelConfig(**FEATURE.variants[name])
        features = extract(samples, config)
        assert features.shape == (1, 64, 600)
        at_floor = (features[0] < FLOOR + 1e-3).all(axis=0)
        real.append(int((~at_floor).sum()))
        assert at_floor[real[-1] :].all()
    assert real == [599, 599, 598, 598, 597, 597, 596, 596]
    assert list(FEATURE.variants) == ["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8"]
    assert [v["window_ms"] for v in FEATURE.variants.values()] == [15, 20, 25, 30, 35, 40, 45, 50]


@pytest.mark.parametrize("window_ms", [15, 30, 50])
def test_normalised_windows_give_scipys_spectrum_whose_tones_have_their_own_level(window_ms):
    config = LogMelConfig(window_ms=window_ms, normalise_window=True, duration_s=None, floor=1e-15)
    samples = tone(1.0, seed=3)
    win, hop = config.win_length, config.hop_length
    bank = librosa.filters.mel(
        sr=16_000, n_fft=win, n_mels=64, fmax=8000, htk=True, norm=None, dtype=np.float64
    )
    _, _, spectra = scipy.signal.stft(
        samples.astype(np.float64),
        window=np.hamming(win),
        nperseg=win,
        noverlap=win - hop,
        boundary=None,
        padded=False,
        scaling="spectrum",  # scipy too divides by the sum of the window
    )
    expected = np.log(np.maximum(bank @ np.abs(spectra) ** 2, config.floor))
    np.testing.assert_allclose(extract(samples, config)[0], expected, atol=TOLERANCE, rtol=0)


def median_level(name, **settings):
    """Of white noise, over the filters that hold several bins at every window length."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(96_000).astype(np.float32)
    return float(np.median(extract(noise, LogMelConfig(**FEATURE.variants[name], **settings))[0, 40:, :590]))


def test_only_normalised_windows_give_all_variants_one_level():
    # Without it the energy goes with the square of the window's length: 2 ln(50 / 15) = 2.41 nats.
    assert median_level("v8") - median_level("v1") == pytest.approx(2.41, abs=0.1)
    even = {"normalise_window": True, "floor": 1e-15}
    assert median_level("v8", **even) - median_level("v1", **even) == pytest.approx(0, abs=0.1)


def bins_per_filter(config):
    bank = librosa.filters.mel(
        sr=16_000, n_fft=config.fft_length, n_mels=64, fmax=8000, htk=True, norm=None, dtype=np.float64
    )
    return (bank > 1e-9).sum(axis=1)


def test_how_many_filters_are_empty_or_hold_a_single_bin():
    # The module's docstring says so; by librosa's filters.
    counts = [bins_per_filter(LogMelConfig(**settings)) for settings in FEATURE.variants.values()]
    assert [int((count == 0).sum()) for count in counts] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert [int((count == 1).sum()) for count in counts] == [13, 7, 3, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "config",
    [
        *(LogMelConfig(**settings) for settings in FEATURE.variants.values()),
        LogMelConfig(window_ms=15, n_mels=128),
        LogMelConfig(window_ms=15, f_min=1000, f_max=4000),
        LogMelConfig(window_ms=15, n_mels=128, f_min=200),  # a bin of the FFT lies there
        LogMelConfig(window_ms=15, n_mels=128, n_fft=1024, equal_area=True),
        LogMelConfig(window_ms=2, hop_ms=1),
    ],
)
def test_empty_filters_are_those_at_the_floor_in_white_noise(config):
    noise = np.random.default_rng(0).normal(0, 0.1, 96_000).astype(np.float32)
    features = extract(noise, config)
    frames = span(96_000, config)[1]
    assert empty(config).shape == (1, config.n_mels, 1)
    assert empty(config)[0, :, 0].tolist() == (features[0, :, :frames] < FLOOR + 1e-3).all(axis=1).tolist()


@pytest.mark.parametrize(
    ("length", "placement", "first", "before"),
    [
        # Six samples; 9 or 4 are there. The odd one is left off, or put, at the end.
        (9, "centre", 1, 0),
        (9, "start", 0, 0),
        (9, "end", 3, 0),
        (3, "centre", 0, 1),
        (3, "start", 0, 0),
        (3, "end", 0, 3),
    ],
)
def test_what_is_kept_and_where_zeros_go_by_hand(length, placement, first, before):
    config = LogMelConfig(duration_s=6 / 16_000, placement=placement, window_ms=1)
    samples = np.arange(1, length + 1, dtype=np.float32)
    expected = [0.0] * before + samples[first:][: 6 - before].tolist()
    assert config.placed(samples).tolist() == expected + [0.0] * (6 - len(expected))


configs = st.builds(
    LogMelConfig,
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
    win, hop = config.win_length, config.hop_length
    starts = [s for s in range(0, len(marked), hop) if s + win <= len(marked)] or [0]
    starts = starts[: count_frames(length, config)]
    held = [i for i, s in enumerate(starts) if marked[s : s + win].any()]
    first, last = span(length, config)
    if held:
        assert (first, last) == (held[0], held[-1] + 1)
    else:  # in the gap between two frames, or beyond the last one: one frame all the same
        assert 0 <= first == last - 1 < len(starts)


@settings(max_examples=100, deadline=None)
@given(configs, st.integers(1, 5000))
def test_frames_are_as_many_as_counted_and_at_least_one(config, length):
    features = extract(np.zeros(length, np.float32), config)
    assert features.shape == (1, 2, count_frames(length, config))
    assert features.shape[2] >= 1


def test_energies_by_hand():
    # A click of 1/2 in the middle of a rectangular window has the power 1/4 in each bin: a filter's
    # energy is a quarter of the sum of its weights.
    config = LogMelConfig(duration_s=None, window="rectangular", window_ms=32, n_mels=8)
    click = np.zeros(512, np.float32)
    click[200] = 0.5
    bank = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=8, fmax=8000, htk=True, norm=None)
    np.testing.assert_allclose(extract(click, config)[0, :, 0], np.log(bank.sum(axis=1) / 4), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"f_max": 9000}, "need 0 <= f_min < f_max <= 8000 Hz"),
        ({"n_fft": 512}, "n_fft=512 is shorter than the window of 800 samples"),
        ({"hop_ms": 0.01}, "hop_ms: input should be greater than or equal to 1"),
        ({"placement": "middle"}, "placement: input should be 'start', 'centre' or 'end', got 'middle'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ConfigError) as caught:
        LogMelConfig(**settings)
    assert message in str(caught.value)
