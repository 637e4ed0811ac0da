"""Building blocks of networks: this file has dropout and the cosine head, other files one idea each."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """Zero random values in training, and raise the others so that the mean stays the same.

    On a CPU torch draws a 64-bit number for each value. This class uses such a number for eight values. If 8
    bits can't express the proportion, it uses the number for four values: 16 bits are exact to 1e-5.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Drop a proportion of the input's values in training, and none in evaluation."""
        if not (self.training and 0 < self.p < 1) or self.inplace or input.device.type != "cpu":
            return super().forward(input)
        return input * _factor(input, self.p)


def _factor(x: Tensor, p: float) -> Tensor:
    """Draw the factors of x: zero, or one over the proportion kept; their memory layout is that of x."""
    bits, kind = (8, torch.int8) if (256 * p).is_integer() else (16, torch.int16)
    words: Tensor = torch.empty(-(-x.numel() * bits // 64), dtype=torch.int64).random_(-(2**63), None)
    dropped = min(round(p * 2**bits), 2**bits - 1)  # how many of the 2**bits numbers mean "drop"
    kept = words.view(kind)[: x.numel()] >= dropped - 2 ** (bits - 1)
    factor: Tensor = kept.view(torch.uint8).to(x.dtype).mul_(2**bits / (2**bits - dropped))
    return factor.as_strided(x.shape, torch.empty_like(x, device="meta").stride())


def init_glorot(module: nn.Module) -> None:
    """Draw the weights of a convolution or linear layer as Glorot and Bengio do; set its biases to zero."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class CosineHead(nn.Module):
    """Score a class by the cosine between the embedding and the class's weight; there is no bias.

    The cosines are always computed in float32. Cosines near one separate the classes, and in bfloat16 the
    values near one are 0.004 apart, which is too coarse.

    Args:
        size: size of the embedding.
        n_classes: number of outputs.
        scale: factor of the cosines; logits are in [-scale, scale].

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
