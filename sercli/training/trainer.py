"""Make Lightning's trainer, its loggers and the batches of a fold."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import lightning as L
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import Logger
from torch.utils.data import DataLoader

from sercli.data import Batch, Resident, fits_on_gpu
from sercli.data.batches import BucketSampler, sorted_batches
from sercli.devices import Device
from sercli.errors import ConfigError, RunError
from sercli.runs.training import TrainingConfig
from sercli.training.checkpoints import WholeCheckpoints
from sercli.training.folds import Parts

LOGGERS = ("csv", "tensorboard", "wandb", "mlflow")


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


class FoldDataModule(L.LightningDataModule):
    """Batches of a fold's training and dev parts.

    There are no worker processes: features are memory-mapped, and it costs more to pass batches between
    processes than to make them. A part that fits on the GPU and is not augmented is kept there.
    """

    def __init__(self, parts: Parts, recipe: TrainingConfig, seed: int, device: Device) -> None:
        super().__init__()
        self.parts, self.recipe, self.seed, self.device = parts, recipe, seed, device
        self.resident: dict[str, Resident] = {}

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Check that each process has utterances, and copy parts to the GPU if they fit there.

        Raises:
            RunError: a part has fewer utterances than there are processes.
        """
        processes = self._share["processes"]
        for name in ("train", "dev"):
            part = getattr(self.parts, name)
            if part is None:
                continue
            if min(len(part), self.recipe.batch_size) < processes:
                raise RunError(
                    f"{len(part)} {name} utterances in batches of {self.recipe.batch_size} for {processes} "
                    "processes; use fewer devices or a larger batch"
                )
            if self.device.accelerator == "cuda" and self.trainer is not None:
                place = self.trainer.strategy.root_device
                if name not in self.resident and fits_on_gpu(part, place):
                    self.resident[name] = Resident(part, place)

    def train_dataloader(self) -> Iterable[Batch]:
        """Make batches of utterances of similar length, in a new composition for each epoch."""
        train = self.parts.train
        balanced = train.classes.tolist() if self.recipe.sampling == "balanced" else None
        sampler = BucketSampler(
            train.lengths, self.recipe.batch_size, self.seed, train.set_epoch, **self._share, classes=balanced
        )
        return DataLoader(self.resident.get("train", train), batch_size=None, sampler=sampler)

    def val_dataloader(self) -> Iterable[Batch]:
        """Make batches of the dev part, shortest utterances first; return none without a dev part."""
        dev = self.parts.dev
        if dev is None:
            return []
        batches: list[list[int]] = sorted_batches(dev.lengths, self.recipe.batch_size, **self._share)
        return DataLoader(self.resident.get("dev", dev), batch_size=None, sampler=batches)

    @property
    def _share(self) -> dict[str, int]:
        """Number of this process, and number of all processes."""
        if self.trainer is None:
            return {"rank": 0, "processes": 1}
        return {"rank": self.trainer.global_rank, "processes": self.trainer.world_size}
