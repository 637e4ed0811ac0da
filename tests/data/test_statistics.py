import numpy as np
import pytest

from sercli.data.statistics import Statistics, fit

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
