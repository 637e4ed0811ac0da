"""``sercli ablate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._completion import complete_study
from sercli.cli._launcher import AddressOption, Asked, CpusOption, GpusOption, LauncherOption
from sercli.cli._options import (
    AcceleratorOption,
    FoldOption,
    FoldsOption,
    MaxEpochsOption,
    OnOption,
    RowsOption,
    SeedOption,
    SeedsOption,
    SetOption,
    WorkspaceOption,
    changes_of,
    chosen_folds,
    chosen_seeds,
    columns_of,
)
from sercli.cli._output import loadable

if TYPE_CHECKING:
    from sercli.cli._launcher import Launcher
    from sercli.devices import Device
    from sercli.studies import Cell, Study
    from sercli.studies.running import PlannedCell
    from sercli.workspace import Workspace


def ablate(
    study: Annotated[
        str | None,
        typer.Argument(
            autocompletion=complete_study,
            help="Name of a study, or a YAML file with your own study; without it, the studies are listed.",
            show_default=False,
        ),
    ] = None,
    *,
    rows: RowsOption = None,
    on: OnOption = None,
    fold: FoldOption = None,
    folds: FoldsOption = None,
    seed: SeedOption = None,
    seeds: SeedsOption = None,
    max_epochs: MaxEpochsOption = None,
    jobs: Annotated[
        int, typer.Option(help="Number of trials to train at the same time.", min=1, max=256)
    ] = 1,
    accelerator: AcceleratorOption = "auto",
    devices: Annotated[
        str, typer.Option(help="Number of GPUs that the jobs share, or their indices as [0,2].")
    ] = "auto",
    launcher: LauncherOption = "local",
    address: AddressOption = None,
    cpus_per_trial: CpusOption = None,
    gpus_per_trial: GpusOption = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Report what would be trained, what is finished and how long the rest takes, and train "
            "nothing.",
        ),
    ] = False,
    settings: SetOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Train all rows of a study, for example a table of a paper.

    Each row is trained on every corpus of the study that is prepared.

    Finished trials are reused, whichever command trained them. The same command run again resumes where it
    stopped.
    """
    from sercli.cli.report import write_and_print
    from sercli.config import spell
    from sercli.errors import RunError
    from sercli.studies import get_study
    from sercli.studies.results import find_finished
    from sercli.workspace import Workspace

    if study is None:
        _list()
        return
    chosen = chosen_folds(fold, folds), chosen_seeds(seed, seeds)
    asked = Asked(launcher, address, cpus_per_trial, gpus_per_trial, accelerator, devices, jobs)
    asked.check()
    found = get_study(study)
    place = Workspace(workspace)
    changes = changes_of(settings or [], max_epochs)
    cells = found.cells(found.choose_rows(rows or []), columns_of(on), changes)
    if changes:
        _check_cells(cells)
    typer.echo(f"{found.name}: {found.title}\n{found.source}")
    if changes:
        typer.echo("changed in every row: " + ", ".join(f"{name}={spell(value)}" for name, value in changes))
    there = _prepared(cells, place, named=on is not None)
    _check_elsewhere(found, there, place)
    problems = _train(found, there, place, *chosen, asked, dry_run=dry_run)
    if not dry_run and any(find_finished(cell, place) for cell in there):
        written = write_and_print(found, cells, changes, place)
        problems = [*problems, *written.damaged]
    if problems:
        raise RunError(f"{len(problems)} failed: {problems[0]}")


def _list() -> None:
    """List the studies that can be run by name."""
    from sercli.studies import describe, study_names

    studies = loadable(study_names(), describe)
    width = max(map(len, studies))
    for name, (title, source) in studies.items():
        typer.echo(f"{name:<{width}}  {title}\n{'':<{width}}  {source}")


