import math

import numpy as np
import pytest

from sercli.evaluation.metrics import Interval, Metric, MetricRow, MetricTable, Spread


def row(group, name, metric, value, **more):
    return MetricRow(group, name, metric, metric.upper(), value, **more)


TABLE = MetricTable(
    (
        row("all", None, "ua", 0.5, interval=Interval(0.4, 0.6, 0.95, 100, 6), count=8),
        row("all", None, "wa", math.nan),
        row("speaker", "01", "ua", 0.25, count=4, about={"gender": "female"}),
        row("speaker", "01", "wa", 0.5, count=4, about={"gender": "female"}),
        row("speaker", "02", "ua", 0.75, count=4),
        row("run", None, "ua", 0.5, run="base"),
    )
)


def test_rows_are_found_by_metric_group_name_and_run():
    assert TABLE.row("ua").value == 0.5
    assert TABLE.row("ua", "speaker", "02").value == 0.75
    assert TABLE.row("ua", "run", run="base").value == 0.5
    assert TABLE.find("f1") is None
    assert len(TABLE.group("speaker")) == 3
    with pytest.raises(KeyError, match="f1"):
        TABLE.row("f1")


def test_parts_gather_the_rows_of_each_speaker():
    first, second = TABLE.parts("speaker")
    assert (first.name, first.about, first.count, list(first.rows)) == (
        *("01", {"gender": "female"}),
        *(4, ["ua", "wa"]),
    )
    assert (second.name, list(second.rows), second.rows["ua"].value) == ("02", ["ua"], 0.75)


def test_rows_of_json_have_null_for_nan_and_a_run_only_where_there_is_one():
    first, second, *_, last = TABLE.to_dict()
    assert first["interval"] == {"low": 0.4, "high": 0.6, "level": 0.95, "draws": 100, "speakers": 6}
    assert second["value"] is None
    assert "run" not in first
    assert last["run"] == "base"


def test_a_metric_of_dimensions_has_a_key_a_label_and_values_for_each():
    metric = Metric("ccc", "CCC", lambda sums: sums, ("arousal", "valence"), "plain")
    assert metric.keys == ["ccc_arousal", "ccc_valence"]
    assert metric.labels == ["arousal CCC", "valence CCC"]
    assert [each.tolist() for each in metric.split(np.array([[1, 2], [3, 4]]))] == [[1, 3], [2, 4]]
    plain = Metric("ua", "UA", lambda sums: sums)
    assert (plain.keys, plain.labels, len(plain.split(np.zeros(3)))) == (["ua"], ["UA"], 1)


def test_a_spread_leaves_out_undefined_values_or_is_undefined_itself():
    values = np.array([0.25, math.nan, 0.75])
    assert Metric("ua", "UA", lambda sums: sums).spread(values) == Spread(0.5, pytest.approx(0.125**0.5))
    pcc = Metric("pcc", "PCC", lambda sums: sums, skips_undefined=False).spread(values)
    assert math.isnan(pcc.mean)
    assert pcc.deviation is None
