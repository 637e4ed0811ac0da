"""Where in a spectrogram an attention looks, laid out over its bins and frames.

Read by hooks, so that networks need not know of it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sercli.data.segments import Cut
from sercli.inference.stored import Stored
from sercli.models._pooling import SpatialPyramidPooling, VectorAttention, positions
from sercli.models.attpool import AttentionPooling
from sercli.models.mdcnn import MDCNN
from sercli.records import Utterance

Map = NDArray[np.float64]
_Seen = Mapping[str, tuple[Tensor, Tensor]]  # by name of a module: its input and its output
_Read = Callable[[_Seen], Map]


@dataclass(frozen=True, slots=True, eq=False)
class AttentionMap:
    """An attention laid over what the network is fed with.

    Attributes:
        features: first map of the first input, as the network sees it, (bins, frames); NaN where it
            sees nothing.
        attention: (bins, frames).
        frame_rate: frames a second.
        meaning: what a value of the attention says.
        neutral: the value that draws no attention.
    """

    features: Map
    attention: Map
    frame_rate: float
    meaning: str
    neutral: float


def map_attention(stored: Stored, utterance: Utterance, target: int) -> AttentionMap | None:
    """Lay a network's attention over an utterance; ``None`` where it has none that has a place.

    MDCNN: how much weight the cells of the pyramid have that lie over a place, 1 on average. Attention
    pooling: score of the class at a place times the place's weight, scaled so that the mean over all
    places is the class's logit. Where segments overlap, their mean.

    Args:
        stored: opened with the utterance's features.
        utterance: which.
        target: index of the class whose score is meant.

    Source: Madanian et al. 2025, equations 9 to 11; Li et al. 2018, equations 9 and 10.
    """
    network = stored.bundle.network.to("cpu").eval()
    if isinstance(network, MDCNN) and network.attention is not None:
        return _over_frames(stored, utterance, _pyramid(network.pyramid, network.attention))
    head = getattr(network, "head", None)
    if isinstance(head, AttentionPooling):
        return _over_frames(stored, utterance, _top_down(head, target))
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """How a map is got: from which modules, by what, and what it says."""

    modules: Mapping[str, nn.Module]
    read: _Read
    meaning: str
    neutral: float


def _pyramid(pyramid: SpatialPyramidPooling, attention: VectorAttention) -> _Way:
    def read(seen: _Seen) -> Map:
        scores = seen["score"][1].sigmoid() * attention.context  # (1, vectors, 1)
        weights = scores.softmax(dim=1).flatten().double().numpy()
        return spread(weights, seen["pyramid"][0].shape[-2:], pyramid)

    return _Way(
        {"pyramid": pyramid, "score": attention.score}, read, "weight of the place, on average 1", 1.0
    )


def _top_down(head: AttentionPooling, target: int) -> _Way:
    def read(seen: _Seen) -> Map:
        scores = seen["top_down"][1][0, target].double()  # (height, width)
        weights = seen["bottom_up"][1][0, 0].double()  # (height, width)
        if head.softmax:
            weights = weights.flatten().softmax(dim=0).view_as(weights)
        places = scores.numel() if head.sums else 1
        product: Map = (scores * weights * places).numpy()
        return product

    return _Way(
        {"top_down": head.top_down, "bottom_up": head.bottom_up},
        read,
        "score of the class there; the mean is its logit",
        0.0,
    )


def spread(weights: Map, shape: tuple[int, ...], pyramid: SpatialPyramidPooling) -> Map:
    """Lay the weights of a pyramid's cells over the map that it pools.

    Args:
        weights: level by level, each grid row by row, (cells,).
        shape: of the map: mels and frames.
        pyramid: whose cells.

    Returns:
        At each place the mean over the levels of the weight of the cell there (where cells share a
        place, of theirs), divided by its mean over all places, (mels, frames).
    """
    total, first = np.zeros(shape), 0
    for level in pyramid.levels:
        own = weights[first : first + level**2].reshape(level, level)
        rows, columns = (_shares(length, level, pyramid) for length in shape)
        total += rows @ own @ columns.T
        first += level**2
    relative: Map = total / total.mean()
    return relative


def _shares(length: int, level: int, pyramid: SpatialPyramidPooling) -> Map:
    """Say which cells of an axis lie over each position, the rows adding up to one, (length, level)."""
    index = positions(torch.tensor([length]), length, level, pyramid.bins)[0].numpy()  # (level, width)
    covered = np.zeros((length, level))
    for cell, places in enumerate(index):
        covered[places, cell] = 1.0
    shares: Map = covered / covered.sum(axis=1, keepdims=True)
    return shares


@torch.inference_mode()
def _over_frames(stored: Stored, utterance: Utterance, way: _Way) -> AttentionMap:
    """Apply the network segment by segment, and put the maps where the segments lie."""
    bundle = stored.bundle
    network = bundle.network.to("cpu").eval()  # a GPU may lack 64-bit floats
    dataset = stored.dataset([utterance])
    name, choice = next(iter(bundle.inputs.items()))
    cut = cast("Cut", dataset.inputs[name])  # as `dataset_of` makes it
    spans = [segment.span for segment in cut.segments]
    shape = (choice.shape[-1], max(span.stop for span in spans))
    sums = {"features": np.zeros(shape), "attention": np.zeros(shape)}
    counts = np.zeros(shape[1])
    for row, span in enumerate(spans):
        batch = dataset[[row]]
        with _watching(way.modules) as seen:
            network(**batch.inputs, mask=batch.mask)
        x = batch.inputs[name][0, 0].double().numpy()  # (bins, frames)
        inside = slice(span.before, span.before + span.stop - span.start)
        sums["features"][:, span.start : span.stop] += x[:, inside]
        sums["attention"][:, span.start : span.stop] += _enlarge(way.read(seen), x.shape)[:, inside]
        counts[span.start : span.stop] += 1
    with np.errstate(invalid="ignore"):
        means = {key: total / counts for key, total in sums.items()}
    return AttentionMap(
        **means,
        frame_rate=choice.feature.frame_rate(choice.config),
        meaning=way.meaning,
        neutral=way.neutral,
    )


def _enlarge(small: Map, shape: tuple[int, ...]) -> Map:
    """Repeat the values of a pooled map, (height, width), over the map that it was pooled from."""
    rows, columns = (np.arange(size) * own // size for size, own in zip(shape, small.shape, strict=True))
    return small[np.ix_(rows, columns)]


@contextmanager
def _watching(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Keep what goes into and comes out of modules."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001
            seen[name] = (inputs[0], output)

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
