"""Predictions of classes and of values together: the metrics of each, over the same rows."""

import numpy as np
import pytest

from sercli.evaluation import compare, evaluate, mean_intervals, measure, pooled_values, stated_metrics
from sercli.evaluation.measures import known_metrics
from sercli.evaluation.predictions_csv import read_predictions, write_predictions
from sercli.records import ClassPredictions, ValuePredictions, pool
from sercli.tasks import Outputs

SPEAKERS = ("ada", "ben", "cleo", "dan", "eve", "fay")
TARGET = np.array([0, 1, 0, 1, 0, 1])
RATINGS = np.array([1.0, 4.0, 2.0, 5.0, 1.0, 3.0])


def values_of(error):
    return ValuePredictions(
        **rows(),
        dimensions=("arousal",),
        target=tuple(RATINGS[:, None, None]),
        predicted=tuple((RATINGS + error)[:, None, None]),
        per_frame=False,
    )


def rows():
    return {
        "ids": tuple(f"u{i}" for i in range(6)),
        "speakers": SPEAKERS,
        "genders": (None,) * 6,
        "folds": ("1",) * 3 + ("2",) * 3,
        "seeds": (0,) * 6,
    }


def joint(error=0.5, wrong=1):
    probabilities = np.eye(2)[TARGET] * 0.6 + 0.2
    probabilities[:wrong] = probabilities[:wrong, ::-1]
    return ClassPredictions(
        **rows(),
        classes=("calm", "loud"),
        target=TARGET,
        probabilities=probabilities,
        values=values_of(error),
    )


def only_classes(predictions):
    from dataclasses import replace

    return replace(predictions, values=None)


def test_each_metric_is_that_of_the_part_alone():
    both = evaluate(joint(), draws=50)
    classes, values = evaluate(only_classes(joint()), draws=50), evaluate(values_of(0.5), draws=50)
    for alone in (classes, values):
        for row in alone.table:
            own = both.table.find(row.metric, row.group, row.name) if row.group != "recording" else row
            assert own is not None, row
            assert own.value == pytest.approx(row.value, nan_ok=True)
            assert own.interval == row.interval
            assert (own.chance, own.majority) == (row.chance, row.majority)
    assert both.headline == ("ua", "wa", "ccc_arousal")
    assert both.outputs == ("calm", "loud", "arousal")
    assert both.confusion.counts.tolist() == classes.confusion.counts.tolist()
    assert (both.ranking.label, both.ranking.values) == (classes.ranking.label, classes.ranking.values)
    assert pooled_values(joint())["mae_arousal"] == pytest.approx(0.5)


def test_levels_without_learning_by_hand():
    table = evaluate(values_of(0.5), draws=10).table
    mean = RATINGS.mean()
    pairs = np.abs(RATINGS[:, None] - RATINGS[None])
    assert table.row("mae_arousal").chance == pytest.approx(pairs.mean())
    assert table.row("mae_arousal").majority == pytest.approx(np.abs(RATINGS - mean).mean())
    assert table.row("rmse_arousal").chance == pytest.approx(np.sqrt((pairs**2).mean()))
    assert table.row("rmse_arousal").majority == pytest.approx(RATINGS.std())
    assert (table.row("ccc_arousal").chance, table.row("ccc_arousal").majority) == (0.0, 0.0)
    assert (table.row("pcc_arousal").chance, table.row("pcc_arousal").majority) == (0.0, None)
    for name in ("ccc", "pcc", "rmse", "mae"):
        assert table.row(f"{name}_arousal").interval is not None


def test_predictions_of_both_survive_a_file_a_selection_and_pooling(tmp_path):
    write_predictions(tmp_path / "p.csv", joint())
    found = read_predictions(tmp_path / "p.csv")
    assert found.outputs == joint().outputs
    np.testing.assert_allclose(np.concatenate(found.values.target), np.concatenate(values_of(0.5).target))
    np.testing.assert_allclose(np.concatenate(found.values.predicted)[:, 0], RATINGS + 0.5)
    again = pool([found.select([0, 1]), found.select([2, 3, 4, 5])])
    assert again.ids == found.ids
    np.testing.assert_allclose(np.concatenate(again.values.predicted), np.concatenate(found.values.predicted))


def test_runs_of_both_are_compared_by_both():
    comparison = compare({"one": joint(0.5), "other": joint(0.1, wrong=0)}, draws=50)
    assert comparison.headline == ("ua", "wa", "ccc_arousal")
    assert comparison.tested_by == ("ua", "ccc_arousal")
    row = comparison.table.row("ccc_arousal", "difference", "one", run="other")
    alone = compare({"one": values_of(0.5), "other": values_of(0.1)}, draws=50)
    assert row.value == pytest.approx(alone.table.row("ccc_arousal", "difference", "one", run="other").value)


def test_single_metrics_of_both_are_measured():
    outputs = Outputs(("calm", "loud"), ("arousal",))
    stated = stated_metrics(outputs)
    keys = [key for metric in stated for key in metric.keys]
    assert keys == ["ua", "wa", "ccc_arousal", "recall_calm", "recall_loud"]
    assert [row.metric for row in measure(joint(), stated, draws=10)] == keys
    assert set(pooled_values(joint(), stated)) == set(keys)
    assert set(mean_intervals(joint(), [m for m in known_metrics(joint()) if m.headline], draws=10)) == {
        *("ua", "wa", "ccc_arousal")
    }
