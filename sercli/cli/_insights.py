"""``sercli eval RUN --insights``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from sercli.cli._output import progress_bar
from sercli.errors import RunError

if TYPE_CHECKING:
    from sercli.runs.folder import Run, Trial
    from sercli.workspace import Workspace


def draw(workspace: "Workspace", run: str, accelerator: str = "auto", beside: Sequence[str] = ()) -> None:
    """Draw what the network of each finished trial computes, and print where the pictures are."""
    from sercli.devices import choose_device
    from sercli.reports.insights import draw_insights, write_insights
    from sercli.reports.projections import describe
    from sercli.runs.folder import find_run

    found, device = find_run(workspace, run), choose_device(accelerator).torch
    others = [find_run(workspace, name) for name in beside]
    for trial in found.finished():
        matching = [_same_trial(other, trial) for other in others]
        with progress_bar("computing features") as progress:
            drawn = draw_insights(trial, workspace, beside=matching, device=device, progress=progress)
        folder = found.path / "report" / f"fold-{trial.fold:02d}-seed-{trial.seed}"
        for path in write_insights(drawn, folder):
            typer.echo(f"{'picture' if path.suffix == '.png' else 'table':<12} {path}", err=True)
        for each in drawn.projected:
            typer.echo(f"fold {trial.fold}, seed {trial.seed}: {describe(each)}", err=True)
        for name, reason in drawn.absent.items():
            typer.echo(f"note: no picture '{name}' of {trial.path}: {reason}", err=True)
        if not drawn.pictures and not drawn.absent:
            typer.echo(f"note: nothing to draw within the network of {trial.path}", err=True)


def _same_trial(run: "Run", trial: "Trial") -> "Trial":
    for each in run.finished():
        if (each.fold, each.seed) == (trial.fold, trial.seed):
            return each
    raise RunError(
        f"{run.path}: fold {trial.fold}, seed {trial.seed} is not finished; train it or leave out --beside"
    )
