"""Metrics of classes: functions of confusion matrices, counts by true (rows) and predicted class (columns).

Every function takes matrices stacked along leading axes too: ``ua`` of (draws, classes, classes) is (draws,).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sercli.evaluation.mapping import map_classes, name_without_gender
from sercli.evaluation.metrics import Counts, Metric, MetricRow, Rates
from sercli.evaluation.scoring import Baseline, Rows, Scoring
from sercli.records import ClassPredictions


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Counts of true and predicted classes.

    Attributes:
        classes: class names, in the order of the axes.
        counts: rows by true and predicted class, (classes, classes).
    """

    classes: tuple[str, ...]
    counts: Counts

    @property
    def rates(self) -> Rates:
        """Shares of each true class, (classes, classes); NaN for an absent class."""
        return _divide(
            self.counts, np.broadcast_to(self.counts.sum(axis=1, keepdims=True), self.counts.shape)
        )

    @property
    def majority(self) -> str:
        """The most frequent class."""
        return self.classes[int(self.counts.sum(axis=1).argmax())]


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


def ua_shares(by_speaker: Counts) -> Rates:
    """Split UA into what each speaker adds to it, (speakers,).

    Two runs that are compared tested the same utterances. So a swapped speaker leaves the number of
    utterances of each class as it was, UA is a sum over speakers, and swapping flips the sign of that
    speaker's difference.
    """
    totals = by_speaker.sum(axis=(0, 2))  # (classes,)
    hits = np.diagonal(by_speaker, axis1=1, axis2=2)  # (speakers, classes)
    present = totals > 0
    shares: Rates = (hits[:, present] / totals[present]).mean(axis=1)
    return shares


UA = Metric("ua", "UA", ua, headline=True, in_parts=True, shares=ua_shares)
WA = Metric("wa", "WA", wa, headline=True, in_parts=True)
# A second test, of WA, would be a second chance to find something.
METRICS = (UA, WA, Metric("acc", "ACC", acc), Metric("macro_f1", "macro F1", macro_f1))
"""What is measured of every classifier."""

_OF_CLASS = (("recall", "recall", recalls), ("precision", "precision", precisions), ("f1", "F1", f1s))


def recall_metrics(classes: Sequence[str]) -> tuple[Metric, ...]:
    """Define the recall of each class as a metric of its own; NaN where the class does not occur."""
    return tuple(
        Metric(f"recall_{name}", f"recall of {name}", partial(_recall, index=index))
        for index, name in enumerate(classes)
    )


class ClassScoring(Scoring[ClassPredictions]):
    """Scores classes by confusion matrices, (groups, classes, classes)."""

    definition = (
        "UA is the mean recall of the classes that occur in what is tested, WA the share of utterances that "
        "are right, ACC the mean of both (the metric of the ECA paper); folds and seeds are pooled; a mean "
        "over them, where there is one, is given separately"
    )
    parts = ("speaker", "gender", "fold", "seed")
    beside = "seeds"
    metrics = METRICS

    def __init__(self, predictions: ClassPredictions) -> None:
        super().__init__(predictions)
        self.part_chance = 1 / max(1, len(predictions.classes))  # each class guessed as often

    def known_metrics(self) -> tuple[Metric, ...]:
        """List the metrics of every classifier and the recalls."""
        return (*METRICS, *recall_metrics(self.predictions.classes))

    def sums(self, groups: Sequence[Rows]) -> Counts:
        """Count the rows of each group, (groups, classes, classes)."""
        rows = self.predictions
        of_group = np.full(len(rows), -1)
        for number, places in enumerate(groups):
            of_group[list(places)] = number
        kept = of_group >= 0
        return confusions(
            of_group[kept], len(groups), rows.target[kept], rows.predicted[kept], len(rows.classes)
        )

    def combine(self, sums: Counts, times: Counts) -> Counts:
        """Add up matrices, each as often as it is taken, (draws, classes, classes)."""
        groups, *shape = sums.shape
        cells = sums.reshape(groups, -1).astype(np.float64)  # counts below 2**53 stay exact, and use BLAS
        return (times @ cells).astype(np.int64).reshape(-1, *shape)

    def per_seed(self, sums: Counts, seeds: int) -> Counts:  # noqa: ARG002
        """Leave the counts as they are, since no metric depends on their scale."""
        return sums

    def count(self, rows: Rows) -> int:
        """Count utterances, each once per seed."""
        return len(rows)

    def baselines(self, metric: Metric, pooled: Counts) -> list[Baseline]:
        """Measure guesses in proportion, and the most frequent class for everything."""
        counts = pooled[0].sum(axis=1)
        majority = np.zeros_like(pooled[0])
        majority[:, counts.argmax()] = counts
        guessed = np.repeat(counts[:, None], len(counts), axis=1)
        return [Baseline(float(metric.function(guessed)), float(metric.function(majority)))]

    def class_rows(self, pooled: Counts) -> list[MetricRow]:
        """Give recall, precision and F1 of each class, from the matrix of everything."""
        counts, predicted = pooled.sum(axis=1).tolist(), pooled.sum(axis=0).tolist()
        columns = [(key, label, function(pooled).tolist()) for key, label, function in _OF_CLASS]
        return [
            MetricRow(
                "class", name, key, label, values[i], count=counts[i], about={"predicted": predicted[i]}
            )
            for i, name in enumerate(self.predictions.classes)
            for key, label, values in columns
        ]


def without_gender(predictions: ClassPredictions) -> ClassPredictions | None:
    """Merge the classes of women and of men, such as ``female anger``: their probabilities add up.

    Returns:
        The same rows with fewer classes, sorted; ``None`` where no two classes differ in gender alone, or
        where a single emotion would be left.
    """
    names = sorted({name_without_gender(name) for name in predictions.classes})
    if not 2 <= len(names) < len(predictions.classes):
        return None
    mapping = map_classes(predictions.classes, names)
    index = {name: i for i, name in enumerate(mapping.classes)}
    carried = np.array([index[mapping.of_model[name]] for name in predictions.classes], dtype=np.int64)
    return replace(
        predictions,
        classes=mapping.classes,
        target=carried[predictions.target],
        probabilities=mapping.carry(predictions.probabilities),
    )


def _recall(confusion: Counts, index: int) -> Rates:
    found: Rates = recalls(confusion)[..., index]
    return found


def _hits(confusion: Counts) -> Counts:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _mean_over_present(values: Rates, confusion: Counts) -> Rates:
    present = confusion.sum(axis=-1) > 0  # (..., classes)
    return _divide(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1))


def _divide(part: NDArray[np.generic], total: Counts) -> Rates:
    """Divide, with NaN where there is nothing to divide by."""
    quotient: Rates = np.divide(part, total, out=np.full(np.shape(total), np.nan), where=total > 0)
    return quotient
