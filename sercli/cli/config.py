"""``sercli config``."""

from typing import Annotated

import typer

from sercli.cli._app import App
from sercli.cli._completion import complete_prepared
from sercli.cli._options import (
    ArchOption,
    ClassesOption,
    ConfigOption,
    LabelsOption,
    ProtocolOption,
    SchemeOption,
    SetOption,
    TargetsOption,
    WorkspaceOption,
)

app = App(help="Show settings.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Show settings."""


@app.command()
def show(
    *,
    arch: ArchOption = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            autocompletion=complete_prepared,
            help="Prepared corpus to train on, or several, as emodb+ravdess.",
        ),
    ] = None,
    scheme: SchemeOption = None,
    classes: ClassesOption = None,
    targets: TargetsOption = None,
    labels: LabelsOption = None,
    protocol: ProtocolOption = None,
    augment: Annotated[str | None, typer.Option(help="Augmentations to use, as flip,noise, or none.")] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Print all settings of a training, as a file for --config."""
    from sercli.devices import choose_device
    from sercli.plain.yaml import to_yaml
    from sercli.training.settings import configure, gather
    from sercli.workspace import Workspace

    given = gather(
        config,
        settings or [],
        arch=arch,
        corpus=corpus,
        scheme=scheme,
        classes=classes,
        targets=targets,
        labels=labels,
        protocol=protocol,
        augment=augment,
    )
    typer.echo(to_yaml(configure(given, Workspace(workspace), choose_device(), config).to_dict()), nl=False)
