"""Each stage against its peer, in one run: one file per stage.

Absolute times move with the machine and with whatever else it does; ratios between contestants
that took turns in one process move little, so those are what is stated.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sercli.errors import unknown


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant and its figure.

    Attributes:
        name: who, doing what.
        value: the figure.
        unit: of the figure.
        against: what else there is to say; of a floor (work that every contestant has to do) how far it is.
        ratio: how many times as fast as the peer, the fastest one of the same run; none without one.
        peer: who that is.
    """

    name: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None
    peer: str = ""

    @property
    def told(self) -> str:
        """The comparisons in words."""
        compared = f"{self.ratio:.3g} x as fast as {self.peer}" if self.ratio is not None else ""
        return ", ".join(part for part in (compared, self.against) if part)


@dataclass(frozen=True, slots=True)
class Bench:
    """A stage that can be measured.

    Attributes:
        run: from a folder of corpora (``None``: the synthetic one is used) and whether to be quick,
            to rows.
        description: one line.
        run_part: the same of one part, named last, where it has parts.
        parts: their names.
        lacks: what this machine lacks to run it (unless it is to be quick), empty if nothing.
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
        UnknownNameError: there is none of that name.
    """
    if name not in bench_names():
        raise unknown("benchmarks", name, bench_names())
    bench: Bench = importlib.import_module(f"benchmarks.{name}").BENCH
    return bench
