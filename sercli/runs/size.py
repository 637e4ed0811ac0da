"""What a network holds and costs for an utterance, found without computing anything."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from sercli.audio import SAMPLE_RATE
from sercli.models import FOREIGN, NetworkConfig, get_architecture
from sercli.models._macs import Layer, list_layers
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig, windows

SECONDS = 3.0
"""Length of the utterance that multiply-accumulates are told of."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a network holds and costs.

    Attributes:
        parameters: how many it has.
        layers: those without layers in them, with the multiply-accumulates of one pass; none if these could
            not be counted.
        shapes: by input, (axes of the features, frames) of one pass.
        passes: pieces that an utterance of `SECONDS` goes through the network in.
        seconds: what each of them holds.
        uncounted: why multiply-accumulates could not be counted, if so.
    """

    parameters: int
    layers: tuple[Layer, ...]
    shapes: Mapping[str, tuple[int, ...]]
    passes: int
    seconds: float
    uncounted: str | None = None

    @property
    def macs_per_pass(self) -> int | None:
        """Multiply-accumulates of one pass, if they could be counted."""
        return None if self.uncounted else sum(layer.macs for layer in self.layers)

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of an utterance, as the network is fed in test, if they could be counted."""
        return None if self.macs_per_pass is None else self.passes * self.macs_per_pass


def measure_size(
    arch: str,
    model: NetworkConfig,
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

    A network that reads values while it runs, lengths to pack for an LSTM say, can't run there: then its
    parameters alone are counted.
    """
    architecture = get_architecture(arch)
    shapes, passes, seconds = _feed(inputs, segments)
    features = {key: shape[:-1] for key, shape in shapes.items()}
    try:
        with torch.device("meta"):
            network = architecture.build(features, n_outputs, model)
            given = {key: torch.empty(1, *shape) for key, shape in shapes.items()}
            given["mask"] = torch.ones(1, given[next(iter(given))].shape[-1], dtype=torch.bool)
            layers, uncounted = tuple(list_layers(network, given)), None
    except FOREIGN as error:
        network, layers = architecture.build(features, n_outputs, model), ()
        uncounted = f"it does not run without values ({type(error).__name__})"
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Size(parameters, layers, shapes, passes, seconds, uncounted)


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
            seconds = config.crop_s or seconds
        frames = segments.frames or choice.feature.count_frames(samples, config)
        shapes[name] = (*choice.shape, frames)
    return shapes, passes, seconds
