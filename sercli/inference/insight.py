"""What goes on within a trained network: channel weights, attention maps, embeddings.

Read by hooks, so that networks need not know of it. Who has no such thing gives ``None``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sercli.data import UtteranceDataset
from sercli.data.batches import sorted_batches
from sercli.inference.stored import Stored
from sercli.models.diccoser import DiCCOSER
from sercli.models.eca import ChannelAttention

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
) -> Values | None:
    """Average the weights that the last channel attention of an ECA network gives, by class.

    Args:
        stored: the utterances.
        target: index of each one's true class.
        batch_size: utterances at once.
        device: where the network is applied.

    Returns:
        Sigmoid weights, (classes, channels), NaN for a class without an utterance; ``None`` where the
        network has no such attention.

    Source: arXiv 2409.04007, figure 14.
    """
    layers = [each for each in stored.bundle.network.modules() if isinstance(each, ChannelAttention)]
    if not layers:
        return None
    weights = _collect(stored, layers[-1], lambda x, y: y.flatten(1), batch_size, device)
    classes = np.asarray(target)
    means = np.full((len(stored.bundle.classes), weights.shape[1]), np.nan)
    for number in np.unique(classes):
        means[number] = weights[classes == number].mean(axis=0)
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
    network = stored.bundle.network.to(device).eval()
    found = []
    for some in stored.chunks():
        dataset = stored.dataset(some)
        rows = _observe(network, dataset, module, read, batch_size, device)
        firsts = np.flatnonzero(np.diff(dataset.utterances.numpy(), prepend=-1))
        counts = np.diff([*firsts.tolist(), len(dataset)])
        found.append(np.add.reduceat(rows, firsts, axis=0) / counts[:, None])
    return np.concatenate(found)


@torch.inference_mode()
def _observe(
    network: nn.Module,
    dataset: UtteranceDataset,
    module: nn.Module,
    read: Read,
    batch_size: int,
    device: torch.device | str,
) -> Values:
    caught: list[Values] = []
    handle = module.register_forward_hook(
        lambda module, inputs, output: caught.append(read(inputs[0], output).cpu().double().numpy())
    )
    order = sorted_batches(dataset.lengths, batch_size)
    try:
        for rows in order:
            batch = dataset[rows].to(device)
            network(**batch.inputs, mask=batch.mask)
    finally:
        handle.remove()
    together = np.concatenate(caught)
    sorted_rows = np.empty_like(together)
    sorted_rows[list(chain.from_iterable(order))] = together
    return sorted_rows
