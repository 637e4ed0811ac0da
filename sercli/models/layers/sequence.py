"""Causal convolutions over time, and the memory layout that makes them fast.

The channels of a frame are neighbours in memory, which makes pooling and bf16 fast. torch supports this
layout only for images, so a sequence is handled as an image of one row.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sercli.models.layers import Dropout


def as_image(x: Tensor) -> Tensor:
    """Lay out (batch, channels, frames) with channels last, as (batch, channels, 1, frames)."""
    if x.shape[1] == 1:  # no value moves, but torch recognises the layout by its strides
        return x.flatten(1)[:, None, :, None].permute(0, 3, 1, 2)
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def convolve(conv: nn.Conv1d, x: Tensor, before: int = 0, after: int = 0) -> Tensor:
    """Apply a convolution over time to an image of one row, with zeros before and after the image.

    Args:
        conv: the convolution; its own padding and stride are ignored.
        x: image of one row, (batch, channels, 1, frames), see `as_image`.
        before: number of zeros before the first frame.
        after: number of zeros after the last frame.

    Returns:
        (batch, channels, 1, frames).
    """
    if before or after:
        x = F.pad(x, (before, after))
    return F.conv2d(x, conv.weight.unsqueeze(2), conv.bias, dilation=(1, conv.dilation[0]))


class SequenceNorm(nn.BatchNorm1d):
    """Batch normalisation of an image of one row."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002
        pass


class SequencePool(nn.MaxPool1d):
    """Maximum of ``kernel_size`` frames each, of (batch, channels, frames) in the layout of `as_image`."""

    kernel_size: int

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Pool (batch, channels, frames) to (batch, channels, frames / kernel_size)."""
        return F.max_pool2d(input.unsqueeze(2), (1, self.kernel_size)).squeeze(2)


class CausalConv1d(nn.Conv1d):
    """Convolution with zeros only before the first frame; the number of frames does not change."""

    def __init__(self, n_in: int, n_out: int, width: int, dilation: int = 1) -> None:
        super().__init__(n_in, n_out, width, dilation=dilation)
        self.past = (width - 1) * dilation

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Convolve (batch, n_in, frames) to (batch, n_out, frames)."""
        return self.of_image(as_image(input)).squeeze(2)

    def of_image(self, x: Tensor) -> Tensor:
        """Convolve an image of one row, (batch, n_in, 1, frames), to (batch, n_out, 1, frames)."""
        return convolve(self, x, before=self.past)


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
        self.norm = SequenceNorm(channels)
        self.dropout = Dropout(dropout)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.condition: CausalConv1d | _Ahead | None = None
        self.condition_norm: nn.Module | None = None
        if conditioned:
            self.condition = CausalConv1d(channels, channels, 2) if causal_condition else _Ahead(channels)
            self.condition_norm = SequenceNorm(channels) if norm_per_branch else None
        self.normalised: dict[str, tuple[str, ...]] = {"norm": ("conv", "condition")}
        if norm_per_branch:
            self.normalised = {"norm": ("conv",), "condition_norm": ("condition",)}

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Transform x under the condition y, both (batch, channels, frames), to the shape of x."""
        x = as_image(x)  # (batch, channels, 1, frames)
        z = self.conv.of_image(x)
        if self.condition is None or y is None:
            z = self.norm(self.dropout(z))
        else:
            condition = self.condition.of_image(as_image(y))
            if self.condition_norm is None:
                z = self.norm(self.dropout(z.add_(condition)))
            else:
                z = self.norm(self.dropout(z)) + self.condition_norm(self.dropout(condition))
        # In place, since the gradients of sum, normalisation and convolution do not need their outputs.
        return convolve(self.mix, z.relu_()).add_(x).squeeze(2)  # (batch, channels, frames)


class _Ahead(nn.Conv1d):
    """Convolution of width 2 over a frame and the next one, as "same" padding of an even width does."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 2)

    def of_image(self, x: Tensor) -> Tensor:
        return convolve(self, x, after=1)


class CausalState:
    """Apply causal convolutions and blocks, in eval mode, to a sequence that comes in pieces.

    The results equal those for the complete sequence. Each convolution keeps the frames of its input that it
    still needs. Before the first piece these frames are zeros, as in the padding of `CausalConv1d`.
    """

    def __init__(self) -> None:
        self._past: dict[nn.Module, Tensor] = {}

    def reset(self) -> None:
        """Begin a sequence."""
        self._past.clear()

    def block(self, block: DilatedBlock, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Apply a block to the next frames of x under the condition y, both (1, channels, frames).

        The condition's convolution has to be causal too.
        """
        z = self.convolve(block.conv, x)
        if isinstance(block.condition, CausalConv1d) and y is not None:
            condition = self.convolve(block.condition, y)
            if block.condition_norm is None:
                z = block.norm(z + condition)
            else:
                z = block.norm(z) + block.condition_norm(condition)
        else:
            z = block.norm(z)
        mixed: Tensor = block.mix(z.relu()) + x
        return mixed

    def convolve(self, conv: CausalConv1d, x: Tensor) -> Tensor:
        """Apply a convolution to the next frames of x, (1, channels, frames)."""
        past = self._past.get(conv)
        if past is None:
            past = x.new_zeros(1, x.shape[1], conv.past)
        x = torch.cat([past, x], dim=2)
        self._past[conv] = x[..., x.shape[2] - conv.past :]
        return F.conv1d(x, conv.weight, conv.bias, dilation=conv.dilation)
