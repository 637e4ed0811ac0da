"""Compute metrics of values of dimensions (CCC, PCC, RMSE and MAE) from moments that can be combined.

The moments divide by n, as in the loss. Each function takes moments of any shape, and returns one value for
each element. The values belong to frames of recordings, or to utterances.

Source: Lin, Biometrics 45(1), 1989 (CCC); Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
sections 11.2 and 11.5 (pseudo-values).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sercli.errors import RunError
from sercli.evaluation.metrics import Counts, Metric, Rates, divide
from sercli.evaluation.scoring import Baseline, Rows, Scoring
from sercli.records import ValuePredictions

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Moments of values: arrays of equal shape, such as (groups, dimensions).

    Squares and products are computed about the means, so that an offset costs no precision.

    Attributes:
        count: number of values.
        target_mean: mean of the gold standard.
        predicted_mean: mean of the predictions.
        target_square: sum of the gold standard's squares.
        predicted_square: sum of the predictions' squares.
        product: sum of the products of both.
        error: sum of the squared differences, not about the means.
        absolute: sum of the absolute differences.
    """

    count: Rates
    target_mean: Rates
    predicted_mean: Rates
    target_square: Rates
    predicted_square: Rates
    product: Rates
    error: Rates
    absolute: Rates

    @classmethod
    def of(cls, target: Values, predicted: Values) -> "Moments":
        """Sum over values, (values, dimensions) each, with one element for each dimension."""
        # Deviations from the first value, since those of a constant are then exactly zero.
        x, y = target - target[0], predicted - predicted[0]
        mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
        x, y, apart = x - mean_x, y - mean_y, target - predicted
        return cls(
            count=np.full(mean_x.shape, float(len(target))),
            target_mean=target[0] + mean_x,
            predicted_mean=predicted[0] + mean_y,
            target_square=(x * x).sum(axis=0),
            predicted_square=(y * y).sum(axis=0),
            product=(x * y).sum(axis=0),
            error=(apart**2).sum(axis=0),
            absolute=np.abs(apart).sum(axis=0),
        )

    @classmethod
    def stack(cls, groups: Sequence["Moments"]) -> "Moments":
        """Stack the moments of groups, (groups, dimensions)."""
        return cls(*(np.stack([getattr(group, name) for group in groups]) for name in cls.__slots__))

    def combine(self, times: Counts) -> "Moments":
        """Return the moments of all groups together, each group taken several times.

        Args:
            times: number of times that each group is drawn, (draws, groups).

        Returns:
            Moments of each draw, (draws, dimensions).
        """
        # Deviations from the first group's means, since those of groups with one constant are then zero.
        x = self.target_mean - self.target_mean[0]
        y = self.predicted_mean - self.predicted_mean[0]
        n = times @ self.count
        mean_x, mean_y = times @ (self.count * x) / n, times @ (self.count * y) / n
        square_x = times @ (self.target_square + self.count * x * x) - n * mean_x**2
        square_y = times @ (self.predicted_square + self.count * y * y) - n * mean_y**2
        return Moments(
            count=n,
            target_mean=self.target_mean[0] + mean_x,
            predicted_mean=self.predicted_mean[0] + mean_y,
            target_square=square_x.clip(min=0),
            predicted_square=square_y.clip(min=0),
            product=times @ (self.product + self.count * x * y) - n * mean_x * mean_y,
            error=times @ self.error,
            absolute=times @ self.absolute,
        )

    def divide(self, seeds: int) -> "Moments":
        """Return the moments with the weight of each value divided by the number of its seeds."""
        return Moments(
            count=self.count / seeds,
            target_mean=self.target_mean,
            predicted_mean=self.predicted_mean,
            target_square=self.target_square / seeds,
            predicted_square=self.predicted_square / seeds,
            product=self.product / seeds,
            error=self.error / seeds,
            absolute=self.absolute / seeds,
        )


def ccc(of: Moments) -> Rates:
    """Concordance correlation coefficient, -1 to 1; zero if it is 0 / 0, as in the loss."""
    apart = of.count * (of.target_mean - of.predicted_mean) ** 2
    spread = of.target_square + of.predicted_square + apart
    return np.divide(2 * of.product, spread, out=np.zeros_like(spread), where=spread > 0)


def pcc(of: Moments) -> Rates:
    """Pearson's correlation coefficient, -1 to 1; NaN if one of the two is constant."""
    # Take the roots first, because the product of two small squares may become zero.
    spread = np.sqrt(of.target_square) * np.sqrt(of.predicted_square)
    return np.clip(divide(of.product, spread), -1, 1)


def rmse(of: Moments) -> Rates:
    """Root of the mean squared difference."""
    root: Rates = np.sqrt(of.error / of.count)
    return root


def mae(of: Moments) -> Rates:
    """Mean absolute difference."""
    mean: Rates = of.absolute / of.count
    return mean


def ccc_shares(by_speaker: Moments) -> Rates:
    """Split the pooled CCC into shares of the speakers, (speakers, dimensions), whose sum is the CCC.

    The pooled CCC is not a sum over speakers. Therefore the jackknife finds the shares, from the change of
    the CCC without each speaker. A share is the speaker's pseudo-value, divided by the number of speakers,
    minus a correction of the bias.

    Another test would swap the predictions themselves. If two networks have different offsets, a mixture
    of both, speaker by speaker, has traces that neither network predicts. The CCC of such mixtures varies far
    more than that of the networks. So this test would find hardly any difference and contradict the interval.
    """
    speakers = len(by_speaker.count)
    pooled = ccc(by_speaker.combine(np.ones((1, speakers), dtype=np.int64)))  # (1, dimensions)
    without = ccc(by_speaker.combine(1 - np.eye(speakers, dtype=np.int64)))  # (speakers, dimensions)
    shares: Rates = (pooled + (speakers - 1) * (without.mean(axis=0) - without)) / speakers
    return shares


