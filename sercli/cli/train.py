"""``sercli train``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._completion import complete_prepared
from sercli.cli._options import (
    AcceleratorOption,
    ArchOption,
    ClassesOption,
    ConfigOption,
    FoldOption,
    FoldsOption,
    LabelsOption,
    MaxEpochsOption,
    ProtocolOption,
    SchemeOption,
    SeedOption,
    SeedsOption,
    SetOption,
    TargetsOption,
    TestedByOption,
    UnknownSpeakersOption,
    WorkspaceOption,
    chosen_folds,
    chosen_seeds,
)
from sercli.cli._output import print_waiting, progress_bar
from sercli.cli.export import write_and_print

if TYPE_CHECKING:
    from sercli.devices import Device
    from sercli.runs.folder import Run
    from sercli.training.plan import Plan


def train(
    *,
    arch: ArchOption = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            autocompletion=complete_prepared,
            help="Prepared corpus to train on, or several, as emodb+ravdess. [default: the first corpus of "
            "the paper that is prepared]",
            show_default=False,
        ),
    ] = None,
    scheme: SchemeOption = None,
    classes: ClassesOption = None,
    targets: TargetsOption = None,
    labels: LabelsOption = None,
    protocol: ProtocolOption = None,
    unknown_speakers: UnknownSpeakersOption = None,
    fold: FoldOption = None,
    folds: FoldsOption = None,
    seed: SeedOption = None,
    seeds: SeedsOption = None,
    jobs: Annotated[
        int,
        typer.Option(help="Number of trials (folds and seeds) to train at the same time.", min=1, max=256),
    ] = 1,
    augment: Annotated[
        str | None,
        typer.Option(
            help="Augmentations to use, as flip,noise, or none. [default: those of the paper]",
            show_default=False,
        ),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Bundle whose weights the training starts from.", show_default=False)
    ] = None,
    max_epochs: MaxEpochsOption = None,
    accelerator: AcceleratorOption = "auto",
    devices: Annotated[
        str,
        typer.Option(
            help="Number of devices that train each fold together, or their indices, as [1] for the second "
            "GPU."
        ),
    ] = "auto",
    strategy: Annotated[str, typer.Option(help="How several devices share the work: auto or ddp.")] = "auto",
    nodes: Annotated[int, typer.Option(help="Number of machines, started by torchrun or SLURM.", min=1)] = 1,
    precision: Annotated[
        str | None,
        typer.Option(help="Number format: auto, 32-true, bf16-mixed or 16-mixed.", show_default=False),
    ] = None,
    logger: Annotated[
        str | None,
        typer.Option(help="Also log metrics to csv, tensorboard, wandb or mlflow.", show_default=False),
    ] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the network with torch.compile.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Report what would be trained and how long it takes, and train nothing."
        ),
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            help="Export the trained model to this folder, as `sercli export` does.", show_default=False
        ),
    ] = None,
    tested_by: TestedByOption = None,
    here: Annotated[bool, typer.Option("--here", hidden=True)] = False,
    lr_range_test: Annotated[
        bool,
        typer.Option(
            "--lr-range-test",
            help="Only try learning rates: train one fold for one epoch at each rate, draw the dev UA, "
            "propose limits.",
        ),
    ] = False,
    config: ConfigOption = None,
    settings: SetOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Train and test an architecture on folds.

    Each fold is tested once, after its weights are chosen. The same command run again resumes where it
    stopped; finished trials are not trained again. With --protocol train-on-all, all utterances are used for
    training and nothing is tested: this makes a model to share.
    """
    parent = os.getppid()  # before torch is imported, because the parent may end during the import
    from sercli.cli import _training as output
    from sercli.devices import use_device
    from sercli.training.plan import check_classes, make_plan
    from sercli.training.processes import end_with_parent, process_rank
    from sercli.training.settings import configure, gather
    from sercli.training.trials import compute_features, train_trials
    from sercli.workspace import Workspace

    numbers, random_seeds = chosen_folds(fold, folds), chosen_seeds(seed, seeds)
    if export is not None and lr_range_test:
        raise typer.BadParameter("--lr-range-test trains no model, so leave --export out")
    place = Workspace(workspace)
    device = use_device(accelerator, devices, strategy, nodes)
    recipe = {"max_epochs": max_epochs, "precision": precision}
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
        unknown_speakers=unknown_speakers,
        augment=augment,
        init=str(init) if init else None,
        training={name: value for name, value in recipe.items() if value is not None} or None,
    )
    plan = make_plan(configure(given, place, device, config), place, numbers, random_seeds)
    check_classes(plan)
    if here:
        end_with_parent(parent)
    if here or process_rank(device) > 0:
        say = typer.echo if process_rank(device) == 0 else lambda line: None
        train_trials(plan, device, say, logger=logger, compiled=compiled)
        return
    alike = _check_export(plan, export, tested_by)
    output.print_plan(plan, device, config)
    if dry_run:
        output.print_trials(plan)
        if plan.todo:
            output.print_duration(plan, device)
        return
    with progress_bar("computing features") as progress:
        compute_features(plan, progress, print_waiting)
    if lr_range_test:
        output.print_rates(plan, device)
        return
    if plan.todo:
        output.print_duration(plan, device)
    _train_all(plan, device, jobs, logger, compiled=compiled)
    output.print_kept_epochs(plan)
    typer.echo(f"finished: {plan.run.path}")
    _finish(plan, export, alike)


