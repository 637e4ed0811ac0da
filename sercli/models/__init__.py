"""Networks, pure torch, one file per architecture; `sercli.models.layers` holds what they share.

A file of this folder defines a network, its settings (a `NetworkConfig`), its paper's training (a
`Recipe`) and the functions that read its attention, embedding or stream. ``ARCHITECTURE`` joins them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, get_args, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from sercli import registry
from sercli.config import Config, merge, require_settings
from sercli.errors import ConfigError, RunError, require_choice
from sercli.tasks import CLASSIFICATION, TASKS, NetworkTask, Outputs, Task

NETWORK_ERRORS = (
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
)
"""Errors that a network may raise when it runs without values, or in an exporter."""

Features = Mapping[str, Mapping[str, Any]]
"""Settings of the features, by input of the network."""


class NetworkConfig(Config):
    """Settings of a network; its properties are those that the rest of the package needs of any network."""

    def pinned(self) -> Self:
        """Return the same settings with facts of the files that the network needs, if it needs any."""
        return self

    def described(self) -> Self:
        """Return settings of an example, for checks and lists: no file is read or downloaded for them."""
        return self

    def with_encoder(self, model: str) -> Self:  # noqa: ARG002
        """Return the same settings with another name or folder of the encoder, if the network holds one."""
        return self

    @property
    def made_for(self) -> NetworkTask | None:
        """Kind of network that the settings name; ``None`` if they name none."""
        return None

    @property
    def window_frames(self) -> int | None:
        """Frames at 25 Hz of the windows that the network is built for; ``None`` if it takes any length."""
        return None

    @property
    def least_frames(self) -> int:
        """Smallest number of frames that the network accepts without padding them."""
        return 1

    @property
    def needs_frames(self) -> bool:
        """Whether the features must have several frames for an utterance."""
        return False

    @property
    def fine_tunes(self) -> bool:
        """Whether the network's child ``encoder`` was trained before, so that it may have its own rate."""
        return False

    @property
    def cosine_head(self) -> bool:
        """Whether the head is a `sercli.models.layers.CosineHead`, which is trained with the ArcFace loss."""
        return False


@dataclass(frozen=True, slots=True)
class Setting:
    """A corpus and its settings in a paper."""

    corpus: str
    scheme: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a paper trains its architecture, as settings that `sercli.runs.config.RunConfig` reads.

    Attributes:
        training: settings of the training.
        settings: the paper's corpora, in the order of the paper.
        features: settings of the features, by input of the network, where they differ from the defaults of
            the kind; or a function from the network's settings to these.
        segments: how utterances are cut; they are not cut if it is empty.
        augment: augmentations by name, with settings that differ from their defaults.
        by_task: by kind of network or name of a task, changes to the settings above and to the network's
            settings (``model``). The ``segments`` and ``augment`` of a task replace those above.

    Raises:
        ConfigError: there is no such task.
    """

    training: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    features: Features | Callable[[Any], Features] = field(default_factory=dict)
    segments: Mapping[str, Any] = field(default_factory=dict)
    augment: Features = field(default_factory=dict)
    by_task: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.by_task:
            require_choice("by_task", name, TASKS)

    def for_task(self, task: Task) -> dict[str, Any]:
        """Return the changes for a task: those of its kind of network, then its own."""
        own = self.by_task.get(task.name, {}) if task.name != task.network else {}
        return merge(self.by_task.get(task.network, {}), own)


class NetworkStream(Protocol):
    """A network that takes a window in pieces and keeps its state from one piece to the next."""

    def reset(self) -> None:
        """Begin a window."""

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor:
        """Score each frame of 40 ms of the next pieces of the inputs, (1, frames, outputs)."""


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """Read the attention of a network over its first input.

    Attributes:
        modules: the modules whose input and output `read` takes, by name.
        read: function of two arguments: the inputs and outputs of these modules for a batch of one
            utterance, by name; and the index of a class. It returns the attention, (height, width), over the
            map or a pooled version of the map.
        meaning: what a value of the attention means.
        neutral: the value that means no attention.
    """

    modules: Mapping[str, nn.Module]
    read: Callable[[Mapping[str, tuple[Tensor, Tensor]], int], NDArray[np.float64]]
    meaning: str
    neutral: float


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Read the vector that summarises an utterance from a network.

    Attributes:
        title: name of the vector, for a picture.
        module: the module whose input and output `read` takes.
        read: function from input and output of the module to the vectors, (batch, size).
    """

    title: str
    module: nn.Module
    read: Callable[[Tensor, Tensor], Tensor]


