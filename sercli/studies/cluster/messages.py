"""The messages between machines: an order to train, and its results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SETTINGS = "SETTINGS"
WORKSPACE = "WORKSPACE"
"""Placeholders in a command for paths that only the machine knows."""

INIT = "init"
"""Place in a sent workspace of the bundle that a training starts from."""


@dataclass(frozen=True, slots=True)
class Order:
    """A trial to train.

    Attributes:
        workspace: path of its folder on the machine that sends the order.
        mark: a file there, below ``runs``; a machine that sees it sees the workspace.
        corpus: name of the corpus.
        run: name of the run.
        fold: number of the fold, from one.
        seed: seed of weights and batches.
        settings: complete settings of the run.
        arguments: arguments of the interpreter, with the placeholders `SETTINGS` and `WORKSPACE`.
        threads: threads of the CPU, which numbers depend on.
        versions: versions of the software on the machine that sends the order.
        again: whether a machine was lost with this trial.
        parcels: digests of the parcels for machines that do not see their content, by place in a workspace.
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
    """The machine does not see everything that the trial reads, and the missing parts were not sent.

    Attributes:
        parts: parts of a workspace: ``corpora`` and ``features``, or `INIT`.
    """

    parts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unfit:
    """The machine has other versions of the software."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The machine failed, for example because its disk is full; another machine may succeed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The trial begins."""

    machine: str


@dataclass(frozen=True, slots=True)
class Printed:
    """A line that the trial's process printed, and its history if the machine does not see the workspace."""

    line: str
    history: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The trial's process has ended.

    Attributes:
        status: its exit status; the negative number of the signal if one killed it.
        errors: the last lines that it wrote to stderr.
        files: files of a finished trial, by place in its folder, if the machine does not see the workspace.
    """

    status: int
    errors: Sequence[str] = ()
    files: Mapping[str, bytes] | None = None


Message = Lacks | Unfit | Broken | Begun | Printed | Ended
