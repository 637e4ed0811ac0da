import json
import statistics
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import recall_score

from sercli.errors import ConfigError, RunError
from sercli.evaluation import Spread, evaluate, known_metrics, pooled_values
from sercli.records import ClassPredictions, pool


def predictions(target, predicted, speakers, n_classes=2, folds=None, seeds=None):
    """Make predictions that are sure of themselves; a speaker's gender is the first letter of the name."""
    n = len(target)
    return ClassPredictions(
        classes=("anger", "boredom", "calm", "disgust")[:n_classes],
        ids=tuple(f"toy/{i}" for i in range(n)),
        target=np.array(target),
        probabilities=np.eye(n_classes)[list(predicted)],
        speakers=tuple(speakers),
        genders=tuple(name and {"f": "female", "m": "male"}[name[0]] for name in speakers),
        folds=tuple(folds or ["all"] * n),
        seeds=tuple(seeds or [0] * n),
    )


def random_predictions(n_speakers=6, seed=0, folds=None):
    random = np.random.default_rng(7)
    speakers = [f"f{i % n_speakers:02d}" for i in range(120)]
    target = random.integers(4, size=120)
    guess = np.random.default_rng(seed).integers(4, size=120)
    predicted = np.where(np.random.default_rng(seed).random(120) < 0.6, target, guess)
    return predictions(target, predicted, speakers, 4, folds or speakers, [seed] * 120)


def value(result, key, group="all"):
    return result.table.row(key, group).value


def test_pooled_metrics_by_hand():
    # Anger: 2 of 3, boredom: 1 of 1.
    result = evaluate(predictions([0, 0, 0, 1], [0, 0, 1, 1], ["f1", "f1", "m2", "m2"]))
    assert result.confusion.counts.tolist() == [[2, 1], [0, 1]]
    ua, wa = result.table.row("ua"), result.table.row("wa")
    assert (ua.value, wa.value) == ((2 / 3 + 1) / 2, 3 / 4)
    assert (ua.chance, result.confusion.majority) == (1 / 2, "anger")
    assert (ua.majority, wa.majority) == (1 / 2, 3 / 4)
    assert (result.tested, result.count, result.noun, result.frames) == (4, 4, "utterance", None)
    anger, boredom = result.table.parts("class")
    assert (anger.name, anger.count, anger.about) == ("anger", 3, {"predicted": 2})
    assert [anger.rows[key].value for key in ("recall", "precision", "f1")] == [2 / 3, 1, 4 / 5]
    assert (boredom.count, boredom.about["predicted"]) == (1, 2)
    assert [boredom.rows[key].value for key in ("recall", "precision")] == [1, 1 / 2]


def with_rows(**changes):
    return replace(predictions([0, 1, 1], [0, 1, 0], ["f1", "m2", "m2"]), **changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"probabilities": [[0.5, 0.5], [2.0, -1.0], [0, 1]]},
            r"toy/1: \[2.0, -1.0\] are no probab.*softmax",
        ),
        ({"probabilities": [[50, 50], [0, 100], [100, 0]]}, r"toy/0: \[50, 50\] are no .*percentages by 100"),
        ({"probabilities": [[0.5, 0.5], [0.5, 0.5], [0.4, 0.4]]}, r"toy/2: \[0.4, 0.4\] are no"),
        ({"probabilities": np.eye(3)}, r"probabilities \(3, 3\): for 3 ids and 2 classes"),
        ({"target": [0, 1]}, r"target \(2,\) of int64.*give the index of a class for each id, \(3,\)"),
        ({"target": [0.0, 1.0, 1.0]}, r"target \(3,\) of float64"),
        ({"target": [0, 1, 2]}, "toy/2: target 2 is none of 0 to 1"),
    ],
)
def test_what_is_no_probability_or_no_class_is_refused(changes, told):
    with pytest.raises(RunError, match=told):
        evaluate(with_rows(**changes), 100)


def test_lists_are_arrays_and_rounded_probabilities_are_taken():
    given = with_rows(target=[0, 1, 1], probabilities=[[0.9995, 0], [0.3, 0.7], [1.0005, -0.0004]])
    assert value(evaluate(given, 100), "wa") == 2 / 3


def test_columns_as_lists_and_speakers_of_pandas_are_taken():
    nobody = float("nan")
    given = with_rows(classes=["anger", "boredom"], speakers=["f1", nobody, "m2"], folds=["all"] * 3)
    assert (given.classes, given.speakers) == (("anger", "boredom"), ("f1", None, "m2"))
    result = evaluate(given, 100)
    assert value(result, "wa") == 2 / 3


@pytest.mark.parametrize("name", ["speakers", "genders", "folds", "seeds"])
def test_columns_of_another_length_are_named(name):
    for values in ((1,), (1,) * 4):
        with pytest.raises(RunError, match=rf"3 ids, but {len(values)} {name}; give one for each id"):
            with_rows(**{name: values})


