"""From states of layers to one vector for each utterance."""

from torch import Tensor


def mean_over_frames(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the valid frames.

    Args:
        x: (batch, ..., frames).
        mask: true on valid frames, (batch, frames); each utterance has one at least.

    Returns:
        (batch, ...).
    """
    valid = mask
    for _ in range(x.dim() - 2):
        valid = valid.unsqueeze(1)  # (batch, ..., frames)
    # Not a product with the mask: padding may hold anything, and NaN times zero is NaN.
    return x.masked_fill(~valid, 0).sum(dim=-1) / valid.sum(dim=-1)


def deviation_over_frames(x: Tensor, mask: Tensor) -> Tensor:
    """Return the standard deviation over the valid frames, dividing by their number; shapes as the mean."""
    mean = mean_over_frames(x, mask)
    return mean_over_frames((x - mean.unsqueeze(-1)).square(), mask).clamp_min(0).sqrt()
