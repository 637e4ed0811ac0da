"""The estimated duration of a training: the typical step, not the first or a disturbed one."""

from types import SimpleNamespace

import pytest
from conftest import SMALL

from sercli.devices import Device
from sercli.training import estimate
from sercli.training.plan import make_plan
from sercli.training.settings import configure

CPU = Device("cpu")


@pytest.mark.parametrize(
    ("durations", "timed", "found"),
    [
        ([9.0, 0.1, 0.1, 0.7], 3, 0.1),  # half a second has passed
        ([9.0, 0.01, 0.03, 0.02, 0.05, 0.04, 8.0], 5, 0.03),  # five are enough
        ([9.0, 3.0, 8.0], 1, 3.0),  # a long step is not repeated
    ],
)
def test_the_median_step_without_the_first(monkeypatch, durations, timed, found):
    clock = iter(durations)
    now, steps = 0.0, 0

    def step():
        nonlocal now, steps
        now, steps = now + next(clock), steps + 1

    monkeypatch.setattr(estimate, "time", SimpleNamespace(perf_counter=lambda: now))
    assert estimate.median_seconds(step) == pytest.approx(found)
    assert steps == 1 + timed


@pytest.mark.parametrize("sampled", [4, 64])
def test_statistics_per_speaker_are_possible_on_the_sample(small_workspace, monkeypatch, sampled):
    monkeypatch.setattr(estimate, "_SAMPLED", sampled)  # 4: fewer than there are speakers
    settings = SMALL | {"features": {"statistics": "per-speaker"}}
    plan = make_plan(configure(settings, small_workspace, CPU), small_workspace, "1")
    assert estimate.sampled_seconds_per_epoch(plan, 1, CPU) > 0
