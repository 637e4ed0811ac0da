"""The LightningModule that trains every architecture, and that users can subclass."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torchmetrics import ConcordanceCorrCoef, MeanMetric, Metric
from torchmetrics.utilities import dim_zero_cat

from sercli.data import Batch
from sercli.losses import (
    LOSS_SETTINGS,
    arcface_loss,
    ccc,
    ccc_loss,
    class_weights,
    cross_entropy,
    focal_loss,
    settings_read,
    value_loss,
)
from sercli.models import Architecture, NetworkConfig
from sercli.models.layers import CosineHead
from sercli.runs.training import TrainingConfig
from sercli.tasks import Outputs
from sercli.training.processes import gather_traces, gather_values, share_of_batch


class SERModule(L.LightningModule):
    """Train a classifier of utterances, or a regressor of their frames, on `sercli.data.Batch`es.

    Every training logs ``train_loss`` and ``dev_loss``. A classifier also logs ``train_ua`` and ``dev_ua``,
    the mean recall over the classes that are present; ``train_ua`` is measured during the epoch, while the
    weights still change. A regressor also logs ``dev_ccc``, the mean over the dimensions with all frames of
    the dev part joined.
    """

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
        self.kept_epoch = 0  # counted from zero; of the weights that are kept
        weights = None
        if training.class_weights and class_counts is not None:
            weights = class_weights(class_counts, training.class_weight_alpha)
        self.register_buffer("class_weights", weights, persistent=False)
        self.train_loss, self.dev_loss = (MeanMetric(nan_strategy="disable") for _ in range(2))
        if isinstance(outputs, int):
            outputs = Outputs(classes=tuple(map(str, range(outputs))))
        self.outputs, self.task = outputs, outputs.task
        self.n_classes = len(outputs.classes)
        for name, values in (("means", outputs.means), ("deviations", outputs.deviations)):
            self.register_buffer(name, torch.tensor(values), persistent=False)
        self.train_ua = UtteranceUA(self.n_classes) if self.task.has_classes else None
        self.dev_ua = UtteranceUA(self.n_classes) if self.task.has_classes else None
        self.dev_ccc: Metric | None = None
        if self.task.per_frame:
            # torchmetrics divides by n - 1, the loss by n; with thousands of frames the difference is
            # negligible.
            self.dev_ccc = ConcordanceCorrCoef(num_outputs=len(outputs))
        elif self.task.has_values:
            self.dev_ccc = UtteranceCCC()

    @classmethod
    def loss_settings(cls, network: NetworkConfig) -> frozenset[str]:
        """Name the settings among `LOSS_SETTINGS` that `loss` reads with given settings of the network.

        Override this method together with `loss`. If a subclass overrides only `loss`, sercli assumes that it
        reads all of them.
        """
        if cls.loss is not SERModule.loss:
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
        """Score the utterances, (batch, outputs), or their frames, (batch, frames, dimensions)."""
        # Convolutions over images are faster with channels last.
        inputs = {
            name: x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
            for name, x in batch.inputs.items()
        }
        scores: Tensor = self.network(**inputs, mask=batch.mask)
        return scores.float()

    def batch_loss(self, scores: Tensor, batch: Batch) -> Tensor:
        """Return the loss of a batch: of its classes, of its values, or the weighted sum of both.

        If several processes share a batch, the loss of values alone is that of all parts together; beside
        classes it is that of the process's own part.
        """
        recipe = self.training_config
        if self.task.per_frame:
            preds, target, mask = gather_traces(*_aligned(scores, batch))
            return ccc_loss(preds, target, mask, recipe.ccc_scope)
        if not self.task.has_values:
            return self._class_loss(scores, batch)
        values, target = self._values(scores, batch)
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

    def _values(self, scores: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return predicted values and ratings, (batch, dimensions), both standardised."""
        if batch.values is None:
            raise TypeError("a batch of dimensions needs values")
        target = (batch.values - self.means) / self.deviations if len(self.means) else batch.values
        return scores[:, self.n_classes :], target

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
            preds, target, mask = _aligned(scores, batch)
            self.dev_ccc.update(preds[mask], target[mask])
        elif self.dev_ccc is not None:
            self.dev_ccc.update(*self._values(scores, batch), batch.utterances)

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


def _aligned(scores: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Cut predictions, labels and mask to the number of rows that they share."""
    if batch.target_mask is None:
        raise TypeError("a batch of continuous labels needs a target_mask")
    rows = min(scores.shape[1], batch.target.shape[1])
    return scores[:, :rows], batch.target[:, :rows], batch.target_mask[:, :rows]


def module_of(architecture: Architecture) -> type[SERModule]:
    """Return the class that trains an architecture."""
    return SERModule if architecture.module is None else architecture.module()


class _OfUtterances(Metric):
    """A metric of utterances, whose segments are averaged first."""

    full_state_update = False
    scores: list[Tensor]
    target: list[Tensor]
    utterances: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("scores", "target", "utterances"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, scores: Tensor, target: Tensor, utterances: Tensor) -> None:
        """Add segments: scores, (batch, outputs), and their label and number of the utterance, (batch,)."""
        self.scores.append(scores)
        self.target.append(target)
        self.utterances.append(utterances)

    def collect(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return all scores, labels, and for each segment the place of its utterance, on the CPU."""
        # This runs on the CPU, since Apple's GPUs have no 64-bit floats.
        scores, target, utterances = (
            dim_zero_cat(each).cpu() for each in (self.scores, self.target, self.utterances)
        )
        return scores.double(), target, torch.unique(utterances, return_inverse=True)[1]


class UtteranceUA(_OfUtterances):
    """Mean recall over the classes that are present; the segments of an utterance are averaged first."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes

    def compute(self) -> Tensor:
        """Return the mean recall, a scalar."""
        logits, target, place = self.collect()
        probabilities, count = logits.softmax(1), int(place.max()) + 1
        sums = probabilities.new_zeros(count, self.n_classes).index_add_(0, place, probabilities)
        true = target.new_zeros(count).scatter_(0, place, target)
        counts = torch.bincount(true, minlength=self.n_classes).double()
        hits = torch.bincount(true[sums.argmax(1) == true], minlength=self.n_classes).double()
        recalls = hits[counts > 0] / counts[counts > 0]
        return recalls.mean().float()


class UtteranceCCC(_OfUtterances):
    """CCC of each dimension over utterances; the segments of an utterance are averaged first.

    The moments are divided by n, as in the loss and in the tables of results. torchmetrics divides by n - 1.
    """

    def compute(self) -> Tensor:
        """Return the coefficients, (dimensions,)."""
        values, target, place = self.collect()
        count = int(place.max()) + 1
        segments = torch.bincount(place).double()[:, None]  # (utterances, 1)
        means, true = (
            values.new_zeros(count, values.shape[1]).index_add_(0, place, each.double()) / segments
            for each in (values, target)
        )
        every = torch.ones(1, count, dtype=torch.bool)
        return ccc(means[None], true[None], every)
