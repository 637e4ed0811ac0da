"""``sercli eval RUN --insights``."""

from typing import TYPE_CHECKING

import typer

from sercli.cli._progress import progress_bar

if TYPE_CHECKING:
    from sercli.workspace import Workspace


def draw(workspace: "Workspace", run: str, accelerator: str = "auto") -> None:
    """Draw what goes on within the network of each finished trial, and say where the pictures lie."""
    from sercli.inference._devices import choose_device
    from sercli.reports.insights import draw_insights, write_insights
    from sercli.runs.folder import find_run

    found, device = find_run(workspace, run), choose_device(accelerator)
    for trial in found.finished():
        with progress_bar("computing features") as progress:
            drawn = draw_insights(trial, workspace, device=device, progress=progress)
        folder = found.path / "report" / f"fold-{trial.fold:02d}-seed-{trial.seed}"
        for path in write_insights(drawn, folder):
            typer.echo(f"picture      {path}", err=True)
        if not drawn:
            typer.echo(f"note: nothing to draw within the network of {trial.path}", err=True)
