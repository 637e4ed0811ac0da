"""The figures of each epoch, kept and said."""

import time
from collections.abc import Callable
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from sercli import files
from sercli.runs.folder import Trial

_COLUMNS = ("epoch", "train_loss", "train_ua", "dev_loss", "dev_ua", "dev_ccc", "lr", "seconds")


class History(Callback):
    """Writes the epochs' figures and says them."""

    def __init__(self, trial: Trial, max_epochs: int, say: Callable[[str], None]) -> None:
        self.trial, self.max_epochs, self.say = trial, max_epochs, say
        self.rows: list[dict[str, float]] = []
        self.started = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Keep the epochs in each checkpoint, whose digest covers them."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the epochs of a checkpoint."""
        self.rows = state_dict["rows"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Keep the epochs up to the checkpoint that the training resumes from."""
        kept = self.rows or self.trial.history()  # checkpoints of an earlier sercli hold none
        self.rows = [row for row in kept if row["epoch"] <= trainer.current_epoch]
        if self.rows and trainer.is_global_zero:
            self._write()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Start the clock."""
        self.started = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Add a row; every process takes part, since the figures are of all of them."""
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row = {
            "epoch": trainer.current_epoch + 1,
            **{name: figures[name] for name in _COLUMNS if name in figures},
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": time.perf_counter() - self.started,
        }
        if not trainer.is_global_zero:
            return
        self.rows.append(row)
        self._write()
        dev = f"  dev loss {row['dev_loss']:.3f}" if "dev_loss" in row else ""
        dev += f"  dev UA {100 * row['dev_ua']:.1f} %" if "dev_ua" in row else ""
        dev += f"  dev CCC {row['dev_ccc']:.3f}" if "dev_ccc" in row else ""
        self.say(
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
