import json
import math
from dataclasses import replace

import numpy as np
import pytest

from sercli.errors import RunError
from sercli.evaluation import compare, evaluate, read_predictions, write_predictions
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
    found = evaluate(by_hand())
    ccc, pcc, rmse = (found.table.row(f"{key}_arousal") for key in ("ccc", "pcc", "rmse"))
    assert (ccc.value, pcc.value) == pytest.approx((4 / 11, 1))
    assert rmse.value == pytest.approx(math.sqrt(14 / 3))
    assert (ccc.spread.mean, ccc.spread.deviation) == (pytest.approx(4 / 11), None)
    assert (found.noun, found.tested, found.count, found.frames) == ("recording", 1, 1, 3)
    assert (ccc.label, ccc.unit, ccc.chance, pcc.chance, ccc.count) == ("arousal CCC", "plain", 0, None, 3)
    assert found.ranking.best == found.ranking.worst == 0


def test_pooled_and_mean_over_folds_are_not_the_same():
    # Each fold alone is followed perfectly but for its mean: 2 s^2 / (2 s^2 + 1) = 4/7 with s^2 = 2/3.
    # Joined, x = 1 2 3 5 6 7 and y = 2 3 4 4 5 6: s_xy = 3 - 1/3, s_x^2 = 14/3, s_y^2 = 5/3.
    found = evaluate(by_hand([([1, 2, 3], [2, 3, 4]), ([5, 6, 7], [4, 5, 6])]))
    row = found.table.row("ccc_arousal")
    assert row.value == pytest.approx(2 * (8 / 3) / (14 / 3 + 5 / 3))
    assert row.spread.mean == found.table.row("ccc_arousal", "recordings").value == pytest.approx(4 / 7)
    assert row.spread.deviation == pytest.approx(0, abs=1e-15)
    folds = found.table.parts("fold")
    assert [part.rows["ccc_arousal"].value for part in folds] == pytest.approx([4 / 7, 4 / 7])


def test_folds_are_scored_on_their_joined_frames():
    rows = predictions(seeds=(0, 1))
    found = evaluate(rows)
    folds, recordings = found.table.parts("fold"), found.table.parts("recording")
    assert [(*part.about.values(), part.count) for part in folds] == [
        (f"fold {fold}", seed, 2, frames) for seed in (0, 1) for fold, frames in ((1, 90), (2, 130), (3, 170))
    ]
    for place, part in enumerate(folds):
        for i, name in enumerate(rows.dimensions):
            x = np.concatenate([trace[:, i] for trace in rows.target[2 * place : 2 * place + 2]])
            y = np.concatenate([trace[:, i] for trace in rows.predicted[2 * place : 2 * place + 2]])
            assert part.rows[f"ccc_{name}"].value == pytest.approx(slow_ccc(x, y), abs=1e-12)
    for i, key in enumerate(found.headline):
        values = [part.rows[key].value for part in folds]
        spread = found.table.row(key).spread
        assert spread.mean == pytest.approx(np.mean(values))
        assert spread.deviation == pytest.approx(np.std(values, ddof=1))
        alone = [slow_ccc(x[:, i], y[:, i]) for x, y in zip(rows.target, rows.predicted, strict=True)]
        assert [part.rows[key].value for part in recordings] == pytest.approx(alone)
        assert found.table.row(key, "recordings").value == pytest.approx(np.mean(alone))
    assert (found.tested, found.count, found.networks) == (6, 12, 6)
    assert recordings[7].about == {
        "id": "recola/P1",
        "speaker": "P1",
        "gender": "female",
        "fold": "fold 1",
        "seed": 1,
    }


def test_the_interval_equals_a_slow_bootstrap_that_copies_frames():
    # Two recordings have one speaker; draws are those that intervals of classes use.
    rows = predictions(speakers=("a", "b", "a", "c", "d", "e"))
    found = evaluate(rows)
    random, values = np.random.default_rng(0), []
    places = {name: [i for i, own in enumerate(rows.speakers) if own == name] for name in "abcde"}
    times = np.concatenate([random.multinomial(5, [1 / 5] * 5, size=1_000) for _ in range(10)])
    distinct, inverse = np.unique(times, axis=0, return_inverse=True)
    for counts in distinct:
        taken = [i for name, n in zip("abcde", counts, strict=True) for _ in range(n) for i in places[name]]
        x, y = (np.concatenate([each[i] for i in taken]) for each in (rows.target, rows.predicted))
        values.append([slow_ccc(x[:, i], y[:, i]) for i in range(2)])
    drawn = np.array(values)[inverse.ravel()]
    for i, key in enumerate(found.headline):
        low, high = np.quantile(drawn[:, i], [0.025, 0.975])
        row = found.table.row(key)
        assert (row.interval.low, row.interval.high) == pytest.approx((low, high), abs=1e-10)
        assert (row.interval.draws, row.interval.speakers) == (10_000, 5)
        assert low <= row.value <= high


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (predictions(n=4), "4 speakers, and an interval over speakers needs 5 or more"),
        (predictions(speakers=("a", "b", "c", "d", "e", None)), "the speaker of 1 recording is unknown"),
    ],
)
def test_why_there_is_no_interval(rows, reason):
    found = evaluate(rows)
    assert found.no_interval == reason
    assert [found.table.row(key).interval for key in found.headline] == [None, None]


