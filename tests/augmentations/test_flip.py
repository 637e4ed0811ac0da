import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sercli.augmentations.flip import FlipConfig, flip

ALWAYS = FlipConfig(p=1)
WITHIN = FlipConfig(p=1, place="utterance")


def run(config, features, silence=0.0, seed=0):
    named = {"x": np.asarray(features, np.float32)}
    return flip(named, {"x": silence}, np.random.default_rng(seed), config)["x"].tolist()


def test_by_hand():
    assert run(ALWAYS, [[1, 2, 3], [4, 5, 6]]) == [[3, 2, 1], [6, 5, 4]]


def test_padding_is_reversed_too_or_stays():
    padded = [[0, 0, 1, 0, 2, 3, 0]]
    assert run(ALWAYS, padded) == [[0, 3, 2, 0, 1, 0, 0]]
    assert run(WITHIN, padded) == [[0, 0, 3, 2, 0, 1, 0]]


def test_silence_has_a_value_for_each_band():
    silence = np.array([[-23.0], [0.0]], np.float32)
    features = [[-23, 1, -23, -23], [0, 5, 7, 0]]
    assert run(WITHIN, features, silence) == [[-23, -23, 1, -23], [0, 7, 5, 0]]


def test_an_utterance_all_silent_stays():
    assert run(WITHIN, [[0, 0, 0]]) == [[0, 0, 0]]


def test_inputs_of_other_frame_rates_are_reversed_together():
    features = {"x": np.arange(8, dtype=np.float32)[None], "wave": np.arange(2, dtype=np.float32)[None]}
    flipped = {
        tuple(
            bool((y == features[name][..., ::-1]).all())
            for name, y in flip(
                features, {"x": 0.0, "wave": 0.0}, np.random.default_rng(seed), FlipConfig()
            ).items()
        )
        for seed in range(40)
    }
    assert flipped == {(True, True), (False, False)}


@given(st.sampled_from([ALWAYS, WITHIN]), st.lists(st.integers(-2, 2), min_size=1, max_size=20))
def test_twice_is_as_before(config, values):
    once = run(config, [values])
    assert run(config, once) == [values]


@pytest.mark.parametrize(("p", "low", "high"), [(0, 0, 0), (0.5, 400, 600), (1, 1000, 1000)])
def test_the_probability_is_kept(p, low, high):
    random = np.random.default_rng(1)
    x = {"x": np.array([[1, 2]], np.float32)}
    count = sum(flip(x, {"x": 0.0}, random, FlipConfig(p=p))["x"][0, 0] == 2 for _ in range(1000))
    assert low <= count <= high  # six deviations of 16
