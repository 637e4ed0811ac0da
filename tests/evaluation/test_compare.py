import json

import numpy as np
import pytest
from sklearn.metrics import recall_score

from sercli.errors import RunError
from sercli.evaluation import compare
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


def differences(found, key="ua"):
    return [row for row in found.table.group("difference") if row.metric == key]


def test_differences_by_hand():
    # Six speakers, four utterances of each class. UA = WA here: 24 of 48 against 30 of 48.
    base = predictions([hits([[2, 2]] * 6)])
    other = predictions([hits([[3, 2]] * 6)])
    found = compare({"base": base, "other": other})
    assert [(run.name, run.seeds) for run in found.runs] == [("base", 1), ("other", 1)]
    assert [(row.run, row.metric, row.value) for row in found.table.group("run")] == [
        ("base", "ua", 0.5),
        ("base", "wa", 0.5),
        ("other", "ua", 0.625),
        ("other", "wa", 0.625),
    ]
    difference, of_wa = found.table.group("difference")
    assert [(row.name, row.run, row.value) for row in (difference, of_wa)] == [("base", "other", 0.125)] * 2
    # Every speaker gains the same, so every draw does, and of 64 flips only none and all reach it.
    assert (difference.interval.low, difference.interval.high) == (0.125, 0.125)
    test = difference.test
    assert test.p == test.least_p == test.p_holm == 2 / 64
    assert (test.flips, test.exact, test.speakers, test.better) == (64, True, 6, "other")
    assert of_wa.test is None
    assert (found.noun, found.tested, found.speakers, found.no_test) == ("utterance", 48, 6, None)
    assert differences(compare({"other": other, "base": base}))[0].test.better == "other"


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
    assert differences(compare({"a": a, "b": b}))[0].test.p == slow_p(a, b)


def test_rows_may_come_in_any_order():
    random = np.random.default_rng(3)
    a, b = (predictions([random_hits(random)]) for _ in range(2))
    order = random.permutation(len(b))
    shuffled = b.select(order)
    assert compare({"a": a, "b": shuffled}) == compare({"a": a, "b": b})


def test_the_interval_draws_the_same_speakers_for_both():
    # Speakers differ widely, the runs by one utterance in every speaker: the interval has no width.
    skills = [[i % 4, i % 4] for i in range(8)]
    a = predictions([hits(skills)])
    b = predictions([hits(np.array(skills) + 1)])
    interval = differences(compare({"a": a, "b": b}))[0].interval
    assert (interval.low, interval.high) == pytest.approx((0.25, 0.25))


def test_a_run_against_itself_differs_in_nothing():
    run = predictions([random_hits(np.random.default_rng(0), speakers=20)])
    ua, wa = compare({"a": run, "b": run}).table.group("difference")
    assert (ua.value, wa.value, ua.test.p, ua.test.better) == (0, 0, 1, None)
    assert ua.interval.low == ua.interval.high == 0


def test_seeds_are_averaged_each_run_over_its_own():
    # Two seeds, 2 and 4 of 4 right, are as good as one with 3 of 4.
    two = predictions([hits([[2, 2]] * 5), hits([[4, 4]] * 5)], seeds=(0, 7))
    one = predictions([hits([[3, 3]] * 5)])
    found = compare({"two": two, "one": one})
    assert [run.seeds for run in found.runs] == [2, 1]
    assert [row.value for row in found.table.group("run") if row.metric == "ua"] == [0.75, 0.75]
    (difference,) = differences(found)
    assert (difference.test.p, difference.interval.low, difference.interval.high) == (1, 0, 0)
    assert found.tested == 40
    # Of one seed: eight utterances of each speaker.
    assert {row.count for row in found.table.group("speaker")} == {8}


def test_several_are_each_compared_with_the_first_and_corrected():
    base, small, large = (predictions([hits([[k, 2]] * 6)]) for k in (1, 2, 3))
    found = compare({"base": base, "small": small, "large": large})
    rows = differences(found)
    assert [(row.name, row.run) for row in rows] == [("base", "small"), ("base", "large")]
    assert [(row.test.p, row.test.p_holm, row.test.better) for row in rows] == [(2 / 64, 4 / 64, None)] * 2


def test_few_speakers_get_figures_but_no_test_and_are_told_why():
    a, b = predictions([hits([[1, 1]] * 4)]), predictions([hits([[3, 3]] * 4)])
    found = compare({"a": a, "b": b})
    rows = found.table.group("difference")
    assert [(row.value, row.interval, row.test) for row in rows] == [(0.5, None, None)] * 2
    assert found.no_test == (
        "4 speakers, and an interval over speakers needs 5 or more; "
        "the least p that 4 could give is 2/2^4 = 0.125"
    )


def test_unknown_speakers_count_in_the_figures_alone():
    a, b = (predictions([hits([[k, k]] * 7)], unknown=1) for k in (1, 2))
    found = compare({"a": a, "b": b})
    assert differences(found)[0].value == 0.25
    assert found.no_test == "the speaker of 8 utterances is unknown"
    assert found.speakers == 6


def test_a_comparison_is_plain_json():
    a, b = (predictions([hits([[k, k]] * 6)]) for k in (1, 2))
    found = json.loads(json.dumps(compare({"a": a, "b": b}).to_dict()))
    difference = next(row for row in found["metrics"] if row["group"] == "difference")
    assert difference["test"]["p"] == 2 / 64
    assert difference["interval"]["speakers"] == 6
    assert found["runs"][1] == {"name": "b", "seeds": 1}


def test_runs_that_did_not_test_the_same_are_refused():
    whole, part = predictions([hits([[1, 1]] * 6)]), predictions([hits([[1, 1]] * 5)])
    with pytest.raises(RunError, match="b tested 40 utterances with seed 0, a 48, and 40 are in both"):
        compare({"a": whole, "b": part})
    uneven = predictions([hits([[1, 1]] * 6), hits([[1, 1]] * 5)], seeds=(0, 1))
    with pytest.raises(RunError, match="a tested 40 utterances with seed 1, and 48 with seed 0, and 40 are"):
        compare({"a": uneven, "b": whole})


def test_other_classes_targets_or_speakers_are_refused():
    a = predictions([hits([[1, 1]] * 6)])
    with pytest.raises(RunError, match=r"one common class, anger, .*a has anger, fear; b has anger, sadness"):
        compare({"a": a, "b": predictions([hits([[1, 1]] * 6)], classes=("anger", "sadness"))})
    with pytest.raises(RunError, match="disagree on label or speaker of 8 of 48 utterances"):
        compare({"a": a, "b": predictions([hits([[1, 1]] * 6)], unknown=1)})


def test_one_run_or_none_tested_is_refused():
    a = predictions([hits([[1, 1]] * 6)])
    with pytest.raises(RunError, match="two runs or more"):
        compare({"a": a})
    empty = a.select([])
    with pytest.raises(RunError, match="a: no predictions to compare"):
        compare({"a": empty, "b": a})
