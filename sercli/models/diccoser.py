"""DiCCOSER: dilated causal convolutions only; a local network's output conditions a global one.

The local network brings the waveform to 25 Hz and sees 5092 samples (0.318 s). The global one runs
over 25 Hz with dilations up to the window's length: 203 frames for 3 s, 1012 for 20 s. No frame of
the output depends on later samples, once batch normalisation uses its running statistics: those of
a training batch are taken over all frames.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, sections 3 and
    4.1, equation 1, figures 1, 2 and 4. The training: sections 3.3, 4.2.3 and 4.2.4.
Open in the paper: width of the blocks' convolutions (2, as in figure 3), whether the condition's
    "normal CNN layers" are causal (they are), one normalisation after the sum or one per branch
    (one), whether a frame's maximum is of the signed samples (it is), pooling of log-mel input (by
    2, once, after the last stack), dilations of a window of 3 s (1, 2, ..., 64, 75), initial
    weights (torch's own, but biases zero: a waveform is far smaller than torch's biases, and what
    the dropout before each normalisation makes of those would drown it). Tried on EMO-DB for six
    epochs: the training loss falls on raw samples (1.37 to 1.29), with a normalisation per branch
    (1.39 to 1.29) and on log-mel input (1.52 to 1.25). Of the training: patience (here 20 epochs of at most
    200), what the l2 penalty of 1e-4 is of (here of every parameter, as RMSprop's weight decay), the decay of
    RMSprop's average (0.99, torch's own; the lecture that the paper cites has 0.9), which end is trimmed (the
    front), what is monitored (UA, or the CCC of all dev frames joined), of what the loss's CCC is (of a
    batch's frames joined).
Departures: none.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Literal, cast

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from sercli.errors import ConfigError
from sercli.models import Architecture, Embedding, Features, NetworkConfig, NetworkStream, Recipe, Setting
from sercli.models.layers.sequence import CausalConv1d, CausalState, DilatedBlock, SequencePool
from sercli.records import TRACE_RATE
from sercli.tasks import TASKS, TaskName

CLASSIFIED_S = 3.0
"""Seconds of an utterance that are classified: its last ones, padded at the front."""

_FRAME = 640  # samples: 40 ms, one label of RECOLA


class DiCCOSERConfig(NetworkConfig):
    """Settings of the network; the defaults are the paper's best classifier of raw samples."""

    variant: Literal["a", "b", "c", "d"] = "d"
    """As in figure 4. a: DiCCOSER, no context stacking; b: CS-V2 max; c: CS max; d: CS rms."""
    input: Literal["raw", "logmel"] = "raw"
    """What the local network is fed with; log-mel at 50 frames a second."""
    task: TaskName = "classification"
    """Classify the window by its last frame, or regress each frame (25 a second)."""
    frames: Annotated[int, Field(ge=1, le=7500)] = 75
    """Frames of the window at 25 Hz: 75 for 3 s, 500 for 20 s; the largest dilation."""
    channels: PositiveInt = 64
    """Channels of every convolution."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the values that each block drops after its convolution."""
    max_of: Literal["signed", "abs"] = "signed"
    """Maximum of a frame's samples as they are, or of their absolute values (variants b and c)."""
    causal_condition: bool = True
    """Whether the condition's convolution sees a frame and the one before, or the one after."""
    norm_per_branch: bool = False
    """Drop and normalise the input's and the condition's convolutions each, not their sum."""
    logmel_pool: Literal["front", "last"] = "last"
    """Where log-mel input is pooled to 25 Hz: after the first convolution, or after the last stack."""
    logmel_stacks: Annotated[int, Field(ge=1, le=7)] = 7
    """Stacks of the local network for log-mel input; for raw input always seven."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: of inputs and branches that the network has not."""
        idle = {}
        if self.variant in {"a", "d"}:
            idle["max_of"] = f"variant={self.variant}, which takes no maximum"
        if not self.stacked:
            without = f"variant={self.variant}, which has no condition"
            idle |= dict.fromkeys(("causal_condition", "norm_per_branch"), without)
        if self.input == "raw":
            idle |= dict.fromkeys(("logmel_pool", "logmel_stacks"), "input=raw")
        return idle

    @property
    def made_for(self) -> TaskName:
        """Task that the settings name."""
        return self.task

    @property
    def window_frames(self) -> int:
        """Frames at 25 Hz of the windows that the network is built for."""
        return self.frames

    @property
    def aggregate(self) -> str:
        """Value of 40 ms of samples beside the local network, with the names of `waveform`."""
        if self.variant == "d":
            return "rms"
        return "max-abs" if self.max_of == "abs" else "max"

    @property
    def pools(self) -> tuple[int, ...]:
        """Sizes of the local network's max pooling: after its first convolution, then each stack."""
        if self.input == "raw":
            return (5, *(7 * (2,)))
        once = self.logmel_stacks * (1,)
        return (2, *once) if self.logmel_pool == "front" else (*once, 2)

    @property
    def dilations(self) -> tuple[int, ...]:
        """Dilations of the global network: powers of two up to the window's length, and that itself."""
        powers = {2**k for k in range(self.frames.bit_length())}
        return tuple(sorted(powers | {self.frames}))

    @property
    def stacked(self) -> bool:
        """Whether there is a condition, and the branch beside the local network."""
        return self.variant != "a"


