"""Networks, pure torch, one file per architecture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from sercli import registry
from sercli.config import Config

FOREIGN = (RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError)
"""What a network may raise where it is run as nobody foresaw: without values, or by an exporter."""

Task = Literal["classification", "regression"]


class NetworkConfig(Config):
    """Settings of a network; the properties answer what the rest of the package asks of any network."""

    @property
    def made_for(self) -> Task | None:
        """Task that the settings name; none where they name no task."""
        return None

    @property
    def window_frames(self) -> int | None:
        """Frames at 25 Hz of the windows that the network is built for; none where it takes any length."""
        return None

    @property
    def least_frames(self) -> int:
        """Fewest frames that the network takes without filling them up."""
        return 1

    @property
    def cosine_head(self) -> bool:
        """Whether the head is a `sercli.models.layers.CosineHead`, which is trained with the ArcFace loss."""
        return False


@dataclass(frozen=True, slots=True)
class Windows:
    """How a network that sees pieces of one length is fed an utterance when it is tested.

    Attributes:
        size_s: length of a piece.
        hop_s: from one piece's start to the next one's.
        frames: of a piece, filled up.
    """

    size_s: float
    hop_s: float
    frames: int


class Stream(Protocol):
    """A network that takes a window in pieces, its state carried from one to the next."""

    def reset(self) -> None:
        """Begin a window."""

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor:
        """Give scores by frame of 40 ms, (1, frames, outputs), of the next pieces of the inputs."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What training, prediction and the contract tests need to know of a network.

    A network is called as ``network(**inputs, mask=mask)``: each input is (batch, *shape, frames)
    under its name, the mask (batch, frames) is true on frames of the utterance, false on padding.

    Attributes:
        config: the network's settings.
        build: from the inputs' shapes (by name, without batch and frames), the number of outputs
            and the settings to the network.
        inputs: feature kind by input name, as the paper has it.
        inputs_of: the same from the network's settings, where they decide it.
        features_of: from the network's settings to those of the features that it can't do without, by
            input name, where they differ from the kind's.
        shapes: shape of each input of the paper's features, without batch and frames.
        example_frames: a length that every setting of the network accepts.
        tasks: what it can be trained for.
        source: the paper.
        lengths_vary: whether utterances of any length share a batch, and padding leaves each one's
            output alone; else every utterance is brought to one length before the network.
        stream: from a network to one that takes a window frame by frame; or why there is none.
        windows: the pieces it sees an utterance in, as the paper has it; whole if none.
    """

    config: type[NetworkConfig]
    build: Callable[[Mapping[str, tuple[int, ...]], int, Any], nn.Module]
    inputs: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]
    example_frames: int
    tasks: tuple[Task, ...]
    source: str
    lengths_vary: bool = True
    inputs_of: Callable[[Any], Mapping[str, str]] | None = None
    features_of: Callable[[Any], Mapping[str, Mapping[str, Any]]] = lambda config: {}
    stream: "Callable[[nn.Module], Stream] | str" = "it looks at utterances as a whole"
    windows: Windows | None = None

    def inputs_for(self, config: NetworkConfig) -> Mapping[str, str]:
        """Return the feature kind by input name under given settings."""
        return self.inputs if self.inputs_of is None else self.inputs_of(config)

    def example(self, batch: int, seed: int = 0) -> dict[str, Tensor]:
        """Return random inputs and a mask, of differing lengths if they vary, for ``network(**example)``."""
        random = torch.Generator().manual_seed(seed)
        shortfall = torch.arange(batch) % (self.example_frames // 4) if self.lengths_vary else 0
        lengths = self.example_frames - torch.as_tensor(shortfall).expand(batch)  # (batch,)
        mask = torch.arange(self.example_frames) < lengths[:, None]  # (batch, frames)
        inputs = {}
        for name, shape in self.shapes.items():
            x = torch.randn(batch, *shape, self.example_frames, generator=random)
            inputs[name] = x * mask.view(batch, *(1 for _ in shape), -1)
        return inputs | {"mask": mask}


def architecture_names() -> list[str]:
    """List the architectures."""
    return registry.names(__name__)


def get_architecture(name: str) -> Architecture:
    """Return an architecture by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return registry.load(__name__, name, "ARCHITECTURE", Architecture)
