"""Fold batch normalisation into the convolutions before it, for a network that only predicts."""

import copy
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_weights


@runtime_checkable
class Normalised(Protocol):
    """A module in which batch normalisation directly follows convolutions.

    Attributes:
        normalised: by name of a batch normalisation, the names of the convolutions whose sum it normalises;
            nothing but dropout is between them. Either may be absent (None, or another module). The module
            accepts `torch.nn.Identity` in place of the normalisation.
    """

    normalised: Mapping[str, tuple[str, ...]]


def fold_normalisation(network: nn.Module) -> nn.Module:
    """Return a copy of a network in which the convolutions also do the work of batch normalisation.

    With its running statistics, batch normalisation multiplies each channel and adds a constant. The weights
    and the bias of the convolutions before it can do this, so that a complete pass over the maps is saved.
    Modules that do not say what they normalise (`Normalised`) stay as they are.

    Args:
        network: a trained network; it is not changed.

    Returns:
        The copy, in eval mode; the network itself if there is nothing to fold.
    """
    if not any(_found(module) for module in network.modules()):
        return network
    folded = copy.deepcopy(network).eval()
    for module in list(folded.modules()):
        for name, (norm, convs) in _found(module).items():
            for place, conv in enumerate(convs):
                _fold(norm, conv, first=place == 0)
            setattr(module, name, nn.Identity())
    return folded


_Conv = nn.Conv1d | nn.Conv2d
_Norm = nn.BatchNorm1d | nn.BatchNorm2d


def _found(module: nn.Module) -> dict[str, tuple[_Norm, list[_Conv]]]:
    """List the normalisations of a module that can be folded, and the convolutions before each."""
    found: dict[str, tuple[_Norm, list[_Conv]]] = {}
    if isinstance(module, Normalised):
        parts = dict(module.named_children())
        for name, sources in module.normalised.items():
            norm = parts.get(name)
            convs = [conv for each in sources if isinstance(conv := parts.get(each), _Conv)]
            if isinstance(norm, _Norm) and norm.track_running_stats and convs:
                found[name] = norm, convs
    return found


def _fold(norm: _Norm, conv: _Conv, *, first: bool) -> None:
    """Scale a convolution; only the first one of a sum also adds the constant of the normalisation."""
    mean, variance, scale, shift = (
        torch.as_tensor(0.0 if each is None else each).detach().double()
        for each in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    nothing = torch.zeros_like(mean)
    weight, bias = fuse_conv_bn_weights(
        conv.weight.detach().double(),
        nothing if conv.bias is None else conv.bias.detach().double(),
        mean if first else nothing,
        variance,
        norm.eps,
        scale if norm.affine else nothing + 1,
        shift if norm.affine and first else nothing,
    )
    conv.weight, conv.bias = _parameter(weight, conv.weight), _parameter(bias, conv.weight)


def _parameter(values: Tensor, like: Tensor) -> nn.Parameter:
    return nn.Parameter(values.to(like.dtype), requires_grad=False)
