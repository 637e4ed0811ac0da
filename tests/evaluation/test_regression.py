import json
import math

import numpy as np
import pytest

from sercli.errors import RunError
from sercli.evaluation.regression import evaluate_traces
from sercli.records import ValuePredictions


def predictions(n=6, seeds=(0,), speakers=None, seed=0):
    """Recordings of unequal length, two a fold, each followed less well than the one before."""
    random = np.random.default_rng(seed)
    rows = []
    for trained in seeds:
        for i in range(n):
            target = np.cumsum(random.normal(size=(40 + 10 * i, 2)), axis=0) / 10 + i
            predicted = target * (1 - 0.1 * i) + random.normal(size=target.shape) * 0.1 * (i + 1)
            rows.append((f"recola/P{i}", target, predicted, f"P{i}", "female", f"fold {i // 2 + 1}", trained))
    ids, target, predicted, names, genders, folds, trained = zip(*rows, strict=True)
    return ValuePredictions(
        dimensions=("arousal", "valence"),
        ids=ids,
        target=target,
        predicted=predicted,
        speakers=speakers or names,
        genders=genders,
        folds=folds,
        seeds=trained,
    )


def slow_ccc(x, y):
    return 2 * np.mean((x - x.mean()) * (y - y.mean())) / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)


def by_hand(parts=(([1, 2, 3], [2, 4, 6]),)):
    """One recording a fold, one dimension."""
    n = len(parts)
    names = tuple(f"P{i}" for i in range(n))
    return ValuePredictions(
        dimensions=("arousal",),
        ids=names,
        target=tuple(np.array(x, dtype=np.float64)[:, None] for x, _ in parts),
        predicted=tuple(np.array(y, dtype=np.float64)[:, None] for _, y in parts),
        speakers=names,
        genders=(None,) * n,
        folds=tuple(f"fold {i}" for i in range(n)),
        seeds=(0,) * n,
    )


def test_three_frames_by_hand():
    found = evaluate_traces(by_hand())
    (score,) = found.by_dimension
    assert (score.name, score.ccc, score.pcc) == pytest.approx(("arousal", 4 / 11, 1))
    assert score.rmse == pytest.approx(math.sqrt(14 / 3))
    assert (score.ccc_spread.mean, score.ccc_spread.deviation) == (pytest.approx(4 / 11), None)
    assert (found.recordings, found.count, found.frames, found.chance) == (1, 1, 3, 0)
    assert found.best == found.worst == 0


def test_pooled_and_mean_over_folds_are_not_the_same():
    # Each fold alone is followed perfectly but for its mean: 2 s^2 / (2 s^2 + 1) = 4/7 with s^2 = 2/3.
    # Joined, x = 1 2 3 5 6 7 and y = 2 3 4 4 5 6: s_xy = 3 - 1/3, s_x^2 = 14/3, s_y^2 = 5/3.
    found = evaluate_traces(by_hand([([1, 2, 3], [2, 3, 4]), ([5, 6, 7], [4, 5, 6])]))
    (score,) = found.by_dimension
    assert score.ccc == pytest.approx(2 * (8 / 3) / (14 / 3 + 5 / 3))
    assert score.ccc_spread.mean == score.ccc_recordings == pytest.approx(4 / 7)
    assert score.ccc_spread.deviation == pytest.approx(0, abs=1e-15)
    assert [unit.by_dimension[0].ccc for unit in found.by_unit] == pytest.approx([4 / 7, 4 / 7])


def test_folds_are_scored_on_their_joined_frames():
    rows = predictions(seeds=(0, 1))
    found = evaluate_traces(rows)
    assert [(unit.fold, unit.seed, unit.recordings, unit.frames) for unit in found.by_unit] == [
        (f"fold {fold}", seed, 2, frames) for seed in (0, 1) for fold, frames in ((1, 90), (2, 130), (3, 170))
    ]
    for place, unit in enumerate(found.by_unit):
        for i, each in enumerate(unit.by_dimension):
            x = np.concatenate([trace[:, i] for trace in rows.target[2 * place : 2 * place + 2]])
            y = np.concatenate([trace[:, i] for trace in rows.predicted[2 * place : 2 * place + 2]])
            assert each.ccc == pytest.approx(slow_ccc(x, y), abs=1e-12)
    for i, score in enumerate(found.by_dimension):
        values = [unit.by_dimension[i].ccc for unit in found.by_unit]
        assert score.ccc_spread.mean == pytest.approx(np.mean(values))
        assert score.ccc_spread.deviation == pytest.approx(np.std(values, ddof=1))
        alone = [slow_ccc(x[:, i], y[:, i]) for x, y in zip(rows.target, rows.predicted, strict=True)]
        assert [each.by_dimension[i].ccc for each in found.by_recording] == pytest.approx(alone)
        assert score.ccc_recordings == pytest.approx(np.mean(alone))
    assert (found.recordings, found.count) == (6, 12)


