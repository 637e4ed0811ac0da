"""``sercli serve``."""

import os
import signal
import sys
from typing import Annotated

import typer

from sercli.cli._options import AcceleratorOption, UnsureBelowOption, WorkspaceOption
from sercli.cli._output import note_starter

_LEAST_TOKEN = 16  # characters


def serve(
    bundle: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="Model to serve: the folder of a bundle or a trial, or a run (name, end of the name, or "
            "latest). [default: the starter model]",
            show_default=False,
        ),
    ] = None,
    *,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; 0.0.0.0 accepts connections from other machines."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 chooses a free port.")
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="SERCLI_TOKEN",
            help="Secret that requests must show; other users of the machine can read it on the command "
            "line, so prefer the variable. Required with --host.",
            show_default=False,
        ),
    ] = None,
    max_mb: Annotated[float, typer.Option(help="Maximum size of a recording in MB.")] = 100.0,
    max_minutes: Annotated[
        float, typer.Option(help="Maximum length of a recording or a stream in minutes.")
    ] = 30.0,
    queue: Annotated[
        int, typer.Option(min=1, help="Recordings that may wait or be processed at the same time.")
    ] = 32,
    streams: Annotated[int, typer.Option(min=0, help="Streams that may be open at the same time.")] = 8,
    grace_s: Annotated[
        float, typer.Option(min=0.0, help="Seconds to finish the recordings that wait when it is stopped.")
    ] = 30.0,
    unsure_below: UnsureBelowOption = None,
    accelerator: AcceleratorOption = "auto",
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Utterances in one batch. [default: 4 on a CPU, otherwise 32]", min=1, show_default=False
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve predictions over HTTP: POST a recording, receive JSON; or stream over a websocket.

    The paths are described at /docs. Recordings are neither kept nor logged. SIGTERM and Ctrl-C finish the
    recordings that wait and refuse new ones. Start one process for each GPU.
    """
    from importlib.util import find_spec

    from sercli.errors import ConfigError
    from sercli.web.limits import Limits

    for module in ("fastapi", "uvicorn", "python_multipart"):
        if find_spec(module) is None:
            raise ConfigError(f"the service needs '{module}': pip install 'sercli[serve]'")
    limits = Limits(max_mb, max_minutes)

    from sercli.serve.server import serve as run
    from sercli.serve.service import Settings
    from sercli.web.sockets import is_loopback

    _check_token(token, host, needed=not is_loopback(host))

    from sercli import starter
    from sercli.devices import use_device
    from sercli.inference.inputs import find_bundle
    from sercli.web.loaded import load
    from sercli.workspace import Workspace

    if find_spec("websockets") is None and find_spec("wsproto") is None:
        typer.echo("note: without 'websockets' there are no streams: pip install 'sercli[serve]'", err=True)
    name = bundle or starter.NAME
    place = find_bundle(Workspace(workspace), name)
    (model,) = load([place], unsure_below, use_device(accelerator).torch, batch_size)
    if name == starter.NAME:
        note_starter(model.predictor.bundle.facts, place)
    settings = Settings(limits, queue, streams, token, host if is_loopback(host) else None)

    def report_address(address: str) -> None:
        typer.echo(f"{address} serves {model.name}; its paths are described at {address}docs")

    number, finished = run(model, settings, host, port, grace_s, report_address)
    if not finished:
        typer.echo(f"note: some requests were not finished within {grace_s:g} s", err=True)
        sys.stderr.flush()
        os._exit(1)  # a thread that still predicts would delay the end
    if number == signal.SIGINT:
        raise typer.Exit(130)


def _check_token(token: str | None, host: str, *, needed: bool) -> None:
    """Refuse a token that is missing, short or can't be sent in a header.

    Raises:
        ConfigError: it is.
    """
    from sercli.errors import ConfigError

    if token is None:
        if needed:
            raise ConfigError(
                f"{host} is reachable from other machines, so a token is needed: set SERCLI_TOKEN to a "
                f"secret of {_LEAST_TOKEN} or more characters"
            )
        return
    if len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(
            f"the token needs {_LEAST_TOKEN} or more ASCII characters without blanks; make one with "
            "`openssl rand -hex 32`"
        )
