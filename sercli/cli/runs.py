"""``sercli runs``."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sercli.cli._app import App
from sercli.cli._options import JsonOption, WorkspaceOption
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.runs.folder import Run, Trial

app = App()

_UNTESTED = "trained on everything, tested on nothing"

NameArgument = Annotated[
    str, typer.Argument(help="Run: its name, the end of its name, its folder, or latest.")
]


@app.callback(invoke_without_command=True)
def list_runs(context: typer.Context, *, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """List the runs with their metrics; show or remove one."""
    if context.invoked_subcommand is not None:
        return
    from sercli.runs.folder import all_runs
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    rows = [_row(run) for run in all_runs(place)]
    if json:
        typer.echo(to_json(rows))
    elif not rows:
        typer.echo(f"no runs in {place.runs}; make one with `sercli train`")
    else:
        width = max(len(row["run"]) for row in rows)
        corpora = max(len("corpus"), *(len(row["corpus"] or "-") for row in rows))
        typer.echo(f"{'run':<{width}}  {'corpus':<{corpora}}  trials       UA %   WA %")
        for row in rows:
            trials = f"{row['finished']} of {row['trials']}"
            figures = "    -      -"
            if row["ua"] is not None:
                figures = f"{100 * row['ua']:5.1f}  {100 * row['wa']:5.1f}"
            elif row["ccc"] is not None:
                figures = f"CCC {row['ccc']:.3f} "
            note = f"  {row['note']}" if row["note"] else ""
            corpus = f"{row['corpus'] or '-':<{corpora}}"
            typer.echo(f"{row['run']:<{width}}  {corpus}  {trials:<11}  {figures}{note}")


@app.command()
def show(name: NameArgument, *, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """Print the settings of a run and the metrics of its trials."""
    from sercli.plain.yaml import to_yaml
    from sercli.runs.folder import find_run
    from sercli.workspace import Workspace

    run = find_run(Workspace(workspace), name)
    trials = [
        trial.metrics() if trial.finished else {"fold": trial.fold, "seed": trial.seed, "unfinished": True}
        for trial in run.trials()
    ]
    settings = run.trials()[0].settings()  # a run has one trial or more
    if json:
        typer.echo(to_json({"run": run.name, "settings": settings, "trials": trials}))
        return
    typer.echo(f"{run.path}\n\n{to_yaml(settings)}\n{to_yaml({'trials': trials})}", nl=False)


@app.command("rm")
def remove(
    name: NameArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Delete a run and all its trials."""
    from sercli.runs.folder import find_run
    from sercli.workspace import Workspace

    run = find_run(Workspace(workspace), name)
    if not yes:
        typer.confirm(f"delete {run.path} with {len(run.trials())} trials?", abort=True)
    run.remove()
    typer.echo(f"deleted {run.path}")


def _row(run: "Run") -> dict[str, Any]:
    """Say of a run how much is finished, and UA and WA, or CCC, over all finished trials' predictions."""
    from sercli.errors import SerError
    from sercli.protocols import tests_nothing
    from sercli.reports._facts import banners

    finished = run.finished()
    row: dict[str, Any] = {"run": run.name, "corpus": _corpus_of(run)}
    row |= {"trials": len(run.trials()), "finished": len(finished)}
    row |= {"ua": None, "wa": None, "ccc": None, "note": None}
    if not finished:
        return row
    try:
        settings = finished[0].settings()
        provenance = settings["provenance"]
        if tests_nothing(settings["protocol"]):
            return row | {"note": "; ".join(filter(None, [_UNTESTED, provenance["corpus"]["notice"]]))}
        figures = _values(finished)
    except SerError as error:
        return row | {"note": f"damaged: {error}"}
    # What stands above the figures elsewhere, each by its first words: `sercli eval` says the rest.
    told = [re.split(r"[:.]", banner)[0] for banner in banners(settings, finished)]
    return row | figures | {"note": "; ".join(told) or None}


def _corpus_of(run: "Run") -> str | None:
    """Return the corpus of a run, which its name need not contain; ``None`` where no trial says it."""
    from sercli.errors import RunError

    for trial in run.trials():
        try:
            return str(trial.settings()["corpus"])
        except (RunError, KeyError):
            continue
    return None


def _values(trials: "list[Trial]") -> dict[str, float]:
    """Return UA and WA, or the mean CCC over the dimensions."""
    from statistics import fmean

    from sercli.evaluation import pooled_values
    from sercli.records import pool
    from sercli.runs.predictions import read_tested

    values = pooled_values(pool([read_tested(trial) for trial in trials]))
    of_dimensions = [value for key, value in values.items() if key.startswith("ccc")]
    return {"ccc": fmean(of_dimensions)} if of_dimensions else {key: values[key] for key in ("ua", "wa")}
