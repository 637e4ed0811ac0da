"""A network's attention over a spectrogram, laid out over its bins and frames."""

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
from sercli.models import Attention, get_architecture
from sercli.records import Utterance

Map = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AttentionMap:
    """An attention map over the input of the network.

    Attributes:
        features: first map of the first input, as the network receives it, (bins, frames); NaN in frames
            that it does not receive.
        attention: (bins, frames).
        frame_rate: frames a second.
        meaning: what a value of the attention means.
        neutral: the value that draws no attention.
    """

    features: Map
    attention: Map
    frame_rate: float
    meaning: str
    neutral: float


def map_attention(stored: Stored, utterance: Utterance, target: int) -> AttentionMap | str:
    """Lay a network's attention over an utterance; where segments overlap, the mean of theirs.

    Args:
        stored: opened with the utterance's features.
        utterance: the utterance.
        target: index of the class whose score the attention explains.

    Returns:
        The map, or why the network has none.
    """
    attention = get_architecture(stored.bundle.arch).attention(stored.bundle.network)
    return attention if isinstance(attention, str) else _over_frames(stored, utterance, attention, target)


@torch.inference_mode()
def _over_frames(stored: Stored, utterance: Utterance, attention: Attention, target: int) -> AttentionMap:
    """Apply the network segment by segment, and put each map at the place of its segment."""
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
        with _watching(attention.modules) as seen:
            network(**batch.inputs, mask=batch.mask)
        x = batch.inputs[name][0, 0].double().numpy()  # (bins, frames)
        inside = slice(span.before, span.before + span.stop - span.start)
        sums["features"][:, span.start : span.stop] += x[:, inside]
        sums["attention"][:, span.start : span.stop] += _enlarge(attention.read(seen, target), x.shape)[
            :, inside
        ]
        counts[span.start : span.stop] += 1
    with np.errstate(invalid="ignore"):
        means = {key: total / counts for key, total in sums.items()}
    return AttentionMap(
        **means,
        frame_rate=choice.frame_rate,
        meaning=attention.meaning,
        neutral=attention.neutral,
    )


def _enlarge(small: Map, shape: tuple[int, ...]) -> Map:
    """Repeat the values of a pooled map, (height, width), over the map that it was pooled from."""
    rows, columns = (np.arange(size) * own // size for size, own in zip(shape, small.shape, strict=True))
    return small[np.ix_(rows, columns)]


@contextmanager
def _watching(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Keep the input and the output of modules, by name."""
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
