"""Resample speakers: bootstrap intervals and a sign-flip test show the effect of other speakers.

Utterances of one speaker resemble each other, so intervals from resampled utterances would be too narrow.
Speakers are independent. The bootstrap draws speakers with replacement, each with all utterances.

With few speakers the interval is still too narrow. In a simulation of speakers whose recalls vary widely, it
contained the true value 84 times in 100 with five speakers, 90 times with ten and 93 times with 24. It covers
only the choice of speakers, not another training.

The sign-flip test compares two runs. Each speaker contributes a share to the difference between the runs. If
the runs are equally good, the opposite sign of each share is equally likely. The test flips the signs speaker
by speaker, and counts the flips whose sum is at least as far from zero as the measured difference.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3 (percentile interval) and
chapter 15 (test); Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9(1), 2010
(one is added to random draws); Holm, Scandinavian Journal of Statistics 6(2), 1979.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from sercli.errors import ConfigError
from sercli.evaluation.metrics import Counts, Interval, PairedTest, Rates

LEVEL = 0.95
"""Proportion of the draws within an interval, and certainty of a bound."""
DRAWS = 10_000
MIN_SPEAKERS = 5
EXACT_SPEAKERS = 16
FLIPS = 10_000

_CHUNK = 1_000  # draws or flips at a time: with thousands of speakers, these need some ten megabytes
_ROUNDING = 1e-12  # sums of the same shares in another order are equal


def why_no_interval(speakers: int, unknown: int, noun: str = "utterance") -> str | None:
    """Return why there is no interval, or ``None`` if there is one.

    Args:
        speakers: number of known speakers.
        unknown: number of utterances without a known speaker.
        noun: name of a tested item, such as ``utterance``.
    """
    if unknown:
        return f"the speaker of {unknown} {noun if unknown == 1 else f'{noun}s'} is unknown"
    if speakers < MIN_SPEAKERS:
        had = "1 speaker" if speakers == 1 else f"{speakers} speakers"
        return f"{had}, and an interval over speakers needs {MIN_SPEAKERS} or more"
    return None


def why_no_test(speakers: int, unknown: int, noun: str = "utterance") -> str | None:
    """Return why there is neither interval nor test; the arguments are those of `why_no_interval`."""
    why = why_no_interval(speakers, unknown, noun)
    if why is None or unknown:
        return why
    return f"{why}; the least p that {speakers} could give is 2/2^{speakers} = {2 / 2**speakers:.3g}"


def draw(speakers: int, draws: int = DRAWS, seed: int = 0) -> Iterator[Counts]:
    """Repeatedly draw the full number of speakers with replacement.

    Yields:
        Number of times that each speaker is drawn, (draws, speakers), for some draws at a time.

    Raises:
        ConfigError: there is not one draw.
    """
    if draws < 1:
        raise ConfigError(f"draws={draws}: use 1 or more")
    random = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        yield random.multinomial(speakers, np.full(speakers, 1 / speakers), size=min(_CHUNK, draws - start))


def percentile(values: Rates, speakers: int) -> Interval | None:
    """Return the interval that leaves out equally many draws on both sides.

    Args:
        values: one value for each draw; undefined values (NaN) do not count.
        speakers: number of speakers in a draw.

    Returns:
        The interval, which holds `LEVEL` of the draws; ``None`` if no value is defined.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high), LEVEL, len(defined), speakers)


def flip_signs(shares: Rates, flips: int = FLIPS, seed: int = 0) -> PairedTest:
    """Test whether a difference can be chance, by flipping the signs of the speakers' shares of it.

    With up to `EXACT_SPEAKERS` speakers, all flips are tried. With more speakers, flips are drawn, and the
    measured data count as one more draw, so that p is never zero.

    Args:
        shares: share of each speaker in the difference, (speakers,).
        flips: number of flips to draw, if they are drawn.
        seed: seed of the draws.
    """
    speakers = len(shares)
    least = abs(shares.sum()) - _ROUNDING
    if speakers <= EXACT_SPEAKERS:
        sums = np.zeros(1)
        for share in shares:
            sums = np.concatenate([sums + share, sums - share])  # twice as many with every speaker
        p = float((np.abs(sums) >= least).mean())
        return PairedTest(p, len(sums), True, speakers, 2 / len(sums))
    random = np.random.default_rng(seed)
    reached = 0
    for start in range(0, flips, _CHUNK):
        signs = random.integers(2, size=(min(_CHUNK, flips - start), speakers)) * 2.0 - 1
        reached += int((np.abs(signs @ shares) >= least).sum())
    return PairedTest((1 + reached) / (1 + flips), flips, False, speakers, 1 / (1 + flips))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number with Holm's step-down method, in the given order."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
