"""What goes on within a trained network: channel weights, attention maps, embeddings.

Read by hooks, so that networks need not know of it. Who has no such thing gives ``None``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sercli.data import UtteranceDataset
from sercli.data.batches import sorted_batches
from sercli.inference.stored import Stored
from sercli.models.diccoser import DiCCOSER
from sercli.models.eca import ECACNN, ChannelAttention

Values = NDArray[np.float64]
Read = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Vectors brought to two dimensions.

    Attributes:
        points: (rows, 2).
        share: of the variance that each of the two holds.
    """

    points: Values
    share: tuple[float, float]


def channel_weights(
    stored: Stored, target: Sequence[int], batch_size: int = 32, device: torch.device | str = "cpu"
) -> dict[int, Values]:
    """Average the weights that each channel attention of an ECA network gives, by class.

    Args:
        stored: the utterances.
        target: index of each one's true class.
        batch_size: utterances at once.
        device: where the network is applied.

    Returns:
        Sigmoid weights, (classes, channels), NaN for a class without an utterance, by number of the
        convolution that the attention follows (in a network from elsewhere: in order); nothing where the
        network has no such attention.

    Source: arXiv 2409.04007, figure 14.
    """
    network = stored.bundle.network
    attentions = [each for each in network.modules() if isinstance(each, ChannelAttention)]
    if not attentions:
        return {}
    layers = network.config.eca_layers if isinstance(network, ECACNN) else range(1, len(attentions) + 1)
    read: list[Read] = [lambda x, y: y.flatten(1)] * len(attentions)
    classes = np.asarray(target)
    means = {}
    for layer, weights in zip(
        layers, _collect_all(stored, attentions, read, batch_size, device), strict=True
    ):
        means[layer] = np.full((len(stored.bundle.classes), weights.shape[1]), np.nan)
        for number in np.unique(classes):
            means[layer][number] = weights[classes == number].mean(axis=0)
    return means


def embeddings(
    stored: Stored, batch_size: int = 32, device: torch.device | str = "cpu"
) -> tuple[str, Values] | None:
    """Give each utterance's embedding, of one that is cut into segments the mean of theirs.

    The embedding is what goes into the head; of DiCCOSER the local contexts, averaged over time.

    Returns:
        What it is, and (utterances, size); ``None`` where the network has no embedding.

    Source: the local contexts: Tang et al. 2021, section 5.4, figure 8.
    """
    network = stored.bundle.network
    if isinstance(network, DiCCOSER):
        found = _collect(stored, network.local_network, lambda x, y: y.mean(dim=-1), batch_size, device)
        return "local contexts, averaged over time", found
    head = getattr(network, "head", None)
    if not hasattr(network, "embed") or not isinstance(head, nn.Module):
        return None
    return "embeddings", _collect(stored, head, lambda x, y: x.flatten(1), batch_size, device)


def project(vectors: Values) -> Projection:
    """Bring vectors, (rows, size), to their first two principal components.

    The sign, which is free, is such that each component's largest coefficient is positive.
    """
    centred = vectors - vectors.mean(axis=0)
    _, scales, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    points = np.zeros((len(vectors), 2))
    points[:, : len(axes)] = centred @ axes.T
    squares = np.zeros(2)
    squares[: len(axes)] = np.square(scales[:2])
    first, second = (squares / max(float(np.square(scales).sum()), np.finfo(float).tiny)).tolist()
    return Projection(points, (first, second))


def _collect(
    stored: Stored, module: nn.Module, read: Read, batch_size: int, device: torch.device | str
) -> Values:
    """Give what is read of a module, as a mean over the segments of each utterance, (utterances, size)."""
    (found,) = _collect_all(stored, [module], [read], batch_size, device)
    return found


def _collect_all(
    stored: Stored,
    modules: Sequence[nn.Module],
    reads: Sequence[Read],
    batch_size: int,
    device: torch.device | str,
) -> list[Values]:
    """Give what is read of each module, as `_collect` does, in one pass over the utterances."""
    network = stored.bundle.network.to(device).eval()
    found: list[list[Values]] = [[] for _ in modules]
    for some in stored.chunks():
        dataset = stored.dataset(some)
        firsts = np.flatnonzero(np.diff(dataset.utterances.numpy(), prepend=-1))
        counts = np.diff([*firsts.tolist(), len(dataset)])
        observed = _observe(network, dataset, modules, reads, batch_size, device)
        for kept, rows in zip(found, observed, strict=True):
            kept.append(np.add.reduceat(rows, firsts, axis=0) / counts[:, None])
    return [np.concatenate(kept) for kept in found]


@torch.inference_mode()
def _observe(
    network: nn.Module,
    dataset: UtteranceDataset,
    modules: Sequence[nn.Module],
    reads: Sequence[Read],
    batch_size: int,
    device: torch.device | str,
) -> list[Values]:
    caught: list[list[Values]] = [[] for _ in modules]
    handles = [
        module.register_forward_hook(partial(_catch, read, into))
        for module, read, into in zip(modules, reads, caught, strict=True)
    ]
    order = sorted_batches(dataset.lengths, batch_size)
    try:
        for rows in order:
            batch = dataset[rows].to(device)
            network(**batch.inputs, mask=batch.mask)
    finally:
        for handle in handles:
            handle.remove()
    rows = list(chain.from_iterable(order))
    return [np.concatenate(values)[np.argsort(rows)] for values in caught]


def _catch(read: Read, into: list[Values], module: nn.Module, inputs: Any, output: Any) -> None:  # noqa: ARG001
    into.append(read(inputs[0], output).cpu().double().numpy())
