"""``sercli reproduce``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import AcceleratorOption, JsonOption, WorkspaceOption
from sercli.cli._output import printable, progress_bar
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.evaluation.metrics import Unit
    from sercli.inference.reproduce import Compared, Reproduced

FAILED = 4
"""Exit status if a metric does not hold."""


def reproduce(
    bundle: Annotated[Path, typer.Argument(help="Bundle that was exported or pulled.", show_default=False)],
    *,
    lists: Annotated[
        Path | None,
        typer.Option(
            help="Your copy of the list of folds, if the protocol of the model is lists:PATH.",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            help="Largest accepted difference from the stated UA, WA or CCC; 0.01 is one point of UA.",
            min=0,
            max=1,
        ),
    ] = 0.0,
    accelerator: AcceleratorOption = "auto",
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Evaluate a model again on your copy of its corpus.

    The exit status is 4 if its metrics do not hold.

    The test part of its fold is evaluated in 32-bit floats, as at the end of the training. A model that was
    trained on all utterances has no test part; the exit status is then 1.
    """
    from sercli.devices import use_device
    from sercli.inference.reproduce import reproduce as evaluate_again
    from sercli.workspace import Workspace

    with progress_bar("computing features") as progress:
        result = evaluate_again(
            bundle,
            Workspace(workspace),
            lists=lists,
            tolerance=tolerance,
            device=use_device(accelerator).torch,
            progress=progress,
        )
    if json:
        # Escaped, since the name of a folder may have characters that can't be printed.
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
    typer.echo(f"verdict: the stated metrics {_plural(result.verdict)}{part}")


def _row(figure: "Compared") -> tuple[str, str, str, str]:
    stated = _number(figure.stated, figure.unit)
    if figure.interval is not None:
        stated += " ({} to {})".format(
            *(_number(end, figure.unit).removesuffix(" %") for end in figure.interval)
        )
    return (
        printable(figure.name),
        stated,
        _number(figure.found, figure.unit),
        "" if figure.verdict is None else str(figure.verdict),
    )


def _number(value: float | None, unit: "Unit") -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if unit == "share" else f"{value:.4f}"


def _plural(verdict: str) -> str:
    """Return the verdict on one metric in the plural."""
    return verdict.replace("holds", "hold", 1).replace("does not hold", "do NOT hold")
