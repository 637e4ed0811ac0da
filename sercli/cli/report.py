"""``sercli report``."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import DrawsOption, JsonOption, SetOption, WorkspaceOption
from sercli.cli._study import MaxEpochsOption, OnOption, RowsOption, StudyArgument, changes_of, columns_of
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.reports.study import StudyReport
    from sercli.studies import Assignment, Cell, Study
    from sercli.workspace import Workspace


def report(
    study: StudyArgument,
    *,
    rows: RowsOption = None,
    on: OnOption = None,
    max_epochs: MaxEpochsOption = None,
    settings: SetOption = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Of classes: ua, wa, acc, recall (of each class), without_gender; as wa,recall. "
            "[default: the study's]",
            show_default=False,
        ),
    ] = None,
    confusion: Annotated[
        bool, typer.Option("--confusion", help="Draw the confusion matrix of each row.")
    ] = False,
    draws: DrawsOption = 10_000,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Print a study's table again, ours beside the paper's, and write it as a page and tables.

    All finished trials count, whatever made them. What was changed in `sercli ablate` with --set or
    --max-epochs made other runs: name it here too.
    """
    from sercli.studies import get_study
    from sercli.workspace import Workspace

    found = _shown(get_study(study), metrics, confusion=confusion)
    changes = changes_of(settings or [], max_epochs)
    cells = found.cells(found.choose_rows(rows or []), columns_of(on), changes)
    told = write_and_print(found, cells, changes, Workspace(workspace), draws, quiet=json)
    if json:
        typer.echo(to_json(told.to_dict()))
    refuse_damaged(told)


def refuse_damaged(told: "StudyReport") -> None:
    """End a command with an error where runs of a study were left out of its report as damaged.

    Raises:
        RunError: some were.
    """
    from sercli.errors import RunError

    if told.damaged:
        more = f" (and {len(told.damaged) - 1} more)" if len(told.damaged) > 1 else ""
        raise RunError(f"{told.damaged[0]}{more}")


def _shown(study: "Study", metrics: str | None, *, confusion: bool) -> "Study":
    """Lay the options over what the study's own file says of its report."""
    from sercli.errors import unknown
    from sercli.studies import METRICS

    display = study.display
    if metrics is not None:
        names = tuple(dict.fromkeys(name.strip() for name in metrics.split(",") if name.strip()))
        for name in names:
            if name not in METRICS:
                raise unknown("metrics", name, METRICS)
        display = replace(display, metrics=names)
    if confusion:
        display = replace(display, confusion=tuple(row.name for row in study.rows))
    return replace(study, display=display)


def write_and_print(
    study: "Study",
    cells: "tuple[Cell, ...] | list[Cell]",
    changes: "list[Assignment]",
    workspace: "Workspace",
    draws: int = 10_000,
    *,
    quiet: bool = False,
) -> "StudyReport":
    """Write the report of a study's cells, and print its tables unless that is not wanted."""
    from sercli.cli._tables import print_table
    from sercli.reports.study import gather_study, place_of, write_study

    told = gather_study(study, cells, workspace, changes, draws)
    page = place_of(told, workspace)
    write_study(told, page)
    if quiet:
        return told
    for table in told.tables:
        if table.rows:
            typer.echo("")
            print_table(table)
    typer.echo("")
    for banner in told.banners:
        typer.echo(f"note: {banner}")
    typer.echo(f"\nreport  {page}")
    typer.echo(f"tables  {page.parent / 'table.csv'}, .md, .tex")
    return told
