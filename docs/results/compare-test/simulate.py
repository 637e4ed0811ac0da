"""How often tests of a difference in pooled CCC raise a false alarm, and how often they find a true one.

Invented speakers, each with one recording; two networks whose population CCC is known by its formula.

    python simulate.py > simulated.csv
"""

import csv
import sys

import numpy as np
from numpy.typing import NDArray

from sercli.evaluation.resampling import EXACT_SPEAKERS, draw, flip_signs
from sercli.evaluation.values import Moments, ccc, ccc_shares

Random, Values = np.random.Generator, NDArray[np.float64]

REPEATS, FRAMES, DRAWS, FLIPS = 1000, 100, 1000, 1000
ALPHA = 0.05

# Deviations of the gold standard between speakers and within, of a network's bias from speaker to speaker.
BETWEEN, WITHIN, BIAS = 0.15, 0.20, 0.08
CORRELATION = 0.9  # of one frame with the next


def noise_for(goal: float, slope: float, offset: float) -> float:
    """Deviation of a network's noise that gives it a population CCC of ``goal``, by Lin's formula."""
    square = BETWEEN**2 + WITHIN**2
    rest = 2 * slope * square / goal - square - slope**2 * square - BIAS**2 - offset**2
    if rest < 0:
        raise ValueError(f"no noise gives a CCC of {goal}")
    return float(np.sqrt(rest))


def walk(random: Random, speakers: int) -> Values:
    """Autocorrelated noise of deviation one, (speakers, frames)."""
    steps = random.normal(size=(speakers, FRAMES))
    steps[:, 1:] *= np.sqrt(1 - CORRELATION**2)
    for frame in range(1, FRAMES):
        steps[:, frame] += CORRELATION * steps[:, frame - 1]
    return steps


def network(random: Random, target: Values, slope: float, offset: float, noise: float) -> Moments:
    """Moments of a network's predictions, one row a speaker."""
    bias = random.normal(0, BIAS, size=(len(target), 1))
    predicted = offset + slope * target + bias + noise * walk(random, len(target))
    rows = zip(target, predicted, strict=True)
    return Moments.stack([Moments.of(x[:, None], y[:, None]) for x, y in rows])


def swap_predictions(one: Moments, other: Moments) -> float:
    """Return p of swapping the predictions speaker by speaker, the pooled CCC put together anew."""
    speakers = len(one.count)
    both = Moments(*(np.concatenate([getattr(one, n), getattr(other, n)]) for n in Moments.__slots__))
    exact = speakers <= EXACT_SPEAKERS
    if exact:
        swapped = np.arange(2**speakers)[:, None] >> np.arange(speakers) & 1
    else:
        swapped = np.random.default_rng(0).integers(2, size=(FLIPS, speakers))
        swapped[0] = 0
    ours = ccc(both.combine(np.concatenate([1 - swapped, swapped], axis=1)))[:, 0]
    theirs = ccc(both.combine(np.concatenate([swapped, 1 - swapped], axis=1)))[:, 0]
    differences = np.abs(theirs - ours)
    return float((differences >= differences[0] - 1e-9).mean())


def swap_own(one: Moments, other: Moments) -> float:
    """Return p of swapping each speaker's own CCC."""
    return flip_signs((ccc(other) - ccc(one))[:, 0], FLIPS).p


def swap_shares(one: Moments, other: Moments) -> float:
    """Return p of swapping each speaker's share in the pooled CCC, as the jackknife finds it."""
    return flip_signs((ccc_shares(other) - ccc_shares(one))[:, 0], FLIPS).p


TESTS = {"predictions": swap_predictions, "own CCC": swap_own, "shares": swap_shares}

# Slope, offset and population CCC of both networks.
CASES = {
    "null: alike": ((0.8, 0.0, 0.6), (0.8, 0.0, 0.6)),
    "null: offsets +0.1 and -0.1": ((0.8, 0.1, 0.6), (0.8, -0.1, 0.6)),
    "null: offsets +0.2 and -0.2": ((0.8, 0.2, 0.5), (0.8, -0.2, 0.5)),
    "null: offset 0.2 against noise": ((0.8, 0.2, 0.5), (0.8, 0.0, 0.5)),
    "null: slope 0.5 against noise": ((0.5, 0.0, 0.5), (1.0, 0.0, 0.5)),
    "0.1 apart: no offset": ((0.8, 0.0, 0.5), (0.8, 0.0, 0.6)),
    "0.1 apart: offsets +0.1 and -0.1": ((0.8, 0.1, 0.5), (0.8, -0.1, 0.6)),
    "0.1 apart: offsets +0.2 and -0.2": ((0.8, 0.2, 0.45), (0.8, -0.2, 0.55)),
    "0.1 apart: by an offset of 0.2": ((0.8, 0.2, 0.5), (0.8, 0.0, 0.6)),
    "0.2 apart: offsets +0.2 and -0.2": ((0.8, 0.2, 0.35), (0.8, -0.2, 0.55)),
}


def simulate(case: str, speakers: int) -> dict[str, float]:
    """Shares of the repeats: each test below ALPHA, intervals without zero, and both against each other."""
    random = np.random.default_rng([speakers, *case.encode()])
    networks = [(slope, offset, noise_for(goal, slope, offset)) for slope, offset, goal in CASES[case]]
    found = dict.fromkeys(TESTS, 0) | {"interval": 0}
    against = dict.fromkeys(TESTS, 0)
    for _ in range(REPEATS):
        target = random.normal(0, BETWEEN, size=(speakers, 1)) + WITHIN * walk(random, speakers)
        one, other = (network(random, target, *each) for each in networks)
        times = np.concatenate(list(draw(speakers, DRAWS)))
        low, high = np.quantile(ccc(other.combine(times)) - ccc(one.combine(times)), [0.025, 0.975])
        outside = not low <= 0 <= high
        found["interval"] += outside
        for name, test in TESTS.items():
            p = test(one, other)
            found[name] += p < ALPHA
            against[name] += outside and p >= 0.2
    rates = {name: count / REPEATS for name, count in found.items()}
    return rates | {f"{name} against interval": count / REPEATS for name, count in against.items()}


def main() -> None:
    """Print a row a case and number of speakers."""
    table = None
    for speakers in (6, 9, 18, 40):
        for case in CASES:
            row = {"case": case, "speakers": speakers} | simulate(case, speakers)
            if table is None:
                table = csv.DictWriter(sys.stdout, list(row))
                table.writeheader()
            table.writerow(row)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
