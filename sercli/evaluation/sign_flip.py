"""A paired permutation test over speakers, and Holm's correction for several of them.

A speaker's part is what the speaker adds to the difference between two runs. If the runs are equally good,
each part could as well have the other sign. The test flips the signs speaker by speaker and counts how often
the sum is at least as far from zero as the difference that was found.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 15; Phipson and Smyth,
Statistical Applications in Genetics and Molecular Biology 9(1), 2010 (one is added to random draws); Holm,
Scandinavian Journal of Statistics 6(2), 1979.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sercli.evaluation.classification import Rates

EXACT_SPEAKERS = 16
FLIPS = 10_000

_CHUNK = 1_000  # flips at a time: thousands of speakers stay within some ten megabytes
_ROUNDING = 1e-12  # sums of the same parts in another order are equal


@dataclass(frozen=True, slots=True)
class SignFlip:
    """How often flipping the signs of speakers gives a difference at least as large, either way.

    Attributes:
        p: share of the flips that do, two-sided.
        flips: how many flips were looked at.
        exact: whether they were all there are; otherwise they were drawn.
        speakers: how many have a part.
        least_p: the smallest p that so many speakers and flips can give.
    """

    p: float
    flips: int
    exact: bool
    speakers: int
    least_p: float


def flip_signs(parts: Rates, flips: int = FLIPS, seed: int = 0) -> SignFlip:
    """Test whether parts that add up to a difference could as well have had the other sign.

    Up to `EXACT_SPEAKERS` speakers all flips are looked at; more are drawn, and the data as they are count
    as one draw more, so that p is never zero.

    Args:
        parts: what each speaker contributes to the difference, (speakers,).
        flips: how many to draw, where they are drawn.
        seed: of the draws.
    """
    speakers = len(parts)
    least = abs(parts.sum()) - _ROUNDING
    if speakers <= EXACT_SPEAKERS:
        sums = np.zeros(1)
        for part in parts:
            sums = np.concatenate([sums + part, sums - part])  # twice as many with every speaker
        p = float((np.abs(sums) >= least).mean())
        return SignFlip(p, len(sums), True, speakers, 2 / len(sums))
    random = np.random.default_rng(seed)
    reached = 0
    for start in range(0, flips, _CHUNK):
        signs = random.integers(2, size=(min(_CHUNK, flips - start), speakers)) * 2.0 - 1
        reached += int((np.abs(signs @ parts) >= least).sum())
    return SignFlip((1 + reached) / (1 + flips), flips, False, speakers, 1 / (1 + flips))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number, step down; in the order given."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
