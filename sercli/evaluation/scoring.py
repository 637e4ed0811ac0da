"""Define the scoring of one kind of predictions: the sums over rows, and the metrics of these sums.

Metrics are functions of sums over rows: counts by true and predicted class, or moments of frames. The sums of
groups can be combined, and each group is added once per draw. So the bootstrap, the sign-flip test and means
over folds are written once, for all kinds of predictions.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sercli.errors import RunError
from sercli.evaluation.metrics import Counts, Metric, Rates
from sercli.records import Predictions

Rows = Sequence[int]
"""Indices of rows in predictions."""

AnyPredictions = TypeVar("AnyPredictions", bound=Predictions)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Values of a metric without any learning; ``None`` if they are not defined."""

    chance: float | None = None
    majority: float | None = None


class Scoring(ABC, Generic[AnyPredictions]):
    """Scoring of one kind of predictions.

    Attributes:
        predictions: predictions to score.
        definition: meaning of the metrics, which is printed with them.
        metrics: the metrics of every evaluation.
        parts: kinds of parts that have separate rows, in order.
        beside: group of means that are shown with the pooled metrics: ``seeds`` or ``recordings``.
        part_chance: value of random guesses in a part, such as a speaker; ``None`` if it is not defined.
        ranked: kind of parts whose best and worst are reported: ``speaker`` or ``recording``.
        frames: frames of all rows; ``None`` if rows have no frames.
    """

    definition: str
    metrics: tuple[Metric, ...]
    parts: tuple[str, ...]
    beside: str
    part_chance: float | None = None
    ranked: str = "speaker"
    frames: int | None = None

    def __init__(self, predictions: AnyPredictions) -> None:
        self.predictions = predictions

    def known_metrics(self) -> tuple[Metric, ...]:
        """List all metrics that can be measured, including those that some evaluations lack."""
        return self.metrics

    def own(self, metrics: Sequence[Metric]) -> list[Metric]:
        """Return metrics by their keys, as this scoring computes them.

        Raises:
            KeyError: there is no such metric.
        """
        known = {tuple(metric.keys): metric for metric in self.known_metrics()}
        return [known[tuple(metric.keys)] for metric in metrics]

    @abstractmethod
    def sums(self, groups: Sequence[Rows]) -> Any:
        """Sum over the rows of each group."""

    @abstractmethod
    def combine(self, sums: Any, times: Counts) -> Any:
        """Combine the sums of groups.

        Args:
            sums: sums of each group.
            times: number of times that each group is drawn, (draws, groups).

        Returns:
            The sums of each draw.
        """

    def of_draws(self, metrics: Sequence[Metric], sums: Any, times: Counts) -> list[Rates]:
        """Return each metric of each draw, (draws,) or (draws, columns).

        A mean over classes is undefined (NaN) in a draw that lacks one of the groups' classes: the mean over
        the other classes is another metric.

        Args:
            metrics: metrics to measure.
            sums: sums of each group.
            times: number of times that each group is drawn, (draws, groups).
        """
        combined = self.combine(sums, times)
        lacking = self.lacking(sums, combined)
        found = []
        for metric in metrics:
            values = metric.function(combined)
            if metric.over_classes:
                values[lacking] = np.nan
            found.append(values)
        return found

    def lacking(self, sums: Any, combined: Any) -> NDArray[np.bool_] | bool:  # noqa: ARG002
        """Return whether each draw lacks a class that the groups have, (draws,)."""
        return False

    def remarks(self) -> tuple[str, ...]:
        """State what readers must know about the intervals."""
        return ()

    @abstractmethod
    def per_seed(self, sums: Any, seeds: int) -> Any:
        """Give several seeds together the weight of one."""

    @abstractmethod
    def baselines(self, metric: Metric, pooled: Any) -> list[Baseline]:
        """Return the baselines of a metric, one for each column, given the sums of everything."""

    def chance_of(self, metric: Metric) -> float | None:  # noqa: ARG002
        """Return the value of random guesses in a part, such as a speaker; ``None`` if it is not defined."""
        return self.part_chance

    @abstractmethod
    def count(self, rows: Rows) -> int:
        """Count the utterances or frames of some rows."""

    def check(self) -> None:
        """Refuse predictions that can't be evaluated.

        Raises:
            RunError: there are no predictions, or a prediction is not a finite number.
        """
        if not len(self.predictions):
            raise RunError("no predictions to evaluate; test at least one fold")
        check_finite(self.predictions)


def check_finite(predictions: Predictions, run: str | None = None) -> None:
    """Refuse predictions that are not finite numbers.

    Args:
        predictions: predictions to check.
        run: name of their run, if several runs are read.

    Raises:
        RunError: a prediction is not a finite number.
    """
    finite = predictions.finite
    if not finite.all():
        name = predictions.ids[int(finite.argmin())]
        raise RunError(
            f"{name if run is None else f'{run}: {name}'}: a prediction is not a finite number: "
            "training diverged; try a lower learning rate"
        )
