"""Compute metrics of classes from confusion matrices: counts by true (rows) and predicted class (columns).

Every function also takes matrices stacked along leading axes: ``ua`` of (draws, classes, classes) is
(draws,).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sercli.errors import RunError
from sercli.evaluation.mapping import map_classes, name_without_gender
from sercli.evaluation.metrics import Counts, Metric, MetricRow, Rates, divide
from sercli.evaluation.resampling import MIN_SPEAKERS
from sercli.evaluation.scoring import Baseline, Rows, Scoring
from sercli.records import ClassPredictions

# By so much probabilities, and their sum, may be wrong: as those of short formats or of two decimals are.
_ROUNDING = 0.05
# From this share of draws without a class, the class is named.
_RARE = 0.01


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
        """Proportions of each true class, (classes, classes); NaN for an absent class."""
        return divide(self.counts, self.counts.sum(axis=1, keepdims=True))

    @property
    def majority(self) -> str:
        """The most frequent class."""
        return self.classes[int(self.counts.sum(axis=1).argmax())]


def confusions(groups: Counts, n_groups: int, target: Counts, predicted: Counts, n_classes: int) -> Counts:
    """Count the rows of each group, such as a speaker, (groups, classes, classes).

    Args:
        groups: number of each row's group, (rows,).
        n_groups: number of groups.
        target: index of the true class, (rows,).
        predicted: index of the predicted class, (rows,).
        n_classes: number of classes.
    """
    shape = (n_groups, n_classes, n_classes)
    cells = np.ravel_multi_index((groups, target, predicted), shape)  # refuses an index out of range
    return np.bincount(cells, minlength=n_groups * n_classes**2).reshape(shape)


def recalls(confusion: Counts) -> Rates:
    """Proportion of each class's utterances that were recognised, (..., classes); NaN for an absent class."""
    return divide(_hits(confusion), confusion.sum(axis=-1))


def precisions(confusion: Counts) -> Rates:
    """Proportion of each class's predictions that were correct, (..., classes); NaN without predictions."""
    return divide(_hits(confusion), confusion.sum(axis=-2))


def f1s(confusion: Counts) -> Rates:
    """Harmonic mean of precision and recall, (..., classes); NaN for a class neither true nor predicted."""
    return divide(2 * _hits(confusion), confusion.sum(axis=-1) + confusion.sum(axis=-2))


def ua(confusion: Counts) -> Rates:
    """Unweighted accuracy (UAR): mean recall over the classes present in the target, (...).

    A class without utterances is ignored: a fold or a speaker that lacks a class is measured on the other
    classes.
    """
    return _mean_over_present(recalls(confusion), confusion)


