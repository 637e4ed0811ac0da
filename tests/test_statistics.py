import numpy as np
import pytest

from sercli.errors import FeatureError
from sercli.statistics import Statistics, fit

RANDOM = np.random.default_rng(0)
ARRAYS = [
    (RANDOM.normal(loc=[[[5.0]], [[-3.0]]], scale=2.0, size=(2, 4, n))).astype(np.float32) for n in (3, 8, 1)
]


def test_by_hand():
    # One map of one bin: 1 2 | 6, mean 3, variance (4 + 1 + 9) / 3.
    arrays = [np.array([[[1.0, 2.0]]], np.float32), np.array([[[6.0]]], np.float32)]
    fitted = fit(arrays)
    np.testing.assert_allclose(fitted.mean, [[[3.0]]])
    np.testing.assert_allclose(fitted.std, [[[np.sqrt(14 / 3)]]])


@pytest.mark.parametrize(("scope", "axes"), [("per-map", (1, 2)), ("per-bin", (2,))])
def test_one_pass_equals_all_at_once(scope, axes):
    whole = np.concatenate(ARRAYS, axis=2, dtype=np.float64)
    fitted = fit(ARRAYS, scope)
    np.testing.assert_allclose(fitted.mean, whole.mean(axis=axes, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(fitted.std, whole.std(axis=axes, keepdims=True), rtol=1e-5)


def test_a_mean_far_from_zero_loses_nothing():
    arrays = [(a + np.float32(1e4)) for a in ARRAYS]
    whole = np.concatenate(arrays, axis=2, dtype=np.float64)
    np.testing.assert_allclose(fit(arrays).std[:, 0, 0], whole.std(axis=(1, 2)), rtol=1e-4)


def test_standardised_training_data_have_mean_zero_and_deviation_one():
    fitted = fit(ARRAYS)
    whole = np.concatenate([fitted.apply(a) for a in ARRAYS], axis=2)
    np.testing.assert_allclose(whole.mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(whole.std(axis=(1, 2)), 1, rtol=1e-5)


def test_a_bin_that_never_varies_stays_finite():
    fitted = fit([np.full((1, 1, 9), -23.0, np.float32)], "per-bin")
    np.testing.assert_array_equal(fitted.apply(np.full((1, 1, 2), -23.0, np.float32)), 0)


def test_none_leaves_features_as_they_are():
    np.testing.assert_array_equal(fit(ARRAYS, "none").apply(ARRAYS[0]), ARRAYS[0])


def test_round_trip_through_plain_types():
    fitted = fit(ARRAYS, "per-bin")
    again = Statistics.from_dict(fitted.to_dict())
    np.testing.assert_array_equal(again.mean, fitted.mean)
    np.testing.assert_array_equal(again.std, fitted.std)


def test_one_pair_for_all_by_hand():
    # 1 2 3 | 6: mean 3, variance (4 + 1 + 0 + 9) / 4.
    fitted = fit([np.array([[1.0, 2.0, 3.0]], np.float32), np.array([[6.0]], np.float32)], "scalar")
    np.testing.assert_allclose(fitted.mean, [[3.0]])
    np.testing.assert_allclose(fitted.std, [[np.sqrt(3.5)]])


def test_what_is_always_empty_has_no_part():
    floor = np.full((1, 1, 6), -23.0, np.float32)
    speech = np.arange(6.0, dtype=np.float32).reshape(1, 1, 6)
    both = np.concatenate([floor, speech], axis=1)
    empty = np.array([[[True], [False]]])
    for scope in ("scalar", "per-map"):
        fitted = fit([both[..., :2], both[..., 2:]], scope, empty)
        np.testing.assert_allclose(fitted.mean.ravel(), [2.5])
        np.testing.assert_allclose(fitted.std.ravel(), [np.sqrt(35 / 12)], rtol=1e-6)
    assert fit([both], "per-bin", empty).mean[0, 0, 0] == -23.0


def test_the_largest_value_of_the_training_part():
    fitted = fit([np.array([[1.0, -4.0]], np.float32), np.array([[2.0]], np.float32)], "max")
    np.testing.assert_allclose(fitted.apply(np.array([[2.0]], np.float32)), [[0.5]])


def test_each_utterance_by_its_own():
    fitted = Statistics.from_dict(fit([], "per-utterance").to_dict())
    for array in ARRAYS[:2]:
        np.testing.assert_allclose(fitted.apply(array).mean(), 0, atol=1e-6)
        np.testing.assert_allclose(fitted.apply(array).std(), 1, rtol=1e-5)
    assert np.isfinite(fitted.apply(np.zeros((1, 2, 3), np.float32))).all()


def test_statistics_do_not_know_the_test_part():
    # What is not given can't move them: fitting is a function of the training arrays alone.
    before = fit(ARRAYS[:2]).to_dict()
    assert fit(iter(ARRAYS[:2])).to_dict() == before
    assert fit(ARRAYS).to_dict() != before


def test_a_bin_that_never_varies_is_not_scaled_up():
    # Half precision keeps the floor of -23.026 as -23.03125: silence put around must stay near zero.
    fitted = fit([np.full((1, 1, 9), -23.03125, np.float32)], "per-bin")
    np.testing.assert_allclose(fitted.apply(np.full((1, 1, 1), -23.0258, np.float32)), 0, atol=0.01)


def test_statistics_of_nothing_are_refused():
    for arrays, empty in (([], None), ([np.ones((1, 1, 3), np.float32)], np.ones((1, 1, 1), bool))):
        with pytest.raises(FeatureError, match="no features"):
            fit(arrays, "per-map", empty)
