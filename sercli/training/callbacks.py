"""Callbacks of a training: seeds, history, early stopping, failing losses and the progress bar."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, LearningRateMonitor
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sercli import files
from sercli.data import Batch
from sercli.errors import RunError, list_some
from sercli.runs.config import RunConfig
from sercli.runs.folder import Trial
from sercli.runs.training import TrainingConfig
from sercli.tasks import Task
from sercli.training.checkpoints import Checkpoint

_COLUMNS = ("epoch", "train_loss", "train_ua", "dev_loss", "dev_ua", "dev_ccc", "lr", "seconds")
_SHOWN = 8  # utterances of a batch that a message names


def make_callbacks(
    config: RunConfig,
    trial: Trial,
    ids: Sequence[str],
    report: Callable[[str], None],
    *,
    selects: bool,
    logged: bool,
    bar: bool,
) -> list[Callback]:
    """Make the callbacks of a training.

    Args:
        config: settings of the run.
        trial: fold and seed to train.
        ids: utterance of each row of the training part.
        report: called with a line after each epoch.
        selects: whether the dev part selects an epoch.
        logged: whether a logger receives the learning rates.
        bar: whether a terminal shows the progress of an epoch.
    """
    recipe = config.training
    callbacks: list[Callback] = [
        Reseed(trial.seed),
        FiniteLossGuard(trial, ids),
        History(trial, config.task, recipe.max_epochs, report),
    ]
    if logged:
        callbacks.append(LearningRateMonitor("epoch"))
    if bar and sys.stderr.isatty():
        callbacks.append(ProgressBar(recipe.max_epochs))
    if selects:
        callbacks.append(Checkpoint(trial.checkpoints, "best", monitor=config.task.monitor))
        if recipe.patience is not None:
            callbacks.append(_EarlyStopping(config.task.monitor, mode="max", patience=recipe.patience))
    # The last checkpoint is written after the best one, because it refers to the best one.
    return [*callbacks, Checkpoint(trial.checkpoints, "last")]


class Reseed(Callback):
    """Seed each step, so that its random numbers depend only on seed, step and process.

    A training that resumes from a checkpoint draws the same numbers as a training without interruption. No
    random state needs to be stored.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Seed torch on all devices."""
        step = [self.seed, trainer.current_epoch, batch_idx, trainer.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(step).generate_state(1)[0]))


class History(Callback):
    """Write the scores of each epoch, and report them in a line."""

    def __init__(self, trial: Trial, task: Task, max_epochs: int, report: Callable[[str], None]) -> None:
        self.trial, self.task, self.max_epochs, self.report = trial, task, max_epochs, report
        self.rows: list[dict[str, float]] = []
        self.started = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Store the epochs in each checkpoint, so that the checkpoint's digest covers them."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the epochs from a checkpoint."""
        self.rows = state_dict["rows"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Keep the epochs up to the checkpoint that the training resumes from."""
        kept = self.rows or self.trial.history()  # checkpoints of an earlier sercli hold no epochs
        self.rows = [row for row in kept if row["epoch"] <= trainer.current_epoch]
        if self.rows and trainer.is_global_zero:
            self._write()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Start the clock."""
        self.started = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Add a row; every process takes part, because the scores combine all processes."""
        scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row = {
            "epoch": trainer.current_epoch + 1,
            **{name: scores[name] for name in _COLUMNS if name in scores},
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": time.perf_counter() - self.started,
        }
        if not trainer.is_global_zero:
            return
        self.rows.append(row)
        self._write()
        dev = f"  dev loss {row['dev_loss']:.3f}" if "dev_loss" in row else ""
        dev += f"  dev {self.task.format_metric(row[self.task.monitor])}" if self.task.monitor in row else ""
        self.report(
            f"  epoch {row['epoch']:3d}/{self.max_epochs}  loss {row['train_loss']:.3f}{dev}  "
            f"{row['seconds']:.1f} s"
        )

    def _write(self) -> None:
        columns = [name for name in _COLUMNS if any(name in each for each in self.rows)]
        lines = [",".join(columns)]
        lines += [
            ",".join(f"{each[name]:.9g}" if name in each else "" for name in columns) for each in self.rows
        ]
        files.write_text(self.trial.history_file, "\n".join(lines) + "\n")


class _EarlyStopping(EarlyStopping):  # checkpoints hold the name of this class
    """Early stopping that remembers, after it resumes from a checkpoint, that it had already stopped."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Stop at once if the patience was used up before the interruption."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class FiniteLossGuard(Callback):
    """Stop the training if a loss is not a finite number, before anything is saved, and name the batch.

    The loss of a step is checked when the next step begins, so that nothing has to wait for the GPU.
    """

    def __init__(self, trial: Trial, ids: Sequence[str]) -> None:
        self.trial, self.ids = trial, ids
        self.loss: torch.Tensor | None = None
        self.rows: list[int] = []

    def on_train_batch_start(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        batch: Batch,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Check the loss of the previous step."""
        self._check(trainer)

    def on_train_batch_end(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        outputs: object,
        batch: Batch,
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Keep the loss and the rows; the next step checks them."""
        self.loss = outputs["loss"].detach() if isinstance(outputs, dict) else None
        self.rows = batch.rows.tolist()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Check the last step and the loss of the dev part before the epoch is kept."""
        self._check(trainer)
        dev_loss = trainer.callback_metrics.get("dev_loss")
        if dev_loss is not None and not bool(dev_loss.isfinite()):
            raise self._stop(trainer, "the dev loss is not a finite number")

    def _check(self, trainer: L.Trainer) -> None:
        if self.loss is None or bool(self.loss.isfinite()):
            return
        named = list(dict.fromkeys(self.ids[row] for row in self.rows))
        batch = f", in the batch of {list_some(named, _SHOWN)}"
        raise self._stop(trainer, "the loss became NaN or infinite", batch)

    def _stop(self, trainer: L.Trainer, fact: str, where: str = "") -> RunError:
        epoch = trainer.current_epoch  # equals the number of finished epochs
        kept = f"; the checkpoint of epoch {epoch} is kept" if epoch else ""
        return RunError(
            f"{self.trial.path}: {fact} in epoch {epoch + 1}{where}{kept}. Try a lower learning rate "
            "(--set training.lr=...), --set training.clip_norm=1 or --precision 32-true"
        )


def out_of_memory(trial: Trial, training: TrainingConfig) -> RunError:
    """Return the error, which names settings that need less memory for the same training."""
    half = max(1, training.batch_size // 2)
    remedy = (
        f"--set training.batch_size={half} --set training.accumulate={2 * training.accumulate} takes half as "
        "much and steps after as many utterances"
        if half < training.batch_size
        else "a batch of one does not fit: cut the utterances (--set segments.size_s=...) or take another GPU"
    )
    return RunError(f"{trial.path}: the GPU's memory is not enough; {remedy}")


def single_utterance(trial: Trial, training: TrainingConfig) -> RunError:
    """Return the error for a batch of one vector, which batch normalisation can't normalise."""
    return RunError(
        f"{trial.path}: training.batch_size={training.batch_size} leaves a batch of one utterance, and the "
        "network's batch normalisation needs two or more; choose another --set training.batch_size"
    )


class ProgressBar(Callback):
    """Show the progress of the current epoch on a terminal; the bar disappears when the training ends."""

    def __init__(self, max_epochs: int) -> None:
        self.max_epochs = max_epochs
        self.bar: Progress | None = None
        self.task: Any = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Show the bar."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[scores]}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        steps = int(trainer.num_training_batches)
        total = steps * (self.max_epochs - trainer.current_epoch)
        self.task = self.bar.add_task("", total=total, scores="")
        self.bar.start()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        outputs: Any,
        *_: Any,
    ) -> None:
        """Advance the bar by a step."""
        if self.bar is None:
            return
        scores = [f"loss {float(outputs['loss']):.3f}"]
        scores += [
            f"{name.replace('_', ' ')} {float(value):.3f}"
            for name, value in trainer.callback_metrics.items()
            if name in {"dev_ua", "dev_ccc"}
        ]
        scores.append(f"lr {trainer.optimizers[0].param_groups[0]['lr']:.1e}")
        epoch = f"epoch {trainer.current_epoch + 1}/{self.max_epochs}"
        self.bar.update(self.task, advance=1, description=epoch, scores="  ".join(scores))

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Remove the bar, however the training ended."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
