"""What the LightningModules of all architectures share."""

from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassConfusionMatrix

from sercli.data import Batch
from sercli.losses.cross_entropy import cross_entropy
from sercli.losses.focal import focal_loss
from sercli.losses.weights import class_weights
from sercli.runs.config import TrainingConfig


class SERModule(L.LightningModule):
    """Train a classifier of utterances on `sercli.data.Batch`es.

    Logs ``train_loss``, ``dev_loss``, ``dev_ua`` (mean recall over the classes present) and ``lr``.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        network: nn.Module,
        n_classes: int,
        training: TrainingConfig,
        class_counts: Sequence[int] | None = None,
    ) -> None:
        """Wrap a network.

        Args:
            network: called as ``network(**inputs, mask=mask)``, gives logits, (batch, classes).
            n_classes: number of classes.
            training: the recipe.
            class_counts: utterances of each class in the training part, for the class weights;
                without them all classes weigh the same.
        """
        super().__init__()
        # Four-dimensional weights only; others keep their layout.
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.training_config = training
        weights = None
        if training.class_weights and class_counts is not None:
            weights = class_weights(class_counts, training.class_weight_alpha)
        self.register_buffer("class_weights", weights, persistent=False)
        self.dev_confusion = MulticlassConfusionMatrix(n_classes)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy, or the focal loss, of a batch, weighted by class, a scalar.

        Args:
            logits: (batch, classes).
            target: class indices, (batch,).
        """
        if self.training_config.loss == "focal":
            return focal_loss(logits, target, self.training_config.focal_gamma, self.class_weights)
        return cross_entropy(logits, target, self.class_weights)

    def forward(self, batch: Batch) -> Tensor:
        """Score the classes, (batch, classes)."""
        logits: Tensor = self.network(**batch.inputs, mask=batch.mask)
        return logits.float()

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:  # noqa: ARG002
        """Lay images out with channels last, which convolutions are quicker with."""
        for name, x in batch.inputs.items():
            if x.dim() == 4:
                batch.inputs[name] = x.contiguous(memory_format=torch.channels_last)
        return batch

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Return the loss of a batch."""
        loss = self.loss(self(batch), batch.target)
        self.log(
            "train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch.target)
        )
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Count a batch of the dev part."""
        logits = self(batch)
        loss = self.loss(logits, batch.target)
        self.log("dev_loss", loss, batch_size=len(batch.target))
        self.dev_confusion.update(logits, batch.target)

    def on_validation_epoch_end(self) -> None:
        """Log the dev part's unweighted accuracy."""
        counts = self.dev_confusion.compute().cpu().double()  # (true, predicted)
        of_class = counts.sum(dim=1)
        recalls = counts.diagonal()[of_class > 0] / of_class[of_class > 0]
        self.log("dev_ua", recalls.mean().float(), prog_bar=True)
        self.dev_confusion.reset()

    def configure_optimizers(self) -> Any:
        """Make the optimiser and its schedule, as the recipe says."""
        recipe = self.training_config
        optimizer = self._optimizer()
        schedulers = torch.optim.lr_scheduler
        epochs = self.trainer.max_epochs or 1
        if recipe.schedule == "constant":
            return optimizer
        if recipe.schedule == "steps":
            steps = schedulers.MultiStepLR(optimizer, [epoch - 1 for epoch in recipe.milestones], 0.1)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": steps, "interval": "epoch"}}
        total = int(self.trainer.estimated_stepping_batches)
        schedule: torch.optim.lr_scheduler.LRScheduler
        if recipe.schedule == "cosine":
            schedule = schedulers.CosineAnnealingLR(optimizer, total)
        else:
            schedule = schedulers.CyclicLR(
                optimizer,
                base_lr=recipe.lr_min,
                max_lr=recipe.lr,
                step_size_up=round(total / epochs),  # half a cycle is an epoch
                mode="triangular",
                cycle_momentum=False,
            )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _optimizer(self) -> torch.optim.Optimizer:
        recipe, parameters = self.training_config, self.parameters()
        if recipe.optimizer == "sgd":
            nesterov = recipe.momentum > 0
            return torch.optim.SGD(
                parameters,
                lr=recipe.lr,
                momentum=recipe.momentum,
                nesterov=nesterov,
                weight_decay=recipe.weight_decay,
            )
        kind = torch.optim.RMSprop if recipe.optimizer == "rmsprop" else torch.optim.Adam
        return kind(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)
