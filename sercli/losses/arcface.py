"""ArcFace: cross-entropy after an additive margin on the angle to the true class."""

import math

import torch
from torch import Tensor

from sercli.losses.cross_entropy import cross_entropy

# The derivative of the angle by its cosine has no bound at 1 and -1; here it is 2000 at most.
_EDGE = 1 - 1e-7


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
    cos(theta) - margin * sin(margin), which goes on falling. (They do not meet: at theta = pi -
    margin the score falls at once by cos(margin) + margin * sin(margin) - 1, 0.117 at margin 0.5.)

    With a small scale the loss has a floor: at scale 2 the true class's probability is at most
    0.948 among 4 classes, 0.901 among 7 (its cosine 1, the others -1), less the margin.

    Args:
        logits: ``scale`` times the cosine to each class, (batch, classes), without margin, as
            `sercli.models.layers.CosineHead` gives; computed in float32.
        target: class numbers, (batch,).
        margin: m, radians, in [0, pi / 2].
        scale: s, the network's.
        easy_margin: add the margin only where theta < pi / 2, none beyond, instead.
        weight: weight of each class, (classes,), see `sercli.losses.weights`.

    Returns:
        Scalar, float32, reduced as in `sercli.losses.cross_entropy`.

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
