"""Metrics of votes, by hand and against SciPy, and the human level."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from sercli.evaluation import evaluate, known_metrics, mean_intervals, measure, metric_by_key, pooled_values
from sercli.evaluation.votes import VOTE_METRICS, cross_entropy, divergence, rater_confusion
from sercli.records import ClassPredictions, pool

DISTRIBUTIONS = st.integers(0, 999).map(lambda seed: np.random.default_rng(seed).dirichlet([0.3] * 4, 2))


def predictions(probabilities, raters, speakers=None, classes=("anger", "fear", "joy"), seed=0, target=None):
    n = len(probabilities)
    return ClassPredictions(
        classes=classes,
        ids=tuple(f"toy/{i}" for i in range(n)),
        target=np.zeros(n, dtype=np.int64) if target is None else np.array(target),
        probabilities=np.array(probabilities, dtype=float),
        raters=tuple(raters) if raters is not None else None,
        speakers=tuple(speakers or ["s"] * n),
        genders=("female",) * n,
        folds=tuple(speakers or ["s"] * n),
        seeds=(seed,) * n,
    )


def random_predictions(seed=0):
    random = np.random.default_rng(seed)
    speakers = [f"s{i % 6}" for i in range(60)]
    raters = [tuple((int(each),) for each in random.integers(3, size=3)) for _ in speakers]
    target = random.integers(3, size=60)
    return predictions(random.dirichlet([1, 1, 1], 60), raters, speakers, target=target, seed=seed)


def value(result, key):
    return result.table.row(key).value


def test_cross_entropy_with_votes_by_hand():
    # Votes (2/3, 1/3, 0), predicted (1/2, 1/4, 1/4): -(2/3 ln 1/2 + 1/3 ln 1/4).
    result = evaluate(predictions([[0.5, 0.25, 0.25]], [((0,), (0,), (1,))]))
    expected = -(2 / 3 * np.log(1 / 2) + 1 / 3 * np.log(1 / 4))
    assert value(result, "votes_ce") == pytest.approx(expected)
    row = result.table.row("votes_ce")
    assert row.chance == pytest.approx(np.log(3))
    assert (row.majority, row.unit, row.count) == (None, "plain", 1)


def test_divergence_by_hand():
    # No class in common is 1, equal is 0; (1, 0) and (1/2, 1/2) have the mean (3/4, 1/4).
    rows = predictions([[1, 0], [1, 0], [0.5, 0.5]], [((1,),), ((0,),), ((0,),)], classes=("anger", "fear"))
    between = 0.5 * np.log2(1 / (3 / 4)) + 0.25 * np.log2(0.5 / 0.75) + 0.25 * np.log2(0.5 / 0.25)
    assert value(evaluate(rows), "votes_jsd") == pytest.approx((1 + 0 + between) / 3)
    row = evaluate(rows).table.row("votes_jsd")
    assert row.chance == pytest.approx(between)  # of each row, the votes are certain
    assert row.majority == pytest.approx(1 / 3)  # always anger


@given(DISTRIBUTIONS)
def test_both_are_those_of_scipy(both):
    one, other = both
    assert divergence(one, other) == pytest.approx(jensenshannon(one, other, base=2) ** 2, abs=1e-9)
    assert cross_entropy(one, other) == pytest.approx(entropy(one) + entropy(one, np.maximum(other, 1e-12)))
    assert 0 <= divergence(one, other) <= 1


def test_a_wrong_certainty_is_bad_and_not_infinite():
    assert value(evaluate(predictions([[1, 0, 0]], [((1,),)])), "votes_ce") == pytest.approx(-np.log(1e-12))


def test_each_rater_is_compared_with_the_plurality_of_the_others():
    # 0, 0, 1: the first two see a tie of the others (0, 1), the third is wrong.
    assert rater_confusion([(0,), (0,), (1,)], 2).tolist() == [[0, 1], [0, 0]]
    # 0, 0, 0, 1: the others of the first three have the plurality 0.
    assert rater_confusion([(0,), (0,), (0,), (1,)], 2).tolist() == [[3, 1], [0, 0]]
    # A rater with two classes is half right.
    assert rater_confusion([(0, 1), (0,), (0,)], 2)[0].tolist() == [2.5, 0.5]
    # Two raters each predict the other.
    assert rater_confusion([(0,), (1,)], 2).tolist() == [[0, 1], [1, 0]]
    assert rater_confusion([(0,)], 2).sum() == rater_confusion([], 2).sum() == 0


def test_the_human_level_by_hand():
    four = ((0,), (0,), (0,), (1,))
    joy = ((2,), (2,), (2,))
    result = evaluate(predictions([[1, 0, 0], [0, 0, 1]], [four, joy], target=[0, 2]))
    # Anger: 3 of 4 right; joy: 3 of 3.
    ua, wa = result.table.row("rater_ua"), result.table.row("rater_wa")
    assert ua.value == pytest.approx((3 / 4 + 1) / 2)
    assert wa.value == pytest.approx(6 / 7)
    assert (ua.chance, wa.chance) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert (ua.majority, wa.majority) == (pytest.approx(1 / 2), pytest.approx(4 / 7))
    assert "compare each rater with the plurality of the other raters, ties left out" in result.definition


def test_single_raters_have_no_human_level():
    result = evaluate(predictions([[1, 0, 0]], [((0,),)]))
    assert np.isnan(value(result, "rater_ua"))
    assert value(result, "votes_jsd") == 0


def test_rows_without_raters_do_not_count():
    known = predictions([[0.5, 0.25, 0.25]], [((0,), (1,))])
    both = predictions([[0.5, 0.25, 0.25], [0, 0, 1]], [((0,), (1,)), ()])
    for key in ("votes_ce", "votes_jsd"):
        assert value(evaluate(known), key) == value(evaluate(both), key)
    assert evaluate(both).table.row("votes_ce").count == 1
    for none in (None, ((), ())):
        assert evaluate(replace(both, raters=none)).table.find("votes_ce") is None


def test_the_other_metrics_are_the_same_with_and_without_raters():
    rows = random_predictions()
    own = {metric.key for metric in VOTE_METRICS}
    found, without = evaluate(rows, 200), evaluate(replace(rows, raters=None), 200)
    assert [row for row in found.table if row.metric not in own] == list(without.table)
    assert without.headline == found.headline


def test_intervals_are_those_of_drawn_speakers():
    """Draw speakers by hand, with the same draws, and average their rows."""
    rows = random_predictions()
    row = evaluate(rows, 500).table.row("votes_jsd")
    random, names = np.random.default_rng(0), sorted(set(rows.speakers))
    times = random.multinomial(6, np.full(6, 1 / 6), size=500)
    targets = np.array([np.bincount(np.concatenate(own), minlength=3) / 3 for own in rows.raters])
    own = divergence(targets, rows.probabilities)
    weights = times[:, [names.index(name) for name in rows.speakers]]
    low, high = np.quantile((weights @ own) / weights.sum(axis=1), [0.025, 0.975])
    assert (row.interval.low, row.interval.high) == (pytest.approx(low), pytest.approx(high))
    assert row.value == pytest.approx(own.mean())


def test_studies_can_name_these_metrics():
    rows = random_predictions()
    assert [metric.key for metric in known_metrics(rows)][-4:] == [metric.key for metric in VOTE_METRICS]
    assert all(metric_by_key(metric.key) is metric for metric in VOTE_METRICS)
    wanted = [metric_by_key("ua"), metric_by_key("votes_ce")]
    found = evaluate(rows, 200)
    measured = {row.metric: row for row in measure(rows, wanted, 200)}
    assert measured == {key: found.table.row(key) for key in ("ua", "votes_ce")}
    assert pooled_values(rows, wanted) == {key: row.value for key, row in measured.items()}
    assert "votes_ce" not in pooled_values(rows)
    intervals = mean_intervals(rows, wanted, 200)
    assert intervals["votes_ce"].low < measured["votes_ce"].value < intervals["votes_ce"].high


def test_raters_survive_selection_and_pooling():
    one, other = random_predictions(), random_predictions(seed=1)
    assert one.select([3, 0]).raters == (one.raters[3], one.raters[0])
    assert pool([one, other]).raters == one.raters + other.raters
    assert pool([one, replace(other, raters=None)]).raters is None
    assert replace(one, raters=None).select([0]).raters is None


def test_classes_without_gender_merge_the_votes():
    classes = ("female anger", "female joy", "male anger", "male joy")
    rows = predictions([[0.1, 0.2, 0.3, 0.4]], [((2,), (2, 3))], classes=classes, target=[2])
    merged = evaluate(rows).without_gender
    # Votes for male anger 3/4 and male joy 1/4; merged, anger has 0.4 and joy 0.6.
    assert value(merged, "votes_ce") == pytest.approx(-(3 / 4 * np.log(0.4) + 1 / 4 * np.log(0.6)))
