import itertools
import json

import numpy as np
import pytest

from sercli.errors import RunError
from sercli.evaluation.trace_comparison import compare_traces
from sercli.records import TracePredictions

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
    return TracePredictions(dimensions, ids, target, predicted, who, (None,) * len(rows), some, seed)


def plain_ccc(rows, predicted):
    """Lin's coefficient of the joined frames, by the textbook, (dimensions,)."""
    x, y = np.concatenate(rows.target), np.concatenate(predicted)
    covariance = ((x - x.mean(0)) * (y - y.mean(0))).mean(0)
    return 2 * covariance / (x.var(0) + y.var(0) + (x.mean(0) - y.mean(0)) ** 2)


def test_differences_equal_those_of_the_joined_frames():
    base, other = predictions(1.0), predictions(0.5)
    found = compare_traces({"base": base, "other": other})
    wanted = plain_ccc(other, other.predicted) - plain_ccc(base, base.predicted)
    assert [each.ccc for each in found.differences] == pytest.approx(wanted.tolist(), abs=1e-12)
    assert [each.dimension for each in found.differences] == ["arousal", "valence"]
    assert (found.recordings, found.speakers, found.no_test) == (10, 5, None)
    assert found.runs[1].ccc == pytest.approx(plain_ccc(other, other.predicted).tolist(), abs=1e-12)
    json.dumps(found.to_dict(), allow_nan=False)


def test_p_equals_that_of_swapping_recordings_one_by_one():
    base, other = predictions(1.0), predictions(0.9)
    seen = np.abs(plain_ccc(other, other.predicted) - plain_ccc(base, base.predicted))
    reached = np.zeros(2)
    for swapped in itertools.product([False, True], repeat=SPEAKERS):
        turn = [swapped[int(who[1:])] for who in base.speakers]
        ours, theirs = (
            [b if t != way else a for a, b, t in zip(base.predicted, other.predicted, turn, strict=True)]
            for way in (False, True)
        )
        reached += np.abs(plain_ccc(base, theirs) - plain_ccc(base, ours)) >= seen - 1e-9
    found = compare_traces({"base": base, "other": other})
    assert [each.test.p for each in found.differences] == (reached / 2**SPEAKERS).tolist()
    assert {(each.test.flips, each.test.exact) for each in found.differences} == {(32, True)}
    assert found.differences[0].test.least_p == 2 / 32


def test_the_interval_draws_the_same_speakers_for_both_runs():
    base, other = predictions(1.0), predictions(0.5)
    interval = compare_traces({"base": base, "other": other}, draws=60).differences[1].ccc_interval
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
    again = TracePredictions(
        **{n: getattr(twice, n) for n in twice.__slots__} | {"seeds": (0,) * 10 + (1,) * 10}
    )
    found = compare_traces({"base": base, "again": again})
    assert [each.ccc for each in found.differences] == pytest.approx([0, 0], abs=1e-12)
    assert [each.test.p for each in found.differences] == [1, 1]
    assert [run.seeds for run in found.runs] == [1, 2]
    assert found.by_speaker[0].frames == 70


def test_every_dimension_counts_for_holm():
    found = compare_traces({"base": predictions(2.0, speakers=7), "other": predictions(0.1, speakers=7)})
    assert [(each.test.p, each.p_holm, each.better) for each in found.differences] == [
        (2 / 128, 4 / 128, "other"),
        (2 / 128, 4 / 128, "other"),
    ]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"speakers": 4}, r"4 speakers, and an interval over speakers needs 5 or more; the least p that 4"),
        ({"unknown": 1}, "the speaker of 2 recordings is unknown"),
    ],
)
def test_without_a_test_the_reason_is_told(rows, why):
    found = compare_traces({"base": predictions(1.0, **rows), "other": predictions(0.5, **rows)})
    assert found.no_test.startswith(why)
    assert {(each.ccc_interval, each.test, each.better) for each in found.differences} == {(None, None, None)}
    assert found.differences[0].ccc > 0


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (predictions(1.0, speakers=4), "other tested 8 recordings with seed 0, base 10, and 8 are in both"),
        (predictions(1.0, dimensions=("arousal", "liking")), "different dimensions can't be compared"),
        (predictions(1.0, shift=1.0), "disagree on gold standard or speaker of toy/0"),
        (predictions(1.0, unknown=1), "disagree on gold standard or speaker of toy/0"),
    ],
)
def test_what_can_not_be_paired_is_refused(other, message):
    with pytest.raises(RunError, match=message):
        compare_traces({"base": predictions(1.0), "other": other})


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("diverged", ["base", "other"])
def test_a_value_that_is_no_number_is_refused(value, diverged):
    runs = {"base": predictions(1.0), "other": predictions(0.5)}
    runs[diverged].predicted[3][7, 1] = value
    with pytest.raises(RunError, match=f"{diverged}: a value predicted for toy/3 is not a number"):
        compare_traces(runs)


def test_one_run_is_no_comparison():
    with pytest.raises(RunError, match="two runs or more"):
        compare_traces({"base": predictions(1.0)})
