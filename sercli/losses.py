"""Losses and class weights: functions of logits, or predicted values, and targets."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from sercli.errors import require_choice
from sercli.tasks import VALUE_LOSSES

Scope = Literal["batch", "sequence"]

# The derivative of the angle by its cosine is unbounded at 1 and -1; with this limit it is 2000 at most.
_EDGE = 1 - 1e-7

# Added to the denominator of the CCC. Traces have values of about -1 to 1: this is the variance of changes of
# 0.00001, far above float32's rounding of a constant trace, far below that of any real one.
_EPSILON = 1e-10

LOSS_SETTINGS = frozenset({"loss", "focal_gamma", "arcface_margin", "arcface_easy_margin"})
"""Settings of a training that only the loss of a classifier reads."""


def settings_read(*, cosine_head: bool) -> frozenset[str]:
    """Name those of `LOSS_SETTINGS` that the loss of a network with or without a cosine head reads."""
    return frozenset({"arcface_margin", "arcface_easy_margin"} if cosine_head else {"loss", "focal_gamma"})


def cross_entropy(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Average weight[target] * -log softmax(logits)[target] over the utterances.

    Of soft labels it is the sum over the classes, target[c] * weight[c] * -log softmax(logits)[c]: the
    cross-entropy with the distribution of votes.

    The sum is divided by the number of utterances, as Keras does with ``class_weight`` (the authors
    of equation 15 used TensorFlow). torch's own weighted mean divides by the sum of the weights
    instead: there a common factor such as alpha cancels, and the weight of an utterance depends on the
    other utterances of its batch.

    Args:
        logits: (batch, classes), any precision; computed in float32.
        target: class numbers, (batch,), or share of the votes for each class, (batch, classes).
        weight: weight of each class, (classes,), see `class_weights`.

    Returns:
        Scalar, float32.

    Source: Madanian et al., Scientific Reports 15:8254, 2025, equation 15 and section "Model training".
    """
    return F.cross_entropy(logits.float(), target, weight=weight, reduction="sum") / len(target)


def focal_loss(logits: Tensor, target: Tensor, gamma: float = 2.0, weight: Tensor | None = None) -> Tensor:
    r"""Average -weight[target] * (1 - p)^gamma * log p over the utterances, p = softmax(logits)[target].

    .. math:: L = -\frac{1}{B} \sum_i w_{y_i} (1 - p_i)^\gamma \log p_i

    Of soft labels it is the sum over the classes, each weighted by its share of the votes. With gamma 0 it is
    `cross_entropy`. log(1 - p) is taken from the other classes'
    logits, not from p: near p = 1, where 1 - p is only rounding error, it stays exact, and the
    gradient is finite for a gamma below one too.

    Args:
        logits: (batch, classes), any precision; computed in float32.
        target: class numbers, (batch,), or share of the votes for each class, (batch, classes).
        gamma: 0 or more; the larger, the smaller the weight of utterances that are already recognised.
        weight: weight of each class, (classes,), see `class_weights`.

    Returns:
        Scalar, float32, reduced as in `cross_entropy`.

    Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation 5; with class
    weights: the ECA-CNN paper (arXiv 2409.04007), whose gamma is not given.
    """
    log_p = logits.float().log_softmax(dim=1)  # (batch, classes)
    if target.is_floating_point():
        classes = torch.arange(log_p.shape[1], device=log_p.device)
        others = torch.stack([log_p[:, classes != c].logsumexp(dim=1) for c in classes], dim=1)
        each = -(gamma * others).exp() * log_p * target  # (batch, classes)
        return (each if weight is None else each * weight).sum() / len(target)
    others = log_p.scatter(1, target.unsqueeze(1), -torch.inf).logsumexp(dim=1)  # log(1 - p), (batch,)
    losses = F.nll_loss(log_p, target, weight=weight, reduction="none")  # (batch,)
    return ((gamma * others).exp() * losses).sum() / len(target)


