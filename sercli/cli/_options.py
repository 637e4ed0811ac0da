"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        envvar="SERCLI_WORKSPACE",
        help="Folder of corpora, features and runs. [default: ./sercli-workspace]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DrawsOption = Annotated[int, typer.Option(min=100, max=1_000_000, help="Of the bootstrap over speakers.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A single setting, for example model.attention=false."),
]
SchemeOption = Annotated[str | None, typer.Option(help="Which utterances and classes, as emodb-4.")]
ProtocolOption = Annotated[str | None, typer.Option(help="Which folds, as leave-one-speaker-out.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(help="Settings in YAML; a run's config.yaml repeats that run.", dir_okay=False, exists=True),
]
TestedByOption = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Of a model trained on everything: a run on folds, trained alike, whose figures it gets.",
        show_default=False,
    ),
]
