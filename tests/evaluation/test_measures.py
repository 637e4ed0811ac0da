"""Values of classifiers and their intervals, against loops over draws and numbers by hand."""

import numpy as np
import pytest

from sercli.evaluation import intervals
from sercli.evaluation.class_evaluation import evaluate
from sercli.evaluation.classification import ua
from sercli.evaluation.measures import (
    MEASURES,
    mean_ccc_intervals,
    mean_intervals,
    measure,
    recall_functions,
)
from sercli.records import ClassPredictions, ValuePredictions

CLASSES = ("anger", "fear", "joy")


def predictions(rows):
    """Rows are (speaker, fold, seed, true class, predicted class)."""
    speakers, folds, seeds, target, predicted = zip(*rows, strict=True)
    return ClassPredictions(
        classes=CLASSES,
        ids=tuple(f"u{number}" for number in range(len(rows))),
        target=np.array(target),
        probabilities=np.eye(3)[list(predicted)],
        speakers=speakers,
        genders=(None,) * len(rows),
        folds=folds,
        seeds=seeds,
    )


def chance_rows(fold_of, seeds=(0,), takes=4):
    random = np.random.default_rng(3)
    return [
        (who, fold, seed, label, int(random.choice(3, p=np.roll([0.6, 0.3, 0.1], label))))
        for who, fold in fold_of.items()
        for seed in seeds
        for label in range(3)
        for _ in range(takes)
    ]


def matrices(rows):
    found = {}
    for who, fold, seed, true, said in rows:
        found.setdefault((fold, seed), {}).setdefault(who, np.zeros((3, 3), int))[true, said] += 1
    return found


def test_with_a_speaker_in_each_fold_the_mean_is_resampled_like_folds():
    rows = chance_rows({name: f"fold {name}" for name in "abcdef"})
    of_fold = np.array([ua(next(iter(own.values()))) for own in matrices(rows).values()])
    found = mean_intervals(predictions(rows), {"UA": ua}, 500)["UA"]
    drawn = np.concatenate([times @ of_fold / 6 for times in intervals.draw(6, 500)])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high))


def test_with_several_speakers_and_seeds_a_network_counts_as_often_as_its_speakers_are_drawn():
    rows = chance_rows(dict(zip("abcdefg", [1, 1, 1, 2, 2, 3, 3], strict=True)) | {"c": 2}, seeds=(0, 1))
    names, expected = "abcdefg", []
    for times in intervals.draw(7, 60):
        for draw in times:
            total = weights = 0.0
            for own in matrices(rows).values():
                taken = sum(draw[names.index(who)] * own[who] for who in own)
                if taken.sum():
                    weight = sum(draw[names.index(who)] for who in own) / len(own)
                    recalls = [row[i] / row.sum() for i, row in enumerate(taken)]
                    total, weights = total + weight * np.mean(recalls), weights + weight
            expected.append(total / weights)
    found = mean_intervals(predictions(rows), {"UA": ua}, 60)["UA"]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(expected, [0.025, 0.975])))


def test_equal_networks_have_an_interval_of_no_width():
    rows = [(who, who, 0, label, label) for who in "abcde" for label in range(3)]
    for each in mean_intervals(predictions(rows), MEASURES, 50).values():
        assert (each.low, each.high) == (1, 1)


@pytest.mark.parametrize("speakers", ["abcd", ["a", "b", "c", "d", "e", None]])
def test_few_or_unknown_speakers_give_no_interval(speakers):
    rows = [(who, str(who), 0, label, label) for who in speakers for label in range(3)]
    assert mean_intervals(predictions(rows), {"UA": ua}, 50) == {"UA": None}
    assert measure(predictions(rows), {"UA": ua}, 50)[0].interval is None


def test_recalls_by_hand_leave_out_the_fold_that_lacks_the_class():
    # Anger: 1 of 2 in fold 1, 1 of 1 in fold 2. Fear: 0 of 1 in fold 2 alone. Joy does not occur.
    rows = [("a", 1, 0, 0, 0), ("a", 1, 0, 0, 1), ("b", 2, 0, 0, 0), ("b", 2, 0, 1, 2)]
    anger, fear, joy = measure(predictions(rows), recall_functions(CLASSES))
    assert (anger.name, anger.value, anger.spread.mean) == ("anger", 2 / 3, 0.75)
    assert (fear.value, fear.spread.mean, fear.spread.deviation) == (0, 0, None)
    assert np.isnan(joy.value)
    assert np.isnan(joy.spread.mean)


def test_recalls_equal_those_of_the_evaluation_and_ua_is_their_mean():
    found = predictions(chance_rows(dict.fromkeys("abcde", "one fold")))
    recalls = measure(found, recall_functions(CLASSES), 200)
    evaluated = evaluate(found, 200)
    assert [each.value for each in recalls] == [each.recall for each in evaluated.by_class]
    assert np.mean([each.value for each in recalls]) == pytest.approx(evaluated.ua)
    assert all(each.interval.low <= each.value <= each.interval.high for each in recalls)


def test_the_mean_ccc_is_resampled_over_speakers():
    random = np.random.default_rng(5)
    traces = [random.normal(size=(2, 30, 1)) for _ in range(6)]
    found = mean_ccc_intervals(
        ValuePredictions(
            dimensions=("arousal",),
            ids=tuple("uvwxyz"),
            target=tuple(target for target, _ in traces),
            predicted=tuple(target + noise for target, noise in traces),
            speakers=tuple("abcdef"),
            genders=(None,) * 6,
            folds=tuple("123456"),
            seeds=(0,) * 6,
        ),
        300,
    )["arousal"]

    def ccc(x, y):
        return 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)

    own = np.array([ccc(target[:, 0], (target + noise)[:, 0]) for target, noise in traces])
    drawn = np.concatenate([times @ own / 6 for times in intervals.draw(6, 300)])
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
