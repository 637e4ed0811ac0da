"""Compare each stage with its peer in one run: one file per stage.

Absolute times depend on the machine and on its other work. Ratios between contestants that take turns in one
process change little. Therefore the results are ratios.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sercli.errors import unknown


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant and its value.

    Attributes:
        name: contestant and task.
        value: measured value.
        unit: unit of the value.
        against: further remarks; for a floor (work that every contestant has to do), the distance from it.
        ratio: speed relative to the peer, the fastest other contestant of the run; ``None`` without a peer.
        peer: name of the peer.
    """

    name: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None
    peer: str = ""

    @property
    def told(self) -> str:
        """The comparisons as text."""
        compared = f"{self.ratio:.3g} x as fast as {self.peer}" if self.ratio is not None else ""
        return ", ".join(part for part in (compared, self.against) if part)


@dataclass(frozen=True, slots=True)
class Bench:
    """A stage that can be measured.

    Attributes:
        run: function from a folder of corpora (``None``: the synthetic corpus is used) and whether to be
            quick, to rows.
        description: one line.
        run_part: the same function for one part, whose name is the last argument, if the stage has parts.
        parts: names of the parts.
        lacks: resource for a full run that this machine lacks; empty if it lacks nothing.
    """

    run: Callable[[Path | None, bool], list[Row]]
    description: str
    run_part: Callable[[Path | None, bool, str], list[Row]] | None = None
    parts: tuple[str, ...] = ()
    lacks: Callable[[], str] = lambda: ""


def bench_names() -> list[str]:
    """List the stages."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")


def get_bench(name: str) -> Bench:
    """Return a stage by name.

    Raises:
        UnknownNameError: there is no stage of that name.
    """
    if name not in bench_names():
        raise unknown("benchmarks", name, bench_names())
    bench: Bench = importlib.import_module(f"benchmarks.{name}").BENCH
    return bench