@runtime_checkable
class Embedder(Protocol):
    """A network that summarises an utterance in one vector, which its child ``head`` scores."""

    def embed(self, *inputs: Tensor, mask: Tensor) -> Tensor:
        """Summarise each utterance, (batch, size)."""


def embedding_before_head(network: nn.Module) -> Embedding | str:
    """Read the input of the head of a network with a method ``embed`` and a child ``head``."""
    head = dict(network.named_children()).get("head")
    if head is None or not isinstance(network, Embedder):
        return "it has no method 'embed' with a layer 'head' after it"
    return Embedding("embeddings", head, lambda given, result: given.flatten(1))


@dataclass(frozen=True, slots=True, eq=False)
class TrainingVectors:
    """The training part as a classifier takes it that is solved, not trained in epochs.

    Attributes:
        vectors: what the network's ``embed`` gives, (utterances or segments, size).
        target: index of the class of each, (utterances or segments,).
        speakers: who speaks in each; None if unknown.
        class_weights: weight of the errors of each class; None if all weigh the same.
        values: standardised value of each dimension, (utterances or segments, dimensions); None without
            dimensions. The network then gives them after the classes.
        votes: share of the votes for each class, (utterances or segments, classes); None without soft labels.
    """

    vectors: NDArray[np.float64]
    target: NDArray[np.int64]
    speakers: tuple[str | None, ...]
    class_weights: Mapping[int, float] | None
    values: NDArray[np.float64] | None = None
    votes: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that training, prediction and reports need to know about a network.

    A network is called as ``network(**inputs, mask=mask)``: each input is (batch, *shape, frames)
    under its name; the mask, (batch, frames), is true on frames of the utterance and false on padding.

    The hooks ``attention``, ``channels``, ``layer_weights``, ``embedding`` and ``stream`` take a network.
    Each returns the object described below, or a text that states why this network does not have it.

    Attributes:
        config: the network's settings.
        build: function that makes the network from the inputs' shapes (by name, without batch and frames),
            the number of outputs and the settings.
        inputs: feature kind by input name, as in the paper; or a function from the settings to these kinds.
        shapes: shape of each input of the paper's features, without batch and frames.
        example_frames: a number of frames that the network accepts with every setting.
        tasks: kinds of networks that it can be: one that gives a vector for an utterance (for classes and
            for dimensions), one that gives a vector for each frame.
        source: the paper.
        recipe: the paper's training.
        lengths_vary: whether a batch may hold utterances of different lengths, and padding changes no
            output; otherwise every utterance is cut or padded to one length before the network.
        features_of: function from the network's settings to the settings of the features that the network
            requires, by input name. It returns only those that differ from the defaults of the kind.
        attention: the network's attention over its first input.
        channels: the modules whose output is a weight for each channel, by number of the layer.
        layer_weights: the weights of the layers of the first input, (layers,); their sum is 1.
        embedding: the vector that summarises an utterance.
        stream: the network as a `NetworkStream`.
        solve: sets the weights of a network to the optimum for a training part, given its settings; for
            classifiers that need no epochs, optimiser or learning rate. Their networks have a method
            ``embed``.
        module: function that returns the class that trains the network, a subclass of
            `sercli.training.SERModule`; without it `SERModule` itself is used. It is a function, so that
            Lightning is imported only for training.

    Raises:
        ConfigError: there is no such kind of network, or the settings are of another kind.
    """

    config: type[NetworkConfig]
    build: Callable[[Mapping[str, tuple[int, ...]], int, Any], nn.Module]
    inputs: Mapping[str, str] | Callable[[Any], Mapping[str, str]]
    shapes: Mapping[str, tuple[int, ...]]
    example_frames: int
    tasks: tuple[NetworkTask, ...]
    source: str
    recipe: Recipe = field(default_factory=Recipe)
    lengths_vary: bool = True
    features_of: Callable[[Any], Features] = lambda config: {}
    attention: Callable[[nn.Module], Attention | str] = lambda _: "it has no attention over its input"
    channels: Callable[[nn.Module], Mapping[int, nn.Module] | str] = lambda _: "it has no channel attention"
    layer_weights: Callable[[nn.Module], Tensor | str] = lambda _: "it does not weigh layers of its input"
    embedding: Callable[[nn.Module], Embedding | str] = embedding_before_head
    stream: Callable[[nn.Module], NetworkStream | str] = lambda _: "it needs the complete utterance"
    solve: Callable[[Any, TrainingVectors, Any], None] | None = None
    module: Callable[[], type[Any]] | None = None

    def __post_init__(self) -> None:
        require_settings("config", self.config, NetworkConfig)
        for task in self.tasks or (None,):
            require_choice("tasks", task, get_args(NetworkTask))

    def inputs_for(self, config: NetworkConfig) -> Mapping[str, str]:
        """Return the feature kind by input name under given settings."""
        return self.inputs(config) if callable(self.inputs) else self.inputs

    def config_for(self, chosen: Mapping[str, Any], task: Task = CLASSIFICATION) -> NetworkConfig:
        """Build the network's settings for a task from those that were chosen.

        Raises:
            ConfigError: a setting is unknown or wrong.
        """
        try:
            return self.config(**merge(self.recipe.for_task(task).get("model", {}), chosen))
        except ConfigError as error:
            raise ConfigError(f"model: {error}") from None

    def defaults(self, config: NetworkConfig, task: Task = CLASSIFICATION) -> dict[str, Any]:
        """Return the recipe as settings; a run's own settings replace single ones of them.

        Args:
            config: the network's settings.
            task: task that the network is trained for.
        """
        recipe = self.recipe
        changes = recipe.for_task(task)
        features = recipe.features(config) if callable(recipe.features) else recipe.features
        stated = {
            "training": dict(recipe.training),
            "features": merge(self.features_of(config), features),
            "segments": dict(recipe.segments),
            "augment": dict(recipe.augment),
        }
        replaced = {name: changes[name] for name in ("segments", "augment") if name in changes}
        found = merge(stated, changes) | replaced
        training = found["training"]
        if training.get("loss", CLASSIFICATION.losses[0]) not in task.losses:
            training["loss"] = task.losses[0]
        if training.get("selection", CLASSIFICATION.selection) == CLASSIFICATION.selection != task.selection:
            training["selection"] = task.selection
        return found

    def example(self, batch: int, seed: int = 0) -> dict[str, Tensor]:
        """Return random inputs and a mask for ``network(**example)``, with different lengths if they vary."""
        random = torch.Generator().manual_seed(seed)
        shortfall = torch.arange(batch) % (self.example_frames // 4) if self.lengths_vary else 0
        lengths = self.example_frames - torch.as_tensor(shortfall).expand(batch)  # (batch,)
        mask = torch.arange(self.example_frames) < lengths[:, None]  # (batch, frames)
        inputs = {}
        for name, shape in self.shapes.items():
            x = torch.randn(batch, *shape, self.example_frames, generator=random)
            inputs[name] = x * mask.view(batch, *(1 for _ in shape), -1)
        return inputs | {"mask": mask}


def check_sizes(network: nn.Module) -> None:
    """Refuse layers such as ``nn.LazyLinear``, whose weights have no size before the first batch.

    Raises:
        RunError: the network has such a layer.
    """
    lazy = [name for name, value in network.named_parameters() if is_lazy(value)]
    if lazy:
        raise RunError(
            f"network {type(network).__name__}: {lazy[0]} has no size before the first batch; in place of a "
            "lazy layer (nn.LazyLinear), write its size, from the shapes that build is given"
        )


def check_scores(network: nn.Module, scores: object, batch: int, outputs: Outputs) -> None:
    """Refuse what a network gave for a batch if it has not one number for each output.

    Without this check, a loss may accept it, and the first error is far from its cause.

    Raises:
        RunError: it is no tensor, or has another shape.
    """
    shape = tuple(scores.shape) if isinstance(scores, Tensor) else ()
    frames = shape[1:2] if outputs.per_frame else ()
    if shape == (batch, *frames, len(outputs)):
        return
    given = shape if isinstance(scores, Tensor) else f"of type {type(scores).__name__}"
    counts = {"classes": len(outputs.classes), "dimension(s)": len(outputs.dimensions)}
    named = " and ".join(f"{count} {noun}" for noun, count in counts.items() if count)
    wanted = f"(batch, {'frames, ' if outputs.per_frame else ''}{len(outputs)})"
    raise RunError(
        f"network {type(network).__name__}: its output is {given}; with {named} it must be a tensor {wanted}"
    )


def architecture_names() -> list[str]:
    """List the architectures."""
    return registry.names(__name__)


def get_architecture(name: str) -> Architecture:
    """Return an architecture by name.

    Raises:
        UnknownNameError: there is no architecture of that name.
    """
    return registry.load(__name__, name, "ARCHITECTURE", Architecture)