def _check_export(plan: "Plan", out: Path | None, tested_by: str | None) -> "Run | None":
    """Refuse a model that could not be exported, before it is trained; return the run on folds, if named."""
    from sercli.errors import ConfigError
    from sercli.reports.share import check_export
    from sercli.runs.folder import find_run

    if out is None:
        if tested_by:
            raise typer.BadParameter("--tested-by goes with --export")
        return None
    if len(plan.trials) > 1:
        raise ConfigError(
            f"--export {out}: {len(plan.trials)} trials ({len(plan.chosen)} folds, {len(plan.seeds)} seeds), "
            "but one model is exported; choose a --fold and a --seed, or --protocol train-on-all"
        )
    settings = plan.config.to_dict() | {"provenance": {"manifest_sha256": plan.manifest_sha256}}
    alike = find_run(plan.workspace, tested_by) if tested_by else None
    check_export(plan.trials[0], settings, out, alike)
    return alike


def _finish(plan: "Plan", out: Path | None, alike: "Run | None") -> None:
    """Export the model if this was requested; otherwise print the next command."""
    if out is not None:
        write_and_print(plan.run, plan.trials[0], out, alike)
    elif plan.protocol.tests_nothing:
        which = " --seed NUMBER" if len(plan.seeds) > 1 else ""
        typer.echo(f"export the model with: sercli export {plan.run.name} FOLDER{which}")
    else:
        typer.echo(f"see the test metrics with: sercli eval {plan.run.name}")


def _train_all(plan: "Plan", device: "Device", jobs: int, logger: str | None, *, compiled: bool) -> None:
    """Train in this process; trials on several devices, or several at once, have separate processes."""
    from sercli.training.jobs import train_in_processes
    from sercli.training.processes import is_launched
    from sercli.training.trials import train_trials

    names = {number: made.name for number, made in enumerate(plan.folds, 1)}
    try:
        if (jobs > 1 or device.several) and not is_launched():
            options = (["--logger", logger] if logger else []) + (["--compile"] if compiled else [])
            train_in_processes(plan, plan.todo, device, jobs, typer.echo, options)
            return
        train_trials(
            plan,
            device,
            report=typer.echo,
            on_begin=lambda trial: typer.echo(f"fold {trial.fold} ({names[trial.fold]}), seed {trial.seed}"),
            logger=logger,
            compiled=compiled,
        )
    except KeyboardInterrupt:
        typer.echo("interrupted; run the same command again to resume from the last finished epoch", err=True)
        raise
