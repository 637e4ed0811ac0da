"""From states of layers to one vector for each utterance."""

import torch
from torch import Tensor


def mean_over_frames(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the valid frames.

    Args:
        x: (batch, ..., frames).
        mask: true on valid frames, (batch, frames); each utterance has one at least.

    Returns:
        (batch, ...).
    """
    weights = mask / mask.sum(dim=1, keepdim=True)  # (batch, frames)
    return torch.einsum("b...t,bt->b...", x, weights.to(x.dtype))


def deviation_over_frames(x: Tensor, mask: Tensor) -> Tensor:
    """Return the standard deviation over the valid frames, dividing by their number; shapes as the mean."""
    mean = mean_over_frames(x, mask)
    return mean_over_frames((x - mean.unsqueeze(-1)).square(), mask).clamp_min(0).sqrt()
