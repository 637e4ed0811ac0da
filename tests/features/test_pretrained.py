"""States of encoders as features: layers, pooling, windows, identity."""

import numpy as np
import pytest
from conftest import tone
from small_encoders import FAMILIES, encoder_folder

from sercli.errors import ConfigError
from sercli.features.pretrained import (
    FEATURE,
    PretrainedConfig,
    _batches,
    count_frames,
    extract,
    extract_several,
)
from sercli.models.linear import LinearConfig
from sercli.runs.features import FeatureChoice


def config(family="wav2vec2", **settings):
    return PretrainedConfig(model=str(encoder_folder(family)), **settings).pinned()


@pytest.mark.parametrize("family", ["wav2vec2", "whisper"])
def test_pooled_features_are_moments_of_the_frames(family):
    samples = tone(1.1)
    frames = extract(samples, config(family, pool="none")).astype(np.float64)
    assert frames.shape == (4, 32, count_frames(len(samples), config(family, pool="none")))
    mean, both = extract(samples, config(family)), extract(samples, config(family, pool="mean-std"))
    np.testing.assert_allclose(mean[..., 0], frames.mean(-1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(both[:, :32], mean, rtol=1e-6)
    np.testing.assert_allclose(both[:, 32:, 0], frames.std(-1), rtol=1e-4, atol=1e-5)


def test_chosen_layers_are_those_layers_of_all():
    samples = tone(0.7)
    every, some = extract(samples, config()), extract(samples, config(layers=[3, 0]))
    np.testing.assert_array_equal(some, every[[0, 3]])


@pytest.mark.parametrize("settings", [PretrainedConfig, LinearConfig])
@pytest.mark.parametrize(
    ("given", "shown"), [(3, "3"), ("last", "last"), ([-1], "[-1]"), ([], "[]"), (["a"], '["a"]')]
)
def test_a_wrong_choice_of_layers_names_the_forms(settings, given, shown):
    with pytest.raises(ConfigError) as caught:
        settings(layers=given)
    assert str(caught.value) == f"layers: write all, or a list of layers from 0 such as [2, 3]; got {shown}"


def test_windows_of_a_long_recording_are_joined_by_their_length(monkeypatch):
    from sercli.encoders.encoder import FAMILIES

    samples = tone(2.5)
    monkeypatch.setattr("sercli.encoders.encoder.FAMILIES", FAMILIES)
    object.__setattr__(FAMILIES["waveform"], "window_s", 1.0)
    try:
        mean = extract(samples, config())[..., 0]
        parts = [samples[:16_000], samples[16_000:32_000], samples[32_000:]]
        counts = [FAMILIES["waveform"].count_frames(len(part)) for part in parts]
        frames = count_frames(len(samples), config(pool="none"))
    finally:
        object.__setattr__(FAMILIES["waveform"], "window_s", 60.0)
    assert frames == sum(counts)
    means = [extract(part, config())[..., 0] for part in parts]
    wanted = sum(count * each for count, each in zip(counts, means, strict=True)) / sum(counts)
    np.testing.assert_allclose(mean, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pad", [None, 30])
@pytest.mark.parametrize("rest", [0, 1, 399, 400])
def test_a_short_rest_after_a_window_of_whisper_is_counted_as_it_is_encoded(rest, pad):
    chosen = config("whisper", pool="none", pad_s=pad, layers=[0])
    samples = tone((480_000 + rest) / 16_000)
    assert len(samples) == 480_000 + rest
    assert extract(samples, chosen).shape[-1] == count_frames(len(samples), chosen)


def test_the_official_padding_of_whisper_gives_other_states_of_the_same_frames():
    samples = tone(0.8)
    own, padded = (extract(samples, config("whisper", pool="none", pad_s=pad)) for pad in (None, 30))
    assert own.shape == padded.shape
    assert not np.allclose(own, padded)


def test_the_encoder_is_named_by_its_tensors(tmp_path):
    import shutil

    shutil.copytree(encoder_folder("wav2vec2"), tmp_path / "copy")
    copy = PretrainedConfig(model=str(tmp_path / "copy")).pinned()
    assert copy.digest == config().digest != config("hubert").digest
    assert config(layers=[0, 1, 2, 3]).digest == config().digest
    assert len({config(**{name: value}).digest for name, value in (("pool", "none"), ("layers", [1]))}) == 2


def test_settings_with_known_facts_need_no_encoder(monkeypatch):
    settings, digest = config().to_dict(), config().digest
    monkeypatch.setattr("sercli.encoders.loading.find_encoder", None)
    again = PretrainedConfig(**settings)
    assert (again.digest, FEATURE.shape(again)) == (digest, (4, 32))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": [4]}, "has layers 0 to 3"),
        ({"pad_s": 30}, "pad_s is for Whisper"),
        ({"layers": []}, "layers"),
    ],
)
def test_settings_that_do_not_fit_the_encoder_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        config(**settings)


def test_pooled_features_can_not_be_cut(small_workspace):
    from sercli.runs.config import RunConfig

    settings = {"arch": "linear", "corpus": "emodb", "scheme": "emodb-4", "protocol": "leave-one-speaker-out"}
    with pytest.raises(ConfigError, match="one frame for an utterance, which can't be cut"):
        RunConfig(**settings, segments={"size_s": 1.0})
    choice = FeatureChoice(kind="pretrained", pool="none")
    assert choice.frame_rate == 50


def test_a_store_checks_the_layers_of_its_encoder(tmp_path):
    from sercli.store import FeatureStore

    with pytest.raises(ConfigError, match="has layers 0 to 3"):
        FeatureStore(
            tmp_path, "pretrained", PretrainedConfig(model=str(encoder_folder("hubert")), layers=[9])
        )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pool", ["mean-std", "none"])
def test_recordings_in_a_batch_have_the_features_that_they_have_alone(family, pool):
    recordings = [tone(seconds, pitch=180 + 90 * seconds) for seconds in (1.3, 0.4, 0.01, 0.9)]
    together = extract_several(recordings, config(family, pool=pool))
    for samples, found in zip(recordings, together, strict=True):
        np.testing.assert_allclose(found, extract(samples, config(family, pool=pool)), rtol=0, atol=1e-4)


def test_batches_hold_a_limited_length_with_padding():
    pieces = [(number, np.zeros(length)) for number, length in enumerate((3, 3, 4, 1, 9))]
    assert [[number for number, _ in each] for each in _batches(pieces, 8)] == [[0, 1], [2, 3], [4]]
