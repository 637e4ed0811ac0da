import json

import numpy as np
import pytest
from sklearn.metrics import recall_score

from sercli.errors import RunError
from sercli.evaluation.class_comparison import compare
from sercli.records import ClassPredictions

CLASSES = ("anger", "fear")


def predictions(right, *, seeds=(0,), classes=CLASSES, prefix="toy", unknown=0):
    """Speaker i says each class as often as ``right[seed][i]`` has columns: hits of class c in [i][c].

    ``right`` is one array for every seed, (speakers, classes, takes), true where the run is right.
    """
    rows = [
        (f"{prefix}/{i}-{c}-{k}", seed, None if i < unknown else f"{i:02d}", c, c if hit else 1 - c)
        for seed, hits in zip(seeds, right, strict=True)
        for (i, c, k), hit in np.ndenumerate(hits)
    ]
    ids, seed, speakers, target, predicted = zip(*rows, strict=True)
    return ClassPredictions(
        classes=classes,
        ids=ids,
        target=np.array(target),
        probabilities=np.eye(len(classes))[list(predicted)],
        speakers=speakers,
        genders=("female",) * len(ids),
        folds=("all",) * len(ids),
        seeds=seed,
    )


def hits(per_class, takes=4):
    """Make (speakers, 2, takes) of how many of each class each speaker gets right."""
    return np.arange(takes) < np.array(per_class)[:, :, None]


def test_differences_by_hand():
    # Six speakers, four utterances of each class. UA = WA here: 24 of 48 against 30 of 48.
    base = predictions([hits([[2, 2]] * 6)])
    other = predictions([hits([[3, 2]] * 6)])
    found = compare({"base": base, "other": other})
    assert [(run.name, run.seeds, run.ua, run.wa) for run in found.runs] == [
        ("base", 1, 0.5, 0.5),
        ("other", 1, 0.625, 0.625),
    ]
    (difference,) = found.differences
    assert (difference.ua, difference.wa) == (0.125, 0.125)
    # Every speaker gains the same, so every draw does, and of 64 flips only none and all reach it.
    assert (difference.ua_interval.low, difference.ua_interval.high) == (0.125, 0.125)
    assert difference.test.p == difference.test.least_p == difference.p_holm == 2 / 64
    assert (difference.test.flips, difference.test.exact, difference.test.speakers) == (64, True, 6)
    assert difference.better == "other"
    assert (found.utterances, found.speakers, found.no_test) == (48, 6, None)
    assert compare({"other": other, "base": base}).differences[0].better == "other"


def random_hits(random, speakers=5, takes=6):
    return random.random((speakers, 2, takes)) < random.uniform(0.3, 0.9, (speakers, 1, 1))


def slow_p(first, second):
    """Swap the rows of each set of speakers, and score anew with scikit-learn."""
    names = sorted(set(first.speakers))
    order = {name: i for i, name in enumerate(second.ids)}
    again = second.predicted[[order[name] for name in first.ids]]

    def difference(swapped):
        turn = np.isin(first.speakers, list(swapped))
        a = np.where(turn, again, first.predicted)
        b = np.where(turn, first.predicted, again)
        ours, theirs = (recall_score(first.target, x, average="macro") for x in (a, b))
        return theirs - ours

    subsets = [[n for i, n in enumerate(names) if bits >> i & 1] for bits in range(2 ** len(names))]
    seen = abs(difference([]))
    return np.mean([abs(difference(subset)) >= seen - 1e-12 for subset in subsets])


@pytest.mark.parametrize("seed", range(6))
def test_the_test_equals_a_slow_loop_that_swaps_rows(seed):
    random = np.random.default_rng(seed)
    a, b = (predictions([random_hits(random)]) for _ in range(2))
    assert compare({"a": a, "b": b}).differences[0].test.p == slow_p(a, b)


def test_rows_may_come_in_any_order():
    random = np.random.default_rng(3)
    a, b = (predictions([random_hits(random)]) for _ in range(2))
    order = random.permutation(len(b))
    shuffled = ClassPredictions(
        classes=b.classes,
        ids=tuple(b.ids[i] for i in order),
        target=b.target[order],
        probabilities=b.probabilities[order],
        speakers=tuple(b.speakers[i] for i in order),
        genders=b.genders,
        folds=b.folds,
        seeds=b.seeds,
    )
    assert compare({"a": a, "b": shuffled}) == compare({"a": a, "b": b})


