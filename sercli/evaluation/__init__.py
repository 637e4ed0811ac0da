"""Evaluate predictions in one table of metrics with intervals, and compare runs; with NumPy and SciPy only.

`evaluate` scores predictions of any kind, `compare` tests whether one run is better than another. Both return
a `MetricTable` and further details. `measure` and `mean_intervals` return further metrics.
"""

from sercli.evaluation.comparison import ALPHA, Comparison, compare
from sercli.evaluation.evaluation import Evaluation, Ranking, evaluate
from sercli.evaluation.measures import (
    known_metrics,
    mean_intervals,
    measure,
    metric_by_key,
    pooled_values,
    stated_metrics,
)
from sercli.evaluation.metrics import (
    Interval,
    Metric,
    MetricRow,
    MetricTable,
    PairedTest,
    Part,
    Spread,
)
from sercli.evaluation.predictions_csv import read_predictions, write_predictions
from sercli.evaluation.resampling import DRAWS, holm

__all__ = [
    "ALPHA",
    "DRAWS",
    "Comparison",
    "Evaluation",
    "Interval",
    "Metric",
    "MetricRow",
    "MetricTable",
    "PairedTest",
    "Part",
    "Ranking",
    "Spread",
    "compare",
    "evaluate",
    "holm",
    "known_metrics",
    "mean_intervals",
    "measure",
    "metric_by_key",
    "pooled_values",
    "read_predictions",
    "stated_metrics",
    "write_predictions",
]
