"""``sercli train``."""

from typing import TYPE_CHECKING, Annotated

import typer

from sercli.cli._options import ConfigOption, SetOption, WorkspaceOption
from sercli.cli._progress import progress_bar

if TYPE_CHECKING:
    from sercli.training._devices import Device
    from sercli.training._plan import Plan


def train(
    *,
    arch: Annotated[str | None, typer.Option(help="Architecture, one of `sercli models`.")] = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="Prepared corpus. [default: the first of the paper's that is]", show_default=False),
    ] = None,
    scheme: Annotated[str | None, typer.Option(help="Which utterances and classes, as emodb-4.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Which folds, as leave-one-speaker-out.")] = None,
    fold: Annotated[int | None, typer.Option(help="A single fold, from 1.")] = None,
    folds: Annotated[str, typer.Option(help="all, 1,4 or 1-3.")] = "all",
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.", min=0, max=2**32 - 1)] = 0,
    max_epochs: Annotated[int | None, typer.Option(help="Passes over the training part, at most.")] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu, cuda or mps.")] = "auto",
    devices: Annotated[str, typer.Option(help="1, or [1] for the second GPU.")] = "auto",
    precision: Annotated[
        str | None, typer.Option(help="auto, 32-true, bf16-mixed or 16-mixed.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Train and test an architecture on folds.

    Each fold is tested once, after its weights are chosen. The same command run again goes on where
    it stopped; what is finished is not trained again.
    """
    from sercli.training import _train
    from sercli.training._devices import choose
    from sercli.training._plan import make_plan
    from sercli.workspace import Workspace

    if fold is not None and folds != "all":
        raise typer.BadParameter("say --fold or --folds, not both")
    place = Workspace(workspace)
    device = choose(accelerator, devices)
    recipe = {"max_epochs": max_epochs, "precision": precision}
    given = _train.gather(
        config,
        settings or [],
        arch=arch,
        corpus=corpus,
        scheme=scheme,
        protocol=protocol,
        training={name: value for name, value in recipe.items() if value is not None} or None,
    )
    chosen = _train.configure(given, place, device)
    plan = make_plan(chosen, place, str(fold) if fold is not None else folds, [seed])
    _say_what(plan, device)
    with progress_bar("computing features") as progress:
        _train.compute_features(plan, progress)
    if plan.todo:
        _say_how_long(plan, device)
    names = {number: made.name for number, made in enumerate(plan.folds, 1)}
    try:
        _train.train(
            plan,
            device,
            say=typer.echo,
            begin=lambda trial: typer.echo(f"fold {trial.fold} ({names[trial.fold]}), seed {trial.seed}"),
        )
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on from the last finished epoch", err=True)
        raise
    for trial in plan.trials:
        metrics = trial.metrics()
        dev = f", dev UA {100 * metrics['dev_ua']:.1f} %" if metrics["dev_ua"] is not None else ""
        typer.echo(f"fold {trial.fold}: kept epoch {metrics['epoch']} of {metrics['epochs']}{dev}")
    typer.echo(f"finished: {plan.run.path}\nsee the test figures with: sercli eval {plan.run.name}")


def _say_what(plan: "Plan", device: "Device") -> None:
    from sercli.bundle import build_network
    from sercli.training._train import features_missing

    config = plan.config
    counts = ", ".join(f"{name} {count}" for name, count in plan.selection.counts.items())
    left = sum(plan.selection.left_out.values())
    network = build_network(config.arch, config.model, config.inputs, len(plan.selection.classes))
    parameters = sum(p.numel() for p in network.parameters())
    kinds = ", ".join(choice.kind for choice in config.inputs.values())
    typer.echo(f"run       {plan.run.name}")
    typer.echo(
        f"corpus    {config.corpus}, scheme {config.scheme}: {counts}"
        + (f"; {left} left out" if left else "")
    )
    typer.echo(f"protocol  {config.protocol}: {len(plan.folds)} folds")
    typer.echo(f"network   {config.arch}, {parameters:,} parameters, on {kinds}")
    typer.echo(f"device    {device.description}, {config.training.precision}")
    done = len(plan.trials) - len(plan.todo)
    typer.echo(
        f"to do     {len(plan.todo)} of {len(plan.trials)} trials"
        + (f", {done} are finished" if done else "")
    )
    missing = features_missing(plan)
    if missing:
        typer.echo(f"features  {missing} utterances to compute")


def _say_how_long(plan: "Plan", device: "Device") -> None:
    from sercli.training._estimate import seconds_per_epoch
    from sercli.training._parts import load_parts

    parts = load_parts(plan, plan.todo[0].fold)
    seconds = seconds_per_epoch(plan, parts, device)
    epochs = plan.config.training.max_epochs
    most = seconds * epochs * len(plan.todo)
    typer.echo(
        f"takes     about {duration(seconds)} an epoch, at most {duration(most)} "
        f"for {epochs} epochs of {len(plan.todo)} trials"
    )


def duration(seconds: float) -> str:
    """Say a duration as a person would."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
