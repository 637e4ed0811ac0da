"""What a training minimises: a network with its loss and its optimiser, without Lightning.

Lightning takes seconds to import, and an estimate of the duration of a training needs none of it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sercli.data import Batch
from sercli.losses import (
    LOSS_SETTINGS,
    arcface_loss,
    ccc_loss,
    class_weights,
    cross_entropy,
    focal_loss,
    settings_read,
    value_loss,
)
from sercli.models import NetworkConfig, check_scores
from sercli.models.layers import CosineHead
from sercli.runs.training import TrainingConfig
from sercli.tasks import Outputs
from sercli.training.processes import gather_traces, gather_values


class Objective(nn.Module):
    """A network, its loss on `sercli.data.Batch`es, and its optimiser."""

    class_weights: Tensor | None
    means: Tensor
    deviations: Tensor

    def __init__(
        self,
        network: nn.Module,
        outputs: Outputs | int,
        training: TrainingConfig,
        class_counts: Sequence[int] | None = None,
    ) -> None:
        """Wrap a network.

        Args:
            network: called as ``network(**inputs, mask=mask)``, returns one number for each output of an
                utterance, (batch, outputs), or of a frame, (batch, frames, outputs).
            outputs: what these numbers mean: logits of classes, then values of dimensions. A number n means
                n classes.
            training: the recipe.
            class_counts: utterances of each class in the training part, for the class weights;
                without them all classes have the same weight.
        """
        super().__init__()
        # This changes four-dimensional weights only; the others keep their layout.
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        scales = (each.scale for each in network.modules() if isinstance(each, CosineHead))
        self.cosine_scale: float | None = next(scales, None)
        self.training_config = training
        weights = None
        if training.class_weights and class_counts is not None:
            weights = class_weights(class_counts, training.class_weight_alpha)
        self.register_buffer("class_weights", weights, persistent=False)
        if isinstance(outputs, int):
            outputs = Outputs(classes=tuple(map(str, range(outputs))))
        self.outputs, self.task = outputs, outputs.task
        self.n_classes = len(outputs.classes)
        for name, values in (("means", outputs.means), ("deviations", outputs.deviations)):
            self.register_buffer(name, torch.tensor(values), persistent=False)

    @classmethod
    def loss_settings(cls, network: NetworkConfig) -> frozenset[str]:
        """Name the settings among `LOSS_SETTINGS` that `loss` reads with given settings of the network.

        Override this method together with `loss`. If a subclass overrides only `loss`, sercli assumes that it
        reads all of them.
        """
        if cls.loss is not Objective.loss:
            return LOSS_SETTINGS
        return settings_read(cosine_head=network.cosine_head)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of a batch of a classifier, weighted by class, a scalar.

        If the network has a `CosineHead`, this is the ArcFace loss; otherwise it is the cross-entropy or the
        focal loss, as the recipe states.

        Args:
            logits: (batch, classes).
            target: class indices, (batch,); or, for soft labels, share of the votes, (batch, classes).
        """
        recipe = self.training_config
        if self.cosine_scale is not None:
            return arcface_loss(
                logits,
                target,
                margin=recipe.arcface_margin,
                scale=self.cosine_scale,
                easy_margin=recipe.arcface_easy_margin,
                weight=self.class_weights,
            )
        if recipe.loss == "focal":
            return focal_loss(logits, target, recipe.focal_gamma, self.class_weights)
        return cross_entropy(logits, target, self.class_weights)

    def forward(self, batch: Batch) -> Tensor:
        """Score the utterances, (batch, outputs), or their frames, (batch, frames, dimensions).

        Raises:
            RunError: the network gives something else.
        """
        # Convolutions over images are faster with channels last.
        inputs = {
            name: x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
            for name, x in batch.inputs.items()
        }
        scores: Tensor = self.network(**inputs, mask=batch.mask)
        check_scores(self.network, scores, len(batch.mask), self.outputs)
        return scores.float()

    def batch_loss(self, scores: Tensor, batch: Batch) -> Tensor:
        """Return the loss of a batch: of its classes, of its values, or the weighted sum of both.

        If several processes share a batch, the loss of values alone is that of all parts together; beside
        classes it is that of the process's own part.
        """
        recipe = self.training_config
        if self.task.per_frame:
            preds, target, mask = gather_traces(*align(scores, batch))
            return ccc_loss(preds, target, mask, recipe.ccc_scope)
        if not self.task.has_values:
            return self._class_loss(scores, batch)
        values, target = self.values(scores, batch)
        if not self.task.has_classes:
            return value_loss(*gather_values(values, target), recipe.loss)
        of_classes = self._class_loss(scores[:, : self.n_classes], batch)
        of_values = value_loss(values, target, recipe.value_loss)
        return (1 - recipe.value_weight) * of_classes + recipe.value_weight * of_values

    def _class_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss of the classes of a batch whose utterances may be mixed."""
        if batch.votes is not None:  # those of mixed utterances are mixed already
            return self.loss(logits, batch.votes)
        loss = self.loss(logits, batch.target)
        if batch.other is None:
            return loss
        return batch.share * loss + (1 - batch.share) * self.loss(logits, batch.other)

    def values(self, scores: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return predicted values and ratings, (batch, dimensions), both standardised."""
        if batch.values is None:
            raise TypeError("a batch of dimensions needs values")
        target = (batch.values - self.means) / self.deviations if len(self.means) else batch.values
        return scores[:, self.n_classes :], target

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Make the optimiser alone."""
        recipe, parameters = self.training_config, self._parameter_groups()
        if recipe.optimizer == "sgd":
            nesterov = recipe.momentum > 0
            return torch.optim.SGD(
                parameters,
                lr=recipe.lr,
                momentum=recipe.momentum,
                nesterov=nesterov,
                weight_decay=recipe.weight_decay,
            )
        if recipe.optimizer == "rmsprop":
            return torch.optim.RMSprop(
                parameters, lr=recipe.lr, alpha=recipe.rmsprop_decay, weight_decay=recipe.weight_decay
            )
        return torch.optim.Adam(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)

    def _parameter_groups(self) -> Any:
        """Return the parameters; those of a pretrained encoder apart, if it has its own learning rate."""
        rate = self.training_config.encoder_lr
        pretrained = dict(self.network.named_children()).get("encoder")
        if rate is None or pretrained is None:
            return self.parameters()
        encoder = [each for each in pretrained.parameters() if each.requires_grad]
        apart = {id(each) for each in pretrained.parameters()}
        others = [each for each in self.parameters() if id(each) not in apart]
        return [{"params": others}, {"params": encoder, "lr": rate}]


def align(scores: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Cut predictions, labels and mask to the number of rows that they share."""
    if batch.target_mask is None:
        raise TypeError("a batch of continuous labels needs a target_mask")
    rows = min(scores.shape[1], batch.target.shape[1])
    return scores[:, :rows], batch.target[:, :rows], batch.target_mask[:, :rows]
