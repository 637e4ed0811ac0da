"""``sercli ablate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import SetOption, WorkspaceOption

if TYPE_CHECKING:
    from sercli.studies import Assignment, Cell, Study
    from sercli.studies.running import Work
    from sercli.training._devices import Device
    from sercli.workspace import Workspace


def ablate(
    study: Annotated[
        str | None,
        typer.Argument(
            help="A study's name, or a YAML file of one's own; without it, the list.", show_default=False
        ),
    ] = None,
    *,
    rows: Annotated[
        list[str] | None,
        typer.Option(help="A row's name or a part of it, or numbers, 1,3-5; may be repeated."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            help="As emodb-7,iemocap; also others than the study's, SCHEME or CORPUS/SCHEME[:PROTOCOL]."
        ),
    ] = None,
    folds: Annotated[str, typer.Option(help="all, 1,4 or 1-3.")] = "all",
    seeds: Annotated[str, typer.Option(help="0,1,2 or 0-2; each trains every fold.")] = "0",
    max_epochs: Annotated[int | None, typer.Option(help="Passes over the training part, at most.")] = None,
    jobs: Annotated[int, typer.Option(help="Trials at once.", min=1, max=256)] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu, cuda or mps.")] = "auto",
    devices: Annotated[str, typer.Option(help="1; with several jobs 4 for four GPUs in turn.")] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, what is done and how long the rest takes.")
    ] = False,
    settings: SetOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Train a table of a paper: every row on every corpus that is prepared.

    What is finished is used, wherever it came from; the same command run again goes on where it stopped.
    """
    from sercli.studies import get_study
    from sercli.workspace import Workspace

    if study is None:
        _list()
        return
    found = get_study(study)
    place = Workspace(workspace)
    changes = _changes(settings or [], max_epochs)
    wanted = None if on is None else [each.strip() for each in on.split(",") if each.strip()]
    cells = found.cells(found.choose_rows(rows or []), wanted, changes)
    typer.echo(f"{found.name}: {found.title}\n{found.source}")
    if changes:
        typer.echo("changed in every row: " + ", ".join(f"{name}={value}" for name, value in changes))
    there = _prepared(cells, place, named=on is not None)
    _train(found, there, place, folds, seeds, jobs, accelerator, devices, dry_run=dry_run)


def _list() -> None:
    """Name the studies that come with sercli."""
    from sercli.studies import describe, study_names

    names = study_names()
    width = max(len(name) for name in names)
    for name in names:
        title, source = describe(name)
        typer.echo(f"{name:<{width}}  {title}\n{'':<{width}}  {source}")


def _changes(settings: list[str], max_epochs: int | None) -> "list[Assignment]":
    from sercli.config import parse_assignments

    changes: list[Assignment] = []
    for item in settings:
        value = parse_assignments([item])
        name = item.partition("=")[0]
        for part in name.split("."):
            value = value[part]
        changes.append((name, value))
    if max_epochs is not None:
        changes.append(("training.max_epochs", max_epochs))
    return changes


def _prepared(cells: "tuple[Cell, ...]", workspace: "Workspace", *, named: bool) -> "list[Cell]":
    """Keep the cells whose corpus is there, and say what is left out."""
    from sercli.errors import CorpusError

    prepared = workspace.prepared()
    absent = list(dict.fromkeys(cell.on.corpus for cell in cells if cell.on.corpus not in prepared))
    there = [cell for cell in cells if cell.on.corpus in prepared]
    if absent and named:
        workspace.require(absent[0])
    if not there:
        others = f"; prepared are {', '.join(prepared)}: choose with --on" if prepared else ""
        corpora = ", ".join(absent)
        raise CorpusError(
            f"{workspace.root}: none of the study's corpora is prepared ({corpora}); run "
            f"`sercli prepare {absent[0] if absent else 'CORPUS'} PATH`{others}"
        )
    for corpus in absent:
        count = sum(cell.on.corpus == corpus for cell in cells)
        typer.echo(f"left out: {count} of {len(cells)} cells, since {corpus} is not prepared")
    return there