def _check_cells(cells: "tuple[Cell, ...]") -> None:
    """Refuse settings that a row can't have, before any row is trained.

    Raises:
        ConfigError: a row has no such setting, or the setting changes nothing in it.
    """
    from sercli.errors import ConfigError, SerError
    from sercli.training.settings import check

    for cell in cells:
        try:
            check(cell.settings)
        except SerError as error:
            raise ConfigError(
                f"row '{cell.row.name}', on {cell.on.name}: {error} (--rows names the rows that can take it)"
            ) from None


def _prepared(cells: "tuple[Cell, ...]", workspace: "Workspace", *, named: bool) -> "list[Cell]":
    """Keep the cells whose corpus is prepared, and print the cells that are left out."""
    from sercli.errors import CorpusError
    from sercli.unions import corpora_of

    is_there = {on.corpus: workspace.is_prepared(on.corpus) for on in (cell.on for cell in cells)}
    lacking = [corpus for corpus, prepared in is_there.items() if not prepared]
    absent = [part for corpus in lacking for part in corpora_of(corpus) if not workspace.is_prepared(part)]
    there = [cell for cell in cells if is_there[cell.on.corpus]]
    if absent and named:
        workspace.require(absent[0])
    if not there:
        prepared = workspace.prepared()
        others = f"; prepared are {', '.join(prepared)}: choose with --on" if prepared else ""
        corpora = ", ".join(lacking)
        raise CorpusError(
            f"{workspace.root}: none of the study's corpora is prepared ({corpora}); run "
            f"`sercli prepare {absent[0] if absent else 'CORPUS'} PATH`{others}"
        )
    for corpus in lacking:
        count = sum(cell.on.corpus == corpus for cell in cells)
        typer.echo(f"left out: {count} of {len(cells)} cells, since {corpus} is not prepared")
    return there


def _check_elsewhere(study: "Study", cells: "list[Cell]", workspace: "Workspace") -> None:
    """Refuse cells that cannot be tested on the other corpora; print the corpora that are not prepared."""
    from sercli.errors import ConfigError
    from sercli.schemes import choose
    from sercli.unions import common_corpora

    for on in study.elsewhere(cells):
        if workspace.is_prepared(on.corpus):
            choose(workspace.utterances(on.corpus), on.corpus, on.choice)
        else:
            typer.echo(f"not tested on {on.name}, since {on.corpus} is not prepared")
        for cell in cells:
            task = cell.on.choice.task
            if not common_corpora(cell.on.corpus, on.corpus) and task != on.choice.task:
                raise ConfigError(
                    f"test_on: {cell.row.name} on {cell.on.name} is for {task}, {on.name} has no such labels"
                )


def _train(
    study: "Study",
    cells: "list[Cell]",
    workspace: "Workspace",
    folds: str,
    seeds: tuple[int, ...],
    asked: Asked,
    *,
    dry_run: bool,
) -> list[str]:
    """Train the unfinished trials, and return those that failed."""
    from sercli.cli import _course
    from sercli.cli._launcher import launcher
    from sercli.cli._output import print_waiting, progress_bar
    from sercli.studies.progress import Progress
    from sercli.studies.running import compute_features, plan_cells, run, todo

    try:
        with launcher(asked) as who:
            works, failures = plan_cells(cells, workspace, who.device, folds, seeds, who.precision)
            problems = [str(failure) for failure in failures]
            for problem in problems:
                typer.echo(f"can't be trained: {problem}", err=True)
            progress = Progress(works, who.jobs)
            typer.echo(
                f"{len(works)} cells, {progress.total} trials, {progress.done} finished; {who.description}"
            )
            if dry_run:
                _print_costs(works, who)
                return []
            with progress_bar("computing features") as computing:
                lacking = compute_features(works, computing, print_waiting)
            problems += [str(failure) for failure in lacking]
            ready = [work for work in works if all(work.cell is not failure.cell for failure in lacking)]
            with _course.shown(progress, study) as observer:
                problems += [
                    str(failure) for failure in run(ready, who.device, observer, who.jobs, who.launch)
                ]
    except KeyboardInterrupt:
        typer.echo("interrupted; run the same command again to resume from the last finished epoch", err=True)
        raise
    if study.elsewhere(cells):
        problems += _test_elsewhere(study, works, workspace, who.here)
    for each in progress.cells:
        typer.echo(_course.line(each))
    left = len(todo(works))
    typer.echo(f"finished: {progress.total - left} of {progress.total} trials")
    return problems


