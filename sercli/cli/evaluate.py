"""``sercli eval``."""

import json as json_format
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from sercli.evaluation import Evaluation
    from sercli.evaluation.intervals import Interval


def evaluate(
    run: Annotated[
        str, typer.Argument(help="A run's name, the end of it, its folder, or latest.")
    ] = "latest",
    *,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Give a run's test figures and write its report.

    Figures are pooled over the tested folds, with 95 % intervals by bootstrap over speakers.
    """
    from sercli.evaluation import DEFINITION
    from sercli.reports.gather import gather, write_report
    from sercli.runs.folder import find_run
    from sercli.workspace import Workspace

    gathered = gather(find_run(Workspace(workspace), run))
    page = write_report(gathered)
    if json:
        typer.echo(json_format.dumps(gathered.to_dict() | {"report": str(page)}))
        return
    typer.echo(f"{gathered.run.name}\nprotocol {gathered.protocol}\n")
    _print(gathered.evaluation)
    typer.echo(f"note: {DEFINITION}")
    for banner in gathered.banners:
        typer.echo(f"note: {banner}")
    typer.echo(f"\nreport       {page}")
    typer.echo(f"predictions  {page.parent / 'predictions.csv'}")
    typer.echo(f"picture      {page.parent / 'confusion.png'}")


def _print(evaluation: "Evaluation") -> None:
    typer.echo(f"UA  {100 * evaluation.ua:5.1f} %  {_interval(evaluation.ua_interval)}")
    typer.echo(f"WA  {100 * evaluation.wa:5.1f} %  {_interval(evaluation.wa_interval)}")
    typer.echo(
        f"    chance {100 * evaluation.chance:.1f} %; always saying {evaluation.majority_class}: "
        f"UA {100 * evaluation.majority_ua:.1f} %, WA {100 * evaluation.majority_wa:.1f} %"
    )
    if evaluation.no_interval:
        typer.echo(f"    no interval: {evaluation.no_interval}")
    trials = len(evaluation.by_unit)
    typer.echo(f"    {evaluation.utterances} utterances, {trials} trials, pooled")
    if trials > 1:
        means = f"UA {100 * evaluation.ua_spread.mean:.1f} %, WA {100 * evaluation.wa_spread.mean:.1f} %"
        typer.echo(f"    mean over the trials: {means}")
    typer.echo("")

    width = max(8, *(len(name) for name in evaluation.classes))
    cells = [name[:8] for name in evaluation.classes]
    typer.echo(f"{'true':<{width}}  recall %   taken for  " + "  ".join(f"{cell:>8}" for cell in cells))
    for score, row in zip(evaluation.by_class, evaluation.confusion, strict=True):
        recall = f"{100 * score.recall:8.1f}" if score.count else "       -"
        counts = "  ".join(f"{count:>8}" for count in row)
        typer.echo(f"{score.name:<{width}}  {recall}              {counts}")
    typer.echo("")


def _interval(interval: "Interval | None") -> str:
    if interval is None:
        return ""
    return f"95 % interval over speakers {100 * interval.low:.1f} to {100 * interval.high:.1f}"
