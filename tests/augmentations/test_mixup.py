import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sercli.augmentations.mixup import MixupConfig, pair


@given(st.integers(1, 50), st.integers(0, 10_000), st.sampled_from([0.01, 0.2, 1.0, 100.0]))
def test_partners_are_a_permutation_and_each_keeps_the_larger_part(utterances, seed, alpha):
    partners, share = pair(utterances, np.random.default_rng(seed), MixupConfig(alpha=alpha))
    assert sorted(partners.tolist()) == list(range(utterances))
    assert 0.5 <= share <= 1


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_are_those_of_the_beta_distribution_folded_in_the_middle(alpha):
    random = np.random.default_rng(0)
    shares = [pair(4, random, MixupConfig(alpha=alpha))[1] for _ in range(2000)]
    beta = stats.beta(alpha, alpha)
    assert stats.kstest(shares, lambda x: 2 * beta.cdf(x) - 1).pvalue > 0.001


def test_partners_change_from_batch_to_batch():
    random = np.random.default_rng(0)
    partners = {tuple(pair(3, random, MixupConfig())[0].tolist()) for _ in range(200)}
    assert len(partners) == 6  # every permutation of three
