"""Features as torch modules that can be exported: they give what `extract` gives."""

import numpy as np
import pytest
import torch
from conftest import tone

from sercli.errors import ConfigError
from sercli.features import feature_names, get_feature

CASES = [
    *(
        (name, {"sample_rate": 16_000} if name == "melspec-db" else {})
        for name in feature_names()
        if get_feature(name).graph
    ),
    ("logmel3d", {"preemphasis": 0.97, "normalise_waveform": True}),
    ("logmel", {"window_ms": 15.0, "duration_s": None, "equal_area": True}),
    ("logmel3d", {"corners": "nearest"}),
    ("logmel", {"duration_s": 0.3, "placement": "end"}),
    ("logmel", {"normalise_window": True, "window": "periodic-hamming", "floor": 1e-15}),
    ("logmel40", {"duration_s": 3.0}),
    ("logmel40", {"spectrum": "power", "duration_s": 0.5, "placement": "start"}),
    ("spectrogram", {"map_scope": "utterance", "map": "min-max"}),
    ("waveform", {"aggregate": "rms", "duration_s": 1.0}),
    ("waveform", {"aggregate": "max", "duration_s": 0.5}),
    ("waveform", {"aggregate": "max-abs"}),
    ("melspec-db", {"sample_rate": 16_000, "duration_s": None}),
]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_the_module_gives_what_extract_gives(name, settings):
    feature = get_feature(name)
    config = feature.config(**settings)
    module = feature.graph(config)
    for number, length in enumerate((16_000, 10_333, 17_601, 6_400)):
        both = np.stack([tone(2.0, seed=number, pitch=pitch)[:length] for pitch in (150, 320)])
        expected = np.stack([feature.extract(samples, config) for samples in both])
        with torch.no_grad():
            found = module(torch.from_numpy(both)).numpy()
        # Rounding of a bin is relative to its frame's loudest, so a logarithm of a faint one moves more.
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-3)
        assert np.abs(found - expected).mean() < 1e-5 * max(1.0, np.abs(expected).mean())


@pytest.mark.parametrize(
    "settings", [{}, {"map_scope": "training"}, {"map": "min-max"}, {"map": "none", "mu": 0.0}]
)
@pytest.mark.parametrize("loud", [0.0, 3.0])
def test_a_segment_is_finished_alike(settings, loud):
    feature = get_feature("spectrogram")
    config = feature.config(**settings)
    segment = loud * np.random.default_rng(0).random((1, 400, 20), np.float32)
    found = feature.finish_graph(torch.from_numpy(segment[None]), config)[0].numpy()
    np.testing.assert_allclose(found, feature.finish(segment, config), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "why"), [({}, "soxr"), ({"sample_rate": 16_000, "trim_db": 30.0}, "trim_db")]
)
def test_what_is_not_torch_is_refused(settings, why):
    feature = get_feature("melspec-db")
    with pytest.raises(ConfigError, match=why):
        feature.graph(feature.config(**settings))
