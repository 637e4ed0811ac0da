"""What a device did while it was watched: how much of the time it was busy, and with what."""

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from sercli.bench._loop import wait

# The profiler's words for what runs on a device; on a CPU operations stand for kernels.
_WORK = {"cuda": {"kernel", "gpu_memcpy", "gpu_memset"}, "cpu": {"cpu_op"}}
_KERNELS = {"kernel", "cpu_op"}


@dataclass(frozen=True, slots=True)
class Work:
    """One thing that a device did; times in microseconds."""

    name: str
    kind: str
    start: float
    duration: float


class Watch:
    """Notes what a device does, from `start` to `stop`."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        # The host's operations would cost more to note than the device's kernels take.
        activity = ProfilerActivity.CUDA if device.type == "cuda" else ProfilerActivity.CPU
        self.profile = profile(activities=[activity])
        self.started = 0.0

    def start(self) -> None:
        """Begin; the device has nothing left to do."""
        self.profile.start()
        wait(self.device)
        self.started = time.perf_counter()

    def stop(self) -> tuple[list[Work], float]:
        """Return what was done, and the seconds that have passed."""
        wait(self.device)
        seconds = time.perf_counter() - self.started
        self.profile.stop()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.json"
            self.profile.export_chrome_trace(str(path))
            events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
        return works_of(events, self.device.type), seconds


def works_of(events: Iterable[Mapping[str, Any]], device: str) -> list[Work]:
    """Choose what ran on a device, ``cuda`` or ``cpu``, among the events of a trace."""
    return [
        Work(event["name"], event["cat"], float(event["ts"]), float(event["dur"]))
        for event in events
        if event.get("cat") in _WORK[device] and event.get("ph") == "X"
    ]


def busy(works: Sequence[Work]) -> float:
    """Return the microseconds in which at least one thing was done."""
    total, end = 0.0, float("-inf")
    for work in sorted(works, key=lambda work: work.start):
        stop = work.start + work.duration
        total += max(0.0, stop - max(end, work.start))
        end = max(end, stop)
    return total


def heaviest(works: Sequence[Work], count: int = 5) -> list[tuple[str, float, int]]:
    """List the kernels with most time: name, microseconds, how often; the heaviest first."""
    spent: dict[str, list[float]] = defaultdict(list)
    for work in works:
        if work.kind in _KERNELS:
            spent[work.name].append(work.duration)
    found = sorted(spent.items(), key=lambda item: -sum(item[1]))[:count]
    return [(name, sum(times), len(times)) for name, times in found]
