"""Figures of a confusion matrix: counts by true class (rows) and predicted class (columns).

Every figure takes matrices stacked along leading axes too: ``ua`` of (draws, classes, classes) is (draws,).
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Rates = NDArray[np.float64]


def confusion(target: Counts, predicted: Counts, n_classes: int) -> Counts:
    """Count rows by true and predicted class, (classes, classes)."""
    counts: Counts = confusions(np.zeros_like(target), 1, target, predicted, n_classes)[0]
    return counts


def confusions(groups: Counts, n_groups: int, target: Counts, predicted: Counts, n_classes: int) -> Counts:
    """Count the rows of each group, such as a speaker, (groups, classes, classes).

    Args:
        groups: which group each row belongs to, (rows,).
        n_groups: how many groups there are.
        target: index of the true class, (rows,).
        predicted: index of the predicted class, (rows,).
        n_classes: how many classes there are.
    """
    shape = (n_groups, n_classes, n_classes)
    cells = np.ravel_multi_index((groups, target, predicted), shape)  # refuses an index that is out of range
    return np.bincount(cells, minlength=n_groups * n_classes**2).reshape(shape)


def recalls(confusion: Counts) -> Rates:
    """Share of each class's utterances that were recognised, (..., classes); NaN for an absent class."""
    return _divide(_hits(confusion), confusion.sum(axis=-1))


def precisions(confusion: Counts) -> Rates:
    """Share of each class's predictions that were right, (..., classes); NaN for a class never predicted."""
    return _divide(_hits(confusion), confusion.sum(axis=-2))


def f1s(confusion: Counts) -> Rates:
    """Harmonic mean of precision and recall, (..., classes); NaN for a class neither true nor predicted."""
    return _divide(2 * _hits(confusion), confusion.sum(axis=-1) + confusion.sum(axis=-2))


def ua(confusion: Counts) -> Rates:
    """Unweighted accuracy (UAR): mean recall over the classes present in the target, (...).

    A class without utterances counts neither for nor against: a fold or a speaker that lacks a class is
    judged on the others.
    """
    return _mean_over_present(recalls(confusion), confusion)


def wa(confusion: Counts) -> Rates:
    """Weighted accuracy: share of all utterances that were recognised, (...)."""
    return _divide(_hits(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def acc(confusion: Counts) -> Rates:
    """Mean of UA and WA, (...): what the ECA paper calls ACC."""
    return (ua(confusion) + wa(confusion)) / 2


def macro_f1(confusion: Counts) -> Rates:
    """Mean F1 over the classes present in the target, (...)."""
    return _mean_over_present(f1s(confusion), confusion)


def _hits(confusion: Counts) -> Counts:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _mean_over_present(values: Rates, confusion: Counts) -> Rates:
    present = confusion.sum(axis=-1) > 0  # (..., classes)
    return _divide(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1))


def _divide(part: NDArray[np.generic], whole: Counts) -> Rates:
    """Divide, with NaN where there is nothing to divide by."""
    quotient: Rates = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return quotient
