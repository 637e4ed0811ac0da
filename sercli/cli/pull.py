"""``sercli pull``."""

from pathlib import Path
from typing import Annotated

import typer

from sercli.cli._output import printable
from sercli.errors import list_some

_SHOWN = 10  # number of file names that are printed


def pull(
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Model repository that holds a bundle.")],
    out: Annotated[
        Path | None, typer.Argument(help="Folder to create. [default: ./NAME]", show_default=False)
    ] = None,
    *,
    revision: Annotated[
        str | None,
        typer.Option(
            "--revision",
            "--branch",
            help="Branch, tag or commit to download. [default: main]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Download a model from the Hugging Face Hub.

    The files are checked before the folder appears.

    Only the files that the bundle names are downloaded, and no code of them is run. Needs sercli[hub].
    """
    from sercli.bundle import describe_outputs
    from sercli.hub.pull import pull as pull_bundle

    pulled = pull_bundle(repo, out, revision)
    bundle, facts = pulled.bundle, pulled.bundle.facts
    place = printable(pulled.path)
    outputs = printable(describe_outputs(bundle))
    typer.echo(f"bundle     {place}: {printable(bundle.arch)}, trained on {_known(facts.get('title'))}")
    typer.echo(f"commit     {pulled.commit} of {repo}")
    typer.echo(f"outputs    {outputs}")
    typer.echo(f"licence    of the recordings: {_known(facts.get('licence'))}")
    for notice in pulled.notices:
        typer.echo(f"note: {printable(notice)}")
    if any(name.endswith(".pt2") for name in pulled.programs):
        typer.echo("note: a .pt2 file holds a pickle; sercli never opens it, and only trusted ones should be")
    if pulled.skipped:
        typer.echo(
            "note: files that are not part of the bundle were not downloaded: "
            f"{list_some([*map(printable, pulled.skipped)], _SHOWN)}"
        )
    typer.echo(f"use it     sercli predict {place} recording.wav")
    if facts.get("figures") is not None:
        typer.echo(f"check it   sercli reproduce {place}")


def _known(value: object) -> str:
    return printable(value) if value else "unknown"
