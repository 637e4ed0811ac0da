"""``sercli report``."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import (
    DrawsOption,
    JsonOption,
    MaxEpochsOption,
    OnOption,
    RowsOption,
    SetOption,
    StudyArgument,
    WorkspaceOption,
    changes_of,
    columns_of,
)
from sercli.cli._output import metrics_first
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
            help="Metrics of classes, separated by commas: ua, wa, acc, recall (of each class), "
            "without_gender. [default: the study's]",
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
    """Print and write the table of a study.

    Our values are shown beside those of the paper, and written as a page and as
    tables.

    All finished trials count, whichever command trained them. Changes with --set or --max-epochs in
    `sercli ablate` made other runs: give the same options here.
    """
    from sercli.studies import get_study
    from sercli.workspace import Workspace

    found = _shown(get_study(study), metrics, confusion=confusion)
    changes = changes_of(settings or [], max_epochs)
    cells = found.cells(found.choose_rows(rows or []), columns_of(on), changes)
    written = write_and_print(found, cells, changes, Workspace(workspace), draws, json=json)
    refuse_damaged(written)


def refuse_damaged(written: "StudyReport") -> None:
    """End a command with an error if damaged runs were left out of a study's report.

    Raises:
        RunError: a run was left out.
    """
    from sercli.errors import RunError

    if written.damaged:
        more = f" (and {len(written.damaged) - 1} more)" if len(written.damaged) > 1 else ""
        raise RunError(f"{written.damaged[0]}{more}")


def _shown(study: "Study", metrics: str | None, *, confusion: bool) -> "Study":
    """Replace the settings of the report in the study's file by the options."""
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
    json: bool = False,
) -> "StudyReport":
    """Write the report of a study's cells, and print its tables, or all of it as JSON."""
    from sercli.reports.study import locate_study, report_study
    from sercli.reports.study_page import write_study
    from sercli.reports.tables import to_text

    found = report_study(study, cells, workspace, changes, draws)
    page = locate_study(found, workspace)
    with metrics_first() as attempt:
        attempt(lambda: write_study(found, page))
        if json:
            typer.echo(to_json(found.to_dict()))
            return found
        for table in found.tables:
            if table.rows:
                typer.echo(f"\n{to_text(table)}")
        typer.echo("")
        for banner in found.banners:
            typer.echo(f"note: {banner}")
    typer.echo(f"\nreport  {page}")
    typer.echo(f"tables  {page.parent / 'table.csv'}, .md, .tex")
    return found
