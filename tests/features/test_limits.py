"""No settings of a stranger's bundle fill the memory, or take an age."""

import math

import pytest

from sercli.data.segments import Segmenter
from sercli.errors import ConfigError
from sercli.features import feature_names, get_feature
from sercli.models import get_architecture
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("logmel3d", {"delta_frames": 1 << 20}, "delta_frames: .*less than or equal to 50"),
        ("logmel3d", {"delta_frames": 51}, "delta_frames: .*less than or equal to 50"),
        ("logmel3d", {"delta_frames": 0}, "delta_frames: .*greater than or equal to 1"),
        ("logmel3d", {"n_fft": 1 << 20}, "n_fft: .*less than or equal to 65536"),
        ("logmel3d", {"n_mels": 4096}, "n_mels: .*less than or equal to 512"),
        ("logmel3d", {"hop_ms": 0.0625}, "hop_ms: .*greater than or equal to 1"),
        ("logmel3d", {"hop_ms": 1, "n_mels": 512}, "1536000 values a second, at most 524288"),
        ("logmel3d", {"preemphasis": 1e30}, "preemphasis: .*less than or equal to 1"),
        ("logmel", {"n_fft": 1 << 20}, "n_fft"),
        ("logmel", {"duration_s": 3600}, "duration_s: .*less than or equal to 120"),
        ("logmel", {"floor": 1e300}, "floor: .*less than or equal to 1"),
        ("logmel40", {"duration_s": 121, "n_mels": 40}, "duration_s"),
        ("logmel40", {"n_mels": 1 << 20}, "n_mels"),
        ("waveform", {"duration_s": 1 << 20}, "duration_s"),
        ("spectrogram", {"n_fft": 1 << 20, "bins": 1 << 19}, "n_fft"),
        ("spectrogram", {"n_fft": 1 << 16, "bins": 1 << 15}, "3276800 values a second"),
        ("spectrogram", {"mu": 1e300}, "mu"),
        ("melspec-db", {"hop_length": 1}, "n_fft=2048 with hop_length=1: a sample would be in 2048 frames"),
        ("melspec-db", {"hop_length": 1 << 20}, "hop_length"),
        ("melspec-db", {"n_fft": 1 << 20, "hop_length": 1 << 14}, "n_fft"),
        ("melspec-db", {"sample_rate": 1 << 20}, "sample_rate"),
    ],
)
def test_features_beyond_all_measure_name_the_setting(kind, settings, message):
    with pytest.raises(ConfigError, match=message):
        FeatureChoice(kind=kind, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size_s": 301.0}, "size_s: .*less than or equal to 300"),
        ({"size_s": 300.0, "hop_s": 0.01}, "hop_s=0.01 with size_s=300: a sample would be in 30000 segments"),
        ({"size_s": 20.0, "test_hop_s": 0.1}, "test_hop_s=0.1 with size_s=20: a sample would be in 200"),
        ({"hop_s": 1 << 20}, "hop_s"),
        ({"size_s": 1.0, "frames": 1 << 20}, "frames"),
    ],
)
def test_segments_beyond_all_measure_name_the_setting(settings, message):
    with pytest.raises(ConfigError, match=message):
        SegmentConfig(**settings)


def test_a_segment_is_not_filled_up_to_many_times_its_frames():
    feature = get_feature("logmel")
    config = feature.config(duration_s=None)
    with pytest.raises(ConfigError, match=r"segments\.frames=100000: .* 100 frames, it is filled up to 4"):
        Segmenter(SegmentConfig(size_s=1.0, frames=100_000), feature, config)
    Segmenter(SegmentConfig(size_s=1.0, frames=300), feature, config)


@pytest.mark.parametrize("arch", ["diccoser", "melcnn"])
def test_frames_of_a_network_are_bounded(arch):
    with pytest.raises(ConfigError, match=r"frames: .*less than or equal to"):
        get_architecture(arch).config(frames=1 << 20)


@pytest.mark.parametrize("kind", feature_names())
def test_no_number_of_a_kind_is_without_upper_limit(kind):
    feature = get_feature(kind)
    for name, field in feature.config.model_fields.items():
        default = field.default
        if isinstance(default, bool) or not isinstance(default, int | float):
            continue
        with pytest.raises(ConfigError):
            FeatureChoice(**{"kind": kind, name: type(default)(1 << 40)})


@pytest.mark.parametrize("kind", feature_names())
def test_the_usual_settings_are_far_from_the_limits(kind):
    feature = get_feature(kind)
    config = feature.config()
    assert feature.frame_rate(config) * math.prod(feature.shape(config)) < (1 << 19) / 8
