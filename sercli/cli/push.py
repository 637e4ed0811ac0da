"""``sercli push``."""

from pathlib import Path
from typing import Annotated

import typer

from sercli.cli._output import printable


def push(
    bundle: Annotated[Path, typer.Argument(help="Bundle that `sercli export` wrote.", show_default=False)],
    repo: Annotated[
        str,
        typer.Argument(metavar="OWNER/NAME", help="Model repository; it is created if it does not exist."),
    ],
    *,
    public: Annotated[
        bool, typer.Option("--public", help="Make a new repository public; otherwise it is private.")
    ] = False,
    right: Annotated[
        bool,
        typer.Option(
            "--i-have-the-right",
            help="Publish although the licence of the training corpus is unknown or may forbid it.",
        ),
    ] = False,
    branch: Annotated[
        str | None,
        typer.Option(
            "--branch",
            "--revision",
            help="Branch to push to; it is created if it does not exist. [default: main]",
            show_default=False,
        ),
    ] = None,
    message: Annotated[
        str | None,
        typer.Option(help="Message of the commit. [default: a description of the model]", show_default=False),
    ] = None,
) -> None:
    """Upload an exported model to the Hugging Face Hub.

    The files become one commit of a model repository.

    Log in with `hf auth login` or HF_TOKEN. Needs sercli[hub].
    """
    from sercli.hub.push import push as push_bundle

    pushed = push_bundle(bundle, repo, public=public, entitled=right, branch=branch, message=message)
    if public and pushed.private:
        typer.echo(f"note: {repo} is private and stays so; its settings page makes it public", err=True)
    if pushed.rewritten and pushed.changed:
        typer.echo(
            "note: the README.md of the repository was edited and is "
            f"now replaced; the commit before {pushed.commit[:8]} "
            "keeps it",
            err=True,
        )
    if pushed.left:
        typer.echo(
            (
                "note: files that are not part of the bundle were not "
                f"uploaded: {', '.join(map(printable, pushed.left))}"
            ),
            err=True,
        )
    seen = "only you and its members can see it" if pushed.private else "everybody can see it"
    typer.echo(f"model      {pushed.url} ({'made; ' if pushed.created else ''}{seen})")
    where = f", branch {branch}" if branch else ""
    typer.echo(f"commit     {pushed.commit}{where}{'' if pushed.changed else ' (there already)'}")
    typer.echo(f"files      {', '.join(pushed.files)}")
    if pushed.removed and pushed.changed:
        typer.echo(f"removed    {', '.join(map(printable, pushed.removed))}, of the bundle there before")