def _train(
    study: "Study",
    cells: "list[Cell]",
    workspace: "Workspace",
    folds: str,
    seeds: str,
    jobs: int,
    accelerator: str,
    devices: str,
    *,
    dry_run: bool,
) -> None:
    from sercli.cli import _course
    from sercli.cli._progress import progress_bar
    from sercli.errors import RunError
    from sercli.studies.progress import Course
    from sercli.studies.running import compute_features, plan_cells, run, todo
    from sercli.training._devices import choose
    from sercli.training._plan import parse_numbers

    device = choose(accelerator, devices)
    works, failures = plan_cells(cells, workspace, device, folds, parse_numbers("seeds", seeds))
    problems = [str(failure) for failure in failures]
    for problem in problems:
        typer.echo(f"can't be trained: {problem}", err=True)
    course = Course(works, jobs)
    typer.echo(
        f"{len(works)} cells, {course.total} trials, {course.done} finished; {device.description}"
        + (f", {jobs} at once" if jobs > 1 else "")
    )
    if dry_run:
        _say_costs(works, device, jobs)
        return
    try:
        with progress_bar("computing features") as computing:
            lacking = compute_features(works, computing)
        problems += [str(failure) for failure in lacking]
        ready = [work for work in works if all(work.cell is not failure.cell for failure in lacking)]
        with _course.shown(course, study) as watch:
            problems += [str(failure) for failure in run(ready, device, watch, jobs)]
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on from the last finished epoch", err=True)
        raise
    if study.test_on:
        problems += _test_elsewhere(study, works, workspace, device)
    for state in course.states:
        typer.echo(_course.line(state))
    left = len(todo(works))
    typer.echo(f"finished: {course.total - left} of {course.total} trials")
    if problems:
        raise RunError(f"{len(problems)} failed: {problems[0]}")


def _say_costs(works: "list[Work]", device: "Device", jobs: int) -> None:
    """Say of each cell what is to do and how long it takes."""
    from sercli.cli._training import duration
    from sercli.studies.estimate import costs

    found = costs(works, device)
    width = max((len(cost.work.cell.row.name) for cost in found), default=0)
    wide = max((len(cost.work.cell.on.name) for cost in found), default=0)
    for cost in found:
        plan = cost.work.plan
        begun = sum(1 for trial in plan.todo if trial.history())
        told = f"{len(plan.trials) - len(plan.todo)} of {len(plan.trials)} trials done"
        told += f", {begun} begun" if begun else ""
        if cost.reason:
            told += f"; can't be trained: {cost.reason}"
        elif cost.epoch is not None:
            epochs = plan.config.training.max_epochs
            told += f"; {duration(cost.epoch)} an epoch, at most {epochs}: {duration(cost.seconds)}"
        typer.echo(f"{cost.work.cell.row.name:<{width}}  {cost.work.cell.on.name:<{wide}}  {told}")
    shared: dict[Path, float] = {}
    for cost in found:
        share = cost.seconds / max(1, len(cost.work.plan.todo))
        shared |= {trial.path: share for trial in cost.work.plan.todo}
    typer.echo(
        f"takes at most about {duration(sum(shared.values()) / jobs)}, without features still to compute"
    )


def _test_elsewhere(
    study: "Study", works: "list[Work]", workspace: "Workspace", device: "Device"
) -> "list[str]":
    """Test each finished run on the study's other corpora, and write that beside the run."""
    from sercli.errors import SerError
    from sercli.inference.cross_corpus import apply_run
    from sercli.reports import cross_corpus

    prepared, failed = workspace.prepared(), []
    for work in works:
        for on in study.test_on:
            if on.corpus == work.cell.on.corpus or on.corpus not in prepared or not work.plan.run.finished():
                continue
            if _is_tested(work, on.corpus, on.scheme):
                continue
            try:
                applied = apply_run(work.plan.run, on.corpus, workspace, on.scheme, device=device.torch)
                cross_corpus.write(cross_corpus.evaluate_applied(applied, workspace))
            except SerError as error:
                failed.append(f"{work.cell.row.name}, {work.cell.on.name} on {on.corpus}: {error}")
                typer.echo(failed[-1], err=True)
            else:
                typer.echo(f"tested: {work.cell.row.name}, {work.cell.on.name} on {on.name}")
    return failed


def _is_tested(work: "Work", corpus: str, scheme: str) -> bool:
    """Tell whether what was written for another corpus is newer than every trial."""
    written = work.plan.run.path / f"on-{corpus}-{scheme}" / "metrics.json"
    trials = work.plan.run.finished()
    return written.exists() and all(
        trial.metrics_file.stat().st_mtime <= written.stat().st_mtime for trial in trials
    )
