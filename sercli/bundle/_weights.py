"""Check that weights fit the described network and can be computed with."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

# Products of two larger weights exceed 32-bit floats, so that no training ends with such weights.
_LARGEST_WEIGHT = 1e18


class UnfitError(Exception):
    """Weights that do not fit the described network."""


def check_tensors(planned: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Refuse weights whose names, shapes or kinds differ from those of the planned network."""
    wanted = planned.state_dict()
    shapes = {name: tuple(value.shape) for name, value in wanted.items()}
    for name in sorted(shapes.keys() | state.keys()):
        given = tuple(state[name].shape) if name in state else "none"
        if given != shapes.get(name, "none"):
            raise UnfitError(f"'{name}' is {given}, described as {shapes.get(name, 'none')}")
    for name, value in wanted.items():
        if state[name].is_floating_point() != value.is_floating_point():  # the precision may differ
            raise UnfitError(f"'{name}' holds {state[name].dtype}, described as {value.dtype}")


def check_finite(network: nn.Module) -> None:
    """Refuse weights that are not finite, or so large that products of them are not."""
    for name, value in network.state_dict().items():
        if not value.is_floating_point() or not value.numel():
            continue
        # The norm is faster than a look at each, and in 64 bits the norm of 32-bit numbers never overflows.
        norm = float(torch.linalg.vector_norm(value, dtype=torch.float64))
        if not math.isfinite(norm):
            raise ValueError(f"weights '{name}' hold values that are not finite")
        if norm > _LARGEST_WEIGHT and float(value.abs().max()) > _LARGEST_WEIGHT:
            raise ValueError(f"weights '{name}' hold values above {_LARGEST_WEIGHT:g}, which overflow")
