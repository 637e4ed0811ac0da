"""Time contestants in turn, so that changes of the machine's speed affect all of them equally."""

import statistics
import time
from collections.abc import Callable, Mapping


def interleaved(
    contestants: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1
) -> dict[str, float]:
    """Return the median seconds of each contestant over several rounds, after a warm-up."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(warm_up + rounds):
        for name, contestant in contestants.items():
            started = time.perf_counter()
            contestant()
            if turn >= warm_up:
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in taken.items()}
