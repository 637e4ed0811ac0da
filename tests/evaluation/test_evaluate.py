import json
import math
import re
import statistics
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import recall_score

from sercli.cli.evaluate import _print
from sercli.errors import RunError
from sercli.evaluation.class_evaluation import Spread, evaluate
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


def test_pooled_figures_by_hand():
    # Anger: 2 of 3, boredom: 1 of 1.
    result = evaluate(predictions([0, 0, 0, 1], [0, 0, 1, 1], ["f1", "f1", "m2", "m2"]))
    assert result.confusion.tolist() == [[2, 1], [0, 1]]
    assert (result.ua, result.wa) == ((2 / 3 + 1) / 2, 3 / 4)
    assert (result.chance, result.majority_class) == (1 / 2, "anger")
    assert (result.majority_ua, result.majority_wa) == (1 / 2, 3 / 4)
    assert (result.utterances, result.count) == (4, 4)
    anger, boredom = result.by_class
    assert (anger.name, anger.count, anger.predicted, anger.recall, anger.precision) == (
        "anger",
        3,
        2,
        2 / 3,
        1,
    )
    assert (boredom.count, boredom.predicted, boredom.recall, boredom.precision) == (1, 2, 1, 1 / 2)


def test_each_speaker_is_judged_on_the_classes_it_has():
    result = evaluate(predictions([0, 0, 0, 1], [0, 0, 1, 1], ["m2", "m2", "f1", "f1"]))
    first, second = result.by_speaker
    assert (first.speaker, first.gender, first.count, first.ua, first.wa) == ("f1", "female", 2, 1 / 2, 1 / 2)
    assert (second.speaker, second.gender, second.count, second.ua, second.wa) == ("m2", "male", 2, 1, 1)
    assert (result.best_speaker, result.worst_speaker) == (second, first)


def test_folds_are_units_in_their_order_and_pooling_is_not_their_mean():
    # Fold b holds one wrong row of anger, fold a three right ones and one right boredom.
    result = evaluate(
        predictions([0, 0, 0, 0, 1], [1, 0, 0, 0, 1], ["f1"] * 5, folds=["b", "a", "a", "a", "a"])
    )
    assert [(unit.fold, unit.seed, unit.count, unit.ua) for unit in result.by_unit] == [
        ("b", 0, 1, 0.0),
        ("a", 0, 4, 1.0),
    ]
    assert result.ua_spread == Spread(0.5, pytest.approx(statistics.stdev([0, 1])))
    assert result.ua == (3 / 4 + 1) / 2


def test_a_single_unit_has_no_deviation():
    assert evaluate(predictions([0, 1], [0, 1], ["f1", "f1"])).ua_spread == Spread(1.0, None)


def test_over_seeds_the_pooled_figure_is_the_mean_of_each_seeds_pooled_figure():
    parts = [random_predictions(seed=seed) for seed in range(3)]
    result = evaluate(pool(parts))
    alone = [evaluate(part) for part in parts]
    assert result.ua == pytest.approx(statistics.fmean(one.ua for one in alone), abs=1e-12)
    assert result.wa == pytest.approx(statistics.fmean(one.wa for one in alone), abs=1e-12)
    assert [seed.ua for seed in result.by_seed] == pytest.approx([one.ua for one in alone], abs=1e-12)
    assert (result.utterances, result.count, len(result.by_unit)) == (120, 360, 18)
    expected = statistics.stdev(unit.ua for one in alone for unit in one.by_unit)
    assert result.ua_spread.deviation == pytest.approx(expected, abs=1e-12)


def test_figures_of_parts_agree_with_scikit_learn():
    rows = random_predictions()
    result = evaluate(rows)
    for score in result.by_speaker:
        mine = np.array([name == score.speaker for name in rows.speakers])
        target, predicted = rows.target[mine], rows.predicted[mine]
        expected = recall_score(target, predicted, average="macro", labels=np.unique(target))
        assert score.ua == pytest.approx(expected, abs=1e-12)


def test_the_interval_is_around_the_pooled_figure_and_counts_speakers():
    result = evaluate(random_predictions())
    assert result.ua_interval.low < result.ua < result.ua_interval.high
    assert result.wa_interval.low < result.wa < result.wa_interval.high
    assert (result.ua_interval.speakers, result.ua_interval.draws, result.no_interval) == (6, 10_000, None)


def test_the_interval_does_not_depend_on_the_order_of_rows():
    rows = random_predictions()
    order = np.random.default_rng(1).permutation(len(rows))
    shuffled = predictions(rows.target[order], rows.predicted[order], [rows.speakers[i] for i in order], 4)
    assert evaluate(shuffled).ua_interval == evaluate(rows).ua_interval


