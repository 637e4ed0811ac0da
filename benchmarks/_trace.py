"""Trace a GPU: how much of the time it was busy, and with which kernels."""

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, supported_activities

from benchmarks._loop import wait

# The profiler's names for work on a GPU.
_KERNEL = "kernel"
_WORK = {_KERNEL, "gpu_memcpy", "gpu_memset"}


@dataclass(frozen=True, slots=True)
class Work:
    """One operation of a GPU; times are in microseconds."""

    name: str
    kind: str
    start: float
    duration: float


class Watch:
    """Record the operations of a GPU from `start` to `stop`; none if torch's profiler can't see it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        # To record the host's operations would take longer than the device's kernels.
        seen = device.type == "cuda" and ProfilerActivity.CUDA in supported_activities()  # type: ignore[no-untyped-call]
        self.profile = profile(activities=[ProfilerActivity.CUDA]) if seen else None
        self.started = 0.0

    def start(self) -> None:
        """Begin when the device has finished its work."""
        if self.profile is not None:
            self.profile.start()
        wait(self.device)
        self.started = time.perf_counter()

    def stop(self) -> tuple[list[Work], float]:
        """Return the recorded operations, and the seconds that have passed."""
        wait(self.device)
        seconds = time.perf_counter() - self.started
        if self.profile is None:
            return [], seconds
        self.profile.stop()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.json"
            self.profile.export_chrome_trace(str(path))
            events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
        return works_of(events), seconds


def works_of(events: Iterable[Mapping[str, Any]]) -> list[Work]:
    """Select the events of a trace that ran on a GPU."""
    return [
        Work(event["name"], event["cat"], float(event["ts"]), float(event["dur"]))
        for event in events
        if event.get("cat") in _WORK and event.get("ph") == "X"
    ]


def busy(works: Sequence[Work]) -> float:
    """Return the microseconds in which at least one operation ran."""
    total, end = 0.0, float("-inf")
    for work in sorted(works, key=lambda work: work.start):
        stop = work.start + work.duration
        total += max(0.0, stop - max(end, work.start))
        end = max(end, stop)
    return total


def heaviest(works: Sequence[Work], count: int = 5) -> list[tuple[str, float, int]]:
    """List the kernels with most time: name, microseconds and number of calls, longest time first."""
    spent: dict[str, list[float]] = defaultdict(list)
    for work in works:
        if work.kind == _KERNEL:
            spent[work.name].append(work.duration)
    found = sorted(spent.items(), key=lambda item: -sum(item[1]))[:count]
    return [(name, sum(times), len(times)) for name, times in found]
