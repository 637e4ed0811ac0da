from itertools import product

import numpy as np
import pytest
from scipy.stats import permutation_test

from sercli.evaluation.resampling import flip_signs, holm


def test_flips_by_hand():
    # 3 and 1: the sums are 4, 2, -2, -4; two of four are as far from zero as 4.
    found = flip_signs(np.array([3.0, 1.0]))
    assert (found.p, found.flips, found.exact, found.least_p) == (0.5, 4, True, 0.5)
    # 3 and -1: all four are as far as 2, so nothing is shown.
    assert flip_signs(np.array([3.0, -1.0])).p == 1


@pytest.mark.parametrize("seed", range(5))
def test_all_flips_equal_a_loop_over_them(seed):
    parts = np.random.default_rng(seed).normal(0.5, 1, 5)
    sums = [abs(np.dot(signs, parts)) for signs in product([1, -1], repeat=5)]
    assert flip_signs(parts).p == np.mean(np.array(sums) >= abs(parts.sum()) - 1e-12)


def test_all_flips_equal_scipy():
    parts = np.random.default_rng(0).normal(0.4, 1, 12)
    theirs = permutation_test((parts,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert flip_signs(parts).p == theirs.pvalue


def test_parts_that_cancel_give_one():
    assert flip_signs(np.array([0.1, -0.1, 0.3, -0.3, 0.0])).p == 1
    assert flip_signs(np.zeros(5)).p == 1


def test_ties_are_found_whatever_the_rounding():
    # 0.1 + 0.2 - 0.3 is not zero in binary; its mirror image must count as equal all the same.
    assert flip_signs(np.array([0.1, 0.2, -0.3])).p == 1
    assert flip_signs(np.full(16, 0.1)).p == 2 / 2**16


def test_many_speakers_are_flipped_at_random_near_the_exact_value():
    parts = np.random.default_rng(1).normal(0.3, 1, 17)
    half = flip_signs(parts[:16])
    drawn = flip_signs(np.append(parts[:16], 0.0))  # a speaker without a part changes no p
    assert (half.exact, drawn.exact, drawn.flips) == (True, False, 10_000)
    assert drawn.p == pytest.approx(half.p, abs=4 * np.sqrt(half.p / 10_000))
    assert flip_signs(parts, seed=1) == flip_signs(parts, seed=1)


def test_random_flips_never_give_zero():
    found = flip_signs(np.full(40, 0.1), flips=99)
    assert found.p == found.least_p == 0.01


def test_under_the_null_p_is_seldom_small():
    random = np.random.default_rng(0)
    found = np.array([flip_signs(random.normal(size=8)).p for _ in range(1000)])
    assert (found <= 0.05).mean() == pytest.approx(0.05, abs=0.02)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.6 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.6.
    assert holm([0.03, 0.01, 0.6, 0.02]) == pytest.approx([0.06, 0.04, 0.6, 0.06])
    # 0.03 times 2 is 0.06; 0.04 alone would be less and is raised to it.
    assert holm([0.04, 0.03]) == pytest.approx([0.06, 0.06])
    assert holm([0.7, 0.9]) == [1, 1]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
