"""Show the progress of a study: a live table on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from sercli.formatting import format_duration

if TYPE_CHECKING:
    from sercli.runs.folder import Trial
    from sercli.studies import Study
    from sercli.studies.progress import CellProgress, Progress
    from sercli.studies.running import Observer, PlannedCell

# Lines of the terminal for the table's frame, head and foot.
_FRAME = 7


@contextmanager
def shown(course: "Progress", study: "Study") -> "Iterator[Observer]":
    """Show the progress of a study while it runs; yield the object that receives its events."""
    if not sys.stdout.isatty():
        yield _Lines(course)
        return
    from rich.live import Live

    table = _Table(course, study)
    with Live(table, refresh_per_second=2):
        yield course


def line(progress: "CellProgress") -> str:
    """Describe the progress of a cell in one line."""
    cell = progress.planned.cell
    failed = f", {len(progress.failed)} failed" if progress.failed else ""
    done = f"{len(progress.done)} of {progress.total} trials{failed}"
    return f"{cell.row.name}, {cell.on.name}: {done}, dev {progress.dev_text}"


class _Lines:
    """Print one line when a trial ends."""

    def __init__(self, course: "Progress") -> None:
        self.course = course

    def trial_began(self, planned: "PlannedCell", trial: "Trial") -> None:
        self.course.trial_began(planned, trial)

    def epoch_ended(self, planned: "PlannedCell", trial: "Trial", line: str) -> None:
        self.course.epoch_ended(planned, trial, line)

    def trial_ended(self, planned: "PlannedCell", trial: "Trial", reason: str | None) -> None:
        self.course.trial_ended(planned, trial, reason)
        where = f"{planned.cell.row.name}, {planned.cell.on.name}, {trial}"
        if reason is not None:
            typer.echo(f"failed: {where}: {reason}", err=True)
            return
        metrics, task = trial.metrics(), planned.plan.config.task
        score = metrics.get(task.monitor)
        dev = "" if score is None else f", dev {task.format_metric(score)}"
        left = self.course.left()
        rest = f"; about {format_duration(left)} left" if left else ""
        typer.echo(
            f"{self.course.done}/{self.course.total}  {where}: kept epoch {metrics['epoch']} of "
            f"{metrics['epochs']}{dev}{rest}"
        )


class _Table:
    """Draw the progress again whenever the terminal requests it."""

    def __init__(self, course: "Progress", study: "Study") -> None:
        self.course, self.study = course, study

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.table import Table

        left = self.course.left()
        states = self.course.shown(max(3, console.size.height - _FRAME))
        rest = len(self.course.cells) - len(states)
        caption = f"{self.course.done} of {self.course.total} trials"
        caption += f", about {format_duration(left)} left" if left else ""
        caption += f"; {rest} more rows" if rest else ""
        table = Table(title=self.study.title, caption=caption)
        for name in ("row", "on", "trials", "dev so far", "under way"):
            table.add_column(name, overflow="fold")
        for state in states:
            cell = state.planned.cell
            done = f"{len(state.done)}/{state.total}" + (
                f", {len(state.failed)} failed" if state.failed else ""
            )
            now = "; ".join(list(state.running.values()))
            table.add_row(cell.row.name, cell.on.name, done, state.dev_text, now)
        yield table
