"""Provisional."""

import math, torch
from torch import Tensor
from torch.nn import functional as F


def arcface_loss(
    logits: Tensor,
    target: Tensor,
    margin: float = 0.5,
    scale: float = 2.0,
    easy_margin: bool = False,
    weight: Tensor | None = None,
) -> Tensor:
    """Provisional."""
    cos = (logits.float() / scale).clamp(-1 + 1e-6, 1 - 1e-6)
    theta = torch.acos(cos)
    moved = torch.where(theta + margin < math.pi, torch.cos(theta + margin), cos - margin * math.sin(margin))
    hot = F.one_hot(target, logits.shape[1]).bool()
    return F.cross_entropy(scale * torch.where(hot, moved, cos), target, weight, reduction="none").mean()