def _print_costs(works: "list[PlannedCell]", who: "Launcher") -> None:
    """Print the remaining trials of each cell and, if this machine has such a device, their time."""
    from sercli.formatting import format_duration
    from sercli.studies.estimate import costs

    if who.here.accelerator != who.device.accelerator:
        for work in works:
            count, rest = len(work.plan.trials), len(work.plan.todo)
            typer.echo(f"{work.cell.row.name}, {work.cell.on.name}: {count - rest} of {count} trials done")
        typer.echo("no times: this machine has no GPU to measure them on")
        return
    found = costs(works, who.here)
    width = max((len(cost.planned.cell.row.name) for cost in found), default=0)
    wide = max((len(cost.planned.cell.on.name) for cost in found), default=0)
    seconds: dict[Path, float] = {}
    untimed: set[Path] = set()
    for cost in found:
        plan, trials = cost.planned.plan, cost.planned.plan.trials
        left = [trial for trial in trials if not trial.finished]
        if cost.epoch is not None:
            seconds |= {trial.path: cost.seconds / len(left) for trial in left}
        elif cost.reason is None:
            untimed |= {trial.path for trial in left}
        begun = sum(1 for trial in left if trial.history())
        line = f"{len(trials) - len(left)} of {len(trials)} trials done"
        line += f", {begun} begun" if begun else ""
        if cost.reason:
            line += f"; can't be trained: {cost.reason}"
        elif cost.epoch is not None:
            epochs = plan.config.training.max_epochs
            line += (
                f"; {format_duration(cost.epoch)} an epoch, at most {epochs}: {format_duration(cost.seconds)}"
            )
        typer.echo(f"{cost.planned.cell.row.name:<{width}}  {cost.planned.cell.on.name:<{wide}}  {line}")
    apart = f", and without {len(untimed)} trials that have no epochs" if untimed else ""
    if seconds:
        total = format_duration(sum(seconds.values()) / who.jobs)
        typer.echo(f"takes at most about {total}, without features still to compute{apart}")
    elif untimed:
        typer.echo("no times: these trials have no epochs")


def _test_elsewhere(
    study: "Study", works: "list[PlannedCell]", workspace: "Workspace", device: "Device"
) -> "list[str]":
    """Test each finished run on the study's other corpora, and write the results beside the run."""
    from sercli.errors import SerError
    from sercli.inference.cross_corpus import apply_run
    from sercli.reports.cross_corpus import report_applied, write_cross_corpus
    from sercli.reports.study_tables import find_elsewhere
    from sercli.unions import common_corpora

    failed: list[str] = []
    others = [on for on in study.elsewhere(work.cell for work in works) if workspace.is_prepared(on.corpus)]
    for work in works:
        for on in others:
            if common_corpora(on.corpus, work.cell.on.corpus) or not work.plan.run.finished():
                continue
            try:
                if find_elsewhere(work.plan.run, on, workspace):
                    continue
                applied = apply_run(work.plan.run, on.corpus, workspace, on.choice, device=device.torch)
                write_cross_corpus(report_applied(applied, workspace))
            except SerError as error:
                failed.append(f"{work.cell.row.name}, {work.cell.on.name} on {on.corpus}: {error}")
                typer.echo(failed[-1], err=True)
            else:
                typer.echo(f"tested: {work.cell.row.name}, {work.cell.on.name} on {on.name}")
    return failed