def test_the_interval_equals_a_slow_bootstrap_that_copies_frames():
    # Two recordings have one speaker; draws are those that intervals of classes use.
    rows = predictions(speakers=("a", "b", "a", "c", "d", "e"))
    found = evaluate_traces(rows)
    random, values = np.random.default_rng(0), []
    places = {name: [i for i, own in enumerate(rows.speakers) if own == name] for name in "abcde"}
    times = np.concatenate([random.multinomial(5, [1 / 5] * 5, size=1_000) for _ in range(10)])
    distinct, inverse = np.unique(times, axis=0, return_inverse=True)
    for counts in distinct:
        taken = [i for name, n in zip("abcde", counts, strict=True) for _ in range(n) for i in places[name]]
        x, y = (np.concatenate([each[i] for i in taken]) for each in (rows.target, rows.predicted))
        values.append([slow_ccc(x[:, i], y[:, i]) for i in range(2)])
    drawn = np.array(values)[inverse.ravel()]
    for i, score in enumerate(found.by_dimension):
        low, high = np.quantile(drawn[:, i], [0.025, 0.975])
        assert (score.ccc_interval.low, score.ccc_interval.high) == pytest.approx((low, high), abs=1e-10)
        assert (score.ccc_interval.draws, score.ccc_interval.speakers) == (10_000, 5)
        assert low <= score.ccc <= high


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (predictions(n=4), "4 speakers, and an interval over speakers needs 5 or more"),
        (predictions(speakers=("a", "b", "c", "d", "e", None)), "the speaker of 1 recording is unknown"),
    ],
)
def test_why_there_is_no_interval(rows, reason):
    found = evaluate_traces(rows)
    assert found.no_interval == reason
    assert [score.ccc_interval for score in found.by_dimension] == [None, None]


def test_best_and_worst_are_by_the_mean_over_the_dimensions():
    found = evaluate_traces(predictions())
    means = [np.mean([each.ccc for each in score.by_dimension]) for score in found.by_recording]
    assert (found.best, found.worst) == (np.argmax(means), np.argmin(means))


def test_a_constant_prediction_is_at_chance_and_has_no_pcc():
    rows = by_hand([([1, 2, 3], [0.1] * 3), ([1, 2, 4], [1, 2, 4])])
    found = evaluate_traces(rows)
    (score,), (constant, perfect) = found.by_dimension, found.by_recording
    assert constant.ccc == found.chance == 0
    assert perfect.ccc == pytest.approx(1)
    assert math.isnan(constant.by_dimension[0].pcc)
    assert math.isnan(score.pcc_recordings)
    assert math.isnan(score.pcc_spread.mean)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["by_recording"][0]["by_dimension"][0] == {
        "name": "arousal",
        "ccc": 0.0,
        "pcc": None,
        "rmse": pytest.approx(math.sqrt((0.81 + 3.61 + 8.41) / 3)),
    }
    assert plain["by_dimension"][0]["pcc_spread"]["mean"] is None
    assert (plain["best_recording"], plain["worst_recording"]) == ("P1", "P0")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (by_hand([([1, 2], [1, 2]), ([1, 2], [1, math.nan])]), "P1: a predicted value is not a number"),
        (by_hand([([1, 2], [1, math.inf])]), "P0: a predicted .* training diverged; try a lower"),
        (by_hand([([1, math.nan], [1, 2])]), "P0: a gold-standard value is not a number"),
        (by_hand([([], [])]), "P0: not one frame to evaluate"),
        (by_hand([]), "no predictions to evaluate; test at least one fold"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(rows, message):
    with pytest.raises(RunError, match=message):
        evaluate_traces(rows)
