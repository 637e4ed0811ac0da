"""The range test of the learning rate: curves that show limits, and curves that show none."""

import csv
from math import sqrt

import pytest
from conftest import SMALL

from sercli.config import merge
from sercli.devices import Device
from sercli.errors import RunError
from sercli.training.plan import make_plan
from sercli.training.rates import propose, try_rates, ua_noise
from sercli.training.settings import configure
from sercli.training.trials import compute_features

CPU = Device("cpu")
RATES = [10.0**i for i in range(-6, 6)]
NOISE = 0.05  # so that less than 0.1 is chance


def test_the_limits_are_where_the_score_has_risen_and_the_last_one_before_it_falls():
    scores = [0.25, 0.25, 0.26, 0.40, 0.60, 0.70, 0.72, 0.30, 0.25, 0.25]
    # Smoothed: .25 .25 .26 .40 .60 .70 .70 .30 .25 .25; 0.25 + 0.1 is first passed at 1e-3, .70 last at 1.
    assert propose(RATES[:10], scores, NOISE) == ((1e-3, 1.0), "")


@pytest.mark.parametrize("place", range(12))
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_epoch_of_noise_moves_no_limit_far(place, value):
    scores = [0.25] * 4 + [0.70] * 4 + [0.25] * 4
    scores[place] = value
    limits, why = propose(RATES, scores, NOISE)
    assert why == ""
    low, high = (RATES.index(limit) for limit in limits)
    assert 3 <= low <= 5
    assert 5 <= high <= 8
    assert scores[high] >= 0.65  # no rate is proposed whose own epoch was bad


def test_a_rate_whose_own_epoch_is_at_chance_is_no_limit():
    scores = [0.25, 0.30, 0.40, 0.32, 0.44, 0.52, 0.64, 0.72, 0.69, 0.25, 0.86, 0.25]
    # Smoothed, the ninth rate's successor has 0.69 too, but its own epoch has 0.25.
    (_, high), why = propose(RATES, scores, NOISE)
    assert (high, why) == (RATES[8], "")


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        ([0.25] * 10, "rises by only 0.000, which may be chance"),
        ([0.25, 0.30, 0.22, 0.28, 0.33, 0.30, 0.24, 0.27, 0.25, 0.26], "which may be chance"),
        # One high epoch is no rise, one low epoch no fall.
        ([0.25, 0.25, 0.25, 0.25, 0.90, 0.25, 0.25, 0.25, 0.25, 0.25], "which may be chance"),
        (
            [0.25, 0.25, 0.30, 0.40, 0.60, 0.70, 0.72, 0.30, 0.72, 0.72],
            "up to a rate of 1e+03 the dev score falls by so little",
        ),
        (
            [0.25, 0.25, 0.30, 0.40, 0.60, 0.70, 0.72, 0.70, 0.68, 0.66],
            ("falls by so little that it may be chance"),
        ),
        ([0.70, 0.72, 0.70, 0.71, 0.60, 0.50, 0.30, 0.25, 0.25, 0.25], "which may be chance"),
        ([0.25, 0.25, 0.25, 0.25, 0.70, 0.25, 0.70, 0.25, 0.25, 0.25], "falls within two rates"),
        ([0.25, 0.70], "only 2 rates could be tried"),
    ],
)
def test_what_shows_no_limits_is_refused_with_a_reason(scores, why):
    limits, told = propose(RATES[: len(scores)], scores, NOISE)
    assert limits is None
    assert why in told


def test_the_noise_of_a_ua_by_hand():
    # Two classes of 4 and 16: variances of the recalls 1/16 and 1/64, of their mean a quarter of the sum.
    assert ua_noise(["a"] * 4 + ["b"] * 16) == pytest.approx(sqrt(1 / 16 + 1 / 64) / 2)


def planned(workspace, **changes):
    settings = merge(merge(SMALL, {"training": {"schedule": "cyclical"}}), changes)
    plan = make_plan(configure(settings, workspace, CPU), workspace, "1")
    compute_features(plan)
    return plan


def test_an_epoch_is_trained_at_each_rate_and_the_run_is_left_alone(small_workspace):
    plan = planned(small_workspace, model={"filters": 5})
    found = try_rates(plan, CPU, (1e-5, 1e-3, 1e-2))
    rows = list(csv.DictReader(found.table.open()))
    assert [float(row["lr"]) for row in rows] == pytest.approx([1e-5, 1e-3, 1e-2]) == list(found.rates)
    assert [float(row["dev_ua"]) for row in rows] == pytest.approx(list(found.scores), abs=1e-6)
    assert [float(row["train_loss"]) for row in rows] == pytest.approx(list(found.losses), rel=1e-5)
    assert found.losses[1] < found.losses[0]
    assert found.picture.stat().st_size > 1000
    assert not plan.run.trials()
    assert {path.name for path in plan.run.path.iterdir()} == {"lr-range-test"}


def test_the_test_ends_where_the_loss_is_no_number(small_workspace):
    plan = planned(small_workspace, model={"filters": 6, "head": "softmax"})
    found = try_rates(plan, CPU, (1e-3, 1e-3, 1e30, 1e30))
    assert 1 <= len(found.rates) <= 3
    assert found.limits is None
    with pytest.raises(RunError, match=r"the loss is not a number \(NaN\) at any rate"):
        try_rates(plan, CPU, (1e30, 1e30))


@pytest.mark.parametrize(
    "changes",
    [{"protocol": "leave-one-speaker-out-no-dev"}, {"training": {"selection": "best-on-test"}}],
)
def test_no_test_part_is_looked_at(small_workspace, changes):
    with pytest.raises(RunError, match="has no development part to try learning rates on"):
        try_rates(planned(small_workspace, **changes), CPU)
