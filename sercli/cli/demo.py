"""``sercli demo``."""

from pathlib import Path
from typing import Annotated

import typer

from sercli.cli._options import UnsureBelowOption, WorkspaceOption


def demo(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="Models to serve: folders of bundles or trials, or runs (name, end of a name, or latest). "
            "[default: the starter model]",
            show_default=False,
        ),
    ] = None,
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 accepts connections from other machines.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 chooses a free port.")
    ] = 7860,
    max_mb: Annotated[float, typer.Option(help="Maximum size of an uploaded file in MB.")] = 100.0,
    max_minutes: Annotated[float, typer.Option(help="Maximum length of a recording in minutes.")] = 30.0,
    unsure_below: UnsureBelowOption = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Save recordings and predictions in this folder. [default: nothing is saved]",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve a web page that predicts recorded or uploaded speech.

    The page loads nothing from other hosts. Press Ctrl-C to stop the server.
    """
    from importlib.util import find_spec

    from sercli.errors import ConfigError
    from sercli.web.limits import Limits

    if find_spec("gradio") is None:
        raise ConfigError("the page needs 'gradio': pip install 'sercli[demo]'")
    limits = Limits(max_mb, max_minutes)

    from sercli import starter
    from sercli.demo.server import serve
    from sercli.inference.inputs import find_bundle
    from sercli.web.loaded import load
    from sercli.web.sockets import is_loopback
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    loaded = load([find_bundle(place, each) for each in bundles or [starter.NAME]], unsure_below)
    if not is_loopback(host):
        typer.echo(
            f"warning: {host} is reachable from other machines: anyone who can reach it can send audio; "
            "connections are not encrypted, and browsers allow the microphone on localhost and https only",
            err=True,
        )
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        typer.echo(f"note: recordings are saved in {keep}, and the page states this", err=True)

    def report_address(address: str) -> None:
        names = " and ".join(each.name for each in loaded)
        typer.echo(f"{address} serves {names}; press Ctrl-C to stop")

    try:
        serve(loaded, host, port, limits, keep, report_address)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
