"""What holds for every augmentation."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import tone

from sercli.augmentations import augmentation_names, get_augmentation
from sercli.errors import ConfigError, UnknownNameError

NAMES = ["flip", "gain", "mixup", "noise", "shift", "specaugment", "speed", "stft-multi"]
APPLIED = [name for name in NAMES if get_augmentation(name).apply]
every = pytest.mark.parametrize("name", NAMES)
every_applied = pytest.mark.parametrize("name", APPLIED)


def material(stage):
    """What an augmentation of a stage is given, apart from chance and settings; arrays are read-only."""
    maps = np.full((3, 40, 50), -23, np.float32)
    maps[:, :, 10:30] = np.random.default_rng(0).normal(size=(3, 40, 20))
    wave = np.zeros((1, 500), np.float32)
    wave[:, 100:300] = 0.5
    given = {
        "samples": (tone(0.2),),
        "features": ({"x": maps, "wave": wave}, {"x": np.full((3, 40, 1), -23, np.float32), "wave": 0.0}),
        "standard": (maps, 50),
        "batch": (8,),
    }[stage]
    for array in arrays(given):
        array.flags.writeable = False
    return given


def arrays(value):
    """All arrays within tuples and mappings."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return [array for key in sorted(value) for array in arrays(value[key])]
    return [array for part in value for array in arrays(part)] if isinstance(value, tuple) else []


def run(name, seed):
    entry = get_augmentation(name)
    return entry.apply(*material(entry.stage), np.random.default_rng(seed), entry.config())


def test_these_are_all():
    assert augmentation_names() == NAMES


@every
def test_defaults_load_and_go_through_yaml_types(name):
    entry = get_augmentation(name)
    config = entry.config()
    assert entry.config(**config.to_dict()) == config
    assert entry.source
    assert (entry.apply is None) == (entry.stage == "variants")
    assert all(field.description for field in entry.config.model_fields.values())


@every
def test_an_unknown_setting_is_refused(name):
    with pytest.raises(ConfigError, match="unknown setting 'colour_of_hair'"):
        get_augmentation(name).config(colour_of_hair="pink")


def test_an_unknown_name_lists_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean specaugment"):
        get_augmentation("spec-augment")


def test_only_what_leaves_feelings_in_their_place_serves_traces():
    assert [name for name in NAMES if get_augmentation(name).traces] == ["gain", "noise", "specaugment"]


@every_applied
def test_input_is_untouched_and_the_same_chance_gives_the_same(name):
    for seed in range(8):
        first, second = run(name, seed), run(name, seed)
        for x, y in zip(arrays(first), arrays(second), strict=True):
            np.testing.assert_array_equal(x, y)
        if name == "mixup":
            assert first[1] == second[1]


@every_applied
def test_another_chance_gives_something_else(name):
    seen = {tuple(x.tobytes() for x in arrays(run(name, seed))) for seed in range(12)}
    assert len(seen) > 1


@every_applied
def test_values_are_finite_float32_of_the_promised_shape(name):
    entry = get_augmentation(name)
    for seed in range(8):
        given, result = material(entry.stage), run(name, seed)
        if entry.stage == "batch":
            partners, share = result
            assert (partners.shape, partners.dtype.kind) == ((8,), "i")
            assert isinstance(share, float)
            continue
        if entry.stage == "features":
            assert result.keys() == given[0].keys()
            given = (given[0],)
        for x, y in zip(arrays(given), arrays((result,)), strict=True):
            assert y.dtype == np.float32
            assert np.isfinite(y).all()
            assert y.ndim == x.ndim
            assert entry.stage == "samples" or y.shape == x.shape
            assert all(stride > 0 for stride in y.strides)  # torch takes no view that runs backwards


def test_none_of_them_needs_torch():
    code = (
        "import sys; from sercli.augmentations import augmentation_names, get_augmentation; "
        "[get_augmentation(name) for name in augmentation_names()]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