class DiCCOSER(nn.Module):
    """Classify a window of speech, or regress each of its frames."""

    def __init__(self, n_bands: int, n_outputs: int, config: DiCCOSERConfig) -> None:
        super().__init__()
        self.config = config
        self.per_frame = TASKS[config.task].per_frame
        self.local_network = _local_network(n_bands, config)
        self.parallel = CausalConv1d(1, config.channels, 8) if config.stacked else None
        self.global_network = GlobalNetwork(config)
        self.head = nn.Conv1d(config.channels, n_outputs, 1)
        self.apply(_zero_bias)

    def forward(self, x: Tensor, mask: Tensor, wave: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Score classes or frames.

        Args:
            x: waveform, (batch, 1, samples), or log-mel spectrogram, (batch, 1, mels, frames at 50 Hz).
            mask: without meaning here; silence before a short utterance is part of the window.
            wave: beside a log-mel spectrogram, maximum or RMS of each 40 ms of the waveform, as the
                variant has it, (batch, 1, frames at 25 Hz).

        Returns:
            Logits, (batch, classes), or values by frame, (batch, frames at 25 Hz, outputs).
        """
        context = self.local_network(x.flatten(1, -2))  # (batch, channels, frames at 25 Hz)
        if self.parallel is None:
            x = self.global_network(context)
        else:
            values = self.aggregate(x) if wave is None else wave  # (batch, 1, frames at 25 Hz)
            if values.shape[-1] != context.shape[-1]:
                raise ConfigError(
                    f"the waveform beside a log-mel spectrogram of {x.shape[-1]} frames needs "
                    f"{context.shape[-1]} values, one for each 40 ms, got {values.shape[-1]}; "
                    f"set its aggregate to {self.config.aggregate}"
                )
            aggregate = self.parallel(values)  # (batch, channels, frames at 25 Hz)
            swapped = self.config.variant == "b"
            x = self.global_network(*((context, aggregate) if swapped else (aggregate, context)))
        if self.per_frame:
            by_frame: Tensor = self.head(x).transpose(1, 2)  # (batch, frames at 25 Hz, outputs)
            return by_frame
        logits: Tensor = self.head(x[..., -1:]).squeeze(-1)  # (batch, classes)
        return logits

    def aggregate(self, x: Tensor) -> Tensor:
        """Take one value for each 40 ms of samples, (batch, 1, samples); a last partial frame is dropped."""
        x = x[..., : x.shape[-1] // _FRAME * _FRAME]
        x = x.reshape(*x.shape[:-1], -1, _FRAME)  # (batch, 1, frames, 640)
        if self.config.variant == "d":
            norms: Tensor = torch.linalg.vector_norm(x, dim=-1)  # unlike a root, its gradient at 0 is 0
            return norms / math.sqrt(_FRAME)
        return (x.abs() if self.config.max_of == "abs" else x).amax(-1)


class GlobalNetwork(nn.Module):
    """Blocks of growing dilation, each under the same condition if there is one."""

    def __init__(self, config: DiCCOSERConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            DilatedBlock(
                config.channels,
                dilation,
                config.dropout,
                conditioned=config.stacked,
                causal_condition=config.causal_condition,
                norm_per_branch=config.norm_per_branch,
            )
            for dilation in config.dilations
        )

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Transform x under the condition y, both (batch, channels, frames), to the shape of x."""
        for block in self.blocks:
            x = block(x, y)
        return x


def _local_network(n_bands: int, config: DiCCOSERConfig) -> nn.Sequential:
    """Make a convolution of width 8, then stacks of dilations 1, 2, 4, each followed by its pooling."""
    channels, (first, *pools) = config.channels, config.pools
    layers = [nn.Sequential(CausalConv1d(n_bands, channels, 8), _pool(first))]
    for size in pools:
        blocks = [DilatedBlock(channels, dilation, config.dropout) for dilation in (1, 2, 4)]
        layers.append(nn.Sequential(*blocks, _pool(size)))
    return nn.Sequential(*layers)


def _pool(size: int) -> nn.Module:
    return SequencePool(size) if size > 1 else nn.Identity()


def _zero_bias(module: nn.Module) -> None:
    if isinstance(module, nn.Conv1d) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _build(shapes: Mapping[str, tuple[int, ...]], n_outputs: int, config: DiCCOSERConfig) -> DiCCOSER:
    return DiCCOSER(math.prod(shapes["x"]), n_outputs, config)


class DiCCOSERStream:
    """Applies a network, in eval mode, to a window in pieces of complete frames of 40 ms."""

    def __init__(self, network: DiCCOSER) -> None:
        self.network = network
        self.state = CausalState()

    def reset(self) -> None:
        """Begin a window."""
        self.state.reset()

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor:
        """Score the next frames of the window.

        Args:
            inputs: as of the network, a batch of one, (1, *shape, frames), of a multiple of 40 ms.

        Returns:
            Scores by frame at 25 Hz, (1, frames, outputs): of a classifier logits, and those of the window's
            last frame equal the network's own.
        """
        network, x = self.network, inputs["x"]
        context = self._local(x.flatten(1, -2))  # (1, channels, frames at 25 Hz)
        if network.parallel is None:
            out = self._global(context, None)
        else:
            values = inputs["wave"] if "wave" in inputs else network.aggregate(x)
            aggregate = self.state.convolve(network.parallel, values)  # (1, channels, frames at 25 Hz)
            swapped = network.config.variant == "b"
            out = self._global(*((context, aggregate) if swapped else (aggregate, context)))
        scores: Tensor = network.head(out).transpose(1, 2)
        return scores

    def _local(self, x: Tensor) -> Tensor:
        for stage in self.network.local_network:
            for layer in stage.children():
                if isinstance(layer, CausalConv1d):
                    x = self.state.convolve(layer, x)
                elif isinstance(layer, DilatedBlock):
                    x = self.state.block(layer, x)
                else:
                    x = layer(x)  # pooling; frames of 40 ms divide into its steps without rest
        return x

    def _global(self, x: Tensor, y: Tensor | None) -> Tensor:
        for block in self.network.global_network.blocks:
            x = self.state.block(cast("DilatedBlock", block), x, y)
        return x


def _stream(network: nn.Module) -> NetworkStream | str:
    network = cast("DiCCOSER", network)
    if network.config.stacked and not network.config.causal_condition:
        return "with causal_condition=false each block looks a frame of 40 ms ahead"
    return DiCCOSERStream(network)


def _embedding(network: nn.Module) -> Embedding:
    """Read the local contexts.

    Source: Tang et al. 2021, section 5.4, figure 8.
    """
    local = cast("DiCCOSER", network).local_network
    return Embedding("local contexts, averaged over time", local, lambda given, result: result.mean(dim=-1))


def _inputs(config: DiCCOSERConfig) -> dict[str, str]:
    """Return the feature kind by input name; the waveform beside a spectrogram is one value for 40 ms."""
    if config.input == "raw":
        return {"x": "waveform"}
    return {"x": "logmel40", "wave": "waveform"} if config.stacked else {"x": "logmel40"}


def _features_of(config: DiCCOSERConfig) -> Features:
    """Return what the network requires of a waveform: all samples, or one value for 40 ms."""
    if config.input == "raw":
        return {"x": {"aggregate": "none"}}
    return {"wave": {"aggregate": config.aggregate}} if config.stacked else {}


def _features(config: DiCCOSERConfig) -> Features:
    """Return how the inputs are made: log-mel standardised, the waveform as it is; classes of the window."""
    length = config.frames / TRACE_RATE if TASKS[config.task].has_classes else None
    return {
        name: {"statistics": "none" if kind == "waveform" else "per-map", "duration_s": length}
        for name, kind in _inputs(config).items()
    }


RECIPE = Recipe(
    training={
        "class_weights": False,
        "optimizer": "rmsprop",
        "lr": 1e-4,
        "weight_decay": 1e-4,
        "batch_size": 10,
        "max_epochs": 200,
        "patience": 20,
        "selection": "best-dev-ua",
    },
    settings=(
        Setting("iemocap", "iemocap-impro4", "leave-one-session-out"),
        Setting("recola", "arousal-valence", "recola-5-fold"),
    ),
    features=_features,
    augment={"flip": {}},  # half of the utterances run backwards in training
    by_task={
        "regression": {
            "model": {"task": "regression", "frames": 500},
            "training": {"loss": "ccc", "batch_size": 5, "selection": "best-dev-ccc"},
            # Twenty seconds every four, in test one after the other. These divide the recordings of RECOLA
            # without rest; of others the last window is filled up, so that every frame is tested.
            "segments": {"size_s": 20.0, "hop_s": 4.0, "test_hop_s": 20.0, "tail": "pad"},
            "augment": {},
        }
    },
)

ARCHITECTURE = Architecture(
    DiCCOSERConfig,
    _build,
    inputs=_inputs,
    features_of=_features_of,
    shapes={"x": (1,)},
    example_frames=12 * _FRAME,
    tasks=("classification", "regression"),
    source="Tang et al., EURASIP JASM 2021:18",
    recipe=RECIPE,
    lengths_vary=False,
    embedding=_embedding,
    stream=_stream,
)
