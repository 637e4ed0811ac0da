"""Measure stages against their peers: ``python -m benchmarks [STAGE...]``."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.errors import SerError
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from benchmarks import Row
    from benchmarks._results import Results


def bench(
    stages: Annotated[
        list[str] | None,
        typer.Argument(
            help="startup, prepare, features, train, gpu and so on; all if none.", show_default=False
        ),
    ] = None,
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
        typer.Option(help="One part of the stage: of train, predict and gpu an architecture."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few rounds: see that it runs, judge nothing.")
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option(help="Draw how many times as fast as the peers: .png, .pdf, .svg.", dir_okay=False),
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Measure nothing: show what --json printed once.", exists=True, dir_okay=False
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Measure stages against their peers.

    The contestants take turns: ratios are what to read, not seconds.
    """
    if kept is not None and (stages or only or quick):
        raise typer.BadParameter(
            "it measures nothing; leave stages, --only and --quick out", param_hint="--from"
        )
    from benchmarks import _results

    if figure is not None:
        from sercli.figures import check_suffix

        check_suffix(figure)
    failed: list[str] = []
    if kept is None:
        results, failed = _measure(stages or [], corpora, only, quick=quick, silent=json)
    else:
        results = _results.read(kept)
        if not json:
            _tell(results)
    if json:
        typer.echo(to_json(results.to_dict(), indent=2))
    if figure is not None:
        _draw(results, figure)
    if failed:
        raise typer.Exit(1)


def _measure(
    stages: list[str], corpora: Path | None, only: str | None, *, quick: bool, silent: bool
) -> "tuple[Results, list[str]]":
    """Measure stages; return the results, and the names of the stages that failed."""
    from benchmarks import bench_names, get_bench
    from benchmarks._machine import examine
    from benchmarks._results import Results
    from sercli.errors import ConfigError, SerError

    chosen = {name: get_bench(name) for name in stages or bench_names()}  # a wrong name is told at once
    if only is not None and not stages:
        chosen = {name: stage for name, stage in chosen.items() if only in stage.parts}
        if not chosen:
            raise typer.BadParameter(f"no stage has a part '{only}'", param_hint="--only")
    for name, stage in chosen.items():
        if only is not None and only not in stage.parts:
            known = f"its parts are {', '.join(stage.parts)}" if stage.parts else "it has no parts"
            raise typer.BadParameter(f"{name} has no part '{only}'; {known}", param_hint="--only")
        lacking = stage.lacks()
        if stages and lacking and not quick:
            raise ConfigError(f"bench {name}: {lacking}; see `sercli doctor`, or try it small with --quick")
    results = Results(examine(), quick)
    failed: list[str] = []
    if not silent:
        _tell_machine(results)
    for name, stage in chosen.items():
        lacking = stage.lacks()
        if lacking and not quick:
            typer.echo(f"{name}: left out, {lacking}", err=silent)
            continue
        try:
            if only is not None and stage.run_part is not None:
                rows = stage.run_part(corpora, quick, only)
            else:
                rows = stage.run(corpora, quick)
        except SerError as error:  # the results of other stages are kept
            typer.echo(f"error: {name}: {error}", err=True)
            failed.append(name)
            continue
        results.stages[name] = rows
        if not silent:
            _tell_rows(f"{name}: {stage.description}", rows)
    return results, failed


def _draw(results: "Results", figure: Path) -> None:
    from benchmarks._ratios import ratios
    from sercli.figures import save

    save(ratios(results.compared()), figure)


def _tell(results: "Results") -> None:
    _tell_machine(results)
    for name, rows in results.stages.items():
        _tell_rows(name, rows)


def _tell_machine(results: "Results") -> None:
    typer.echo("machine" + ("; quick, so judge nothing" if results.quick else ""))
    for name, fact in results.machine.lines().items():
        typer.echo(f"  {name:<10} {fact}")


def _tell_rows(heading: str, rows: "list[Row]") -> None:
    typer.echo(heading)
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        value = f"{row.value:.1f}" if row.value >= 100 else f"{row.value:.3g}"
        typer.echo(f"  {row.name:<{width}}  {value:>10} {row.unit:<24} {row.told}".rstrip())


def main() -> None:
    """Run the benchmarks; a user's mistake ends with status 1 and one line on stderr."""
    # As in the command line of sercli, waiting threads spin briefly and then sleep.
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    app = typer.Typer(add_completion=False)
    app.command()(bench)
    try:
        app(prog_name="python -m benchmarks")
    except SerError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