def test_best_and_worst_are_by_the_mean_over_the_dimensions():
    found = evaluate(predictions())
    means = [
        np.mean([part.rows[key].value for key in found.headline]) for part in found.table.parts("recording")
    ]
    assert found.ranking.values == pytest.approx(means)
    assert (found.ranking.best, found.ranking.worst) == (np.argmax(means), np.argmin(means))
    assert (found.ranking.group, found.ranking.label) == ("recording", "CCC")


def test_a_recording_that_several_networks_test_has_a_part_for_each():
    rows = replace(predictions(), ids=("recola/P0",) * 6)
    assert [part.about["fold"] for part in evaluate(rows).table.parts("recording")] == list(rows.folds)


def test_a_constant_prediction_is_at_chance_and_has_no_pcc():
    found = evaluate(by_hand([([1, 2, 3], [0.1] * 3), ([1, 2, 4], [1, 2, 4])]))
    constant, perfect = (part.rows for part in found.table.parts("recording"))
    assert constant["ccc_arousal"].value == found.table.row("ccc_arousal").chance == 0
    assert perfect["ccc_arousal"].value == pytest.approx(1)
    assert math.isnan(constant["pcc_arousal"].value)
    assert math.isnan(found.table.row("pcc_arousal", "recordings").value)
    assert math.isnan(found.table.row("pcc_arousal").spread.mean)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    of_first = [row for row in plain["metrics"] if row["name"] == "P0, seed 0"]
    assert [(row["metric"], row["value"]) for row in of_first] == [
        ("ccc_arousal", 0.0),
        ("pcc_arousal", None),
        ("rmse_arousal", pytest.approx(math.sqrt((0.81 + 3.61 + 8.41) / 3))),
    ]
    assert (plain["recordings"], plain["frames"]) == (2, 6)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (by_hand([([1, 2], [1, 2]), ([1, 2], [1, math.nan])]), "P1: a prediction is not a finite number"),
        (by_hand([([1, 2], [1, math.inf])]), "P0: a prediction .* training diverged; try a lower"),
        (by_hand([([1, math.nan], [1, 2])]), "P0: a gold-standard value is not a number"),
        (by_hand([([], [])]), "P0: not one frame to evaluate"),
        (by_hand([]), "no predictions to evaluate; test at least one fold"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(rows, message):
    with pytest.raises(RunError, match=message):
        evaluate(rows)


# --- one value of each dimension an utterance


def ratings(n=60):
    """Ratings of utterances of six speakers, two folds, from 1 to 5."""
    random = np.random.default_rng(4)
    target = random.uniform(1, 5, size=(n, 1, 3))
    return ValuePredictions(
        dimensions=("arousal", "valence", "dominance"),
        ids=tuple(f"toy/{i}" for i in range(n)),
        target=tuple(target),
        predicted=tuple(target + random.normal(size=target.shape) / 2),
        speakers=tuple(f"s{i % 6}" for i in range(n)),
        genders=tuple("mf"[i % 2] for i in range(n)),
        folds=tuple(f"fold {i % 6 // 3}" for i in range(n)),
        seeds=(0,) * n,
        per_frame=False,
    )


def test_values_of_utterances_are_scored_with_the_same_code():
    rows = ratings()
    found = evaluate(rows, draws=500)
    x, y = (np.concatenate(each) for each in (rows.target, rows.predicted))
    for i, name in enumerate(rows.dimensions):
        ccc, pcc, rmse, mae = (found.table.row(f"{key}_{name}") for key in ("ccc", "pcc", "rmse", "mae"))
        assert ccc.value == pytest.approx(slow_ccc(x[:, i], y[:, i]), abs=1e-12)
        assert pcc.value == pytest.approx(np.corrcoef(x[:, i], y[:, i])[0, 1], abs=1e-12)
        assert rmse.value == pytest.approx(np.sqrt(np.mean((x[:, i] - y[:, i]) ** 2)), abs=1e-12)
        assert mae.value == pytest.approx(np.abs(x[:, i] - y[:, i]).mean(), abs=1e-12)
        assert ccc.interval.low < ccc.value < ccc.interval.high
    assert (found.noun, found.tested, found.frames, ccc.count) == ("utterance", 60, None, 60)
    assert [part.name for part in found.table.parts("speaker")] == [f"s{i}" for i in range(6)]
    assert [part.count for part in found.table.parts("fold")] == [30, 30]
    assert [part.name for part in found.table.parts("gender")] == ["f", "m"]
    assert (found.ranking.group, len(found.ranking.values)) == ("speaker", 6)


def test_values_of_utterances_are_written_read_and_compared(tmp_path):
    rows = ratings()
    write_predictions(tmp_path / "p.csv", rows)
    header, first, *_ = (tmp_path / "p.csv").read_text().splitlines()
    assert header.startswith("id,fold,seed,speaker,gender,arousal,valence,dominance,predicted arousal,")
    assert first.startswith("toy/0,fold 0,0,s0,m,")
    read = read_predictions(tmp_path / "p.csv")
    assert not read.per_frame
    np.testing.assert_allclose(np.array(read.predicted), np.array(rows.predicted), rtol=1e-8)
    worse = replace(read, predicted=tuple(values[..., ::-1] for values in read.predicted))
    found = compare({"worse": worse, "better": read}, draws=500)
    arousal, valence, dominance = found.table.group("difference")
    assert valence.value == 0 < min(arousal.value, dominance.value)
    assert [row.test.p for row in (arousal, valence, dominance)] == [2 / 64, 1, 2 / 64]
    assert (found.noun, found.tested, found.speakers) == ("utterance", 60, 6)
