"""A bar on a terminal: how far the epoch is, loss, dev figure, learning rate and time left."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar(Callback):
    """Shows the current epoch; it goes when training ends, the epochs' lines stay."""

    def __init__(self, max_epochs: int) -> None:
        self.max_epochs = max_epochs
        self.bar: Progress | None = None
        self.task: Any = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Begin to draw."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        steps = int(trainer.num_training_batches)
        total = steps * (self.max_epochs - trainer.current_epoch)
        self.task = self.bar.add_task("", total=total, figures="")
        self.bar.start()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        outputs: Any,
        *_: Any,
    ) -> None:
        """Move on by a step."""
        if self.bar is None:
            return
        told = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name in {"dev_ua", "dev_ccc"}
        }
        figures = [f"loss {float(outputs['loss']):.3f}"]
        figures += [f"{name.replace('_', ' ')} {value:.3f}" for name, value in told.items()]
        figures.append(f"lr {trainer.optimizers[0].param_groups[0]['lr']:.1e}")
        epoch = f"epoch {trainer.current_epoch + 1}/{self.max_epochs}"
        self.bar.update(self.task, advance=1, description=epoch, figures="  ".join(figures))

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Stop drawing, however training ended."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
