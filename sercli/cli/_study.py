"""How a command line names a study and its cells, for the commands that do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sercli.studies import Assignment, Cell

StudyArgument = Annotated[str, typer.Argument(help="Name of a study, or a YAML file with your own study.")]
RowsOption = Annotated[
    list[str] | None,
    typer.Option(help="Rows to use: a name, a part of a name, or numbers such as 1,3-5; may be repeated."),
]
OnOption = Annotated[
    str | None,
    typer.Option(
        help="Columns to use, separated by commas: a scheme or corpus of the study, or another as "
        "SCHEME or CORPUS/SCHEME[:PROTOCOL]."
    ),
]
MaxEpochsOption = Annotated[int | None, typer.Option(help="Maximum number of epochs.")]


def columns_of(on: str | None) -> list[str] | None:
    """Read ``--on``."""
    return None if on is None else [each.strip() for each in on.split(",") if each.strip()]


def changes_of(settings: list[str], max_epochs: int | None) -> "list[Assignment]":
    """Read what is laid over every row."""
    from sercli.config import parse_assignments

    parse_assignments(settings)  # refuses two values of a setting
    changes: list[Assignment] = []
    for item in settings:
        value = parse_assignments([item])
        name = item.partition("=")[0]
        for part in name.split("."):
            value = value[part]
        changes.append((name, value))
    if max_epochs is not None:
        if any(name == "training.max_epochs" and value != max_epochs for name, value in changes):
            raise typer.BadParameter("give --max-epochs or --set training.max_epochs, not both")
        changes.append(("training.max_epochs", max_epochs))
    return changes


def check_cells(cells: "Sequence[Cell]") -> None:
    """Refuse settings that a row can't take before any is trained.

    Raises:
        ConfigError: a row has no such setting, or it changes nothing there.
    """
    from sercli.errors import ConfigError, SerError
    from sercli.training.settings import complete

    for cell in cells:
        try:
            complete(cell.settings)
        except SerError as error:
            raise ConfigError(
                f"row '{cell.row.name}', on {cell.on.name}: {error} (--rows names the rows that can take it)"
            ) from None
