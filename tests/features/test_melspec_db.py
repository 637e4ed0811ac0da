import librosa
import numpy as np
import pytest
from conftest import tone

from sercli import audio
from sercli.errors import ConfigError
from sercli.features.melspec_db import FEATURE, MelSpecDBConfig, count_frames, extract, span, trim


def three_seconds(y, config):
    """What `placement: start` keeps."""
    if config.duration_s is None:
        return y
    size = round(config.duration_s * config.sample_rate)
    return np.concatenate([y, np.zeros(max(0, size - len(y)), np.float32)])[:size]


def by_librosa(y, config):
    power = librosa.feature.melspectrogram(
        y=three_seconds(y, config).astype(np.float64),
        sr=config.sample_rate,
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        n_mels=config.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        htk=True,
        dtype=np.float64,
    )
    return librosa.power_to_db(power, ref=np.max, top_db=config.top_db)


# float32 against float64: the FFT's error is near 1e-7 of the loudest bin. 60 dB below it that is 1e-4
# of the magnitude or 0.001 dB (4e-4 seen).
DECIBELS = 2e-3

CONFIGS = [
    MelSpecDBConfig(),
    MelSpecDBConfig(duration_s=None),
    MelSpecDBConfig(sample_rate=16_000, n_mels=64, n_fft=1024, hop_length=256, top_db=60),
    MelSpecDBConfig(sample_rate=44_100, f_min=50, f_max=8000, duration_s=2.5),
    MelSpecDBConfig(n_fft=1025, hop_length=441, duration_s=None),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("length", [1, 100, 1486, 4321, 16_000, 48_000, 48_001, 100_001])
@pytest.mark.filterwarnings("ignore:n_fft=:UserWarning")  # librosa, of signals shorter than a frame
def test_equal_to_librosa_edges_included(config, length):
    samples = tone(length / 16_000, seed=length)
    y = audio.resample(samples, 16_000, config.sample_rate)
    features = extract(samples, config)
    assert features.shape == (1, config.n_mels, count_frames(length, config))
    np.testing.assert_allclose(features[0], by_librosa(y, config), atol=DECIBELS, rtol=0)


def test_three_seconds_are_an_image_of_128_by_130():
    for seconds in (0.5, 3, 4.2):
        assert extract(tone(seconds), MelSpecDBConfig()).shape == (1, 128, 130)
    assert FEATURE.frame_rate(MelSpecDBConfig()) == pytest.approx(22_050 / 512)


def test_digital_silence_is_constant_and_librosas():
    silent = np.zeros(30_000, np.float32)
    features = extract(silent, MelSpecDBConfig())
    assert features.shape == (1, 128, 130)
    assert (features == 0).all()  # as loud as its own maximum
    assert (by_librosa(silent, MelSpecDBConfig()) == 0).all()
    assert (extract(silent, MelSpecDBConfig(trim_db=30)) == 0).all()


def test_values_lie_between_the_floor_and_zero_and_do_not_know_the_gain():
    config = MelSpecDBConfig(top_db=50)
    features = extract(tone(1), config)
    assert features.max() == 0
    assert features.min() == -50
    np.testing.assert_allclose(extract(0.5 * tone(1), config), features, atol=1e-4)


def parts(*levels, seed=0):
    """Noise, a part per level, each 0.2 s."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(0, level, 4410) for level in levels]).astype(np.float32)


SIGNALS = {
    "silence at both ends": parts(0, 0.1, 0.3, 0),
    "faint noise at both ends": parts(1e-4, 1e-4, 0.1, 0.2, 1e-4),
    "silence at the front": parts(0, 0, 0.1),
    "silence at the end": parts(0.1, 0),
    "silence in the middle only": parts(0.1, 0, 0.1),
    "no silence": parts(0.1, 0.2),
    "all silent": np.zeros(10_000, np.float32),
    "all but silent": parts(1e-7),
    "one sample": np.ones(1, np.float32),
    "a click": np.eye(1, 9000, 4000, dtype=np.float32)[0],
    "a click at the end": np.eye(1, 1024, 1023, dtype=np.float32)[0],
    "shorter than a frame": parts(0.1)[:1000],
    **{
        f"steps {seed}": parts(*np.random.default_rng(seed).choice([1e-3, 3e-3, 1e-2, 0.1], 8))
        for seed in range(20)
    },
}


@pytest.mark.parametrize("below_db", [30, 60, 10])
@pytest.mark.parametrize("name", SIGNALS)
def test_trimming_cuts_where_librosa_cuts(name, below_db):
    y = SIGNALS[name]
    _, (start, stop) = librosa.effects.trim(y, top_db=below_db)
    trimmed = trim(y, below_db)
    offset = (trimmed.__array_interface__["data"][0] - y.__array_interface__["data"][0]) // 4
    assert (offset, offset + len(trimmed)) == (start, stop)


def test_silence_is_trimmed_before_three_seconds_are_kept():
    samples = np.concatenate([np.zeros(20_000, np.float32), tone(2), np.zeros(9000, np.float32)])
    y = audio.resample(samples, 16_000, 22_050)
    kept, _ = librosa.effects.trim(y, top_db=30)
    assert len(kept) < len(y) - 20_000
    config = MelSpecDBConfig(trim_db=30)
    np.testing.assert_allclose(extract(samples, config)[0], by_librosa(kept, config), atol=DECIBELS, rtol=0)
    assert extract(samples, config).shape == (1, 128, 130)


def test_an_original_is_taken_at_its_own_rate():
    y = tone(2.1, rate=22_050, pitch=9500)  # prepared audio of 16 kHz holds nothing so high
    config = MelSpecDBConfig(original=True)
    features = extract(y, config)
    np.testing.assert_allclose(features[0], by_librosa(y, config), atol=DECIBELS, rtol=0)
    loudest = librosa.mel_frequencies(130, fmax=11_025, htk=True)[1:-1][features[0].max(axis=1).argmax()]
    assert loudest == pytest.approx(9500, abs=100)
    assert count_frames(22_050, MelSpecDBConfig(original=True, duration_s=None)) == 1 + 22_050 // 512


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000])
def test_frames_of_whole_utterances_are_counted_as_the_resampler_rounds(rate):
    config = MelSpecDBConfig(duration_s=None, sample_rate=rate, n_fft=16, hop_length=1, n_mels=2)
    for length in (1, 2, 3, 159, 160, 161, 480, 1601):
        assert extract(tone(length / 16_000), config).shape[2] == count_frames(length, config)


@pytest.mark.parametrize("settings", [{"f_max": 12_000}, {"f_min": 5000, "f_max": 4000}])
def test_filters_lie_below_half_the_sample_rate(settings):
    with pytest.raises(ConfigError, match="need 0 <= f_min < f_max <= 11025 Hz"):
        MelSpecDBConfig(**settings)


@pytest.mark.parametrize("placement", ["start", "centre", "end"])
@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.9, 3.0, 4.0])
def test_span_is_where_the_utterance_is_heard(placement, seconds):
    config = MelSpecDBConfig(placement=placement)
    samples = np.random.default_rng(0).normal(0, 0.1, round(16_000 * seconds)).astype(np.float32)
    heard = np.flatnonzero((extract(samples, config)[0] > -config.top_db).any(axis=0))
    first, last = span(len(samples), config)
    # A window's ends are so low that a frame that only touches the utterance may stay at the floor.
    assert 0 <= heard[0] - first <= 1
    assert 0 <= last - (heard[-1] + 1) <= 1
    assert span(len(samples), MelSpecDBConfig(trim_db=30)) == (0, 130)
