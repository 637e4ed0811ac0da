"""Train and test the trials of a plan, one after the other, in this process."""

import time
from collections.abc import Callable
from typing import Any

from filelock import FileLock, Timeout

from sercli import files
from sercli.devices import Device
from sercli.errors import RunError
from sercli.plain.yaml import to_yaml
from sercli.runs.folder import Trial
from sercli.store.compute import compute, missing
from sercli.training._finish import Trained, finish, resumed, settings
from sercli.training.folds import Parts, load_parts
from sercli.training.plan import Plan, check_classes, open_stores
from sercli.training.processes import process_rank, training_process
from sercli.training.search import search
from sercli.training.solving import solve


def compute_features(
    plan: Plan,
    progress: Callable[[int, int], None] = lambda done, total: None,
    waiting: Callable[[], None] = lambda: None,
) -> int:
    """Compute the features that the plan needs and the stores lack, and return their number.

    Args:
        plan: the run.
        progress: called with the number of computed utterances and the number of all utterances to compute.
        waiting: called before each wait for another process that computes the same features.

    Raises:
        AudioError: an audio file can't be read.
        FeatureError: an audio file is not the one that the manifest describes.
    """
    folder = plan.workspace.corpus(plan.config.corpus)
    return compute(open_stores(plan), plan.selected(), folder, progress, waiting=waiting)


def features_missing(plan: Plan) -> int:
    """Count the utterances whose features are still to be computed."""
    return sum(len(missing(store, plan.selected())) for store in open_stores(plan))


def train_trials(
    plan: Plan,
    device: Device,
    report: Callable[[str], None] = print,
    on_begin: Callable[[Trial], None] = lambda trial: None,
    logger: str | None = None,
    *,
    compiled: bool = False,
    bar: bool = True,
) -> list[Trial]:
    """Train and test the trials that are not finished.

    Args:
        plan: the run.
        device: device to train on.
        report: called with a line after each epoch.
        on_begin: called before each trial.
        logger: further logger for the scores: csv, tensorboard, wandb or mlflow.
        compiled: whether networks are compiled.
        bar: whether a terminal shows the progress of an epoch.

    Returns:
        All trials of the plan; each is finished.

    Raises:
        ConfigError, ProtocolError: a class can't be learned.
        RunError: another process is training the same trial, or a fold can't be trained.
    """
    check_classes(plan)
    for trial in plan.todo:
        if process_rank(device) > 0:  # the first process writes and locks for all
            _wait_for_features(plan)
            train_trial(plan, trial, device, report, logger, compiled=compiled)
            continue
        compute_features(plan)
        trial.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(trial.path / ".lock", timeout=0):
                if trial.finished:  # another process finished it after the list was made
                    continue
                files.sweep(trial.path)
                on_begin(trial)
                train_trial(plan, trial, device, report, logger, compiled=compiled, bar=bar)
        except Timeout:
            raise RunError(
                f"{trial.path}: another `sercli train` is training it; wait until it has finished"
            ) from None
    return plan.trials


def train_trial(
    plan: Plan,
    trial: Trial,
    device: Device,
    report: Callable[[str], None],
    logger: str | None = None,
    *,
    compiled: bool = False,
    bar: bool = True,
) -> dict[str, Any]:
    """Train a trial, or resume an interrupted one, and test it once.

    Args:
        plan: the run; its features must be in the stores.
        trial: fold and seed to train.
        device: device to train on.
        report: called with a line after each epoch.
        logger: further logger for the scores.
        compiled: whether the network is compiled.
        bar: whether a terminal shows the progress of an epoch.

    Returns:
        The trial's scores, as in its ``metrics.json``; empty in all processes except the first.

    Raises:
        RunError: the fold can't be trained, the loss became NaN or infinite, or memory is not enough.
        ConfigError: the bundle to start from does not fit the network.
    """
    with training_process(plan.config.training):
        parts = load_parts(plan, trial.fold, trial.seed)
        if process_rank(device) == 0:
            made = settings(plan, trial, device)
            files.write_text(
                trial.config_file, to_yaml(made | {"provenance": resumed(made["provenance"], trial)})
            )

        def train(plan: Plan, trial: Trial, parts: Parts) -> Trained:
            if plan.config.architecture.solve is not None:
                return _solve(plan, trial, parts)
            from sercli.training.fit import fit, keep  # Lightning takes seconds to import

            module = fit(plan, trial, parts, device, report, logger, compiled=compiled, bar=bar)
            if process_rank(device) == 0:
                module = keep(plan, trial, parts, module, device)
            return Trained(module.network, module.kept_epoch)

        chosen: dict[str, Any] = {}
        if plan.config.training.search:
            plan, chosen = search(plan, trial, device, train, report)
            parts = load_parts(plan, trial.fold, trial.seed)
        trained = train(plan, trial, parts)
        return {} if process_rank(device) > 0 else finish(plan, trial, parts, trained, device, chosen)


def _solve(plan: Plan, trial: Trial, parts: Parts) -> Trained:
    """Build the network of a trial and set its weights to the optimum."""
    started = time.perf_counter()
    network = solve(plan, parts, trial.seed)
    trial.path.mkdir(parents=True, exist_ok=True)
    files.write_text(trial.history_file, f"epoch,seconds\n1,{time.perf_counter() - started:.9g}\n")
    return Trained(network)


def _wait_for_features(plan: Plan) -> None:
    while features_missing(plan):
        time.sleep(1)
