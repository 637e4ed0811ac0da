"""``sercli reproduce``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._foreign import printable
from sercli.cli._options import JsonOption, WorkspaceOption
from sercli.cli._progress import progress_bar
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.inference.reproduce import Compared, Reproduced

FAILED = 4
"""Exit status of a figure that does not hold."""


def reproduce(
    bundle: Annotated[Path, typer.Argument(help="A bundle, exported or pulled.", show_default=False)],
    *,
    lists: Annotated[
        Path | None,
        typer.Option(
            help="Your copy of the list of folds, if the model's protocol is lists:FILE.", show_default=False
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            help="How far UA, WA or CCC may lie from the stated figure; 0.01 is a point of UA.", min=0, max=1
        ),
    ] = 0.0,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Evaluate a model again on your copy of its corpus. Exit status 4 when its figures do not hold.

    The test part of its fold is evaluated as at the end of the training, in 32-bit floats. A model that was
    trained on everything has none: exit status 1.
    """
    from sercli.devices import choose_device
    from sercli.inference.reproduce import reproduce as evaluate_again
    from sercli.workspace import Workspace

    with progress_bar("computing features") as progress:
        result = evaluate_again(
            bundle,
            Workspace(workspace),
            lists=lists,
            tolerance=tolerance,
            device=choose_device(accelerator).torch,
            progress=progress,
        )
    if json:
        # Escaped, since of a folder's name not everything can be printed.
        typer.echo(to_json({"bundle": str(bundle)} | result.to_dict()))
    else:
        _print(bundle, result)
    if not result.holds:
        raise typer.Exit(FAILED)


def _print(bundle: Path, result: "Reproduced") -> None:
    typer.echo(f"{printable(bundle)}: {printable(result.what)}, on {printable(result.corpus)}\n")
    rows = [("", "stated", "here", "")]
    rows += [_row(each) for each in result.figures]
    rows.append((result.counted, str(result.stated_count), str(result.count), ""))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, stated, here, verdict in rows:
        line = f"{name:<{widths[0]}}  {stated:>{widths[1]}}  {here:>{widths[2]}}  {verdict}"
        typer.echo(line.rstrip())
    typer.echo("")
    for note in result.notes:
        typer.echo(f"note: {printable(note)}")
    some = f", on {result.count} of {result.stated_count} {result.counted}"
    part = some if result.count < result.stated_count else ""
    typer.echo(f"verdict: the stated figures {_plural(result.verdict)}{part}")


def _row(figure: "Compared") -> tuple[str, str, str, str]:
    told = _number(figure.stated, figure.name)
    if figure.interval is not None:
        told += " ({} to {})".format(
            *(_number(end, figure.name).removesuffix(" %") for end in figure.interval)
        )
    return (
        printable(figure.name),
        told,
        _number(figure.found, figure.name),
        "" if figure.verdict is None else str(figure.verdict),
    )


def _number(value: float | None, name: str) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if name.startswith("CCC") else f"{100 * value:.2f} %"


def _plural(verdict: str) -> str:
    """Say of several figures what a verdict says of one."""
    return verdict.replace("holds", "hold", 1).replace("does not hold", "do NOT hold")
