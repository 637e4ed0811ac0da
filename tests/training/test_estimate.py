"""The estimated duration of a training: the typical step, not the first or a disturbed one."""

from types import SimpleNamespace

import pytest

from sercli.training import estimate


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
