"""A paired permutation test over speakers, and Holm's correction for several of them.

The test swaps, speaker by speaker, which of two runs the predictions came from: were the runs equally good,
each swap would be as likely as what was seen. A swap turns the sign of what the speaker adds to the
difference between the runs.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 15; Phipson and Smyth,
Statistical Applications in Genetics and Molecular Biology 9(1), 2010 (one is added to random draws); Holm,
Scandinavian Journal of Statistics 6(2), 1979.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sercli.evaluation.classification import Counts, Rates

EXACT_SPEAKERS = 16
FLIPS = 10_000

_CHUNK = 1_000  # flips at a time: thousands of speakers stay within some ten megabytes
_ROUNDING = 1e-12  # sums of the same parts in another order are equal
_MOMENTS = 1e-9  # likewise, of figures put together from moments


@dataclass(frozen=True, slots=True)
class SignFlip:
    """How often swapping speakers gives a difference at least as large, either way.

    Attributes:
        p: share of the swaps that do, two-sided.
        flips: how many swaps were looked at.
        exact: whether they were all there are; otherwise they were drawn.
        speakers: how many could be swapped.
        least_p: the smallest p that so many speakers and swaps can give.
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


def flip_speakers(
    difference: Callable[[Counts], Rates], speakers: int, flips: int = FLIPS, seed: int = 0
) -> list[SignFlip]:
    """Test differences that are no sum over speakers, as `flip_signs` does those that are.

    Args:
        difference: gives the differences, (swaps, differences), of which speakers are swapped, ones in
            (swaps, speakers).
        speakers: how many can be swapped.
        flips: how many to draw, where they are drawn.
        seed: of the draws.

    Returns:
        The test of each difference.
    """
    exact = speakers <= EXACT_SPEAKERS
    seen = np.abs(difference(np.zeros((1, speakers), dtype=np.int64))[0])
    swaps = _all_swaps(speakers) if exact else _some_swaps(speakers, flips, seed)
    reached, count = np.zeros(len(seen), dtype=np.int64), 0
    for some in swaps:
        reached += (np.abs(difference(some)) >= seen - _MOMENTS).sum(axis=0)
        count += len(some)
    if exact:
        return [SignFlip(found / count, count, True, speakers, 2 / count) for found in reached.tolist()]
    least = 1 / (1 + count)
    return [SignFlip((1 + found) / (1 + count), count, False, speakers, least) for found in reached.tolist()]


def _all_swaps(speakers: int) -> Iterator[Counts]:
    bits = np.arange(speakers)
    for start in range(0, 2**speakers, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, 2**speakers))
        yield numbers[:, None] >> bits & 1


def _some_swaps(speakers: int, flips: int, seed: int) -> Iterator[Counts]:
    random = np.random.default_rng(seed)
    for start in range(0, flips, _CHUNK):
        yield random.integers(2, size=(min(_CHUNK, flips - start), speakers))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number, step down; in the order given."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