def wa(confusion: Counts) -> Rates:
    """Weighted accuracy: proportion of all utterances that were recognised, (...)."""
    return divide(_hits(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def acc(confusion: Counts) -> Rates:
    """Mean of UA and WA, (...), which the ECA paper calls ACC."""
    return (ua(confusion) + wa(confusion)) / 2


def macro_f1(confusion: Counts) -> Rates:
    """Mean F1 over the classes present in the target, (...)."""
    return _mean_over_present(f1s(confusion), confusion)


def ua_shares(by_speaker: Counts) -> Rates:
    """Split UA into the contribution of each speaker, (speakers,).

    Two runs that are compared tested the same utterances. So a swap of a speaker between them does not
    change the number of utterances of each class. UA is a sum over speakers, and the swap flips the sign of
    that speaker's difference.
    """
    totals = by_speaker.sum(axis=(0, 2))  # (classes,)
    hits = np.diagonal(by_speaker, axis1=1, axis2=2)  # (speakers, classes)
    present = totals > 0
    shares: Rates = (hits[:, present] / totals[present]).mean(axis=1)
    return shares


UA = Metric("ua", "UA", ua, headline=True, in_parts=True, shares=ua_shares, over_classes=True)
WA = Metric("wa", "WA", wa, headline=True, in_parts=True)
# A second test, of WA, would be a second chance to find a difference.
METRICS = (
    UA,
    WA,
    Metric("acc", "ACC", acc, over_classes=True),
    Metric("macro_f1", "macro F1", macro_f1, over_classes=True),
)
"""Metrics of every classifier."""

_OF_CLASS = (("recall", "recall", recalls), ("precision", "precision", precisions), ("f1", "F1", f1s))


def recall_metrics(classes: Sequence[str]) -> tuple[Metric, ...]:
    """Define the recall of each class as a separate metric; NaN if the class does not occur."""
    return tuple(
        Metric(f"recall_{name}", f"recall of {name}", partial(_recall, index=index))
        for index, name in enumerate(classes)
    )


class ClassScoring(Scoring[ClassPredictions]):
    """Score classes by confusion matrices, (groups, classes, classes)."""

    definition = (
        "UA is the mean recall of the classes of the tested utterances, WA is the share of utterances that "
        "are predicted correctly, ACC is the mean of UA and WA (the metric of the ECA paper); folds and "
        "seeds are pooled; a mean over them, if there is one, is given separately"
    )
    parts = ("corpus", "speaker", "gender", "fold", "seed")
    beside = "seeds"
    metrics = METRICS

    def __init__(self, predictions: ClassPredictions) -> None:
        super().__init__(predictions)
        self.part_chance = 1 / max(1, len(predictions.classes))  # every class is guessed equally often

    def check(self) -> None:
        """Refuse predictions that can't be evaluated, logits and percentages among them."""
        super().check()
        ids, target, given = self.predictions.ids, self.predictions.target, self.predictions.probabilities
        shape = (len(ids), len(self.predictions.classes))
        if given.shape != shape or target.shape != shape[:1] or target.dtype.kind not in "iu":
            raise RunError(
                f"target {target.shape} of {target.dtype}, probabilities {given.shape}: for {shape[0]} ids "
                f"and {shape[1]} classes, give the index of a class for each id, {shape[:1]}, and "
                f"probabilities, {shape}"
            )
        unknown = (target < 0) | (target >= shape[1])
        if unknown.any():
            row = int(unknown.argmax())
            raise RunError(f"{ids[row]}: target {target[row]} is none of 0 to {shape[1] - 1}")
        # With the sum 1 and no value below 0, none is above 1.
        wrong = (given < -_ROUNDING).any(axis=1) | (np.abs(given.sum(axis=1) - 1) > _ROUNDING)
        if wrong.any():
            row = int(wrong.argmax())
            raise RunError(
                f"{ids[row]}: {np.round(given[row], 3).tolist()} are no probabilities, which are from 0 to 1 "
                "with the sum 1; apply softmax to logits, and divide percentages by 100"
            )

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
        """Add up matrices, each multiplied by the times that it is drawn, (draws, classes, classes)."""
        groups, *shape = sums.shape
        cells = sums.reshape(groups, -1).astype(np.float64)  # counts below 2**53 stay exact, and use BLAS
        return (times @ cells).astype(np.int64).reshape(-1, *shape)

    def lacking(self, sums: Counts, combined: Counts) -> NDArray[np.bool_]:
        """Return whether each draw lacks a class that the groups have, (draws,)."""
        present = sums.sum(axis=(0, 2)) > 0  # (classes,)
        found: NDArray[np.bool_] = (combined.sum(axis=2)[:, present] == 0).any(axis=1)
        return found

    def remarks(self) -> tuple[str, ...]:
        """Name the classes of so few speakers that draws of speakers often lack them."""
        speakers, target = self.predictions.speakers, self.predictions.target.tolist()
        known = len(self.predictions.known_speakers)
        of_class = {
            name: len({who for who, true in zip(speakers, target, strict=True) if true == number and who})
            for number, name in enumerate(self.predictions.classes)
        }
        rare = {
            name: count for name, count in of_class.items() if count and (1 - count / known) ** known >= _RARE
        }
        if not rare or known < MIN_SPEAKERS or None in speakers:
            return ()
        named = ", ".join(f"{name} has {count} of {known} speakers" for name, count in rare.items())
        used = "The intervals of UA, ACC and macro F1 are of the draws of speakers that have every class."
        return (f"Few speakers of a class: {named}. {used}",)

    def per_seed(self, sums: Counts, seeds: int) -> Counts:  # noqa: ARG002
        """Return the counts unchanged, since no metric depends on their scale."""
        return sums

    def count(self, rows: Rows) -> int:
        """Count utterances, each once per seed."""
        return len(rows)

    def baselines(self, metric: Metric, pooled: Counts) -> list[Baseline]:
        """Measure random guesses, equally often of each class, and guesses of the most frequent class."""
        counts = pooled[0].sum(axis=1)
        majority = np.zeros_like(pooled[0])
        majority[:, counts.argmax()] = counts
        guessed = np.repeat(counts[:, None], len(counts), axis=1)
        function = next(each.function for each in self.known_metrics() if each.key == metric.key)
        return [Baseline(float(function(guessed)), float(function(majority)))]

    def class_rows(self, pooled: Counts) -> list[MetricRow]:
        """Return recall, precision and F1 of each class, from the matrix of all rows."""
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
    """Merge the classes of women and of men, such as ``female anger``, by adding their probabilities.

    Returns:
        The same rows with fewer classes, sorted; ``None`` if no two classes differ only in gender, or if
        only a single emotion would remain.
    """
    names = sorted({name_without_gender(name) for name in predictions.classes})
    if not 2 <= len(names) < len(predictions.classes):
        return None
    mapping = map_classes(predictions.classes, names)
    index = {name: i for i, name in enumerate(mapping.classes)}
    carried = np.array([index[mapping.of_model[name]] for name in predictions.classes], dtype=np.int64)
    raters = predictions.raters
    if raters is not None:
        raters = tuple(
            tuple(tuple(sorted({int(carried[i]) for i in own})) for own in of_row) for of_row in raters
        )
    return replace(
        predictions,
        classes=mapping.classes,
        target=carried[predictions.target],
        probabilities=mapping.carry(predictions.probabilities),
        raters=raters,
    )


def _recall(confusion: Counts, index: int) -> Rates:
    found: Rates = recalls(confusion)[..., index]
    return found


def _hits(confusion: Counts) -> Counts:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _mean_over_present(values: Rates, confusion: Counts) -> Rates:
    present = confusion.sum(axis=-1) > 0  # (..., classes)
    return divide(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1))
