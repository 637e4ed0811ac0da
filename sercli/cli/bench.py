"""``sercli bench``."""

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from sercli.cli._options import JsonOption


def bench(
    stages: Annotated[list[str] | None, typer.Argument(help="startup, prepare, train; all if none.")] = None,
    *,
    corpora: Annotated[
        Path | None,
        typer.Option(
            envvar="SERCLI_CORPORA",
            help="Folder that holds emodb/ and ravdess/; without it the synthetic corpus is measured.",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(help="One part of the stage: of train and predict an architecture."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few rounds: see that it runs, judge nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Measure stages against their peers.

    The contestants take turns: ratios are what to read, not seconds.
    """
    import dataclasses

    from sercli.bench import bench_names, get_bench

    results = {}
    for name in stages or bench_names():
        stage = get_bench(name)
        if only is None:
            rows = stage.run(corpora, quick)
        elif stage.run_part is None:
            raise typer.BadParameter(f"{name} has no parts", param_hint="--only")
        else:
            rows = stage.run_part(corpora, quick, only)
        results[name] = [dataclasses.asdict(row) for row in rows]
        if not json:
            typer.echo(f"{name}: {stage.description}")
            width = max(len(row.name) for row in rows)
            for row in rows:
                typer.echo(f"  {row.name:<{width}}  {row.value:10.1f} {row.unit:<24} {row.against}")
    if json:
        typer.echo(json_format.dumps(results))
