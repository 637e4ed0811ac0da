"""What would change with other speakers: bootstrap intervals and a sign-flip test, both over speakers.

Utterances of one speaker resemble each other, so resampling utterances makes intervals too narrow. Speakers
are what is independent. The bootstrap draws them with replacement, each with all utterances.

With few speakers the interval is too narrow all the same: simulated speakers whose recalls vary widely were
covered 84 times in 100 with five speakers, 90 with ten, 93 with 24. It covers the choice of speakers only,
not another training.

The sign-flip test compares two runs. Each speaker has a share in the difference between them. If the runs are
equally good, each share could as well have the other sign. The test flips the signs speaker by speaker, and
counts how often the sum is at least as far from zero as the difference that was found.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3 (percentile interval) and
chapter 15 (test); Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9(1), 2010
(one is added to random draws); Holm, Scandinavian Journal of Statistics 6(2), 1979.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from sercli.evaluation.metrics import Counts, Interval, PairedTest, Rates

LEVEL = 0.95
DRAWS = 10_000
MIN_SPEAKERS = 5
EXACT_SPEAKERS = 16
FLIPS = 10_000

_CHUNK = 1_000  # draws or flips at a time: thousands of speakers stay within some ten megabytes
_ROUNDING = 1e-12  # sums of the same shares in another order are equal


def why_no_interval(speakers: int, unknown: int, noun: str = "utterance") -> str | None:
    """Return why there is no interval, or ``None`` where there is one.

    Args:
        speakers: how many speakers are known.
        unknown: how many utterances have no known speaker.
        noun: what an utterance is called.
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
    """Draw as many speakers as there are, with replacement, again and again.

    Yields:
        How often each speaker is drawn, (draws, speakers), some draws at a time.
    """
    random = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        yield random.multinomial(speakers, np.full(speakers, 1 / speakers), size=min(_CHUNK, draws - start))


def percentile(values: Rates, speakers: int, level: float = LEVEL) -> Interval | None:
    """Return the interval that leaves out equally many draws on either side.

    Args:
        values: one for each draw; undefined ones (NaN) do not count.
        speakers: how many were drawn.
        level: share of the draws within the interval.

    Returns:
        The interval; ``None`` where no value is defined.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high), level, len(defined), speakers)


def flip_signs(shares: Rates, flips: int = FLIPS, seed: int = 0) -> PairedTest:
    """Test whether shares that add up to a difference could as well have had the other sign.

    Up to `EXACT_SPEAKERS` speakers all flips are tried; with more they are drawn, and the data as they are
    count as one draw more, so that p is never zero.

    Args:
        shares: what each speaker adds to the difference, (speakers,).
        flips: how many to draw, where they are drawn.
        seed: of the draws.
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
    """Correct p values for their number, step down; in the order given."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