def arcface_loss(
    logits: Tensor,
    target: Tensor,
    margin: float = 0.5,
    scale: float = 2.0,
    easy_margin: bool = False,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Cross-entropy with ``scale * cos(theta + margin)`` for the true class.

    .. math:: L = -\frac{1}{B} \sum_i r_{y_i} \log \frac{e^{s \cos(\theta_{y_i} + m)}}
        {e^{s \cos(\theta_{y_i} + m)} + \sum_{j \ne y_i} e^{s \cos \theta_j}}

    Where theta + margin exceeds pi, cos(theta + margin) would rise again; there the score is
    cos(theta) - margin * sin(margin), which continues to fall. (They do not meet: at theta = pi -
    margin the score jumps down by cos(margin) + margin * sin(margin) - 1, 0.117 at margin 0.5.)

    With a small scale the loss has a lower limit: at scale 2 the true class's probability is at most
    0.948 among 4 classes, 0.901 among 7 (its cosine 1, the others -1), less the margin.

    Args:
        logits: ``scale`` times the cosine to each class, (batch, classes), without margin, as
            `sercli.models.layers.CosineHead` gives; computed in float32.
        target: class numbers, (batch,).
        margin: m, radians, in [0, pi / 2].
        scale: s, that of the network.
        easy_margin: add the margin only where theta < pi / 2, none beyond, instead.
        weight: weight of each class, (classes,), see `class_weights`.

    Returns:
        Scalar, float32, reduced as in `cross_entropy`.

    Source: Deng et al., ArcFace, CVPR 2019, equation 3; Madanian et al., Scientific Reports
    15:8254, 2025, equations 12 to 14. The continuation is that of the authors' code (insightface)
    and of pytorch-metric-learning.
    """
    cosine = logits.float() / scale  # (batch, classes)
    true = cosine.gather(1, target.unsqueeze(1))  # (batch, 1)
    angle = true.clamp(-_EDGE, _EDGE).acos()
    moved = (angle + margin).cos()
    if easy_margin:
        moved = torch.where(true > 0, moved, true)
    else:
        moved = torch.where(angle + margin <= math.pi, moved, true - margin * math.sin(margin))
    cosine = cosine.scatter(1, target.unsqueeze(1), moved)
    return cross_entropy(scale * cosine, target, weight)


def ccc(preds: Tensor, target: Tensor, mask: Tensor, scope: Scope = "batch") -> Tensor:
    r"""Return the concordance correlation coefficient of each dimension.

    .. math:: \rho_c = 2 s_{xy} / (s_x^2 + s_y^2 + (\bar x - \bar y)^2)

    The moments divide by n, as in the source. torchmetrics divides by n - 1: expect a difference in
    the third decimal on a few dozen frames, none that shows on thousands.

    Args:
        preds: predicted traces, (batch, frames, dimensions) or (batch, frames), any precision;
            computed in float32.
        target: gold standard on the same scale and of the same shape.
        mask: true on the frames that count, (batch, frames); values of other frames are not used.
        scope: ``batch``: over all valid frames of the batch; ``sequence``: for each sequence.

    Returns:
        (dimensions,), or (batch, dimensions) with the scope ``sequence``, in [-1, 1]. Zero where the
        coefficient is 0 / 0: both traces constant and equal, or no frame valid.

    Source: Lin, Biometrics 45(1), 1989.
    """
    require_choice("scope", scope, get_args(Scope))
    over = (0, 1) if scope == "batch" else (1,)
    skip = ~mask.reshape(*mask.shape, *(1 for _ in preds.shape[2:]))  # (batch, frames, 1)
    count = (~skip).sum(over, keepdim=True).clamp(min=1)

    def mean(values: Tensor) -> Tensor:
        return values.masked_fill(skip, 0).sum(over, keepdim=True) / count

    # Masked here too: NaN in the padding would return in the gradient, as zero times NaN.
    x, y = preds.float().masked_fill(skip, 0), target.float().masked_fill(skip, 0)
    mean_x, mean_y = mean(x), mean(y)
    covariance = mean((x - mean_x) * (y - mean_y))
    spread = mean((x - mean_x).square()) + mean((y - mean_y).square()) + (mean_x - mean_y).square()
    return (2 * covariance / (spread + _EPSILON)).squeeze(over)


def ccc_loss(preds: Tensor, target: Tensor, mask: Tensor, scope: Scope = "batch") -> Tensor:
    """One minus `ccc`, averaged over the dimensions (and, with the scope ``sequence``, the sequences).

    Where the coefficient is 0 / 0 the loss is one and its gradient zero.

    Args:
        preds: as in `ccc`.
        target: as in `ccc`.
        mask: as in `ccc`.
        scope: as in `ccc`; the coefficient of short sequences is noisy, that of a constant one is zero.

    Returns:
        Scalar in [0, 2], float32.

    Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, which leaves
    the scope open.
    """
    return 1 - ccc(preds, target, mask, scope).mean()


def value_loss(preds: Tensor, target: Tensor, kind: str) -> Tensor:
    """Compare values of dimensions of the utterances of a batch.

    Args:
        preds: predicted values, (batch, dimensions), any precision; computed in float32.
        target: ratings on the same scale, (batch, dimensions).
        kind: ``ccc``: one minus the concordance correlation over the utterances of the batch, averaged over
            the dimensions; one, with a gradient of zero, for a dimension whose ratings are constant in the
            batch, and for a batch of one utterance. ``mse``: mean squared error. ``mae``: mean absolute
            error.

    Returns:
        Scalar, float32.

    Source: Lin, Biometrics 45(1), 1989 (CCC).
    """
    require_choice("kind", kind, VALUE_LOSSES)
    preds, target = preds.float(), target.float()
    if kind == "mse":
        return F.mse_loss(preds, target)
    if kind == "mae":
        return F.l1_loss(preds, target)
    every = torch.ones(1, len(preds), dtype=torch.bool, device=preds.device)
    return ccc_loss(preds[None], target[None], every)


def class_weights(counts: Sequence[int], alpha: float | None = None) -> Tensor:
    """Weigh each class by r_c = alpha * N / N_c.

    The paper does not give alpha. The default, one over the number of classes, makes the mean
    weight of an utterance one, so that a learning rate has the same effect as without weights.

    Args:
        counts: utterances per class in the training part, in class order.
        alpha: scale of all weights; one over the number of classes by default.

    Returns:
        Weights, (classes,), float32; zero for a class without utterances.

    Source: Madanian et al., Scientific Reports 15:8254, 2025, equation 15.
    """
    per_class = torch.tensor(counts, dtype=torch.float64)  # (classes,)
    if alpha is None:
        alpha = 1 / len(counts)
    weights = alpha * per_class.sum() / per_class
    return weights.where(per_class > 0, 0).float()
