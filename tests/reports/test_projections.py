"""Points of a network's embeddings: correlations by hand and by SciPy, the table, the panels."""

import csv
import json

import numpy as np
import pytest
from scipy.stats import pearsonr

from sercli.inference.insight import Projection
from sercli.reports import projections
from sercli.reports.projections import Projected, correlation

NAN = float("nan")


def projected(points, arousal, valence, run="diccoser-x", target=None):
    points = np.array(points, dtype=float)
    ids = tuple(f"toy/{i}" for i in range(len(points)))
    ratings = {"arousal": np.array(arousal, dtype=float), "valence": np.array(valence, dtype=float)}
    target = target or (0,) * len(points)
    return Projected(
        run, "heading", ("anger", "joy"), ids, tuple(target), Projection(points, (0.6, 0.3)), ratings
    )


def test_correlation_by_hand():
    # x = 1 2 3 and y = 1 3 2: the covariance is 1 / 3, both variances are 2 / 3.
    assert correlation(np.array([1.0, 2, 3]), np.array([1.0, 3, 2])) == pytest.approx(0.5)
    assert correlation(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)


@pytest.mark.parametrize("seed", range(3))
def test_correlation_is_scipys_over_the_rated_utterances(seed):
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(2, 30))
    y[::4] = NAN
    rated = ~np.isnan(y)
    assert correlation(x, y) == pytest.approx(pearsonr(x[rated], y[rated]).statistic)


@pytest.mark.parametrize("ratings", [[NAN] * 4, [1, NAN, 3, NAN], [2, 2, 2, 2]], ids=str)
def test_without_ratings_or_with_equal_ones_there_is_no_correlation(ratings):
    assert correlation(np.arange(4.0), np.array(ratings, dtype=float)) is None


def test_what_is_rated_is_told():
    some = projected([[0, 1], [1, 0], [2, 5]], [1, 2, 3], [NAN] * 3)
    assert set(some.correlations) == {"arousal"}
    assert some.correlations["arousal"][0] == pytest.approx(1)
    assert projections.describe(some) == (
        "diccoser-x: correlation of component 1 with arousal +1.00, component 2 with arousal +0.76"
    )
    none = projected([[0, 1], [1, 0], [2, 5]], [NAN] * 3, [NAN] * 3)
    assert projections.describe(none).endswith(
        "the corpus has no ratings of arousal and valence to correlate"
    )


def test_the_table_holds_every_point_of_every_run(tmp_path):
    one = projected([[0, 1], [1, 0], [2, 5]], [1, 2, 3], [NAN, 4, 4.5], target=(0, 1, 0))
    other = projected([[3, 1], [1, 0], [2, 5]], [1, 2, 3], [NAN, 4, 4.5], run="diccoser-y")
    points, numbers = projections.write([one, other], tmp_path)
    with points.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert rows[1] == {
        "run": "diccoser-x",
        "id": "toy/1",
        "class": "joy",
        "component_1": "1",
        "component_2": "0",
        "arousal": "2",
        "valence": "4",
    }
    assert (rows[0]["valence"], rows[3]["run"]) == ("", "diccoser-y")
    told = json.loads(numbers.read_text())
    assert set(told) == {"diccoser-x", "diccoser-y"}
    assert told["diccoser-x"]["rated"] == {"arousal": 3, "valence": 2}
    assert told["diccoser-x"]["correlations"]["arousal"] == pytest.approx(
        [1, pearsonr([1, 0, 5], [1, 2, 3]).statistic]
    )
    assert "valence" not in told["diccoser-x"]["correlations"]


def test_the_axes_say_how_the_components_go_with_the_ratings():
    figure = projections.draw([projected([[0, 1], [1, 0], [2, 5]], [1, 2, 3], [NAN] * 3)] * 2)
    assert len(figure.axes) == 2
    assert figure.axes[1].get_xlabel() == "component 1, 60.0 % of the variance\nr with arousal +1.00"
