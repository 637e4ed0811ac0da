"""Figures of how two traces agree: CCC, PCC and RMSE, from moments that can be put together.

The moments divide by n, as in the loss. Each figure takes moments of any shape, one figure an element.

Source: Lin, Biometrics 45(1), 1989 (CCC).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sercli.evaluation.classification import Counts, Rates

Frames = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What CCC, PCC and RMSE need to know of frames: numbers of equal shape.

    Sums are of squares and products about the means, so that an offset costs no digits.

    Attributes:
        count: frames.
        target_mean: mean of the gold standard.
        predicted_mean: mean of what was predicted.
        target_square: sum of the gold standard's squares.
        predicted_square: sum of the predicted values' squares.
        product: sum of the products of both.
        error: sum of the squared differences, not about the means.
    """

    count: Rates
    target_mean: Rates
    predicted_mean: Rates
    target_square: Rates
    predicted_square: Rates
    product: Rates
    error: Rates


def moments(target: Frames, predicted: Frames) -> Moments:
    """Sum over frames, given (frames, dimensions) twice; an element a dimension."""
    # From the first frame, a constant's deviations are zero and not some rounding.
    x, y = target - target[0], predicted - predicted[0]
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x, y = x - mean_x, y - mean_y
    return Moments(
        count=np.full(mean_x.shape, float(len(target))),
        target_mean=target[0] + mean_x,
        predicted_mean=predicted[0] + mean_y,
        target_square=(x * x).sum(axis=0),
        predicted_square=(y * y).sum(axis=0),
        product=(x * y).sum(axis=0),
        error=((target - predicted) ** 2).sum(axis=0),
    )


def stack(groups: list[Moments]) -> Moments:
    """Put moments of groups of frames under one another, (groups, dimensions)."""
    return Moments(*(np.stack([getattr(group, name) for group in groups]) for name in Moments.__slots__))


def combine(groups: Moments, times: Counts) -> Moments:
    """Give the moments of all the groups' frames together, each group taken as often as told.

    Args:
        groups: moments of each group, (groups, dimensions).
        times: how often each is taken, (draws, groups).

    Returns:
        Moments of each draw, (draws, dimensions).
    """
    # From the first group's means, groups of one constant stay without any deviation.
    x = groups.target_mean - groups.target_mean[0]
    y = groups.predicted_mean - groups.predicted_mean[0]
    n = times @ groups.count
    mean_x, mean_y = times @ (groups.count * x) / n, times @ (groups.count * y) / n
    square_x = times @ (groups.target_square + groups.count * x * x) - n * mean_x**2
    square_y = times @ (groups.predicted_square + groups.count * y * y) - n * mean_y**2
    return Moments(
        count=n,
        target_mean=groups.target_mean[0] + mean_x,
        predicted_mean=groups.predicted_mean[0] + mean_y,
        target_square=square_x.clip(min=0),
        predicted_square=square_y.clip(min=0),
        product=times @ (groups.product + groups.count * x * y) - n * mean_x * mean_y,
        error=times @ groups.error,
    )


def ccc(of: Moments) -> Rates:
    """Concordance correlation coefficient, -1 to 1; zero where it is 0 / 0, as in the loss."""
    apart = of.count * (of.target_mean - of.predicted_mean) ** 2
    spread = of.target_square + of.predicted_square + apart
    return np.divide(2 * of.product, spread, out=np.zeros_like(spread), where=spread > 0)


def pcc(of: Moments) -> Rates:
    """Pearson's correlation coefficient, -1 to 1; NaN where a trace is constant."""
    # Roots first: the product of two small squares may vanish.
    spread = np.sqrt(of.target_square) * np.sqrt(of.predicted_square)
    found: Rates = np.divide(of.product, spread, out=np.full_like(spread, np.nan), where=spread > 0)
    return np.clip(found, -1, 1)


def rmse(of: Moments) -> Rates:
    """Root of the mean squared difference."""
    root: Rates = np.sqrt(of.error / of.count)
    return root
