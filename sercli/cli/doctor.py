"""``sercli doctor``."""

import json as json_format

import typer

from sercli.cli._options import JsonOption


def doctor(*, json: JsonOption = False) -> None:
    """Say what is installed and what is missing.

    Versions, devices, whether torchaudio's extension is guarded, the workspace, and how to get
    what is not there.
    """
    from sercli import health

    found = health.examine()
    if json:
        typer.echo(json_format.dumps(found, indent=2))
        return
    for title, section in found.items():
        typer.echo(f"{title}")
        for name, value in section.items():
            typer.echo(f"  {name:<16} {value}")
