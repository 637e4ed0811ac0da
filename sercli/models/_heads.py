"""Heads: from an embedding to logits."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CosineHead(nn.Module):
    """Score a class by the cosine between the embedding and the class's weight; no bias.

    Computed in float32 whatever the precision around it: in bfloat16 cosines near one, where
    classes are told apart, are 0.004 apart.

    Args:
        size: of the embedding.
        n_classes: number of outputs.
        scale: what cosines are multiplied by; logits lie in [-scale, scale].

    Source: Deng et al., ArcFace, CVPR 2019, section 2.1 (l2 normalisation of both sides).
    """

    def __init__(self, size: int, n_classes: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(n_classes, size))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return scale * cosine, (batch, classes), of embeddings (batch, size)."""
        x = x.float().unsqueeze(1)  # (batch, 1, size)
        return self.scale * F.cosine_similarity(x, self.weight.float(), dim=2, eps=1e-12)
