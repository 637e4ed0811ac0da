"""From features of several frames to one vector for each utterance, and layers over such vectors."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


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


def join_moments(x: Tensor, mask: Tensor, *, deviation: bool) -> Tensor:
    """Join the moments over the valid frames to one vector.

    Args:
        x: features, (batch, layers, values, frames).
        mask: true on valid frames, (batch, frames).
        deviation: whether each layer's deviation follows its mean.

    Returns:
        (batch, layers * values), or twice as many with the deviation.
    """
    vectors = mean_over_frames(x, mask)  # (batch, layers, values)
    if deviation:
        vectors = torch.cat([vectors, deviation_over_frames(x, mask)], dim=2)
    return vectors.flatten(1)


def hidden_layers(sizes: Sequence[int], dropout: float) -> nn.Sequential:
    """Make linear layers with ReLU between sizes, with dropout before each and at the end."""
    layers = [
        nn.Sequential(nn.Dropout(dropout), nn.Linear(given, made), nn.ReLU())
        for given, made in pairwise(sizes)
    ]
    return nn.Sequential(*layers, nn.Dropout(dropout))
