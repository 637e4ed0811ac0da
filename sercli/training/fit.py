"""Train one trial: one fold, one seed."""

import time
from collections.abc import Callable
from typing import Any

import torch

from sercli import files
from sercli.bundle import build_network
from sercli.devices import Device
from sercli.plain.yaml import to_yaml
from sercli.runs.folder import Trial
from sercli.training import checkpoints
from sercli.training._finish import finish, resumed, settings
from sercli.training.batch_statistics import reestimate
from sercli.training.callbacks import make_callbacks, out_of_memory
from sercli.training.folds import FoldDataModule, Parts, load_parts, plain_training_part
from sercli.training.initial_weights import start_from
from sercli.training.module import SERModule, module_of
from sercli.training.plan import Plan
from sercli.training.processes import process_rank
from sercli.training.search import search
from sercli.training.solving import solve
from sercli.training.trainer import make_logger, make_trainer, training_process


def build_module(plan: Plan, parts: Parts, seed: int) -> SERModule:
    """Build the untrained module of a trial; the same seed gives the same weights."""
    torch.manual_seed(seed)
    config = plan.config
    n_outputs = len(plan.selection.outputs)
    network = build_network(config.arch, config.model, config.features, n_outputs)
    if config.init:
        start_from(network, config.init, config.arch, plan.selection.classes)
    counts = parts.class_counts or None
    return module_of(config.architecture)(network, n_outputs, config.training, counts)


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

        def train(plan: Plan, trial: Trial, parts: Parts) -> SERModule:
            if plan.config.architecture.solve is not None:
                return _solve(plan, trial, parts)
            module = fit(plan, trial, parts, device, report, logger, compiled=compiled, bar=bar)
            return module if process_rank(device) > 0 else _keep(plan, trial, parts, module, device)

        chosen: dict[str, Any] = {}
        if plan.config.training.search:
            plan, chosen = search(plan, trial, device, train, report)
            parts = load_parts(plan, trial.fold, trial.seed)
        module = train(plan, trial, parts)
        return {} if process_rank(device) > 0 else finish(plan, trial, parts, module, device, chosen)


def _solve(plan: Plan, trial: Trial, parts: Parts) -> SERModule:
    """Build the network of a trial and set its weights to the optimum."""
    started = time.perf_counter()
    module = build_module(plan, parts, trial.seed)
    solve(plan, parts, module)
    trial.path.mkdir(parents=True, exist_ok=True)
    files.write_text(trial.history_file, f"epoch,seconds\n1,{time.perf_counter() - started:.9g}\n")
    return module


def _keep(plan: Plan, trial: Trial, parts: Parts, module: SERModule, device: Device) -> SERModule:
    """Load the weights of the epoch that is kept."""
    kept = checkpoints.read(trial.checkpoints / ("best.ckpt" if _selects(plan, parts) else "last.ckpt"))
    module.load_state_dict(kept["state_dict"])
    module.kept_epoch = kept["epoch"]
    recipe = plan.config.training
    if recipe.batch_statistics == "reestimated":
        plain = plain_training_part(plan, parts)
        reestimate(module.network, plain, recipe.batch_size, trial.seed, device.torch)
    return module


def fit(
    plan: Plan,
    trial: Trial,
    parts: Parts,
    device: Device,
    report: Callable[[str], None] = lambda line: None,
    logger: str | None = None,
    *,
    compiled: bool = False,
    bar: bool = True,
) -> SERModule:
    """Train the module of a trial, from its last checkpoint if there is one; see `train_trial`."""
    recipe = plan.config.training
    with training_process(recipe):
        module = build_module(plan, parts, trial.seed)
        if compiled:
            module.network.compile()
        last = trial.checkpoints / "last.ckpt"
        if last.exists():
            # Find a damaged checkpoint before an epoch is trained.
            for path in (last, trial.checkpoints / "best.ckpt") if _selects(plan, parts) else (last,):
                checkpoints.check(path, module)
        callbacks = make_callbacks(
            plan.config,
            trial,
            parts.train.ids,
            report,
            selects=_selects(plan, parts),
            logged=logger is not None,
            bar=bar and process_rank(device) == 0,
        )
        trainer = make_trainer(
            device,
            recipe,
            default_root_dir=trial.path,
            max_epochs=recipe.max_epochs,
            callbacks=callbacks,
            logger=make_logger(logger, trial.path, plan.run.name) if logger else False,
        )
        try:
            trainer.fit(
                module,
                FoldDataModule(parts, recipe.batch_size, trial.seed, device),
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
        except SystemExit:  # Lightning raises it at Ctrl-C
            raise KeyboardInterrupt from None
        except torch.cuda.OutOfMemoryError:
            raise out_of_memory(trial, recipe) from None
    return module


def _selects(plan: Plan, parts: Parts) -> bool:
    """Return whether the dev part selects an epoch."""
    return plan.config.training.selection != "last" and parts.dev is not None
