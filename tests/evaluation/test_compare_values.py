import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sercli.errors import RunError
from sercli.evaluation import compare
from sercli.records import ValuePredictions

SPEAKERS = 5


def predictions(
    noise, seeds=(0,), speakers=SPEAKERS, unknown=0, dimensions=("arousal", "valence"), shift=0.0
):
    """Each speaker has two recordings of 30 and 40 frames; what is said strays from the truth by noise."""
    rows = []
    for seed in seeds:
        for place in range(2 * speakers):
            truth = np.random.default_rng(place).normal(size=(30 + place % 2 * 10, len(dimensions))) + shift
            stray = np.random.default_rng([place, seed, 7]).normal(size=truth.shape)
            who = None if place // 2 < unknown else f"P{place // 2}"
            rows.append((f"toy/{place}", truth, truth + noise * stray, who, seed))
    ids, target, predicted, who, seed = zip(*rows, strict=True)
    some = ("all",) * len(rows)
    return ValuePredictions(
        dimensions=dimensions,
        ids=ids,
        target=target,
        predicted=predicted,
        speakers=who,
        genders=(None,) * len(rows),
        folds=some,
        seeds=seed,
    )


def moved(run, offset):
    return replace(run, predicted=tuple(values + offset for values in run.predicted))


def relabelled(run):
    """The same predictions, under seed 0."""
    return replace(run, seeds=(0,) * len(run.seeds))


def plain_ccc(rows, predicted):
    """Lin's coefficient of the joined frames, by the textbook, (dimensions,)."""
    x, y = np.concatenate(rows.target), np.concatenate(predicted)
    covariance = ((x - x.mean(0)) * (y - y.mean(0))).mean(0)
    return 2 * covariance / (x.var(0) + y.var(0) + (x.mean(0) - y.mean(0)) ** 2)


def test_differences_equal_those_of_the_joined_frames():
    base, other = predictions(1.0), predictions(0.5)
    found = compare({"base": base, "other": other})
    wanted = plain_ccc(other, other.predicted) - plain_ccc(base, base.predicted)
    rows = found.table.group("difference")
    assert [row.value for row in rows] == pytest.approx(wanted.tolist(), abs=1e-12)
    assert [row.metric for row in rows] == ["ccc_arousal", "ccc_valence"]
    assert (found.noun, found.tested, found.speakers, found.no_test) == ("recording", 10, 5, None)
    of_other = [row.value for row in found.table.group("run") if row.run == "other"]
    assert of_other == pytest.approx(plain_ccc(other, other.predicted).tolist(), abs=1e-12)
    json.dumps(found.to_dict(), allow_nan=False)


def shares_of(run):
    """Jackknife pseudo-values of the pooled CCC, less the correction of the bias, (speakers, dimensions)."""
    pooled = plain_ccc(run, run.predicted)
    names = sorted(set(run.speakers))
    without = []
    for name in names:
        kept = [i for i, who in enumerate(run.speakers) if who != name]
        rest = SimpleNamespace(target=[run.target[i] for i in kept])
        without.append(plain_ccc(rest, [run.predicted[i] for i in kept]))
    pseudo = len(names) * pooled - (len(names) - 1) * np.array(without)
    return (pseudo - pseudo.mean(axis=0) + pooled) / len(names)


def test_p_equals_that_of_flipping_speakers_shares_one_by_one():
    base, other = predictions(1.0), predictions(0.9)
    shares = shares_of(other) - shares_of(base)
    assert shares.sum(axis=0) == pytest.approx(
        plain_ccc(other, other.predicted) - plain_ccc(base, base.predicted), abs=1e-12
    )
    sums = np.array([np.dot(signs, shares) for signs in itertools.product([1, -1], repeat=SPEAKERS)])
    reached = (np.abs(sums) >= np.abs(shares.sum(axis=0)) - 1e-9).mean(axis=0)
    tests = [row.test for row in compare({"base": base, "other": other}).table.group("difference")]
    assert [test.p for test in tests] == reached.tolist()
    assert {(test.flips, test.exact, test.least_p) for test in tests} == {(32, True, 2 / 32)}


@pytest.mark.parametrize("offset", [0.0, 0.5, 2.0])
def test_offsets_do_not_hide_a_difference_that_the_interval_shows(offset):
    """One network is off by so much upwards, the other downwards; one is better for every speaker."""
    base, other = predictions(1.5, speakers=8), predictions(0.3, speakers=8)
    runs = {"base": moved(base, offset), "other": moved(other, -offset)}
    for found in compare(runs).table.group("difference"):
        assert found.interval.low > 0
        assert found.test.p == 2 / 2**8


