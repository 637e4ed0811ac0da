"""Convolutions over time that see no later frame."""

import torch.nn.functional as F
from torch import Tensor, nn


class CausalConv1d(nn.Conv1d):
    """Convolution with zeros before the first frame and none after the last, so as many frames out as in."""

    def __init__(self, n_in: int, n_out: int, width: int, dilation: int = 1) -> None:
        super().__init__(n_in, n_out, width, dilation=dilation)
        self.past = (width - 1) * dilation

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x, (batch, n_in, frames), to (batch, n_out, frames)."""
        if self.in_channels < self.out_channels:  # the narrower side is padded, or else cut without a copy
            return super().forward(F.pad(x, (self.past, 0)))
        y = F.conv1d(x, self.weight, self.bias, padding=self.past, dilation=self.dilation)
        return y[..., : x.shape[-1]]


class DilatedBlock(nn.Module):
    """Dilated causal convolution of width 2, dropout, batch normalisation, ReLU, 1 x 1 convolution; residual.

    A conditioned block adds a convolution of a second sequence to that of the first.

    Source: Tang et al., EURASIP JASM 2021:18, section 3.1, equation 1, figure 2.
    """

    def __init__(
        self,
        channels: int,
        dilation: int,
        dropout: float,
        *,
        conditioned: bool = False,
        causal_condition: bool = True,
        norm_per_branch: bool = False,
    ) -> None:
        super().__init__()
        self.conv = CausalConv1d(channels, channels, 2, dilation)
        self.norm = nn.BatchNorm1d(channels)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.condition: nn.Module | None = None
        self.condition_norm: nn.Module | None = None
        if conditioned:
            self.condition = CausalConv1d(channels, channels, 2) if causal_condition else _Ahead(channels)
            self.condition_norm = nn.BatchNorm1d(channels) if norm_per_branch else None

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Transform x under the condition y, both (batch, channels, frames), to the shape of x."""
        z: Tensor = self.conv(x)
        if self.condition is None:
            z = self.norm(self.dropout(z))
        elif self.condition_norm is None:
            z = self.norm(self.dropout(z + self.condition(y)))
        else:
            z = self.norm(self.dropout(z)) + self.condition_norm(self.dropout(self.condition(y)))
        # Neither a sum, a normalisation nor a convolution needs its own output for its gradient.
        mixed: Tensor = self.mix(z.relu_())
        return mixed.add_(x)


class _Ahead(nn.Conv1d):
    """Convolution of width 2 over a frame and the next one, the "same" padding of an even width."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., 1:]
