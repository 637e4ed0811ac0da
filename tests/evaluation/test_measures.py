"""Metrics and the intervals of their means, against loops over draws and numbers by hand."""

import numpy as np
import pytest

from sercli.evaluation import evaluate, known_metrics, mean_intervals, measure
from sercli.evaluation.classes import METRICS, UA, recall_metrics, ua
from sercli.evaluation.resampling import draw
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
    found = mean_intervals(predictions(rows), [UA], 500)["ua"]
    drawn = np.concatenate([times @ of_fold / 6 for times in draw(6, 500)])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high))


def test_with_several_speakers_and_seeds_a_network_counts_as_often_as_its_speakers_are_drawn():
    rows = chance_rows(dict(zip("abcdefg", [1, 1, 1, 2, 2, 3, 3], strict=True)) | {"c": 2}, seeds=(0, 1))
    names, expected = "abcdefg", []
    for times in draw(7, 60):
        for each in times:
            total = weights = 0.0
            for own in matrices(rows).values():
                taken = sum(each[names.index(who)] * own[who] for who in own)
                if taken.sum():
                    weight = sum(each[names.index(who)] for who in own) / len(own)
                    recalls = [row[i] / row.sum() for i, row in enumerate(taken)]
                    total, weights = total + weight * np.mean(recalls), weights + weight
            expected.append(total / weights)
    found = mean_intervals(predictions(rows), [UA], 60)["ua"]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(expected, [0.025, 0.975])))


def test_equal_networks_have_an_interval_of_no_width():
    rows = [(who, who, 0, label, label) for who in "abcde" for label in range(3)]
    for each in mean_intervals(predictions(rows), METRICS, 50).values():
        assert (each.low, each.high) == (1, 1)


@pytest.mark.parametrize("speakers", ["abcd", ["a", "b", "c", "d", "e", None]])
def test_few_or_unknown_speakers_give_no_interval(speakers):
    rows = [(who, str(who), 0, label, label) for who in speakers for label in range(3)]
    assert mean_intervals(predictions(rows), [UA], 50) == {"ua": None}
    assert measure(predictions(rows), [UA], 50)[0].interval is None


def test_recalls_by_hand_leave_out_the_fold_that_lacks_the_class():
    # Anger: 1 of 2 in fold 1, 1 of 1 in fold 2. Fear: 0 of 1 in fold 2 alone. Joy does not occur.
    rows = [("a", 1, 0, 0, 0), ("a", 1, 0, 0, 1), ("b", 2, 0, 0, 0), ("b", 2, 0, 1, 2)]
    anger, fear, joy = measure(predictions(rows), recall_metrics(CLASSES))
    assert (anger.metric, anger.value, anger.spread.mean) == ("recall_anger", 2 / 3, 0.75)
    assert (fear.value, fear.spread.mean, fear.spread.deviation) == (0, 0, None)
    assert np.isnan(joy.value)
    assert np.isnan(joy.spread.mean)


def test_recalls_equal_those_of_the_evaluation_and_ua_is_their_mean():
    found = predictions(chance_rows(dict.fromkeys("abcde", "one fold")))
    recalls = measure(found, recall_metrics(CLASSES), 200)
    evaluated = evaluate(found, 200)
    of_classes = [part.rows["recall"].value for part in evaluated.table.parts("class")]
    assert [each.value for each in recalls] == of_classes
    assert np.mean([each.value for each in recalls]) == pytest.approx(evaluated.table.row("ua").value)
    assert all(each.interval.low <= each.value <= each.interval.high for each in recalls)


def test_the_mean_ccc_is_resampled_over_speakers():
    random = np.random.default_rng(5)
    traces = [random.normal(size=(2, 30, 1)) for _ in range(6)]
    rows = ValuePredictions(
        dimensions=("arousal",),
        ids=tuple("uvwxyz"),
        target=tuple(target for target, _ in traces),
        predicted=tuple(target + noise for target, noise in traces),
        speakers=tuple("abcdef"),
        genders=(None,) * 6,
        folds=tuple("123456"),
        seeds=(0,) * 6,
    )
    found = mean_intervals(rows, known_metrics(rows), 300)["ccc_arousal"]

    def ccc(x, y):
        return 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)

    own = np.array([ccc(target[:, 0], (target + noise)[:, 0]) for target, noise in traces])
    drawn = np.concatenate([times @ own / 6 for times in draw(6, 300)])
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