def test_the_interval_draws_the_same_speakers_for_both():
    # Speakers differ widely, the runs by one utterance in every speaker: the interval has no width.
    skills = [[i % 4, i % 4] for i in range(8)]
    a = predictions([hits(skills)])
    b = predictions([hits(np.array(skills) + 1)])
    difference = compare({"a": a, "b": b}).differences[0]
    assert (difference.ua_interval.low, difference.ua_interval.high) == pytest.approx((0.25, 0.25))


def test_a_run_against_itself_differs_in_nothing():
    run = predictions([random_hits(np.random.default_rng(0), speakers=20)])
    (difference,) = compare({"a": run, "b": run}).differences
    assert (difference.ua, difference.wa, difference.test.p, difference.better) == (0, 0, 1, None)
    assert difference.ua_interval.low == difference.ua_interval.high == 0


def test_seeds_are_averaged_each_run_over_its_own():
    # Two seeds, 2 and 4 of 4 right, are as good as one with 3 of 4.
    two = predictions([hits([[2, 2]] * 5), hits([[4, 4]] * 5)], seeds=(0, 7))
    one = predictions([hits([[3, 3]] * 5)])
    found = compare({"two": two, "one": one})
    assert [(run.seeds, run.ua) for run in found.runs] == [(2, 0.75), (1, 0.75)]
    assert found.differences[0].test.p == 1
    assert found.differences[0].ua_interval.low == found.differences[0].ua_interval.high == 0
    assert found.utterances == 40


def test_several_are_each_compared_with_the_first_and_corrected():
    base, small, large = (predictions([hits([[k, 2]] * 6)]) for k in (1, 2, 3))
    found = compare({"base": base, "small": small, "large": large})
    assert [(d.reference, d.other) for d in found.differences] == [("base", "small"), ("base", "large")]
    assert [d.test.p for d in found.differences] == [2 / 64, 2 / 64]
    assert [d.p_holm for d in found.differences] == [4 / 64, 4 / 64]
    assert [d.better for d in found.differences] == [None, None]


def test_few_speakers_get_figures_but_no_test_and_are_told_why():
    a, b = predictions([hits([[1, 1]] * 4)]), predictions([hits([[3, 3]] * 4)])
    found = compare({"a": a, "b": b})
    (difference,) = found.differences
    assert (difference.ua, difference.wa) == (0.5, 0.5)
    assert difference.ua_interval is difference.test is difference.p_holm is difference.better is None
    assert found.no_test == (
        "4 speakers, and an interval over speakers needs 5 or more; "
        "the least p that 4 could give is 2/2^4 = 0.125"
    )


def test_unknown_speakers_count_in_the_figures_alone():
    a, b = (predictions([hits([[k, k]] * 7)], unknown=1) for k in (1, 2))
    found = compare({"a": a, "b": b})
    assert found.differences[0].ua == 0.25
    assert found.no_test == "the speaker of 8 utterances is unknown"
    assert found.speakers == 6


def test_a_comparison_is_plain_json():
    a, b = (predictions([hits([[k, k]] * 6)]) for k in (1, 2))
    found = json.loads(json.dumps(compare({"a": a, "b": b}).to_dict()))
    assert found["differences"][0]["test"]["p"] == 2 / 64
    assert found["differences"][0]["ua_interval"]["speakers"] == 6
    assert found["runs"][1]["ua"] == 0.5


def test_runs_that_did_not_test_the_same_are_refused():
    whole, part = predictions([hits([[1, 1]] * 6)]), predictions([hits([[1, 1]] * 5)])
    with pytest.raises(RunError, match="b tested 40 utterances with seed 0, a 48, and 40 are in both"):
        compare({"a": whole, "b": part})
    uneven = predictions([hits([[1, 1]] * 6), hits([[1, 1]] * 5)], seeds=(0, 1))
    with pytest.raises(RunError, match="a tested 40 utterances with seed 1, a 48"):
        compare({"a": uneven, "b": whole})


def test_other_classes_targets_or_speakers_are_refused():
    a = predictions([hits([[1, 1]] * 6)])
    with pytest.raises(RunError, match=r"different classes .*b: anger, sadness"):
        compare({"a": a, "b": predictions([hits([[1, 1]] * 6)], classes=("anger", "sadness"))})
    with pytest.raises(RunError, match="disagree on class or speaker of 8 of 48 utterances"):
        compare({"a": a, "b": predictions([hits([[1, 1]] * 6)], unknown=1)})


def test_one_run_or_none_tested_is_refused():
    a = predictions([hits([[1, 1]] * 6)])
    with pytest.raises(RunError, match="two runs or more"):
        compare({"a": a})
    empty = a.select([])
    with pytest.raises(RunError, match="a: no predictions to compare"):
        compare({"a": empty, "b": a})
