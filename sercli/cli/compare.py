"""``sercli compare``."""

from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._completion import complete_run
from sercli.cli._options import DrawsOption, JsonOption, WorkspaceOption
from sercli.cli._output import metrics_first
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.reports.compare import ComparisonReport


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            autocompletion=complete_run,
            metavar="RUN RUN",
            help="Two or more runs: the name, the end of the name, the folder, or latest.",
        ),
    ],
    *,
    draws: DrawsOption = 10_000,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Compare runs with the first one and write a page.

    Runs of one scheme must have tested the same utterances. Runs of different
    schemes are compared on the classes and utterances that they have in common.

    Differences have 95 % intervals by paired bootstrap over speakers; p is of a sign-flip test over speakers.
    """
    from sercli.reports.compare import compare_runs, locate_comparison, write_comparison
    from sercli.runs.folder import find_run
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    compared = compare_runs([find_run(place, name) for name in runs], draws)
    page = locate_comparison(compared, place)
    with metrics_first() as attempt:
        attempt(lambda: write_comparison(compared, page))
        if json:
            typer.echo(to_json(compared.to_dict() | {"report": str(page)}))
            return
        _print(compared)
        for note in (*compared.notes, *compared.banners):
            typer.echo(f"note: {note}")
    typer.echo(f"\nreport  {page}")
    typer.echo(f"tables  {page.parent / 'table.csv'}, .md, .tex")


def _print(compared: "ComparisonReport") -> None:
    from sercli.reports.tables import to_text

    comparison = compared.comparison
    people = "1 speaker" if comparison.speakers == 1 else f"{comparison.speakers} speakers"
    typer.echo(f"{comparison.tested} {comparison.noun}s of {people}, tested by each run")
    if compared.classes is not None:
        typer.echo(f"\n{to_text(compared.classes)}")
    for table in compared.tables[:2]:
        typer.echo(f"\n{to_text(table)}")
    typer.echo("")
