"""The LightningModule that trains every architecture, and that users can subclass."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torchmetrics import ConcordanceCorrCoef, MeanMetric, Metric

from sercli.data import Batch
from sercli.models import Architecture
from sercli.runs.training import TrainingConfig
from sercli.tasks import Outputs
from sercli.training.metrics import UtteranceCCC, UtteranceUA
from sercli.training.objective import Objective, align
from sercli.training.processes import share_of_batch


class SERModule(Objective, L.LightningModule):
    """Train a classifier of utterances, or a regressor of their frames, on `sercli.data.Batch`es.

    Every training logs ``train_loss`` and ``dev_loss``. A classifier also logs ``train_ua`` and ``dev_ua``,
    the mean recall over the classes that are present; ``train_ua`` is measured during the epoch, while the
    weights still change. A regressor also logs ``dev_ccc``, the mean over the dimensions with all frames of
    the dev part joined.
    """

    def __init__(
        self,
        network: nn.Module,
        outputs: Outputs | int,
        training: TrainingConfig,
        class_counts: Sequence[int] | None = None,
    ) -> None:
        """Wrap a network; the arguments are those of `Objective`."""
        super().__init__(network, outputs, training, class_counts)
        self.kept_epoch = 0  # counted from zero; of the weights that are kept
        self.train_loss, self.dev_loss = (MeanMetric(nan_strategy="disable") for _ in range(2))
        self.train_ua = UtteranceUA(self.n_classes) if self.task.has_classes else None
        self.dev_ua = UtteranceUA(self.n_classes) if self.task.has_classes else None
        self.dev_ccc: Metric | None = None
        if self.task.per_frame:
            # torchmetrics divides by n - 1, the loss by n; with thousands of frames the difference is
            # negligible.
            self.dev_ccc = ConcordanceCorrCoef(num_outputs=len(self.outputs))
        elif self.task.has_values:
            self.dev_ccc = UtteranceCCC()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Return the loss of a batch, computed over the parts of all processes together."""
        scores, count = self(batch), len(batch.target)
        loss = self.batch_loss(scores, batch)
        self.train_loss.update(loss.detach(), count)
        self.log("train_loss", self.train_loss, on_step=False, on_epoch=True)
        if self.train_ua is not None and batch.other is None:  # mixed utterances have no single class
            self.train_ua.update(scores[:, : self.n_classes].detach(), batch.target, batch.utterances)
            self.log("train_ua", self.train_ua, on_step=False, on_epoch=True)
        return loss * share_of_batch(count, loss.device) if self.task.has_classes else loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Add a batch of the dev part."""
        scores = self(batch)
        self.dev_loss.update(self.batch_loss(scores, batch), len(batch.target))
        self.log("dev_loss", self.dev_loss)
        if self.dev_ua is not None:
            self.dev_ua.update(scores[:, : self.n_classes], batch.target, batch.utterances)
        if self.task.per_frame and self.dev_ccc is not None:
            preds, target, mask = align(scores, batch)
            self.dev_ccc.update(preds[mask], target[mask])
        elif self.dev_ccc is not None:
            self.dev_ccc.update(*self.values(scores, batch), batch.utterances)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of the dev part."""
        for name, metric in (("dev_ua", self.dev_ua), ("dev_ccc", self.dev_ccc)):
            if metric is not None:
                value = metric.compute().nan_to_num().mean()  # a constant has a correlation of zero
                self.log(name, value.float(), prog_bar=name == self.task.monitor)
                metric.reset()

    def configure_optimizers(self) -> Any:
        """Make the optimiser and its schedule, as the recipe states."""
        recipe = self.training_config
        optimizer = self.make_optimizer()
        schedulers = torch.optim.lr_scheduler
        epochs = self.trainer.max_epochs or 1
        if recipe.schedule == "constant" and not recipe.warmup:
            return optimizer
        if recipe.schedule == "steps":
            steps = schedulers.MultiStepLR(optimizer, [epoch - 1 for epoch in recipe.milestones], 0.1)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": steps, "interval": "epoch"}}
        total = int(self.trainer.estimated_stepping_batches)
        schedule: torch.optim.lr_scheduler.LRScheduler
        if recipe.warmup:
            schedule = schedulers.LambdaLR(optimizer, warming(recipe, total))
        elif recipe.schedule == "cosine":
            schedule = schedulers.CosineAnnealingLR(optimizer, total)
        else:
            schedule = schedulers.CyclicLR(
                optimizer,
                base_lr=[min(recipe.lr_min, group["lr"]) for group in optimizer.param_groups],
                max_lr=[group["lr"] for group in optimizer.param_groups],
                step_size_up=round(total / epochs),  # half a cycle is an epoch
                mode="triangular",
                cycle_momentum=False,
            )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def warming(recipe: TrainingConfig, total: int) -> Callable[[int], float]:
    """Return the factor of the learning rate by number of the step, from zero, of ``total`` steps.

    It rises linearly in the first steps, then it is constant, or falls to zero as half a cosine.
    """
    rising = max(1, round(recipe.warmup * total))

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        if recipe.schedule == "constant":
            return 1.0
        return (1 + math.cos(math.pi * (step - rising) / max(1, total - rising))) / 2

    return factor


def module_of(architecture: Architecture) -> type[SERModule]:
    """Return the class that trains an architecture."""
    return SERModule if architecture.module is None else architecture.module()
