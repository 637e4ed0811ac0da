"""What a network holds and costs for an utterance, found without computing anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from sercli.audio import SAMPLE_RATE
from sercli.data.segments import SegmentConfig
from sercli.models import get_architecture
from sercli.models._macs import Layer, list_layers
from sercli.runs.features import FeatureChoice
from sercli.segments import windows

SECONDS = 3.0
"""Length of the utterance that multiply-accumulates are told of."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a network holds and costs.

    Attributes:
        parameters: how many it has.
        layers: those without layers in them, with the multiply-accumulates of one pass.
        shapes: by input, (axes of the features, frames) of one pass.
        passes: pieces that an utterance of `SECONDS` goes through the network in.
        seconds: what each of them holds.
    """

    parameters: int
    layers: tuple[Layer, ...]
    shapes: Mapping[str, tuple[int, ...]]
    passes: int
    seconds: float

    @property
    def macs_per_pass(self) -> int:
        """Multiply-accumulates of one pass."""
        return sum(layer.macs for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole utterance, as the network is fed in test."""
        return self.passes * self.macs_per_pass


def measure_size(
    arch: str,
    model: Mapping[str, Any],
    inputs: Mapping[str, FeatureChoice],
    segments: SegmentConfig,
    n_outputs: int,
) -> Size:
    """Build a network on torch's meta device, where it takes neither time nor memory, and measure it.

    Args:
        arch: name of the architecture.
        model: the network's settings.
        inputs: by input of the network, the features it takes.
        segments: how utterances are cut for it.
        n_outputs: classes, or dimensions of continuous labels.
    """
    architecture = get_architecture(arch)
    shapes, passes, seconds = _feed(inputs, segments)
    with torch.device("meta"):
        network = architecture.build(
            {key: shape[:-1] for key, shape in shapes.items()}, n_outputs, architecture.config(**model)
        )
        given = {key: torch.empty(1, *shape) for key, shape in shapes.items()}
        given["mask"] = torch.ones(1, given["x"].shape[-1], dtype=torch.bool)
        layers = list_layers(network, given)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Size(parameters, tuple(layers), shapes, passes, seconds)


def _feed(
    inputs: Mapping[str, FeatureChoice], segments: SegmentConfig
) -> tuple[dict[str, tuple[int, ...]], int, float]:
    """Say what the network sees of an utterance: the shape of each input, how many times, and seconds."""
    samples, seconds, passes = round(SECONDS * SAMPLE_RATE), SECONDS, 1
    if segments.size_s is not None:
        seconds = segments.size_s
        size, hop = (round(s * SAMPLE_RATE) for s in (seconds, segments.test_hop_s or segments.hop_s))
        # What is shorter than a segment is filled up to one.
        passes = len(windows(samples, size, hop, segments.tail))
        samples = size
    shapes = {}
    for name, choice in inputs.items():
        config = choice.config
        if segments.size_s is None:
            seconds = getattr(config, "duration_s", None) or seconds
        frames = segments.frames or choice.feature.count_frames(samples, config)
        shapes[name] = (*choice.shape, frames)
    return shapes, passes, seconds