def test_equal_networks_with_opposite_offsets_seldom_differ_and_interval_and_p_agree():
    alarms = against = 0
    for repeat in range(150):
        base = predictions(1.0, seeds=(2 * repeat,), speakers=7, dimensions=("arousal",))
        other = predictions(1.0, seeds=(2 * repeat + 1,), speakers=7, dimensions=("arousal",))
        runs = {"base": moved(base, 0.5), "other": moved(other, -0.5)}
        (found,) = compare({name: relabelled(run) for name, run in runs.items()}, draws=200).table.group(
            "difference"
        )
        outside = not found.interval.low <= 0 <= found.interval.high
        alarms += found.test.p < 0.05
        against += outside and found.test.p > 0.25
    assert alarms / 150 == pytest.approx(0.05, abs=0.05)
    assert against == 0


def test_the_interval_draws_the_same_speakers_for_both_runs():
    base, other = predictions(1.0), predictions(0.5)
    found = compare({"base": base, "other": other}, draws=60)
    interval = found.table.group("difference")[1].interval
    gaps = []
    for times in np.random.default_rng(0).multinomial(SPEAKERS, [1 / SPEAKERS] * SPEAKERS, size=60):
        rows = [i for i, who in enumerate(base.speakers) for _ in range(times[int(who[1:])])]
        x = np.concatenate([base.target[i] for i in rows])
        values = []
        for run in (other, base):
            y = np.concatenate([run.predicted[i] for i in rows])
            covariance = ((x - x.mean(0)) * (y - y.mean(0))).mean(0)
            values.append(2 * covariance / (x.var(0) + y.var(0) + (x.mean(0) - y.mean(0)) ** 2))
        gaps.append((values[0] - values[1])[1])
    assert (interval.low, interval.high) == pytest.approx(
        np.quantile(gaps, [0.025, 0.975]).tolist(), abs=1e-9
    )
    assert (interval.draws, interval.speakers) == (60, 5)


def test_seeds_weigh_as_one_run():
    base, twice = predictions(1.0), predictions(1.0, seeds=(0, 0))
    again = replace(twice, seeds=(0,) * 10 + (1,) * 10)
    found = compare({"base": base, "again": again})
    rows = found.table.group("difference")
    assert [row.value for row in rows] == pytest.approx([0, 0], abs=1e-12)
    assert [row.test.p for row in rows] == [1, 1]
    assert [run.seeds for run in found.runs] == [1, 2]
    assert {row.count for row in found.table.group("speaker")} == {70}


def test_every_dimension_counts_for_holm():
    found = compare({"base": predictions(2.0, speakers=7), "other": predictions(0.1, speakers=7)})
    tests = [row.test for row in found.table.group("difference")]
    assert [(test.p, test.p_holm, test.better) for test in tests] == [(2 / 128, 4 / 128, "other")] * 2


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"speakers": 4}, r"4 speakers, and an interval over speakers needs 5 or more; the least p that 4"),
        ({"unknown": 1}, "the speaker of 2 recordings is unknown"),
    ],
)
def test_without_a_test_the_reason_is_told(rows, why):
    found = compare({"base": predictions(1.0, **rows), "other": predictions(0.5, **rows)})
    assert found.no_test.startswith(why)
    rows = found.table.group("difference")
    assert [(row.interval, row.test) for row in rows] == [(None, None)] * 2
    assert rows[0].value > 0


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (predictions(1.0, speakers=4), "other tested 8 recordings with seed 0, base 10, and 8 are in both"),
        (predictions(1.0, dimensions=("arousal", "liking")), "different classes or dimensions can't"),
        (predictions(1.0, shift=1.0), "disagree on label or speaker of 10 of 10"),
        (predictions(1.0, unknown=1), "disagree on label or speaker of 2 of 10"),
    ],
)
def test_what_can_not_be_paired_is_refused(other, message):
    with pytest.raises(RunError, match=message):
        compare({"base": predictions(1.0), "other": other})


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("diverged", ["base", "other"])
def test_a_value_that_is_no_number_is_refused(value, diverged):
    runs = {"base": predictions(1.0), "other": predictions(0.5)}
    runs[diverged].predicted[3][7, 1] = value
    with pytest.raises(RunError, match=f"{diverged}: toy/3: a prediction is not a finite number"):
        compare(runs)


def test_one_run_is_no_comparison():
    with pytest.raises(RunError, match="two runs or more"):
        compare({"base": predictions(1.0)})