def test_fewer_than_five_speakers_have_no_interval():
    result = evaluate(random_predictions(n_speakers=4))
    assert (result.ua_interval, result.wa_interval) == (None, None)
    assert result.no_interval == "4 speakers, and an interval over speakers needs 5 or more"


def test_an_unknown_speaker_takes_the_interval_away_but_not_the_figures():
    speakers = ["f1", "f2", "f3", "f4", "f5", None]
    result = evaluate(predictions([0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 0], speakers))
    assert result.no_interval == "the speaker of 1 utterance is unknown"
    assert len(result.by_speaker) == 5
    assert result.wa == 5 / 6


def test_without_speakers_there_is_no_best_one():
    result = evaluate(predictions([0, 1], [0, 1], [None, None]))
    assert (result.by_speaker, result.best_speaker, result.worst_speaker) == ((), None, None)
    assert result.to_dict()["best_speaker"] is None


def test_to_dict_is_strict_json_with_nothing_for_undefined():
    result = evaluate(predictions([0, 0], [0, 1], ["f1", "f2"], n_classes=3))
    assert math.isnan(result.by_class[2].recall)
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["by_class"][2] == {
        "name": "calm",
        "count": 0,
        "predicted": 0,
        "recall": None,
        "precision": None,
        "f1": None,
    }
    assert plain["confusion"] == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert (plain["ua"], plain["ua_interval"]) == (0.5, None)
    assert (plain["best_speaker"], plain["worst_speaker"]) == ("f1", "f2")
    assert plain["by_unit"] == [{"fold": "all", "seed": 0, "count": 2, "ua": 0.5, "wa": 0.5}]


def test_no_predictions_are_a_users_error():
    with pytest.raises(RunError, match="no predictions to evaluate; test at least one fold"):
        evaluate(predictions([], [], []))


def test_a_diverged_training_is_said_to_be_one():
    rows = predictions([0, 1], [0, 1], ["f1", "f2"])
    rows.probabilities[1] = np.nan
    with pytest.raises(RunError, match="toy/1: a probability is not a number: training diverged"):
        evaluate(rows)


def test_every_measure_stands_beside_chance_and_majority():
    # Of f0 to f5: three of the first class and one of the second, all taken for the first.
    names = [f"f{i}" for i in range(6) for _ in range(4)]
    result = evaluate(predictions([0, 0, 0, 1] * 6, [0, 0, 0, 0] * 6, names, n_classes=2), draws=200)
    found = {each.name: each for each in result.measures}
    assert list(found) == ["UA", "WA", "ACC", "macro F1"]
    assert [each.value for each in found.values()] == [0.5, 0.75, 0.625, pytest.approx(3 / 7)]
    assert [each.majority for each in found.values()] == [0.5, 0.75, 0.625, pytest.approx(3 / 7)]
    # Guessing: 9 of 18 and 3 of 6, so F1 is 18 / (18 + 12) and 6 / (6 + 12).
    assert [each.chance for each in found.values()] == [0.5, 0.5, 0.5, pytest.approx((0.6 + 1 / 3) / 2)]
    assert found["ACC"].interval.draws == 200
    assert (found["ACC"].spread.mean, found["ACC"].seed_spread.mean) == (0.625, 0.625)


def test_json_holds_rates_genders_and_calibration():
    plain = evaluate(predictions([0, 0, 1, 1], [0, 1, 1, 1], ["f", "f", "f", "f"], n_classes=3)).to_dict()
    assert plain["confusion_rates"] == [[0.5, 0.5, 0], [0, 1, 0], [None, None, None]]
    assert [each["name"] for each in plain["measures"]] == ["UA", "WA", "ACC", "macro F1"]
    assert sum(each["count"] for each in plain["by_gender"]) == 4
    assert plain["calibration"]["estimator"] == "plug-in, L1, 15 bins of equal width"
    assert plain["calibration"]["right"] == 0.75


def test_the_terminal_writes_the_names_of_classes_in_full(capsys):
    classes = ("anger", "happiness", "anxiety/fear of all")
    labels = [0, 1, 2, 1]
    made = replace(predictions(labels, [0, 1, 2, 2], ["f1", "m1", "f2", "m2"], 3), classes=classes)
    _print(evaluate(made))
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("true"))
    header, *rows = lines[start : start + 4]
    assert re.split(r"\s{2,}", header)[-3:] == list(classes)
    ends = [header.index(name, header.index("taken for")) + len(name) for name in classes]
    for name, row, counts in zip(classes, rows, [[1, 0, 0], [0, 1, 1], [0, 0, 1]], strict=True):
        assert row.startswith(name)
        assert [int(row[end - 1]) for end in ends] == counts
