"""Compare confidence with accuracy, and find the confidence below which predictions are marked unsure.

The confidence of a row is its largest probability. The calibration error is the plug-in estimate from bins:
the mean over rows of the distance between a bin's mean confidence and its proportion of correct rows (an L1
norm). It depends on the bins, and it is too large with few rows: by chance, a bin of ten rows is wrong by a
tenth or more, even with perfect calibration. Values are comparable only with equal bins and about equally
many rows.

Several seeds are pooled: each row counts once, so an utterance counts once per seed.

Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 2 (bins); Brier, Monthly
Weather Review 78(1), 1950 (score).
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sercli.errors import ConfigError, RunError
from sercli.evaluation.metrics import MetricRow, Rates
from sercli.evaluation.resampling import LEVEL
from sercli.evaluation.scoring import check_finite
from sercli.records import ClassPredictions
from sercli.tasks import temper

_BINS = 15
# Bounds of a fitted temperature, and how near to a bound it counts as being on it.
_COLDEST, _HOTTEST, _NEAR = 0.05, 20.0, 1.01
_LEAST_PROBABILITY = 1e-30
_CANDIDATES = 20  # thresholds to try; each one reduces the certainty (Bonferroni)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Number, mean confidence and accuracy of the rows with a confidence above ``low``, at most ``high``.

    The first bin also holds rows at its ``low``.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Difference between confidence and accuracy.

    Attributes:
        count: number of rows.
        confidence: mean confidence of all rows.
        right: proportion of correct rows (WA).
        ece: expected calibration error, 0 to 1: the distance in each bin, weighted by its rows.
        mce: maximum calibration error: the largest distance in a bin, even if the bin has few rows.
        estimator: method of the estimate ``ece``, as text.
        brier: mean squared distance between probabilities and truth, summed over classes, 0 to 2.
        bins: bins that have a row, by confidence.
    """

    count: int
    confidence: float
    right: float
    ece: float
    mce: float
    estimator: str
    brier: float
    bins: tuple[ReliabilityBin, ...]

    def rows(self) -> list[MetricRow]:
        """Return the calibration error and the Brier score as rows of the table of metrics."""
        return [
            MetricRow("all", None, "ece", f"ECE ({self.estimator})", self.ece, count=self.count),
            MetricRow("all", None, "brier", "Brier score", self.brier, "plain", count=self.count),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lowest confidence at which predictions are trusted; predictions below it are marked unsure.

    Attributes:
        target: target accuracy of the trusted predictions.
        confidence: rows with at least this confidence are trusted; ``None`` if none reaches the target.
        why_none: reason why no confidence reaches the target.
        kept: proportion of trusted rows among those on which the threshold was found.
        right: proportion of correct predictions among the trusted rows.
        at_least: lower bound of that proportion on new data of the same kind, with certainty ``level``.
        level: certainty of the bound.
    """

    target: float
    confidence: float | None
    why_none: str | None
    kept: float
    right: float | None
    at_least: float | None
    level: float


@dataclass(frozen=True, slots=True)
class Trusted:
    """Result of a threshold on rows that did not affect the threshold.

    Attributes:
        count: number of rows.
        kept: proportion of trusted rows.
        right: proportion of correct predictions among the trusted rows; ``None`` if no row is trusted.
        at_least: lower bound of that proportion on new data of the same kind, with certainty ``level``.
        level: certainty of the bound.
    """

    count: int
    kept: float
    right: float | None
    at_least: float | None
    level: float


def measure_calibration(predictions: ClassPredictions) -> Calibration:
    """Compare confidence with accuracy, in bins of equal width.

    Raises:
        RunError: there are no rows.
    """
    confidence, right = _confidence(predictions)
    edges = np.linspace(0, 1, _BINS + 1)
    place = np.searchsorted(edges[1:-1], confidence, side="left")  # (low, high], as in Guo et al.
    counts = np.bincount(place, minlength=_BINS)
    held = np.flatnonzero(counts)
    sure = np.bincount(place, weights=confidence, minlength=_BINS)[held] / counts[held]
    share = np.bincount(place, weights=right, minlength=_BINS)[held] / counts[held]
    apart = np.abs(share - sure)
    truth = np.eye(len(predictions.classes))[predictions.target]
    columns = (edges[held], edges[held + 1], counts[held], sure, share)
    return Calibration(
        count=len(predictions),
        confidence=float(confidence.mean()),
        right=float(right.mean()),
        ece=float(counts[held] @ apart / len(predictions)),
        mce=float(apart.max()),
        estimator=f"plug-in, L1, {_BINS} bins of equal width",
        brier=float(((predictions.probabilities - truth) ** 2).sum(axis=1).mean()),
        bins=tuple(
            ReliabilityBin(*row) for row in zip(*(column.tolist() for column in columns), strict=True)
        ),
    )


@dataclass(frozen=True, slots=True)
class Temperature:
    """A temperature that makes probabilities fit how often classes are right; see `sercli.tasks.temper`.

    Attributes:
        value: the temperature; above one if the network was too sure.
        utterances: number of utterances that it was fitted on.
        speakers: number of their known speakers.
        loss_before: mean negative log-likelihood of the true classes on these rows.
        loss_after: the same with the temperature.
    """

    value: float
    utterances: int
    speakers: int
    loss_before: float
    loss_after: float


def fit_temperature(predictions: ClassPredictions) -> Temperature:
    """Fit the temperature with the smallest negative log-likelihood of the true classes.

    The likelihood has a single maximum, because its logarithm is concave in the inverse of the temperature.
    Labels that are shares of raters count as the class of the corpus, as in the accuracies. Do not fit on
    the test part on which the calibration error is then reported.

    Args:
        predictions: rows of a dev part.

    Raises:
        RunError: there are no rows, all of them are right (the best temperature is zero then), or no
            temperature from 0.05 to 20 is the best one.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar  # takes a tenth of a second

    _, right = _confidence(predictions)
    if right.all():
        raise RunError(
            f"all {len(right)} predictions of the dev part are right, so they show no limit of the "
            "confidence and no temperature; calibrate on more utterances, or leave the calibration out"
        )
    logits = np.log(np.maximum(predictions.probabilities, _LEAST_PROBABILITY))  # (rows, classes)
    true = logits[np.arange(len(logits)), predictions.target]

    def loss(inverse: float) -> float:
        return float((np.logaddexp.reduce(inverse * logits, axis=1) - inverse * true).mean())

    low, high = 1 / _HOTTEST, 1 / _COLDEST
    found = minimize_scalar(
        lambda log: loss(np.exp(log)),
        bounds=(np.log(low), np.log(high)),
        method="bounded",
        options={"xatol": 1e-7},
    )
    inverse = float(np.exp(found.x))
    if not low * _NEAR < inverse < high / _NEAR:
        raise RunError(
            f"no temperature from {_COLDEST:g} to {_HOTTEST:g} fits the {len(right)} predictions of the dev "
            "part: their probabilities do not show how often they are right; leave the calibration out"
        )
    return Temperature(
        value=1 / inverse,
        utterances=len(set(predictions.ids)),
        speakers=len(predictions.known_speakers),
        loss_before=loss(1.0),
        loss_after=loss(inverse),
    )


def apply_temperature(predictions: ClassPredictions, temperature: float) -> ClassPredictions:
    """Return predictions with calibrated probabilities; their classes are the same."""
    if temperature == 1.0:
        return predictions
    return replace(predictions, probabilities=temper(predictions.probabilities, temperature))


def threshold_for(predictions: ClassPredictions, target: float, level: float = LEVEL) -> Threshold:
    """Find the lowest confidence at which at least ``target`` of the predictions are right.

    The accuracy on few rows proves little: three correct predictions out of three do not prove 100 %.
    Therefore the exact (Clopper and Pearson) lower bound must reach the target. The bound is corrected for
    the twenty thresholds that are tried, which keep the most confident 5, 10, ... 100 % of the rows. If
    several networks predict an utterance (seeds, or folds that share a dev part), it counts once. The bound
    assumes that utterances are independent. The utterances of one speaker are not, so the bound is somewhat
    too high; and it holds only for similar data. Do not find the threshold on the test part on which it is
    then reported.

    Args:
        predictions: rows on which to find the threshold, such as those of a dev part.
        target: target accuracy, above 0 and below 1.
        level: certainty of the bound.

    Raises:
        ConfigError: ``target`` or ``level`` is not between 0 and 1.
        RunError: there are no rows.

    Source: Geifman and El-Yaniv, Selective Classification for Deep Neural Networks, NeurIPS 2017, section 3
    (a bound corrected for the thresholds tried); Clopper and Pearson, Biometrika 26(4), 1934.
    """
    for name, value in (("target", target), ("level", level)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} is a share between 0 and 1, got {value:g}")
    confidence, right = _confidence(predictions)
    rows, times = len(confidence), len(confidence) / len(set(predictions.ids))
    ranked = np.sort(confidence)[::-1]
    kept = np.ceil(rows * np.arange(1, _CANDIDATES + 1) / _CANDIDATES).astype(np.int64)
    candidates = np.unique(ranked[kept - 1])[::-1]  # falling
    trusted = confidence >= candidates[:, None]  # (candidates, rows)
    counts, hits = trusted.sum(axis=1), (trusted & right).sum(axis=1)
    bounds = _lower_bound(hits / times, counts / times, (1 - level) / _CANDIDATES)
    reached = np.flatnonzero(bounds >= target)
    if not len(reached):
        best = int(bounds.argmax())
        why = (
            f"at best, {hits[best]} of the {counts[best]} most confident rows of {rows} are right, so the "
            f"lower bound is {bounds[best]:.1%} and not {target:.1%}"
        )
        return Threshold(target, None, why, 0.0, None, None, level)
    i = int(reached[-1])
    return Threshold(
        target=target,
        confidence=float(candidates[i]),
        why_none=None,
        kept=float(counts[i] / rows),
        right=float(hits[i] / counts[i]),
        at_least=float(bounds[i]),
        level=level,
    )


def apply_threshold(predictions: ClassPredictions, confidence: float) -> Trusted:
    """Apply a threshold to rows that did not affect the threshold.

    The bound is Clopper and Pearson's, as in `threshold_for`, without a correction; its certainty is `LEVEL`.

    Raises:
        RunError: there are no rows.
    """
    sure, right = _confidence(predictions)
    trusted, times = sure >= confidence, len(sure) / len(set(predictions.ids))
    count, hits = int(trusted.sum()), int((trusted & right).sum())
    if not count:
        return Trusted(len(sure), 0.0, None, None, LEVEL)
    bound = _lower_bound(np.array([hits / times]), np.array([count / times]), 1 - LEVEL)
    return Trusted(len(sure), count / len(sure), hits / count, float(bound[0]), LEVEL)


def _confidence(predictions: ClassPredictions) -> tuple[Rates, NDArray[np.bool_]]:
    """Return each row's largest probability, and whether the row is correct, (rows,) each."""
    if not len(predictions):
        raise RunError("no predictions to calibrate; test at least one fold")
    check_finite(predictions)
    sure: Rates = predictions.probabilities.max(axis=1)
    return np.minimum(sure, 1.0), predictions.predicted == predictions.target


def _lower_bound(hits: Rates, counts: Rates, error: float) -> Rates:
    """Return the lower bound of a proportion, which is wrong with probability ``error`` at most."""
    from scipy.special import betaincinv  # takes a tenth of a second

    some = np.maximum(hits, 1e-9)  # the function is undefined at zero
    bound: Rates = np.where(hits > 0, betaincinv(some, counts - hits + 1, error), 0.0)
    return bound
