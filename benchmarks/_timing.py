"""Time contestants in turn, so that changes of the machine's speed affect all of them equally."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Taken(NamedTuple):
    """Median seconds of a contestant.

    Attributes:
        wall: until it was done.
        processor: of all threads of this process together; other processes have less influence on it.
    """

    wall: float
    processor: float


def interleaved(
    contestants: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1
) -> dict[str, float]:
    """Return the median seconds of each contestant over several rounds, after a warm-up."""
    return {name: each.wall for name, each in measured(contestants, rounds, warm_up).items()}


def measured(
    contestants: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1
) -> dict[str, Taken]:
    """Return what each contestant takes, medians over several rounds, after a warm-up."""
    walls: dict[str, list[float]] = {name: [] for name in contestants}
    processors: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(warm_up + rounds):
        for name, contestant in contestants.items():
            started, spent = time.perf_counter(), time.process_time()
            contestant()
            if turn >= warm_up:
                processors[name].append(time.process_time() - spent)
                walls[name].append(time.perf_counter() - started)
    return {
        name: Taken(statistics.median(walls[name]), statistics.median(processors[name]))
        for name in contestants
    }
