"""Train one trial: one fold, one seed."""

import logging
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Callback, EarlyStopping, LearningRateMonitor

from sercli import files
from sercli.bundle import build_network
from sercli.inference._allocator import keep_freed_memory
from sercli.plain.yaml import to_yaml
from sercli.runs.folder import Trial
from sercli.runs.training import TrainingConfig
from sercli.training import _checkpoints as checkpoints
from sercli.training import get_recipe
from sercli.training._batch_statistics import reestimate
from sercli.training._checkpoints import Checkpoint, Reseed, WholeCheckpoints
from sercli.training._devices import Device
from sercli.training._finish import finish, resumed, settings
from sercli.training._guard import Guard, out_of_memory
from sercli.training._history import History
from sercli.training._init import start_from
from sercli.training._loggers import make_logger
from sercli.training._module import SERModule
from sercli.training._parts import FoldDataModule, Parts, load_parts, plain_training_part
from sercli.training._plan import Plan
from sercli.training._progress import ProgressBar
from sercli.training._ranks import rank


def build_module(plan: Plan, parts: Parts, seed: int) -> SERModule:
    """Build the untrained module of a trial; equal seeds give equal weights."""
    L.seed_everything(seed, verbose=False)
    config = plan.config
    n_outputs = len(plan.selection.outputs)
    network = build_network(config.arch, config.model, config.features, n_outputs)
    if config.init:
        start_from(network, config.init, config.arch, plan.selection.classes)
    counts = parts.class_counts or None
    return get_recipe(config.arch).module(network, n_outputs, config.training, counts)


def train_trial(
    plan: Plan,
    trial: Trial,
    device: Device,
    say: Callable[[str], None],
    logger: str | None = None,
    *,
    compiled: bool = False,
    bar: bool = True,
) -> dict[str, Any]:
    """Train a trial, or go on with one that was interrupted, and test it once.

    Args:
        plan: the run; its features are in the stores.
        trial: which fold and seed.
        device: where to train.
        say: called with a line after each epoch.
        logger: where figures go besides.
        compiled: whether the network is compiled.
        bar: whether a terminal shows how far the epoch is.

    Returns:
        The trial's figures, as in its ``metrics.json``; nothing in other processes than the first.

    Raises:
        RunError: the fold can't be trained, the loss is no longer a number, or memory is not enough.
        ConfigError: the bundle to start from does not fit.
    """
    parts = load_parts(plan, trial.fold, trial.seed)
    if rank(device) == 0:
        made = settings(plan, trial, device)
        files.write_text(
            trial.config_file, to_yaml(made | {"provenance": resumed(made["provenance"], trial)})
        )
    module = fit(plan, trial, parts, device, say, logger, compiled=compiled, bar=bar)
    if rank(device) > 0:
        return {}
    chosen = checkpoints.read(trial.checkpoints / ("best.ckpt" if _selects(plan, parts) else "last.ckpt"))
    module.load_state_dict(chosen["state_dict"])
    recipe = plan.config.training
    if recipe.batch_statistics == "reestimated":
        plain = plain_training_part(plan, parts)
        reestimate(module.network, plain, recipe.batch_size, trial.seed, device.torch)
    return finish(plan, trial, parts, module, device, chosen["epoch"])


def fit(
    plan: Plan,
    trial: Trial,
    parts: Parts,
    device: Device,
    say: Callable[[str], None] = lambda line: None,
    logger: str | None = None,
    *,
    compiled: bool = False,
    bar: bool = True,
) -> SERModule:
    """Train the module of a trial, from its last checkpoint if there is one; arguments as `train_trial`."""
    quieten()
    if device.accelerator == "cpu":
        keep_freed_memory()
    recipe = plan.config.training
    # Else a GPU's convolutions round to 19 bits, which is not what 32-true says.
    torch.backends.cudnn.allow_tf32 = recipe.precision != "32-true"
    module = build_module(plan, parts, trial.seed)
    if compiled:
        module.network.compile()
    last = trial.checkpoints / "last.ckpt"
    if last.exists():
        # What is damaged is found before an epoch is trained.
        for path in (last, trial.checkpoints / "best.ckpt") if _selects(plan, parts) else (last,):
            checkpoints.check(path, module)
    trainer = make_trainer(
        device,
        recipe,
        default_root_dir=trial.path,
        max_epochs=recipe.max_epochs,
        callbacks=_callbacks(
            plan, trial, parts, say, logged=logger is not None, bar=bar and rank(device) == 0
        ),
        logger=make_logger(logger, trial.path, plan.run.name) if logger else False,
    )
    try:
        trainer.fit(
            module,
            FoldDataModule(parts, recipe.batch_size, trial.seed, device),
            ckpt_path=last if last.exists() else None,
            weights_only=True,
        )
    except SystemExit:
        # Lightning leaves the program so on Ctrl-C, and lets no further one through.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise KeyboardInterrupt from None
    except torch.cuda.OutOfMemoryError:
        raise out_of_memory(trial, recipe) from None
    return module


def make_trainer(device: Device, recipe: TrainingConfig, **options: Any) -> L.Trainer:
    """Make Lightning's trainer for a device and a recipe; ``options`` are the trainer's own."""
    return L.Trainer(
        accelerator=device.accelerator,
        devices=list(device.indices) if device.accelerator == "cuda" else len(device.indices),
        num_nodes=device.nodes,
        strategy=device.strategy,
        # Statistics over all processes' parts of a batch; torch has this for GPUs alone.
        sync_batchnorm=device.several and device.accelerator == "cuda",
        # One device is one process, whatever a scheduler's variables say of others.
        plugins=[WholeCheckpoints(), *([] if device.several else [LightningEnvironment()])],
        precision=recipe.precision if recipe.precision != "auto" else None,
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.clip_norm,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        **options,
    )


def _callbacks(
    plan: Plan, trial: Trial, parts: Parts, say: Callable[[str], None], *, logged: bool, bar: bool
) -> list[Callback]:
    recipe = plan.config.training
    monitor = "dev_ccc" if plan.config.task == "regression" else "dev_ua"
    callbacks: list[Callback] = [
        Reseed(trial.seed),
        Guard(trial, parts.train.ids),
        History(trial, recipe.max_epochs, say),
    ]
    if logged:
        callbacks.append(LearningRateMonitor("epoch"))
    if bar and sys.stderr.isatty():
        callbacks.append(ProgressBar(recipe.max_epochs))
    if _selects(plan, parts):
        callbacks.append(Checkpoint(trial.checkpoints, "best", monitor=monitor))
        if recipe.patience is not None:
            callbacks.append(_EarlyStopping(monitor, mode="max", patience=recipe.patience))
    # Behind the best one: what it saves includes which one that is.
    return [*callbacks, Checkpoint(trial.checkpoints, "last")]


def _selects(plan: Plan, parts: Parts) -> bool:
    """Whether an epoch is chosen by the dev part."""
    return plan.config.training.selection != "last" and parts.dev is not None


class _EarlyStopping(EarlyStopping):
    """Early stopping that knows, when gone on from a checkpoint, that it had stopped already."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Stop at once where patience was at its end before the interruption."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


def quieten() -> None:
    """Silence what Lightning says of devices, workers and logging: none of it is the user's to act on."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for pattern in (
        ".*does not have many workers.*",
        ".*Total length of `list` across ranks is zero.*",  # no dev part
        ".*number of training batches.*",
        ".*Checkpoint directory.*exists.*",
        ".*GPU available but not used.*",
        ".*LeafSpec.*",
    ):
        warnings.filterwarnings("ignore", pattern)
