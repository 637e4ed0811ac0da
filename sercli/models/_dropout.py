"""Dropout whose random numbers cost little on a CPU."""

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """Zero values by chance in training, and raise the others so that the mean stays.

    On a CPU torch draws a 64-bit number for each value; here such a number decides on eight values, or
    on four where 8 bits can't express the share, which 16 bits do to 1e-5.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Drop a share of the input's values; in evaluation none."""
        if not (self.training and 0 < self.p < 1) or self.inplace or input.device.type != "cpu":
            return super().forward(input)
        return input * _factor(input, self.p)


def _factor(x: Tensor, p: float) -> Tensor:
    """Draw what x is multiplied by: zero, or one over the share kept, laid out as x."""
    bits, kind = (8, torch.int8) if (256 * p).is_integer() else (16, torch.int16)
    words: Tensor = torch.empty(-(-x.numel() * bits // 64), dtype=torch.int64).random_(-(2**63), None)
    dropped = min(round(p * 2**bits), 2**bits - 1)  # of all the numbers of so many bits
    kept = words.view(kind)[: x.numel()] >= dropped - 2 ** (bits - 1)
    factor: Tensor = kept.view(torch.uint8).to(x.dtype).mul_(2**bits / (2**bits - dropped))
    return factor.as_strided(x.shape, torch.empty_like(x, device="meta").stride())
