"""A loss that is no number, and memory that is not enough, in words that help."""

from collections.abc import Sequence

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from sercli.data import Batch
from sercli.errors import RunError
from sercli.runs.folder import Trial
from sercli.runs.training import TrainingConfig

_SHOWN = 8


class Guard(Callback):
    """Stops where a loss is no finite number, and says in which batch, before anything is saved.

    A step's loss is looked at when the next step begins, so that a GPU is not waited for.
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
        """Look at the step before."""
        self._check(trainer)

    def on_train_batch_end(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        outputs: object,
        batch: Batch,
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Keep what the next step looks at."""
        self.loss = outputs["loss"].detach() if isinstance(outputs, dict) else None
        self.rows = batch.rows.tolist()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Look at the last step, and at the loss of the dev part, before the epoch is kept."""
        self._check(trainer)
        dev_loss = trainer.callback_metrics.get("dev_loss")
        if dev_loss is not None and not bool(dev_loss.isfinite()):
            raise self._stop(trainer, "the dev loss is not a finite number")

    def _check(self, trainer: L.Trainer) -> None:
        if self.loss is None or bool(self.loss.isfinite()):
            return
        named = list(dict.fromkeys(self.ids[row] for row in self.rows))
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        batch = f", in the batch of {', '.join(named[:_SHOWN])}{more}"
        raise self._stop(trainer, "the loss is no longer a number", batch)

    def _stop(self, trainer: L.Trainer, fact: str, where: str = "") -> RunError:
        epoch = trainer.current_epoch  # those before it, which is how many are finished
        kept = f"; the checkpoint of epoch {epoch} is kept" if epoch else ""
        return RunError(
            f"{self.trial.path}: {fact} in epoch {epoch + 1}{where}{kept}. Try a lower learning rate "
            "(--set training.lr=...), --set training.clip_norm=1 or --precision 32-true"
        )


def out_of_memory(trial: Trial, training: TrainingConfig) -> RunError:
    """Say what would need less memory and train alike."""
    half = max(1, training.batch_size // 2)
    remedy = (
        f"--set training.batch_size={half} --set training.accumulate={2 * training.accumulate} takes half as "
        "much and steps after as many utterances"
        if half < training.batch_size
        else "a batch of one does not fit: cut the utterances (--set segments.size_s=...) or take another GPU"
    )
    return RunError(f"{trial.path}: the GPU's memory is not enough; {remedy}")
