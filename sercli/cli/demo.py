"""``sercli demo``."""

from pathlib import Path
from typing import Annotated

import typer

from sercli.cli._options import WorkspaceOption


def demo(
    bundles: Annotated[
        list[str],
        typer.Argument(
            help="Folders of bundles or trials, or runs: the name, the end of it, or latest.",
        ),
    ],
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 lets others on the network in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 7860,
    max_mb: Annotated[float, typer.Option(help="Largest file that is taken, MB.")] = 100.0,
    max_minutes: Annotated[float, typer.Option(help="Longest recording that is taken, minutes.")] = 30.0,
    unsure_below: Annotated[
        float | None,
        typer.Option(help="Least probability to be sure. [default: the bundle's]", show_default=False),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Keep recordings and answers in this folder. [default: nothing is kept]",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve a page where one records or uploads speech and sees what models say of it.

    It asks no other host for anything. Ctrl-C ends it.
    """
    from importlib.util import find_spec

    from sercli.demo.uploads import Limits
    from sercli.errors import ConfigError

    if find_spec("gradio") is None:
        raise ConfigError("the page needs 'gradio': pip install 'sercli[demo]'")
    limits = Limits(max_mb, max_minutes)

    from sercli.demo.loaded import load
    from sercli.demo.server import is_loopback, serve
    from sercli.inference.locate import find_bundle
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    loaded = load([find_bundle(place, each) for each in bundles], unsure_below)
    if not is_loopback(host):
        typer.echo(
            f"warning: {host} is not this machine alone: anyone who can reach it can send audio; "
            "nothing is encrypted, and browsers give their microphone to localhost and https only",
            err=True,
        )
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        typer.echo(f"note: recordings are kept in {keep}, and the page says so", err=True)

    def tell(address: str) -> None:
        names = " and ".join(each.name for each in loaded)
        typer.echo(f"{address} shows what {names} says; Ctrl-C ends it")

    try:
        serve(loaded, host, port, limits, keep, tell)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
