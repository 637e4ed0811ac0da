"""Train and test the trials of a plan, one after the other, in this process."""

import time
from collections.abc import Callable

from filelock import FileLock, Timeout

from sercli import files
from sercli.devices import Device
from sercli.errors import RunError
from sercli.runs.folder import Trial
from sercli.store.compute import compute, missing
from sercli.training.plan import Plan, check_classes, open_stores
from sercli.training.processes import process_rank


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
    from sercli.training.fit import train_trial  # Lightning takes seconds to import

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


def _wait_for_features(plan: Plan) -> None:
    while features_missing(plan):
        time.sleep(1)