def value_metrics(dimensions: tuple[str, ...], *, per_frame: bool) -> tuple[Metric, ...]:
    """Define the metrics of values: CCC, PCC and RMSE, and for utterances also MAE.

    Args:
        dimensions: names of the dimensions, in the order of the values' columns.
        per_frame: whether the values belong to frames.
    """
    found = (
        Metric("ccc", "CCC", ccc, dimensions, "plain", headline=True, shares=ccc_shares, in_parts=True),
        Metric(
            "pcc",
            "PCC",
            pcc,
            dimensions,
            "plain",
            has_interval=not per_frame,
            in_parts=True,
            skips_undefined=False,
        ),
        Metric("rmse", "RMSE", rmse, dimensions, "plain", has_interval=not per_frame, in_parts=True),
    )
    if per_frame:
        return found
    return (*found, Metric("mae", "MAE", mae, dimensions, "plain", in_parts=True))


class ValueScoring(Scoring[ValuePredictions]):
    """Score values by their moments, (groups, dimensions)."""

    def __init__(self, predictions: ValuePredictions) -> None:
        super().__init__(predictions)
        columns, per_frame = predictions.dimensions, predictions.per_frame
        values = "test frames" if per_frame else "tested utterances"
        self.definition = (
            "CCC is Lin's concordance correlation coefficient, its moments divided by n, over the "
            f"{values} of all folds and seeds joined (pooled); the mean over folds of each fold's own CCC, "
            "the metric of the DiCCOSER paper, is given separately"
            if per_frame
            else "CCC is Lin's concordance correlation coefficient, its moments divided by n (torchmetrics "
            "divides by n - 1), PCC is Pearson's correlation; all are over the tested utterances of all "
            "folds and seeds joined (pooled). RMSE and MAE are on the scale of the ratings. Chance is a "
            "rating drawn at random, the mean predictor always gives the mean of the tested ratings"
        )
        self.metrics = value_metrics(columns, per_frame=per_frame)
        if per_frame:
            self.parts, self.beside, self.ranked = ("corpus", "fold", "recording"), "recordings", "recording"
            self.frames = self.count(range(len(predictions)))
        else:
            self.parts, self.beside = ("corpus", "speaker", "gender", "fold"), "seeds"

    def sums(self, groups: Sequence[Rows]) -> Moments:
        """Sum over the joined values of each group's rows, in 64 bits, (groups, dimensions)."""
        rows = self.predictions
        return Moments.stack(
            [
                Moments.of(
                    np.concatenate([rows.target[place] for place in places], dtype=np.float64),
                    np.concatenate([rows.predicted[place] for place in places], dtype=np.float64),
                )
                for places in groups
            ]
        )

    def combine(self, sums: Moments, times: Counts) -> Moments:
        """Combine the moments of groups, (draws, dimensions)."""
        return sums.combine(times)

    def per_seed(self, sums: Moments, seeds: int) -> Moments:
        """Divide the weight of each value by the number of its seeds."""
        return sums.divide(seeds)

    def count(self, rows: Rows) -> int:
        """Count frames, or utterances, each once per seed."""
        return sum(len(self.predictions.target[place]) for place in rows)

    def baselines(self, metric: Metric, pooled: Moments) -> list[Baseline]:
        """Return the values of a rating drawn at random, and of the mean rating; of frames, only the CCC."""
        if self.predictions.per_frame:
            return [Baseline(0.0 if metric.key == "ccc" else None)] * len(metric.columns)
        if metric.key == "ccc":
            return [Baseline(0.0, 0.0)] * len(metric.columns)
        if metric.key == "pcc":  # of a constant it is undefined
            return [Baseline(0.0)] * len(metric.columns)
        ratings = np.sort(np.concatenate(self.predictions.target), axis=0)  # (utterances, dimensions)
        deviations = np.sqrt(pooled.target_square[0] / pooled.count[0])  # (dimensions,)
        if metric.key == "rmse":
            return [Baseline(2**0.5 * each, each) for each in deviations.tolist()]
        count = len(ratings)
        # The mean difference of all pairs, from the ranks (Gini's mean difference).
        ranks = 2 * np.arange(1, count + 1) - count - 1
        pairs = 2 * (ranks[:, None] * ratings).sum(axis=0) / count**2
        about = np.abs(ratings - ratings.mean(axis=0)).mean(axis=0)
        return [Baseline(*both) for both in zip(pairs.tolist(), about.tolist(), strict=True)]

    def check(self) -> None:
        """Refuse predictions that can't be evaluated, and gold standards that are not numbers."""
        for name, target in zip(self.predictions.ids, self.predictions.target, strict=True):
            if not len(target):
                raise RunError(f"{name}: not one frame to evaluate; prepare the corpus again")
            if not np.isfinite(target).all():
                raise RunError(f"{name}: a gold-standard value is not a number; prepare the corpus again")
        super().check()
