import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sercli.augmentations.shift import ShiftConfig, count_silent, shift


class Chance:
    """A generator that always draws the same."""

    def __init__(self, u):
        self.u = u

    def random(self):
        return self.u


def run(u, silence=0.0, **features):
    named = {name: np.asarray(x, np.float32) for name, x in features.items()}
    moved = shift(named, dict.fromkeys(named, silence), Chance(u), ShiftConfig())
    return {name: x.tolist() for name, x in moved.items()}


def test_by_hand():
    # One silent frame before and three after, 0.7 * 4 = 2.8: three lead.
    padded = [[0, 5, 0, 6, 0, 0, 0]]
    assert run(0.7, x=padded) == {"x": [[0, 0, 0, 5, 0, 6, 0]]}
    assert run(0.0, x=padded) == {"x": [[5, 0, 6, 0, 0, 0, 0]]}
    assert run(0.999, x=padded) == {"x": [[0, 0, 0, 0, 5, 0, 6]]}


def test_a_frame_is_silent_where_all_its_bands_are():
    assert run(0.0, silence=-1.0, x=[[-1, -1, 2], [-1, 3, 4]]) == {"x": [[-1, 2, -1], [3, 4, -1]]}


def test_inputs_of_other_frame_rates_stay_together():
    slow = [[0, 0, 0, 1, 2, 0]]
    moved = run(0.25, slow=slow, fast=np.repeat(slow, 4, axis=-1))
    assert moved["slow"] == [[0, 1, 2, 0, 0, 0]]
    assert moved["fast"] == np.repeat(moved["slow"], 4, axis=-1).tolist()


def test_without_padding_an_utterance_stays():
    assert run(0.6, x=[[1, 0, 2]]) == {"x": [[1, 0, 2]]}
    assert run(0.6, x=[[0, 0, 0]]) == {"x": [[0, 0, 0]]}


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_nothing_is_lost_and_order_is_kept(before, after, length, u):
    x = np.zeros((2, before + length + after), np.float32)
    x[:, before : before + length] = np.arange(1, length + 1)
    moved = np.array(run(u, x=x)["x"], np.float32)
    np.testing.assert_array_equal(np.sort(moved), np.sort(x))
    lead = round(u * (before + after))
    np.testing.assert_array_equal(moved[:, lead : lead + length], x[:, before : before + length])


def test_every_place_is_drawn():
    x = {"x": np.array([[0, 0, 1, 0, 0]], np.float32)}
    random = np.random.default_rng(0)
    places = [int(shift(x, {"x": 0.0}, random, ShiftConfig())["x"].argmax()) for _ in range(200)]
    assert set(places) == {0, 1, 2, 3, 4}


def test_silence_in_half_precision_is_known_again():
    floor = np.float32(np.log(1e-10))
    x = np.array([[floor, floor, -20, floor]], np.float32)
    assert count_silent(x.astype(np.float16).astype(np.float32), float(floor)) == (2, 1)
    assert count_silent(np.nextafter(x, np.float32(0)), float(floor)) == (2, 1)


def test_the_least_of_16_bits_is_no_silence():
    x = np.array([[0, 1 / 32768, 0, 0]], np.float32)
    assert count_silent(x, 0.0) == (1, 2)
