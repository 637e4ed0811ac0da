"""``sercli runs``."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sercli.cli._app import App
from sercli.cli._completion import complete_run
from sercli.cli._options import JsonOption, WorkspaceOption
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from sercli.reports.tables import Table
    from sercli.runs.folder import Run, Trial

app = App()

_UNTESTED = "trained on all utterances, not tested"

NameArgument = Annotated[
    str,
    typer.Argument(
        autocompletion=complete_run, help="Run: its name, the end of its name, its folder, or latest."
    ),
]


@app.callback(invoke_without_command=True)
def list_runs(context: typer.Context, *, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """List the runs with their metrics; show or remove one."""
    if context.invoked_subcommand is not None:
        return
    from sercli.reports.tables import to_text
    from sercli.runs.folder import all_runs
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    found = [_describe(run) for run in all_runs(place)]
    if json:
        typer.echo(to_json(found))
    elif not found:
        typer.echo(f"no runs in {place.runs}; make one with `sercli train`")
    else:
        typer.echo(to_text(_lay_out(found), width=10_000))  # one line for each run


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
    settings = run.trials()[0].settings()  # a run has at least one trial
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
    from sercli.formatting import count_noun
    from sercli.runs.folder import find_run
    from sercli.workspace import Workspace

    run = find_run(Workspace(workspace), name)
    if not yes:
        try:
            typer.confirm(f"delete {run.path} with {count_noun(len(run.trials()), 'trial')}?", abort=True)
        except typer.Abort:
            typer.echo("nothing is deleted; --yes deletes without asking", err=True)
            raise
    run.remove()
    typer.echo(f"deleted {run.path}")


def _lay_out(found: "list[dict[str, Any]]") -> "Table":
    """Make a table of runs."""
    from sercli.formatting import PERCENT, PLAIN
    from sercli.reports.tables import Table

    rows = tuple(
        (
            each["run"],
            each["corpus"] or "-",
            f"{each['finished']} of {each['trials']}",
            PERCENT.number(each["ua"]),
            PERCENT.number(each["wa"]),
            PLAIN.number(each["ccc"]),
            each["note"] or "",
        )
        for each in found
    )
    header = ("run", "corpus", "trials", "UA %", "WA %", "CCC", "note")
    return Table("", header, rows, text=3, ends_with_text=True)


def _describe(run: "Run") -> dict[str, Any]:
    """Return the progress of a run, and UA and WA, or CCC, over the predictions of all finished trials."""
    from sercli.errors import SerError
    from sercli.protocols import is_untested
    from sercli.reports.facts import banners

    finished = run.finished()
    found: dict[str, Any] = {"run": run.name, "corpus": _corpus_of(run)}
    found |= {"trials": len(run.trials()), "finished": len(finished)}
    found |= {"ua": None, "wa": None, "ccc": None, "note": None}
    if not finished:
        return found
    try:
        settings = finished[0].settings()
        if is_untested(settings["protocol"]):
            notice = settings["provenance"]["corpus"]["notice"]
            return found | {"note": "; ".join(filter(None, [_UNTESTED, notice]))}
        metrics = _values(finished)
    except SerError as error:
        return found | {"note": f"damaged: {error}"}
    # The first words of the warnings; `sercli eval` prints them in full.
    warnings = [re.split(r"[:.]", banner)[0] for banner in banners(settings, finished)]
    return found | metrics | {"note": "; ".join(warnings) or None}


def _corpus_of(run: "Run") -> str | None:
    """Return the corpus of a run, which its name need not contain; ``None`` if no trial states it."""
    from sercli.errors import RunError

    for trial in run.trials():
        try:
            return str(trial.settings()["corpus"])
        except (RunError, KeyError):
            continue
    return None


def _values(trials: "list[Trial]") -> dict[str, float]:
    """Return UA and WA, or the mean CCC over the dimensions: the headline metrics."""
    from statistics import fmean

    from sercli.evaluation import known_metrics, pooled_values
    from sercli.records import pool
    from sercli.runs.predictions import read_tested

    predictions = pool([read_tested(trial) for trial in trials])
    metrics = [metric for metric in known_metrics(predictions) if metric.headline]
    values = pooled_values(predictions, metrics)
    return {metric.key: fmean(values[key] for key in metric.keys) for metric in metrics}
