"""Each stage against its peer, in one run: one file per stage.

Absolute times move with the machine and with whatever else it does; ratios between contestants
that took turns in one process move little, so those are what is stated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sercli import registry


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant: its figure, and that figure against the peer's (or the floor's)."""

    name: str
    value: float
    unit: str
    against: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """A stage that can be measured.

    Attributes:
        run: from a folder of corpora (``None``: the synthetic one is used) and whether to be quick,
            to rows.
        description: one line.
        run_part: the same of one part, named last, where it has parts.
    """

    run: Callable[[Path | None, bool], list[Row]]
    description: str
    run_part: Callable[[Path | None, bool, str], list[Row]] | None = None


def bench_names() -> list[str]:
    """List the stages."""
    return registry.names(__name__)


def get_bench(name: str) -> Bench:
    """Return a stage by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return registry.load(__name__, name, "BENCH", Bench)
