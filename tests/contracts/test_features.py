"""What holds for every kind of feature."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal, get_args, get_origin

import numpy as np
import pytest
import torch
from conftest import tone

from sercli.errors import ConfigError
from sercli.features import feature_names, get_feature


def configs():
    """Each kind with its default settings, and with those of its variants."""
    for name in feature_names():
        feature = get_feature(name)
        for variant, settings in {"default": {}, **feature.variants}.items():
            yield pytest.param(feature, feature.config(**settings), id=f"{name}-{variant}")


every_kind = pytest.mark.parametrize("name", feature_names())
every_config = pytest.mark.parametrize(("feature", "config"), list(configs()))


def click(length):
    samples = np.zeros(length, np.float32)
    samples[length // 3] = 1
    return samples


def clipped(seconds):
    return np.sign(tone(seconds, pitch=130)).astype(np.float32)


AUDIO = {
    "speech-like": tone(1.3),
    "longer than six seconds": tone(6.7),
    "silence": np.zeros(20_000, np.float32),
    "a click": click(20_000),
    "clipped at full scale": clipped(2),
    "faint": np.float32(1e-6) * tone(1),
    "one sample": np.ones(1, np.float32),
    "one silent sample": np.zeros(1, np.float32),
    "an odd length": tone(4321 / 16_000),
}


@every_config
@pytest.mark.parametrize("audio", AUDIO)
def test_values_are_finite_float32_of_the_stated_shape_and_count(feature, config, audio):
    samples = AUDIO[audio]
    features = feature.extract(samples, config)
    assert features.shape == (*feature.shape(config), feature.count_frames(len(samples), config))
    assert features.dtype == np.float32
    assert features.flags.c_contiguous
    assert np.isfinite(features).all()
    assert features.ndim == len(feature.axes)
    assert feature.axes[-1] == "frames"
    if feature.finish:
        finished = feature.finish(features, config)
        assert (finished.shape, finished.dtype) == (features.shape, np.float32)
        assert np.isfinite(finished).all()


@every_config
def test_a_sample_more_or_less_than_a_window_is_no_special_case(feature, config):
    windows = {config.to_dict().get("n_fft"), getattr(config, "win_length", None), 400, 640}
    for window in {w for w in windows if isinstance(w, int)}:
        for length in (window - 1, window, window + 1):
            features = feature.extract(tone(length / 16_000), config)
            assert features.shape[-1] == feature.count_frames(length, config) >= 1
            assert np.isfinite(features).all()


@every_kind
def test_ten_minutes_are_as_good_as_a_second(name):
    # Whole where the kind's defaults keep utterances whole; a third of a second each at most.
    feature = get_feature(name)
    config = feature.config()
    samples = np.tile(tone(60), 2 if feature.extra else 10)  # libraries outside are slower
    features = feature.extract(samples, config)
    assert features.shape == (*feature.shape(config), feature.count_frames(len(samples), config))
    assert np.isfinite(features.sum(dtype=np.float64))


@every_config
def test_samples_are_left_unchanged_and_shared_with_nobody(feature, config):
    samples = tone(7)
    before = samples.copy()
    features = feature.extract(samples, config)
    finished = feature.finish(features, config) if feature.finish else features
    assert not np.shares_memory(samples, features)
    assert not np.shares_memory(samples, finished)
    np.testing.assert_array_equal(samples, before)


@every_config
def test_a_second_call_gives_the_same(feature, config):
    first = feature.extract(tone(1.1), config)
    kept = first.copy()
    other = feature.extract(tone(1.2, pitch=300), config)
    np.testing.assert_array_equal(feature.extract(tone(1.1), config), kept)
    np.testing.assert_array_equal(first, kept)  # no buffer is used twice
    assert not np.shares_memory(first, other)


@every_config
def test_samples_may_be_a_view_that_runs_backwards(feature, config):
    samples = tone(1)
    backwards = feature.extract(samples[::-1], config)
    np.testing.assert_array_equal(backwards, feature.extract(samples[::-1].copy(), config))


@every_kind
def test_threads_do_not_change_the_numbers(name):
    feature = get_feature(name)
    config = feature.config()
    samples = tone(6)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = feature.extract(samples, config)
        torch.set_num_threads(4)
        four = feature.extract(samples, config)
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(one, four, atol=1e-6, rtol=1e-6)
    with ThreadPoolExecutor(4) as pool:  # as the store calls it
        for features in pool.map(lambda _: feature.extract(samples, config), range(8)):
            np.testing.assert_allclose(features, one, atol=1e-6, rtol=1e-6)


# Digital silence as a whole utterance is as loud as its own maximum, 0 dB; next to speech it is at the
# floor, which is what padding stands for.
RELATIVE = {"melspec-db"}


@every_config
def test_digital_silence_has_the_stated_value(feature, config):
    if feature.extra:
        pytest.skip("the value is a convention")
    name = next(n for n in feature_names() if get_feature(n) is feature)
    samples = np.zeros(16_000, np.float32)
    if name in RELATIVE:
        samples = np.concatenate([tone(1), np.zeros(32_000, np.float32)])
    features = feature.extract(samples, config)
    if name in RELATIVE:
        features = features[..., -20:]
    # A logarithm taken by torch and one by NumPy may differ in the last place of float32.
    expected = np.broadcast_to(feature.silence(config), features.shape)
    np.testing.assert_allclose(features, expected, rtol=1e-6, atol=1e-6)


@every_config
def test_what_is_said_about_frames_and_values_fits_together(feature, config):
    for length in (1, 399, 640, 5000, 48_000, 96_000, 160_001):
        frames = feature.count_frames(length, config)
        assert frames >= 1
        if feature.frames_within:
            assert 1 <= feature.frames_within(length, config) <= frames
        if feature.span:
            first, last = feature.span(length, config)
            assert 0 <= first < last <= frames
    if feature.empty:
        assert feature.empty(config).shape == (*feature.shape(config), 1)
        assert feature.empty(config).dtype == bool
    assert feature.frame_rate(config) > 0
    assert feature.source
    assert feature.version >= 1


ENCODER = {"model", "revision", "encoder"}


def changed(value, annotation):
    """Other values that a setting might have."""
    if value == "all":
        return [[0], [1]]
    if type(None) in get_args(annotation):
        choices = [each for part in get_args(annotation) for each in get_args(part)]
        if choices:
            return choices
    if get_origin(annotation) is Literal:
        return [other for other in get_args(annotation) if other != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, 2 * value]
    if isinstance(value, float):
        return [value * 1.01, value * 0.99, value + 0.25]
    return [1.0, 5000.0, 4096]  # nothing, or a word: a number instead


@every_kind
def test_every_setting_that_changes_changes_the_digest(name):
    config = get_feature(name).config
    default = config()
    digests = {default.digest}
    # Those that name the encoder: see tests/features/test_pretrained.py.
    settings = {each: of for each, of in config.model_fields.items() if each not in ENCODER}
    for setting, field in settings.items():
        for value in changed(getattr(default, setting), field.annotation):
            try:
                other = config(**{setting: value})
            except ConfigError:
                continue
            if other != default:
                digests.add(other.digest)
                break
        else:
            pytest.fail(f"no other value was found for {setting}")
    assert len(digests) == 1 + len(settings)
    assert config(**default.to_dict()).digest == default.digest


@every_kind
def test_variants_differ_in_their_digests_and_agree_in_their_shape(name):
    feature = get_feature(name)
    variants = [feature.config(**settings) for settings in feature.variants.values()]
    assert len({config.digest for config in variants}) == len(variants)
    assert len({feature.shape(config) for config in variants}) <= 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@every_config
def test_a_gpu_gives_the_same_numbers(feature, config):
    samples = tone(6.2)
    on_cpu, on_gpu = feature.extract(samples, config), feature.extract(samples, config, "cuda")
    # Two FFTs in float32 and two orders of summing: as far apart as either is from float64.
    np.testing.assert_allclose(on_gpu, on_cpu, atol=2e-2 if config.to_dict().get("top_db") else 2e-3)
