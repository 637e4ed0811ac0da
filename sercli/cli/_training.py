"""Print the information of ``sercli train`` before and after a training."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sercli.cli._output import describe_union
from sercli.formatting import count_noun, format_duration
from sercli.reports.facts import trained_in

if TYPE_CHECKING:
    from sercli.devices import Device
    from sercli.runs.training import TrainingConfig
    from sercli.training.plan import Plan


def print_plan(plan: "Plan", device: "Device", file: Path | None) -> None:
    """Print network and data of the training, and the number of finished trials.

    Args:
        plan: the training.
        device: the device.
        file: file that settings were read from, which may be of a run on another preparation of the corpus.
    """
    from sercli.augmentations import get_augmentation
    from sercli.bundle import build_network
    from sercli.cli.protocols import (
        describe_left_out,
        print_lists,
        print_spellings,
        print_unknown_speakers,
    )
    from sercli.protocols import without_speaker
    from sercli.training.settings import changes_since
    from sercli.training.trials import features_missing

    config = plan.config
    if file is not None and (changes := changes_since(file, config, plan.manifest_sha256)):
        fact = " and ".join(changes)
        typer.echo(f"note: {file}: {fact} since, so this makes another run and repeats none", err=True)
    counts = ", ".join(f"{name} {count}" for name, count in plan.selection.counts.items())
    outputs = plan.selection.outputs
    if outputs.dimensions:
        items = count_noun(len(plan.selection.labels), config.task.noun)
        what = "continuous labels of " if outputs.per_frame else ""
        counts = "; ".join(filter(None, [counts, f"{items} with {what}{' and '.join(outputs.dimensions)}"]))
    left = plan.selection.left_out
    network = build_network(config.arch, config.model, config.features, len(plan.selection.outputs))
    parameters = sum(p.numel() for p in network.parameters())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    share = f", {trained:,} of them trained" if trained < parameters else ""
    kinds = ", ".join(choice.kind for choice in config.features.values())
    typer.echo(f"run       {plan.run.name}")
    typer.echo(
        f"corpus    {config.corpus}, scheme {config.scheme.name}: {counts}"
        + (f"; {sum(left.values())} left out" if left else "")
    )
    for line in describe_union(plan.workspace, config.corpus):
        typer.echo(f"union     {line}")
    if left and config.scheme.counts_votes:
        typer.echo(f"left out  {describe_left_out(left)}")
    typer.echo(f"protocol  {config.protocol.name}: {len(plan.folds)} folds")
    print_lists(config.protocol, plan.folds, list(plan.utterances.values()), plan.selection.labels)
    print_spellings(config.protocol, list(plan.utterances.values()), plan.selection.labels)
    if config.protocol.unknown_speakers != "error":
        print_unknown_speakers(config.protocol, len(without_speaker(plan.selected(), plan.selection.labels)))
    typer.echo(f"network   {config.arch}, {parameters:,} parameters{share}, on {kinds}")
    if outputs.dimensions and not outputs.per_frame and config.architecture.solve is None:
        typer.echo(f"loss      {_describe_loss(config.training, classes=config.task.has_classes)}")
    slopes = any(choice.feature.slopes for choice in config.features.values())
    for name in config.augment:
        warning = get_augmentation(name).warning_on(slopes=slopes)
        typer.echo(f"augment   {name}" + (f": {warning}" if warning else ""))
    if config.init:
        typer.echo(f"weights   of {config.init.rpartition('#')[0]} to start from")
    typer.echo(f"device    {device.description}, {trained_in(config.to_dict())}")
    done = len(plan.trials) - len(plan.todo)
    typer.echo(
        f"to do     {len(plan.todo)} of {len(plan.trials)} trials"
        + (f", {done} are finished" if done else "")
    )
    missing = features_missing(plan)
    if missing:
        typer.echo(f"features  {missing} utterances to compute")


def _describe_loss(recipe: "TrainingConfig", *, classes: bool) -> str:
    """Describe the loss of values, and beside classes the weights of both losses."""
    batch = f"in batches of {recipe.batch_size} utterances"
    if not classes:
        return f"{recipe.loss} of the values, {batch}"
    weight = recipe.value_weight
    return (
        f"{recipe.loss} (weight {1 - weight:g}) and {recipe.value_loss} of the values ({weight:g}), {batch}"
    )


def print_trials(plan: "Plan") -> None:
    """Print for each trial whether it is finished, has begun or is still to do."""
    names = {number: made.name for number, made in enumerate(plan.folds, 1)}
    for trial in plan.trials:
        epochs = len(trial.history())
        state = "to do"
        if trial.finished:
            state = "finished"
        elif epochs:
            state = f"resumes after epoch {epochs}"
        typer.echo(f"  fold {trial.fold} ({names[trial.fold]}), seed {trial.seed}: {state}")


def print_kept_epochs(plan: "Plan") -> None:
    """Print the epoch that each trial kept; `sercli eval` prints the test metrics."""
    task = plan.config.task
    for trial in plan.trials:
        metrics = trial.metrics()
        score = metrics.get(task.monitor)
        dev = "" if score is None else f", dev {task.format_metric(score)}"
        seed = f", seed {trial.seed}" if len(plan.seeds) > 1 else ""
        typer.echo(f"fold {trial.fold}{seed}: kept epoch {metrics['epoch']} of {metrics['epochs']}{dev}")


def print_duration(plan: "Plan", device: "Device") -> None:
    """Print the estimated time of one epoch and of all epochs, from a few steps.

    If features are still to be computed, a sample of the utterances is measured, and only its features are
    computed.
    """
    if plan.config.architecture.solve is not None:  # there are no epochs
        return
    from sercli.training.estimate import sampled_seconds_per_epoch, seconds_per_epoch
    from sercli.training.folds import load_parts
    from sercli.training.trials import features_missing

    first = plan.todo[0]
    missing = features_missing(plan)
    if missing:
        seconds = sampled_seconds_per_epoch(plan, first.fold, device)
    else:
        seconds = seconds_per_epoch(plan, load_parts(plan, first.fold, first.seed), device)
    if seconds is None:
        return
    epochs = plan.config.training.max_epochs
    begun = sum(len(trial.history()) for trial in plan.todo)
    most = seconds * (epochs * len(plan.todo) - begun)
    typer.echo(
        f"takes     about {format_duration(seconds)} an epoch, at most {format_duration(most)} "
        f"for {count_noun(epochs, 'epoch')} of {count_noun(len(plan.todo), 'trial')}"
        + (f", {begun} of them done" if begun else "")
        + (", without the features still to compute" if missing else "")
    )


def print_rates(plan: "Plan", device: "Device") -> None:
    """Try learning rates, and print the limits that they suggest."""
    from sercli.training.rates import try_rates

    found = try_rates(plan, device)
    typer.echo(
        f"rates     {found.rates[0]:.1e} to {found.rates[-1]:.1e}, "
        f"one epoch at each of {len(found.rates)} rates"
    )
    typer.echo(f"picture   {found.picture}\ntable     {found.table}")
    if found.limits is None:
        typer.echo(f"proposed  nothing: {found.why}; look at the curve")
        return
    low, high = found.limits
    typer.echo(f"proposed  --set training.lr_min={low:.1e} --set training.lr={high:.1e}")
