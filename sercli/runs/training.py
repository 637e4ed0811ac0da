"""How a network is trained."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sercli.config import Config

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]


class TrainingConfig(Config):
    """How a network is trained; each architecture's recipe states its own."""

    neutral: ClassVar[Mapping[str, Any]] = {"batch_statistics": "running", "rmsprop_decay": 0.99}

    loss: Literal["cross-entropy", "focal", "ccc"] = "cross-entropy"
    """What is minimised, where the network has no cosine head (whose loss is ArcFace); ccc, one minus the
    concordance correlation, for continuous labels and only for these."""
    ccc_scope: Literal["batch", "sequence"] = "batch"
    """Whether the concordance correlation is of a batch's frames joined, or of each segment."""
    focal_gamma: float = Field(2.0, ge=0)
    """How much less the focal loss counts what is already right."""
    arcface_margin: float = Field(0.5, ge=0, le=1.5)
    """Radians added to the true class's angle, where the network has a cosine head."""
    arcface_easy_margin: bool = False
    """Whether the margin is added only to angles below a right one."""
    class_weights: bool = True
    """Whether rare classes weigh more: r_c = alpha * N / N_c."""
    class_weight_alpha: float | None = Field(None, gt=0)
    """The alpha of the class weights; one over the number of classes if not given."""
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"
    """The optimiser; sgd with Nesterov momentum."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of sgd."""
    rmsprop_decay: float = Field(0.99, ge=0, lt=1)
    """Share of the former average in rmsprop's running average of squared gradients."""
    schedule: Literal["constant", "cyclical", "cosine", "steps"] = "constant"
    """Learning rate: ``lr`` throughout, a triangle between ``lr_min`` and ``lr``, half a cosine from
    ``lr`` to zero, or ``lr`` divided by ten at each of ``milestones``."""
    milestones: tuple[Annotated[int, Field(ge=2)], ...] = ()
    """Epochs, from one, at whose beginning the rate is divided by ten."""
    lr: float = Field(1e-3, gt=0)
    """Learning rate, or its upper limit."""
    lr_min: float = Field(1e-5, gt=0)
    """Lower limit of the cyclical rate."""
    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty on the weights."""
    batch_size: int = Field(32, ge=1)
    """Utterances a step, over all devices."""
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are averaged for one step of the optimiser; the rest at an epoch's end counts
    less, being divided by this number too."""
    clip_norm: float | None = Field(None, gt=0)
    """Norm to which longer gradients are shortened; none are if none."""
    max_epochs: int = Field(100, ge=1)
    """Passes over the training part, at most."""
    patience: int | None = Field(20, ge=1)
    """Epochs without a better dev figure before training ends."""
    selection: Literal["best-dev-ua", "best-dev-ccc", "last", "best-on-test"] = "best-dev-ua"
    """Which epoch's weights are kept; best-on-test looks at the test part, so its figures are optimistic."""
    batch_statistics: Literal["running", "reestimated"] = "running"
    """What batch normalisation uses in evaluation: the running averages of the training, with its dropout and
    augmentation, or statistics of the kept epoch's weights over the training part, without either."""
    precision: Precision = "auto"
    """Number format; ``auto`` becomes what the device does well, and that is what is recorded."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: of a loss, optimiser or schedule that is not chosen.

        What a network's own module does without is not known here: see `sercli.training`.
        """
        idle = {}
        if self.loss != "ccc":
            idle["ccc_scope"] = f"loss={self.loss}"
        if self.loss != "focal":
            idle["focal_gamma"] = f"loss={self.loss}"
        if not self.class_weights:
            idle["class_weight_alpha"] = "class_weights=false"
        if self.loss == "ccc":
            idle |= dict.fromkeys(("class_weights", "class_weight_alpha"), "loss=ccc")
        if self.arcface_margin == 0:
            idle["arcface_easy_margin"] = "arcface_margin=0"
        if self.optimizer != "sgd":
            idle["momentum"] = f"optimizer={self.optimizer}"
        if self.optimizer != "rmsprop":
            idle["rmsprop_decay"] = f"optimizer={self.optimizer}"
        if self.schedule != "steps":
            idle["milestones"] = f"schedule={self.schedule}"
        if self.schedule != "cyclical":
            idle["lr_min"] = f"schedule={self.schedule}"
        return idle

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.schedule == "cyclical" and self.lr_min > self.lr:
            raise ValueError(f"lr_min={self.lr_min:g} is above lr={self.lr:g}")
        if self.schedule == "steps" and not self.milestones:
            raise ValueError("schedule=steps needs milestones, the epochs at which the rate falls")
        return self
