"""Make Lightning's trainer and loggers, and restore the process after a training."""

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import Logger

from sercli.devices import Device
from sercli.errors import ConfigError
from sercli.runs.training import TrainingConfig
from sercli.training.checkpoints import WholeCheckpoints

LOGGERS = ("csv", "tensorboard", "wandb", "mlflow")

# Messages of Lightning on devices, workers and logging that do not concern the user.
_QUIET_LOGGERS = ("lightning.pytorch", "lightning.fabric")
_QUIET_WARNINGS = (
    ".*does not have many workers.*",
    ".*Total length of `list` across ranks is zero.*",  # if there is no dev part
    ".*number of training batches.*",
    ".*Checkpoint directory.*exists.*",
    ".*GPU available but not used.*",
    ".*LeafSpec.*",
    ".*mismatched key_padding_mask.*",  # WavLM's attention
)


def make_trainer(device: Device, recipe: TrainingConfig, **options: Any) -> L.Trainer:
    """Make Lightning's trainer for a device and a recipe; ``options`` are passed to the trainer."""
    return L.Trainer(
        accelerator=device.accelerator,
        devices=list(device.indices) if device.accelerator == "cuda" else len(device.indices),
        num_nodes=device.nodes,
        strategy=device.strategy,
        # Statistics over the parts of a batch in all processes; torch has them only for GPUs.
        sync_batchnorm=device.several and device.accelerator == "cuda",
        # One device means one process, even if variables of a scheduler name more processes.
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


def make_logger(name: str, folder: Path, run: str) -> Logger:
    """Make one of Lightning's loggers.

    Args:
        name: one of `LOGGERS`.
        folder: folder of the trial; the logger writes into its subfolder ``logs``.
        run: name of the run.

    Raises:
        ConfigError: there is no such logger, or its package is not installed.
    """
    if name not in LOGGERS:
        raise ConfigError(f"logger '{name}' is none of {', '.join(LOGGERS)}")
    loggers = import_module("lightning.pytorch.loggers")
    place, title = folder / "logs", f"{run}/{folder.parent.name}/{folder.name}"
    try:
        if name == "csv":
            made = loggers.CSVLogger(folder, name="logs", version="")
        elif name == "tensorboard":
            made = loggers.TensorBoardLogger(folder, name="logs", version="")
        elif name == "wandb":
            place.mkdir(parents=True, exist_ok=True)
            made = loggers.WandbLogger(name=title, save_dir=place, project="sercli")
        else:
            made = loggers.MLFlowLogger("sercli", run_name=title, tracking_uri=place.absolute().as_uri())
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"logger '{name}' needs its package: pip install 'sercli[{name}]' ({error})"
        ) from None
    logger: Logger = made
    return logger


@contextmanager
def training_process(recipe: TrainingConfig) -> Iterator[None]:
    """Set up this process for a training, and restore the process afterwards.

    The training changes log levels, warning filters, the precision of convolutions on GPUs, the handler of
    Ctrl-C and torch's random state.
    """
    levels = {name: logging.getLogger(name).level for name in _QUIET_LOGGERS}
    allow_tf32, on_interrupt = torch.backends.cudnn.allow_tf32, signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        try:
            for name in levels:
                logging.getLogger(name).setLevel(logging.ERROR)
            for pattern in _QUIET_WARNINGS:
                warnings.filterwarnings("ignore", pattern)
            # Otherwise the convolutions of a GPU round to 19 bits, which contradicts 32-true.
            torch.backends.cudnn.allow_tf32 = recipe.precision != "32-true"
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            torch.backends.cudnn.allow_tf32 = allow_tf32
            # After the first Ctrl-C, Lightning ignores it. Only the main thread may set a handler.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, on_interrupt)
