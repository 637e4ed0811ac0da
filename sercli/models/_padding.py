"""Keep padding out of networks that mix frames.

Zeroing the input is not enough: bias and normalisation fill the padding again, and the next
convolution over time carries it back into the utterance.
"""

import torch
from torch import Tensor, nn


def is_full(mask: Tensor) -> bool:
    """Tell whether there is no padding, where asking costs nothing: a GPU would have to be waited for."""
    return mask.device.type == "cpu" and not torch.compiler.is_compiling() and bool(mask.all())


def valid_frames(lengths: Tensor, x: Tensor) -> Tensor:
    """Make a factor for x, one on valid frames and zero on padding.

    Args:
        lengths: valid frames of each utterance, (batch,).
        x: (batch, channels, mels, frames).

    Returns:
        (batch, 1, 1, frames), of x's type, so that products keep it.
    """
    frames = torch.arange(x.shape[-1], device=x.device)
    return (frames < lengths[:, None]).to(x.dtype)[:, None, None]


def silence(x: Tensor, keep: Tensor | None) -> Tensor:
    """Zero the padding of x, in a new tensor; ``keep`` is None where there is none."""
    return x if keep is None else x * keep


def normalise(norm: nn.BatchNorm2d, x: Tensor, keep: Tensor | None) -> Tensor:
    """Apply batch normalisation; in training the padding takes no part in its statistics."""
    if keep is None or not norm.training:
        y: Tensor = norm(x)
        return y
    valid = keep[:, 0, 0] > 0  # (batch, frames)
    x = x.permute(0, 3, 1, 2)  # (batch, frames, channels, mels)
    y = torch.zeros_like(x)
    y[valid] = norm(x[valid].unsqueeze(3)).squeeze(3).to(x.dtype)
    return y.permute(0, 2, 3, 1)
