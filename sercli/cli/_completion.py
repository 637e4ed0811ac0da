"""Complete the values of options in a shell; the names are listed without importing what they name."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sercli.workspace import Workspace


def complete_arch(incomplete: str) -> list[str]:
    """List the architectures whose names begin as typed."""
    return _matching(incomplete, lambda: _entries("models"))


def complete_corpus(incomplete: str) -> list[str]:
    """List the corpora with a reader whose names begin as typed."""
    return _matching(incomplete, lambda: _entries("corpora"))


def complete_feature(incomplete: str) -> list[str]:
    """List the kinds of features whose names begin as typed."""
    return _matching(incomplete, lambda: _entries("features"))


def complete_protocol(incomplete: str) -> list[str]:
    """List the protocols whose names begin as typed."""
    from sercli.protocols import protocol_names

    return _matching(incomplete, protocol_names)


def complete_scheme(incomplete: str) -> list[str]:
    """List the schemes whose names begin as typed."""
    from sercli.schemes import scheme_names

    return _matching(incomplete, scheme_names)


def complete_study(incomplete: str) -> list[str]:
    """List the studies whose names begin as typed."""
    from sercli.studies import study_names

    return _matching(incomplete, study_names)


def complete_prepared(ctx: typer.Context, incomplete: str) -> list[str]:
    """List the prepared corpora whose names begin as typed."""
    return _matching(incomplete, lambda: _workspace(ctx).prepared())


def complete_run(ctx: typer.Context, incomplete: str) -> list[str]:
    """List the runs whose names begin as typed."""
    from sercli.runs.folder import list_runs

    return _matching(incomplete, lambda: ["latest", *sorted(run.name for run in list_runs(_workspace(ctx)))])


def _entries(family: str) -> list[str]:
    from sercli import registry

    return registry.names(f"sercli.{family}")


def _workspace(ctx: typer.Context) -> "Workspace":
    from sercli.workspace import Workspace

    root: Path | None = ctx.params.get("workspace")
    return Workspace(root)


def _matching(incomplete: str, list_names: Callable[[], Iterable[str]]) -> list[str]:
    """Return the names that begin as typed; none if they can't be listed."""
    from sercli.errors import SerError

    try:
        return [name for name in list_names() if name.startswith(incomplete)]
    except (SerError, OSError):
        return []
