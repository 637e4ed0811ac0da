"""Values inside a trained network: weights of channels and layers, and embeddings, by the hooks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sercli.bundle import Bundle
from sercli.data import UtteranceDataset
from sercli.data.batches import sorted_batches
from sercli.inference import average_segments
from sercli.inference.stored import Stored
from sercli.models import get_architecture

Values = NDArray[np.float64]
Read = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Vectors projected to two dimensions.

    Attributes:
        points: (rows, 2).
        share: of the variance that each of the two holds.
    """

    points: Values
    share: tuple[float, float]


def channel_weights(
    stored: Stored, target: Sequence[int], batch_size: int = 32, device: torch.device | str = "cpu"
) -> dict[int, Values] | str:
    """Average the weights that each channel attention of a network gives, by class.

    Args:
        stored: the utterances.
        target: index of each one's true class.
        batch_size: utterances at once.
        device: where the network is applied.

    Returns:
        By number of the layer that the attention follows, weights, (classes, channels), NaN for a class
        without an utterance; or why the network has none.
    """
    attentions = get_architecture(stored.bundle.arch).channels(stored.bundle.network)
    if isinstance(attentions, str):
        return attentions
    read: list[Read] = [lambda given, result: result.flatten(1)] * len(attentions)
    classes = np.asarray(target)
    means = {}
    found = _collect(stored, list(attentions.values()), read, batch_size, device)
    for layer, weights in zip(attentions, found, strict=True):
        means[layer] = np.full((len(stored.bundle.classes), weights.shape[1]), np.nan)
        for number in np.unique(classes):
            means[layer][number] = weights[classes == number].mean(axis=0)
    return means


def layer_weights(bundle: Bundle) -> dict[int, float] | str:
    """Return the weights that a network gives the layers of its first input.

    Returns:
        By number of the layer, weights whose sum is 1; or why the network has none.
    """
    weights = get_architecture(bundle.arch).layer_weights(bundle.network)
    if isinstance(weights, str):
        return weights
    values = weights.detach().cpu().tolist()
    numbers = next(iter(bundle.inputs.values())).config.layer_numbers
    # A network that continues an encoder weighs all its layers, not only those of its input.
    if len(numbers) != len(values):
        numbers = tuple(range(len(values)))
    return dict(zip(numbers, values, strict=True))


def embeddings(
    stored: Stored, batch_size: int = 32, device: torch.device | str = "cpu"
) -> tuple[str, Values] | str:
    """Compute each utterance's embedding; of an utterance that is cut into segments, the mean of theirs.

    Returns:
        Title of the embedding, and (utterances, size); or why the network has none.
    """
    found = get_architecture(stored.bundle.arch).embedding(stored.bundle.network)
    if isinstance(found, str):
        return found
    (vectors,) = _collect(stored, [found.module], [found.read], batch_size, device)
    return found.title, vectors


def project(vectors: Values) -> Projection:
    """Project vectors, (rows, size), to their first two principal components.

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
    stored: Stored,
    modules: Sequence[nn.Module],
    reads: Sequence[Read],
    batch_size: int,
    device: torch.device | str,
) -> list[Values]:
    """Read each module in one pass over the utterances; the mean over segments, (utterances, size)."""
    network = stored.bundle.network.to(device).eval()
    dataset = stored.dataset(stored.utterances)
    observed = _observe(network, dataset, modules, reads, batch_size, device)
    return [average_segments(dataset, rows) for rows in observed]


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