def test_less_than_one_draw_is_refused():
    with pytest.raises(ConfigError, match="draws=0: use 1 or more"):
        evaluate(random_predictions(), 0)


def test_each_speaker_is_judged_on_the_classes_it_has():
    result = evaluate(predictions([0, 0, 0, 1], [0, 0, 1, 1], ["m2", "m2", "f1", "f1"]))
    assert [
        (part.name, part.about, part.count, part.rows["ua"].value, part.rows["wa"].value)
        for part in result.table.parts("speaker")
    ] == [("f1", {"gender": "female"}, 2, 1 / 2, 1 / 2), ("m2", {"gender": "male"}, 2, 1, 1)]
    ranking = result.ranking
    assert (ranking.group, ranking.label, ranking.names) == ("speaker", "UA", ("f1", "m2"))
    assert (ranking.best, ranking.worst) == (1, 0)


def test_folds_are_units_in_their_order_and_pooling_is_not_their_mean():
    # Fold b holds one wrong row of anger, fold a three right ones and one right boredom.
    result = evaluate(
        predictions([0, 0, 0, 0, 1], [1, 0, 0, 0, 1], ["f1"] * 5, folds=["b", "a", "a", "a", "a"])
    )
    assert [
        (part.about["fold"], part.about["seed"], part.count, part.rows["ua"].value)
        for part in result.table.parts("fold")
    ] == [("b", 0, 1, 0.0), ("a", 0, 4, 1.0)]
    assert (result.folds, result.seeds, result.networks) == (("b", "a"), (0,), 2)
    assert result.table.row("ua").spread == Spread(0.5, pytest.approx(statistics.stdev([0, 1])))
    assert value(result, "ua") == (3 / 4 + 1) / 2


def test_a_single_unit_has_no_deviation():
    result = evaluate(predictions([0, 1], [0, 1], ["f1", "f1"]))
    assert result.table.row("ua").spread == Spread(1.0, None)


def test_over_seeds_the_pooled_value_is_the_mean_of_each_seeds_pooled_value():
    parts = [random_predictions(seed=seed) for seed in range(3)]
    result = evaluate(pool(parts))
    alone = [evaluate(part) for part in parts]
    for key in ("ua", "wa"):
        mean = statistics.fmean(value(one, key) for one in alone)
        assert value(result, key) == pytest.approx(mean, abs=1e-12)
    of_seeds = [part.rows["ua"].value for part in result.table.parts("seed")]
    assert of_seeds == pytest.approx([value(one, "ua") for one in alone], abs=1e-12)
    assert (result.tested, result.count, result.networks, result.seeds) == (120, 360, 18, (0, 1, 2))
    expected = statistics.stdev(part.rows["ua"].value for one in alone for part in one.table.parts("fold"))
    assert result.table.row("ua").spread.deviation == pytest.approx(expected, abs=1e-12)
    assert result.table.row("ua", "seeds").spread == Spread.of(of_seeds)


def test_metrics_of_parts_agree_with_scikit_learn():
    rows = random_predictions()
    for part in evaluate(rows).table.parts("speaker"):
        mine = np.array([name == part.name for name in rows.speakers])
        target, predicted = rows.target[mine], rows.predicted[mine]
        expected = recall_score(target, predicted, average="macro", labels=np.unique(target))
        assert part.rows["ua"].value == pytest.approx(expected, abs=1e-12)


def test_the_interval_is_around_the_pooled_value_and_counts_speakers():
    result = evaluate(random_predictions())
    for key in ("ua", "wa"):
        row = result.table.row(key)
        assert row.interval.low < row.value < row.interval.high
        assert (row.interval.speakers, row.interval.draws, result.no_interval) == (6, 10_000, None)


def test_draws_without_a_class_do_not_count_in_means_over_classes():
    # Calm is spoken by one speaker of six and never recognised, so no draw that has it exceeds 2/3.
    speakers = [f"f{i}" for i in range(6)]
    target = [0, 1] * 6 + [2]
    result = evaluate(predictions(target, [0, 1] * 6 + [0], [s for s in speakers for _ in "ab"] + ["f0"], 3))
    ua, wa = result.table.row("ua"), result.table.row("wa")
    assert (ua.value, ua.interval.low, ua.interval.high) == pytest.approx((2 / 3,) * 3)
    assert ua.interval.draws == pytest.approx(10_000 * (1 - (5 / 6) ** 6), rel=0.03)
    assert (wa.interval.high, wa.interval.draws) == (1.0, 10_000)
    assert result.remarks[0].startswith("Few speakers of a class: calm has 1 of 6 speakers. ")
    assert evaluate(random_predictions()).remarks == ()


