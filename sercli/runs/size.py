"""Count the parameters and operations of a network for an utterance, without computing values.

A multiply-accumulate (MAC) is one weight times one value, added to a sum. As in papers, the MACs of
convolutions, linear layers and LSTM are counted. They include the zeros of the padding. They exclude biases,
normalisation, pooling, products of values with each other, and cosines. They are counted when torch computes
them, and assigned to the layer that owns the weight. So a network may use a layer's weight without calling
the layer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sercli.audio import SAMPLE_RATE
from sercli.models import NETWORK_ERRORS, NetworkConfig, get_architecture
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig, windows

SECONDS = 3.0
"""Length of the utterance for which multiply-accumulates are counted."""

_aten = torch.ops.aten
_COUNTED = (_aten.convolution, _aten.mm, _aten.addmm, _aten.bmm, _aten.baddbmm)


@dataclass(slots=True)
class Layer:
    """A layer without inner layers that a network uses.

    Attributes:
        name: path in the network.
        kind: class.
        parameters: number of its parameters.
        shape: shape of its (first) output, without batch.
        macs: multiply-accumulates of all its uses.
    """

    name: str
    kind: str
    parameters: int
    shape: tuple[int, ...] = ()
    macs: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """Parameters and operations of a network.

    Attributes:
        parameters: number of parameters.
        layers: layers without inner layers, with the multiply-accumulates of one pass; empty if these could
            not be counted.
        shapes: by input, (axes of the features, frames) of one pass.
        passes: number of pieces in which an utterance of `SECONDS` passes through the network.
        seconds: length of each piece.
        uncounted: reason why multiply-accumulates could not be counted.
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
        """Multiply-accumulates of an utterance with the segments of the test, if they could be counted."""
        return None if self.macs_per_pass is None else self.passes * self.macs_per_pass


def measure_size(
    arch: str,
    model: NetworkConfig,
    inputs: Mapping[str, FeatureChoice],
    segments: SegmentConfig,
    n_outputs: int,
) -> Size:
    """Build a network on torch's meta device, where it needs neither time nor memory, and measure it.

    A network that reads values while it runs, such as lengths to pack for an LSTM, can't run there. In this
    case only its parameters are counted.

    Args:
        arch: name of the architecture.
        model: settings of the network.
        inputs: features by input of the network.
        segments: settings of the segments.
        n_outputs: number of classes, or of dimensions of continuous labels.
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
    except NETWORK_ERRORS as error:
        network, layers = architecture.build(features, n_outputs, model), ()
        uncounted = f"it does not run without values ({type(error).__name__})"
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Size(parameters, layers, shapes, passes, seconds, uncounted)


def _feed(
    inputs: Mapping[str, FeatureChoice], segments: SegmentConfig
) -> tuple[dict[str, tuple[int, ...]], int, float]:
    """Return the pieces of an utterance for the network: shape of each input, number of pieces, seconds."""
    samples, seconds, passes = round(SECONDS * SAMPLE_RATE), SECONDS, 1
    if segments.size_s is not None:
        seconds = segments.size_s
        size, hop = (round(s * SAMPLE_RATE) for s in (seconds, segments.test_hop_s or segments.hop_s))
        # An utterance that is shorter than a segment is padded to a segment.
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


def list_layers(network: nn.Module, inputs: Mapping[str, Tensor]) -> list[Layer]:
    """List the layers in the order in which the network uses them; the network does not change.

    Args:
        network: network on torch's ``meta`` device, where it needs neither time nor memory. (On other
            devices torch may compute an LSTM in one operation, whose parts are not visible.)
        inputs: arguments of the network, including the mask, on that device; a batch of one.
    """
    used: dict[str, Layer] = {}
    modules = dict(network.named_modules())

    def use(path: str, output: Any, macs: int = 0) -> None:
        module = modules[path]
        if path not in used:
            held = sum(parameter.numel() for parameter in module.parameters(recurse=False))
            used[path] = Layer(path, type(module).__name__, held)
        used[path].macs += macs
        first = output[0] if isinstance(output, tuple) else output  # an LSTM also returns its last state
        used[path].shape = tuple(first.shape[1:])

    def hook(path: str) -> Any:
        return lambda module, given, output: use(path, output)

    leaves = {path: module for path, module in modules.items() if not list(module.children())}
    hooks = [module.register_forward_hook(hook(path)) for path, module in leaves.items()]
    training = network.training
    try:
        with torch.no_grad(), _Counter(network, use):
            network.eval()(**inputs)
    finally:
        network.train(training)
        for handle in hooks:
            handle.remove()
    return list(used.values())


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Count each product of a network's weight with values; ``use`` takes layer, result and number."""

    def __init__(self, network: nn.Module, use: Callable[[str, Tensor, int], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.use = use
        # A weight may be transposed or have another axis; its memory address identifies its layer.
        self.owners = {_memory(p): name.rpartition(".")[0] for name, p in network.named_parameters()}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in _COUNTED:
            first = 1 if func.overloadpacket in (_aten.addmm, _aten.baddbmm) else 0  # after the bias
            factors = (_memory(tensor) for tensor in args[first : first + 2])
            owner = next((self.owners[factor] for factor in factors if factor in self.owners), None)
            if owner is not None:
                flops = flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=result)
                self.use(owner, result, int(flops) // 2)
        return result


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
