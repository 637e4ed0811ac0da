"""``sercli doctor``."""

import typer

from sercli.cli._options import JsonOption
from sercli.plain.json import to_json


def doctor(*, json: JsonOption = False) -> None:
    """Report what is installed and what is missing.

    The report lists versions, devices, the workspace, and how to install what is missing.
    """
    from sercli import health

    found = health.examine()
    if json:
        typer.echo(to_json(found, indent=2))
        return
    for title, section in found.items():
        typer.echo(f"{title}")
        for name, value in section.items():
            typer.echo(f"  {name:<16} {value}")