def test_the_spread_over_seeds_is_of_the_folds_that_all_seeds_have():
    both = pool([random_predictions(seed=0), random_predictions(seed=1)])
    uneven = both.select(
        [i for i, unit in enumerate(both.units) if unit[1] == 0 or unit[0] in {"f01", "f02"}]
    )
    common = [
        both.select([i for i, own in enumerate(both.units) if own in wanted])
        for wanted in ({("f01", 0), ("f02", 0)}, {("f01", 1), ("f02", 1)})
    ]
    expected = Spread.of([value(evaluate(each), "ua") for each in common])
    assert evaluate(uneven).table.row("ua", "seeds").spread == expected
    apart = both.select([i for i, (fold, seed) in enumerate(both.units) if (fold == "f01") == (seed == 0)])
    assert evaluate(apart).table.find("ua", "seeds") is None


def test_the_interval_does_not_depend_on_the_order_of_rows():
    rows = random_predictions()
    order = np.random.default_rng(1).permutation(len(rows))
    shuffled = predictions(rows.target[order], rows.predicted[order], [rows.speakers[i] for i in order], 4)
    assert evaluate(shuffled).table.row("ua").interval == evaluate(rows).table.row("ua").interval


def test_fewer_than_five_speakers_have_no_interval():
    result = evaluate(random_predictions(n_speakers=4))
    assert [row.interval for row in result.table.group("all")] == [None] * 6
    assert result.no_interval == "4 speakers, and an interval over speakers needs 5 or more"


def test_an_unknown_speaker_takes_the_interval_away_but_not_the_values():
    speakers = ["f1", "f2", "f3", "f4", "f5", None]
    result = evaluate(predictions([0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 0], speakers))
    assert result.no_interval == "the speaker of 1 utterance is unknown"
    assert len(result.table.parts("speaker")) == 5
    assert value(result, "wa") == 5 / 6


def test_without_speakers_there_is_no_best_one():
    result = evaluate(predictions([0, 1], [0, 1], [None, None]))
    assert (result.ranking.names, result.ranking.best, result.ranking.worst) == ((), None, None)


def test_json_is_strict_with_nothing_for_undefined():
    result = evaluate(predictions([0, 0], [0, 1], ["f1", "f2"], n_classes=3))
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    calm = [row for row in plain["metrics"] if (row["group"], row["name"]) == ("class", "calm")]
    assert [(row["metric"], row["value"], row["count"]) for row in calm] == [
        ("recall", None, 0),
        ("precision", None, 0),
        ("f1", None, 0),
    ]
    assert plain["confusion"] == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert plain["confusion_rates"][:2] == [[0.5, 0.5, 0], [None, None, None]]
    assert plain["calibration"]["estimator"] == "plug-in, L1, 15 bins of equal width"
    assert plain["calibration"]["right"] == 0.5
    ua = plain["metrics"][0]
    assert (ua["metric"], ua["label"], ua["unit"], ua["value"], ua["interval"]) == (
        *("ua", "UA", "share"),
        *(0.5, None),
    )
    assert "run" not in ua


def test_no_predictions_are_a_users_error():
    with pytest.raises(RunError, match="no predictions to evaluate; test at least one fold"):
        evaluate(predictions([], [], []))


def test_a_diverged_training_is_named_as_one():
    rows = predictions([0, 1], [0, 1], ["f1", "f2"])
    rows.probabilities[1] = np.nan
    with pytest.raises(RunError, match="toy/1: a prediction is not a finite number: training diverged"):
        evaluate(rows)


def test_every_metric_is_given_with_chance_and_majority():
    # Of f0 to f5: three of the first class and one of the second, all taken for the first.
    names = [f"f{i}" for i in range(6) for _ in range(4)]
    result = evaluate(predictions([0, 0, 0, 1] * 6, [0, 0, 0, 0] * 6, names, n_classes=2), draws=200)
    found = [result.table.row(key) for key in ("ua", "wa", "acc", "macro_f1")]
    assert [row.label for row in found] == ["UA", "WA", "ACC", "macro F1"]
    assert [row.value for row in found] == [0.5, 0.75, 0.625, pytest.approx(3 / 7)]
    assert [row.majority for row in found] == [0.5, 0.75, 0.625, pytest.approx(3 / 7)]
    # Guessing: 9 of 18 and 3 of 6, so F1 is 18 / (18 + 12) and 6 / (6 + 12).
    assert [row.chance for row in found] == [0.5, 0.5, 0.5, pytest.approx((0.6 + 1 / 3) / 2)]
    assert found[2].interval.draws == 200
    assert (found[2].spread.mean, result.table.row("acc", "seeds").spread.mean) == (0.625, 0.625)


def test_pooled_values_are_those_of_the_table():
    rows = random_predictions()
    result, values = evaluate(rows), pooled_values(rows, known_metrics(rows))
    assert list(values)[:4] == ["ua", "wa", "acc", "macro_f1"]
    for key in ("ua", "wa", "acc", "macro_f1"):
        assert values[key] == value(result, key) == pooled_values(rows)[key]
    recall = next(part for part in result.table.parts("class") if part.name == "calm").rows["recall"]
    assert values["recall_calm"] == recall.value
