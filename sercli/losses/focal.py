"""Focal loss: cross-entropy that counts an utterance less the better it is recognised."""

import torch
import torch.nn.functional as F
from torch import Tensor


def focal_loss(logits: Tensor, target: Tensor, gamma: float = 2.0, weight: Tensor | None = None) -> Tensor:
    r"""Average -weight[target] * (1 - p)^gamma * log p over the utterances, p = softmax(logits)[target].

    .. math:: L = -\frac{1}{B} \sum_i w_{y_i} (1 - p_i)^\gamma \log p_i

    With gamma 0 it is `sercli.losses.cross_entropy`. log(1 - p) is taken from the other classes'
    logits, not from p: near p = 1, where 1 - p is all rounding error, it stays exact, and the
    gradient is finite for a gamma below one too.

    Args:
        logits: (batch, classes), any precision; computed in float32.
        target: class numbers, (batch,).
        gamma: how much less what is already right counts; 0 or more.
        weight: weight of each class, (classes,), see `sercli.losses.weights`.

    Returns:
        Scalar, float32, reduced as in `sercli.losses.cross_entropy`.

    Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation 5; with class
    weights: the ECA-CNN paper (arXiv 2409.04007), whose gamma is not given.
    """
    log_p = logits.float().log_softmax(dim=1)  # (batch, classes)
    others = log_p.scatter(1, target.unsqueeze(1), -torch.inf).logsumexp(dim=1)  # log(1 - p), (batch,)
    losses = F.nll_loss(log_p, target, weight=weight, reduction="none")  # (batch,)
    return ((gamma * others).exp() * losses).sum() / target.numel()
