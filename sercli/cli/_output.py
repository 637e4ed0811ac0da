"""Write the output of commands beside their results: progress, waiting, and text of other people."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from sercli.workspace import Workspace

_LONGEST = 500
_REFRESH_S = 0.1

T = TypeVar("T")


def print_waiting() -> None:
    """Print why the command waits while another process holds a feature store."""
    typer.echo("another process is computing the same features; waiting until it has finished", err=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that is called with the number of items done and the total."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    # Without a thread of its own, so that work can be shared out to forked processes.
    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(title, total=None)
        shown = 0.0

        def show(done: int, total: int) -> None:
            nonlocal shown
            bar.update(task, completed=done, total=total)
            if (now := time.monotonic()) - shown >= _REFRESH_S or done == total:
                shown = now
                bar.refresh()

        yield show


@contextmanager
def metrics_first() -> Iterator[Callable[[Callable[[], T]], T | None]]:
    """Yield a function that writes a report; an error of the system waits until the body has printed."""
    failed: list[OSError] = []

    def attempt(write: Callable[[], T]) -> T | None:
        try:
            return write()
        except OSError as error:
            failed.append(error)
            return None

    yield attempt
    if failed:
        typer.echo("note: the metrics are complete, but their report can't be written", err=True)
        raise failed[0]


def loadable(names: Iterable[str], load: Callable[[str], T]) -> dict[str, T]:
    """Load entries by name for a list; a note names each one that can't be loaded.

    Args:
        names: names of entries.
        load: loads one of them.
    """
    from sercli import registry

    def note(name: str, error: Exception) -> None:
        typer.echo(f"note: '{name}' is left out: {error}", err=True)

    return dict(registry.loadable(names, load, note))


def describe_union(place: "Workspace", corpus: str) -> list[str]:
    """Describe a union, a line each: its corpora, and the recordings that are in two of them.

    There is no line for a single corpus.
    """
    from collections import Counter

    from sercli.formatting import count_noun
    from sercli.unions import is_union

    if not is_union(corpus):
        return []
    union = place.union(corpus)
    counts = Counter(each.corpus for each in union.utterances)
    each = ", ".join(f"{name} {count}" for name, count in counts.items())
    return [f"{count_noun(len(union.utterances), 'utterance')}: {each}", *union.notes()]


def note_starter(facts: Mapping[str, Any], place: Path) -> None:
    """Print what a user of the starter must know.

    Args:
        facts: of its bundle.
        place: folder of its bundle.
    """
    from sercli.starter import describe

    for line in describe(facts, place):
        typer.echo(f"note: {printable(line)}", err=True)


def printable(value: Any) -> str:
    """Format a value from another person on one line, without control characters."""
    text = " ".join(str(value).split())
    return "".join(each if each.isprintable() else "?" for each in text)[:_LONGEST]
