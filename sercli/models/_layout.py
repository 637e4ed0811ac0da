"""Sequences with the channels of a frame side by side in memory, which pooling and bf16 are quick with.

torch knows the layout of images only, so a sequence passes as an image of one row.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def as_image(x: Tensor) -> Tensor:
    """Lay out (batch, channels, frames) with channels last, as (batch, channels, 1, frames)."""
    if x.shape[1] == 1:  # nothing to move, yet the strides are what torch tells the layout by
        return x.flatten(1)[:, None, :, None].permute(0, 3, 1, 2)
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def convolve(conv: nn.Conv1d, x: Tensor, before: int = 0, after: int = 0) -> Tensor:
    """Apply a convolution over time to an image of one row, with so many zeros before and after it.

    Args:
        conv: its own padding and stride are left aside.
        x: (batch, channels, 1, frames), see `as_image`.
        before: zeros before the first frame.
        after: zeros after the last one.

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
    """Maximum of so many frames each, of (batch, channels, frames) laid out by `as_image`."""

    kernel_size: int

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Pool (batch, channels, frames) to (batch, channels, frames / kernel_size)."""
        return F.max_pool2d(input.unsqueeze(2), (1, self.kernel_size)).squeeze(2)
