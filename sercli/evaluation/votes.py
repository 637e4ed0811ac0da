"""Score predictions by the votes of raters, and raters by the votes of the other raters.

The distribution of the votes (`sercli.raters.votes`) is the target of two metrics. Cross-entropy is in nats;
its smallest possible value is the entropy of the votes, not zero. The Jensen-Shannon divergence is to base 2,
from 0 (equal) to 1 (no class in common). Chance is the uniform distribution.

The human level: each rater is compared with the plurality of the other raters of the utterance, as a model is
compared with the label. If the others have no plurality, the comparison is left out. The vote of a rater who
named several classes is divided between them. A model can exceed this level, because it learns from the votes
of many raters, and one rater is a single opinion.

Source: Lin, IEEE Transactions on Information Theory 37(1), 1991 (divergence).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from sercli.evaluation.classes import ua, wa
from sercli.evaluation.metrics import Counts, Metric, Rates, divide
from sercli.evaluation.scoring import Baseline, Rows, Scoring
from sercli.raters import plurality, votes
from sercli.records import ClassPredictions

# A smaller probability counts as this one; otherwise a single one of zero would make the mean infinite.
_LEAST = 1e-12
# Columns of the sums: rows with votes, both metrics, then the cells of the raters' confusion matrix.
_COUNT, _CE, _JSD, _CELLS = 0, 1, 2, 3


def cross_entropy(target: Rates, predicted: Rates) -> Rates:
    """Return the cross-entropy of distributions in nats, (...).

    Args:
        target: distributions, (..., classes).
        predicted: predicted distributions, (..., classes).
    """
    from scipy.special import xlogy  # takes a tenth of a second

    found: Rates = -xlogy(target, np.maximum(predicted, _LEAST)).sum(axis=-1)
    return found


def divergence(target: Rates, predicted: Rates) -> Rates:
    """Return the Jensen-Shannon divergence of distributions to base 2, (...).

    Args:
        target: distributions, (..., classes).
        predicted: predicted distributions, (..., classes).
    """
    from scipy.special import rel_entr

    middle = (target + predicted) / 2
    found: Rates = (rel_entr(target, middle) + rel_entr(predicted, middle)).sum(axis=-1) / (2 * np.log(2))
    return found


def rater_confusion(raters: Sequence[Sequence[int]], n_classes: int) -> Rates:
    """Compare each rater of an utterance with the plurality of the others, (classes, classes).

    Args:
        raters: for each rater, the indices of the classes that this rater named.
        n_classes: number of classes.

    Returns:
        Votes by the plurality of the others (rows) and the rater's class (columns).
    """
    confusion = np.zeros((n_classes, n_classes))
    for place, own in enumerate(raters):
        others = plurality([*raters[:place], *raters[place + 1 :]])
        if others is not None:
            confusion[others, list(own)] += 1 / len(own)
    return confusion


def _mean(column: int) -> Callable[[Rates], Rates]:
    return lambda sums: divide(sums[..., column], sums[..., _COUNT])


def _of_rater(function: Callable[[Any], Rates]) -> Callable[[Rates], Rates]:
    return lambda sums: function(_confusion(sums))


def _confusion(sums: Rates) -> Rates:
    """Return the raters' confusion matrix in sums, (..., classes, classes)."""
    n_classes = round((sums.shape[-1] - _CELLS) ** 0.5)
    return sums[..., _CELLS:].reshape(*sums.shape[:-1], n_classes, n_classes)


CROSS_ENTROPY = Metric("votes_ce", "cross-entropy with votes (nats)", _mean(_CE), unit="plain")
DIVERGENCE = Metric("votes_jsd", "Jensen-Shannon divergence from votes", _mean(_JSD), unit="plain")
RATER_UA = Metric("rater_ua", "UA of one rater", _of_rater(ua))
RATER_WA = Metric("rater_wa", "WA of one rater", _of_rater(wa))
VOTE_METRICS = (CROSS_ENTROPY, DIVERGENCE, RATER_UA, RATER_WA)
"""Metrics of predictions of classes whose raters are known."""


class VoteScoring(Scoring[ClassPredictions]):
    """Score by votes: sums over rows, (groups, 3 + classes * classes). Rows without raters do not count."""

    definition = (
        "cross-entropy (nats) and Jensen-Shannon divergence (base 2, 0 to 1) compare the predicted "
        "probabilities with the distribution of the raters' votes, each rater with one vote; UA and WA of "
        "one rater compare each rater with the plurality of the other raters, ties left out"
    )
    parts = ()
    beside = "seeds"
    metrics = VOTE_METRICS

    def __init__(self, predictions: ClassPredictions) -> None:
        super().__init__(predictions)
        n_classes = len(predictions.classes)
        raters = predictions.raters or ((),) * len(predictions)
        distribution = cache(lambda own: votes(own, n_classes))
        confusion = cache(lambda own: rater_confusion(own, n_classes).ravel())
        self._votes = np.stack([distribution(own) for own in raters])  # (rows, classes)
        self._known = np.array([float(len(own) > 0) for own in raters])  # (rows,)
        self._rows = np.column_stack(
            [
                self._known,
                self._known * cross_entropy(self._votes, predictions.probabilities),
                self._known * divergence(self._votes, predictions.probabilities),
                np.stack([confusion(own) for own in raters]),
            ]
        )

    def sums(self, groups: Sequence[Rows]) -> Rates:
        """Sum over the rows of each group, (groups, columns)."""
        return np.stack([self._rows[list(rows)].sum(axis=0) for rows in groups])

    def combine(self, sums: Rates, times: Counts) -> Rates:
        """Add up sums, each multiplied by the times that it is drawn, (draws, columns)."""
        combined: Rates = times @ sums
        return combined

    def per_seed(self, sums: Rates, seeds: int) -> Rates:  # noqa: ARG002
        """Return the sums unchanged, since no metric depends on their scale."""
        return sums

    def count(self, rows: Rows) -> int:
        """Count the utterances with raters, each once per seed."""
        return int(self._known[list(rows)].sum())

    def baselines(self, metric: Metric, pooled: Rates) -> list[Baseline]:
        """Measure the uniform distribution, and the certain prediction of the most frequent class.

        The cross-entropy of a certain prediction is infinite, so it is left out.
        """
        n_classes = len(self.predictions.classes)
        most = int(np.bincount(self.predictions.target, minlength=n_classes).argmax())
        if metric in (RATER_UA, RATER_WA):
            counts = _confusion(pooled[0]).sum(axis=1)
            even, always = np.repeat(counts[:, None], n_classes, axis=1), np.zeros((n_classes, n_classes))
            always[:, most] = counts
            function: Callable[[Any], Rates] = ua if metric is RATER_UA else wa
            return [Baseline(float(function(even)), float(function(always)))]
        target = self._votes[self._known > 0]
        if not len(target):
            return [Baseline()]
        even, always = np.full(n_classes, 1 / n_classes), np.eye(n_classes)[most]
        if metric is CROSS_ENTROPY:
            return [Baseline(float(cross_entropy(target, even).mean()))]
        return [Baseline(float(divergence(target, even).mean()), float(divergence(target, always).mean()))]
