"""What machines tell each other: an order to train, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SETTINGS = "SETTINGS"
WORKSPACE = "WORKSPACE"
"""What stands in a command for places that only the machine knows."""

INIT = "init"
"""Place, in a workspace that is sent, of the bundle that a training starts from."""


@dataclass(frozen=True, slots=True)
class Order:
    """A trial to train.

    Attributes:
        workspace: its folder, as the machine that orders calls it.
        mark: a file there, below ``runs``; who sees it sees the workspace.
        corpus: name of the corpus.
        run: name of the run.
        fold: from one.
        seed: of weights and batches.
        settings: of the run, complete.
        arguments: of the interpreter, with `SETTINGS` and `WORKSPACE` for these.
        threads: of the CPU, that numbers hang on.
        versions: of the software, as the machine that orders has it.
        again: whether a machine was lost with this trial.
        parcels: digests of what is sent to machines that do not see it, by place in a workspace.
    """

    workspace: str
    mark: str
    corpus: str
    run: str
    fold: int
    seed: int
    settings: Mapping[str, Any]
    arguments: Sequence[str]
    threads: int
    versions: Mapping[str, str]
    again: bool = False
    parcels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lacks:
    """The machine does not see all that the trial reads, and needs what was not sent.

    Attributes:
        parts: of a workspace: ``corpora`` and ``features``, or `INIT`.
    """

    parts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unfit:
    """The machine has other software."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The machine can't do its part, for lack of room on its disk say; another may."""

    reason: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The trial begins."""

    machine: str


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the trial's process, and its history where that can't be seen."""

    line: str
    history: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The trial's process has ended.

    Attributes:
        status: its exit status; below zero, less the signal that killed it.
        complaints: the last lines that it wrote on stderr.
        files: what a finished trial leaves, by its place in its folder, where that can't be seen.
    """

    status: int
    complaints: Sequence[str] = ()
    files: Mapping[str, bytes] | None = None


Message = Lacks | Unfit | Broken | Begun | Said | Ended
