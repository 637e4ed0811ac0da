"""Define the settings of a training."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sercli.config import Config
from sercli.tasks import VALUE_LOSSES

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]

SOLVED_IN = "64-bit floats"
"""Number format of a classifier that is solved; the setting ``precision`` does not concern it."""


class TrainingConfig(Config):
    """Settings of a training; the recipe of each architecture states its own values."""

    neutral: ClassVar[Mapping[str, Any]] = {
        "batch_statistics": "running",
        "rmsprop_decay": 0.99,
        "encoder_lr": None,
        "warmup": 0.0,
        "sampling": "all",
        "search": {},
        "search_folds": 4,
        "value_loss": "ccc",
        "value_weight": 0.5,
    }

    loss: Literal["cross-entropy", "focal", "ccc", "mse", "mae"] = "cross-entropy"
    """Loss of a network without a cosine head (with one, the loss is ArcFace). Classes: cross-entropy or
    focal. Continuous labels: ccc, one minus the concordance correlation coefficient. Values of dimensions:
    ccc over the utterances of a batch, mse (mean squared error) or mae (mean absolute error) of
    standardised values."""
    value_loss: Literal["ccc", "mse", "mae"] = "ccc"
    """Loss of the values, if a network learns classes and dimensions together."""
    value_weight: float = Field(0.5, ge=0, le=1)
    """Weight of ``value_loss`` in the sum, if a network learns classes and dimensions together; that of
    ``loss`` is one minus this."""
    ccc_scope: Literal["batch", "sequence"] = "batch"
    """Whether the concordance correlation is computed over all frames of a batch, or for each segment."""
    focal_gamma: float = Field(2.0, ge=0)
    """Strength with which the focal loss reduces the weight of utterances that are already recognised."""
    arcface_margin: float = Field(0.5, ge=0, le=1.5)
    """Angle in radians that is added for the true class, for a network with a cosine head."""
    arcface_easy_margin: bool = False
    """Whether the margin is added only to angles below 90 degrees."""
    class_weights: bool = True
    """Whether the loss of rare classes has a larger weight: r_c = alpha * N / N_c."""
    class_weight_alpha: float | None = Field(None, gt=0)
    """The alpha of the class weights; null takes one over the number of classes."""
    sampling: Literal["all", "balanced"] = "all"
    """Utterances of an epoch: each one once (all), or as many, with each class equally often (balanced). The
    class weights then count a second time: set class_weights=false."""
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"
    """The optimiser; sgd uses Nesterov momentum."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of sgd."""
    rmsprop_decay: float = Field(0.99, ge=0, lt=1)
    """Weight of the previous value in rmsprop's running average of squared gradients."""
    schedule: Literal["constant", "cyclical", "cosine", "steps"] = "constant"
    """Learning rate over the training: always ``lr``, a triangle between ``lr_min`` and ``lr``, half a cosine
    from ``lr`` to zero, or ``lr`` divided by ten at each of ``milestones``."""
    milestones: tuple[Annotated[int, Field(ge=2)], ...] = ()
    """Epochs, counted from one, at the start of which the learning rate is divided by ten."""
    lr: float = Field(1e-3, gt=0)
    """Learning rate, or the upper limit of a rate that changes."""
    lr_min: float = Field(1e-5, gt=0)
    """Lower limit of the cyclical learning rate."""
    encoder_lr: float | None = Field(None, gt=0)
    """Learning rate of a pretrained encoder that is part of the network, in place of ``lr``; null takes
    ``lr``."""
    warmup: float = Field(0.0, ge=0, lt=1)
    """Share of the steps of the training in which the learning rate rises from zero."""
    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty on the weights."""
    batch_size: int = Field(32, ge=1)
    """Utterances in a batch, over all devices."""
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are averaged for one step of the optimiser. The last step of an epoch may have
    fewer; it is divided by this number too, and so has a smaller weight."""
    clip_norm: float | None = Field(None, gt=0)
    """Maximum gradient norm; no clipping if null."""
    max_epochs: int = Field(100, ge=1)
    """Maximum number of passes over the training part."""
    patience: int | None = Field(20, ge=1)
    """Epochs without a better dev metric after which training ends; null trains all epochs."""
    selection: Literal["best-dev-ua", "best-dev-ccc", "last", "best-on-test"] = "best-dev-ua"
    """Epoch whose weights are kept. best-on-test chooses it by the test part, so its scores are too high."""
    batch_statistics: Literal["running", "reestimated"] = "running"
    """Statistics that batch normalisation uses in evaluation: running averages from the training, which
    include dropout and augmentation; or statistics of the training part, computed with the kept weights
    without either."""
    precision: Precision = "auto"
    """Number format; ``auto`` becomes the format that suits the device, and that format is recorded."""

    search: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Values to choose from, by setting, as {model.c: [0.01, 0.1]}: in each fold the combination is taken
    whose UA is best in inner folds of the training part, which share no speaker. The first one is taken if
    several are equally good, so simpler values come first."""
    search_folds: int = Field(4, ge=2, le=20)
    """Number of inner folds of a search; as many as there are speakers if these are fewer."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: those of a loss, optimiser or schedule that is not chosen.

        The settings that the loss of a network reads are not known here; see `sercli.training`.
        """
        idle = {}
        if self.loss != "ccc":
            idle["ccc_scope"] = f"loss={self.loss}"
        if self.loss != "focal":
            idle["focal_gamma"] = f"loss={self.loss}"
        if not self.class_weights:
            idle["class_weight_alpha"] = "class_weights=false"
        if self.loss in VALUE_LOSSES:
            idle |= dict.fromkeys(("class_weights", "class_weight_alpha"), f"loss={self.loss}")
        if self.arcface_margin == 0:
            idle["arcface_easy_margin"] = "arcface_margin=0"
        if self.optimizer != "sgd":
            idle["momentum"] = f"optimizer={self.optimizer}"
        if self.optimizer != "rmsprop":
            idle["rmsprop_decay"] = f"optimizer={self.optimizer}"
        if self.schedule != "steps":
            idle["milestones"] = f"schedule={self.schedule}"
        if not self.search:
            idle["search_folds"] = "search={}"
        if self.schedule != "cyclical":
            idle["lr_min"] = f"schedule={self.schedule}"
        return idle

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.schedule == "cyclical" and self.lr_min > self.lr:
            raise ValueError(f"lr_min={self.lr_min:g} is above lr={self.lr:g}")
        if self.warmup and self.schedule not in ("constant", "cosine"):
            raise ValueError(
                f"warmup={self.warmup:g} goes with schedule=constant or cosine, not with {self.schedule}"
            )
        if self.schedule == "steps" and not self.milestones:
            raise ValueError("schedule=steps needs milestones, the epochs at which the rate falls")
        return self
