"""Score predictions of classes and of values together: the metrics of both, over the same rows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sercli.evaluation.classes import ClassScoring
from sercli.evaluation.metrics import Counts, Metric, Rates
from sercli.evaluation.scoring import Baseline, Rows, Scoring
from sercli.evaluation.values import ValueScoring
from sercli.records import ClassPredictions, ValuePredictions

_Sums = tuple[Any, Any]


class JointScoring(Scoring[ClassPredictions]):
    """Score classes and values; sums are pairs, of the classes and of the values.

    Attributes:
        of_classes: scoring of the classes.
        of_values: scoring of the values.
    """

    def __init__(self, predictions: ClassPredictions, values: ValuePredictions) -> None:
        super().__init__(predictions)
        self.of_classes, self.of_values = ClassScoring(predictions), ValueScoring(values)
        self.definition = f"{self.of_classes.definition}. {self.of_values.definition}"
        self.metrics = (*_metrics(self.of_classes.metrics, 0), *_metrics(self.of_values.metrics, 1))
        self.parts, self.beside = self.of_classes.parts, self.of_classes.beside
        self.part_chance = self.of_classes.part_chance

    def known_metrics(self) -> tuple[Metric, ...]:
        """List the metrics of both."""
        return (
            *_metrics(self.of_classes.known_metrics(), 0),
            *_metrics(self.of_values.known_metrics(), 1),
        )

    def sums(self, groups: Sequence[Rows]) -> _Sums:
        """Sum both over the rows of each group."""
        return self.of_classes.sums(groups), self.of_values.sums(groups)

    def combine(self, sums: _Sums, times: Counts) -> _Sums:
        """Combine the sums of groups."""
        return self.of_classes.combine(sums[0], times), self.of_values.combine(sums[1], times)

    def lacking(self, sums: _Sums, combined: _Sums) -> NDArray[np.bool_]:
        """Return whether each draw lacks a class that the groups have, (draws,)."""
        return self.of_classes.lacking(sums[0], combined[0])

    def remarks(self) -> tuple[str, ...]:
        """Return the remarks on the classes."""
        return self.of_classes.remarks()

    def per_seed(self, sums: _Sums, seeds: int) -> _Sums:
        """Give several seeds together the weight of one."""
        return self.of_classes.per_seed(sums[0], seeds), self.of_values.per_seed(sums[1], seeds)

    def baselines(self, metric: Metric, pooled: _Sums) -> list[Baseline]:
        """Return the baselines of a metric of either."""
        part: Scoring[Any] = self.of_values if metric.columns else self.of_classes
        return part.baselines(metric, pooled[1 if metric.columns else 0])

    def chance_of(self, metric: Metric) -> float | None:
        """Return the value of random guesses in a part."""
        return None if metric.columns else self.part_chance

    def count(self, rows: Rows) -> int:
        """Count utterances, each once per seed."""
        return len(rows)

    def check(self) -> None:
        """Refuse predictions that can't be evaluated."""
        self.of_classes.check()
        self.of_values.check()


def _metrics(metrics: Sequence[Metric], part: int) -> tuple[Metric, ...]:
    """Let metrics read their part of the pairs of sums."""
    return tuple(
        replace(each, function=_of(each.function, part), shares=each.shares and _of(each.shares, part))
        for each in metrics
    )


def _of(function: Callable[[Any], Rates], part: int) -> Callable[[Any], Rates]:
    return lambda sums: function(sums[part])
