"""DiCCOSER: dilated causal convolutions only; a local network's output conditions a global one.

The local network brings the waveform to 25 Hz and sees 5092 samples (0.318 s). The global network runs
at 25 Hz with dilations up to the window's length: it sees 203 frames for 3 s and 1012 for 20 s. No frame
of the output depends on later samples when batch normalisation uses its running statistics. (The
statistics of a training batch are computed over all frames.)

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, sections 3 and
    4.1, equation 1, figures 1, 2 and 4. The training: sections 3.3, 4.2.3 and 4.2.4.
Open in the paper: the following choices are ours. The blocks' convolutions have a width of 2, as in figure
    3. The condition's "normal CNN layers" are causal. One normalisation follows the sum; there is not one
    for each branch. The maximum of a frame is that of the signed samples. Log-mel input is pooled by 2,
    once, after the last stack. The dilations of a window of 3 s are 1, 2, ..., 64 and 75. The initial
    weights are torch's own, but the biases are zero. A waveform is far smaller than torch's biases, and
    the dropout before each normalisation turns these biases into noise that would hide the waveform. We tried
    the network on EMO-DB for six epochs. The training loss falls on raw samples (1.37 to 1.29), with a
    normalisation for each branch (1.39 to 1.29) and on log-mel input (1.52 to 1.25). Choices about the
    training: the patience is 20 epochs of at most 200. The l2 penalty of 1e-4 applies to every parameter,
    as RMSprop's weight decay. The decay of RMSprop's average is 0.99, torch's own; the lecture that
    the paper cites has 0.9. Utterances are trimmed at the front. The monitored metric is UA, or the CCC of
    all dev frames joined. The loss uses the CCC of a batch's frames joined.
Departures: none.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Literal, cast

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from sercli.audio import SAMPLE_RATE
from sercli.errors import ConfigError
from sercli.models import Architecture, Embedding, Features, NetworkConfig, NetworkStream, Recipe, Setting
from sercli.models.layers.sequence import CausalConv1d, CausalState, DilatedBlock, SequencePool
from sercli.records import TRACE_RATE
from sercli.tasks import TASKS, NetworkTask

CLASSIFIED_S = 3.0
"""Seconds of an utterance that are classified: the last ones; a shorter utterance is padded at the front."""

FRAME = SAMPLE_RATE // TRACE_RATE
"""Samples of a frame of 40 ms, which has one label of RECOLA."""


class DiCCOSERConfig(NetworkConfig):
    """Settings of the network; the defaults are the paper's best classifier of raw samples."""

    variant: Literal["a", "b", "c", "d"] = "d"
    """Variant of figure 4. a: DiCCOSER, no context stacking; b: CS-V2 max; c: CS max; d: CS rms."""
    input: Literal["raw", "logmel"] = "raw"
    """Input of the local network: raw samples, or log-mel at 50 frames per second."""
    task: NetworkTask = "classification"
    """Classify the window by its last frame, or regress each frame (25 per second)."""
    frames: Annotated[int, Field(ge=1, le=7500)] = 75
    """Frames of the window at 25 Hz: 75 for 3 s, 500 for 20 s; the largest dilation."""
    channels: PositiveInt = 64
    """Channels of every convolution."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Proportion of the values that each block drops after its convolution."""
    max_of: Literal["signed", "abs"] = "signed"
    """Maximum of a frame's samples as they are, or of their absolute values (variants b and c)."""
    causal_condition: bool = True
    """Whether the condition's convolution sees a frame and the previous one, or a frame and the next one."""
    norm_per_branch: bool = False
    """Apply dropout and normalisation to the input's and the condition's convolutions, not to their sum."""
    logmel_pool: Literal["front", "last"] = "last"
    """Place of the pooling of log-mel input to 25 Hz: after the first convolution or after the last stack."""
    logmel_stacks: Annotated[int, Field(ge=1, le=7)] = 7
    """Stacks of the local network for log-mel input; raw input always has seven."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: those of inputs and branches that the network lacks."""
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
    def made_for(self) -> NetworkTask:
        """Task that the settings name."""
        return self.task

    @property
    def window_frames(self) -> int:
        """Frames at 25 Hz of the windows that the network is built for."""
        return self.frames

    @property
    def aggregate(self) -> str:
        """Value of 40 ms of samples for the branch beside the local network, with the names of `waveform`."""
        if self.variant == "d":
            return "rms"
        return "max-abs" if self.max_of == "abs" else "max"

    @property
    def pools(self) -> tuple[int, ...]:
        """Sizes of the local network's max pooling: after its first convolution, then after each stack."""
        if self.input == "raw":
            return (5, *(7 * (2,)))
        once = self.logmel_stacks * (1,)
        return (2, *once) if self.logmel_pool == "front" else (*once, 2)

    @property
    def least_frames(self) -> int:
        """Frames of the input that are pooled to one."""
        return math.prod(self.pools)

    @property
    def dilations(self) -> tuple[int, ...]:
        """Dilations of the global network: powers of two up to the window's length, and the length itself."""
        powers = {2**k for k in range(self.frames.bit_length())}
        return tuple(sorted(powers | {self.frames}))

    @property
    def stacked(self) -> bool:
        """Whether the network has a condition, and with it the branch beside the local network."""
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
            mask: ignored; silence before a short utterance is part of the window.
            wave: maximum or RMS of each 40 ms of the waveform, whichever the variant uses, given
                together with a log-mel spectrogram, (batch, 1, frames at 25 Hz).

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
        """Compute one value per 40 ms of samples, (batch, 1, samples); a last partial frame is dropped."""
        x = x[..., : x.shape[-1] // FRAME * FRAME]
        x = x.reshape(*x.shape[:-1], -1, FRAME)  # (batch, 1, frames, 640)
        if self.config.variant == "d":
            norms: Tensor = torch.linalg.vector_norm(x, dim=-1)  # unlike a root, its gradient at 0 is 0
            return norms / math.sqrt(FRAME)
        return (x.abs() if self.config.max_of == "abs" else x).amax(-1)


class GlobalNetwork(nn.Module):
    """Blocks of growing dilation; all have the same condition if there is one."""

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
    """Make a convolution of width 8, then stacks of dilations 1, 2, 4; a pooling follows each stack."""
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
    """Apply a network, in eval mode, to a window that comes in pieces of complete frames of 40 ms."""

    def __init__(self, network: DiCCOSER) -> None:
        self.network = network
        self.state = CausalState()

    def reset(self) -> None:
        """Begin a window."""
        self.state.reset()

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor:
        """Score the next frames of the window.

        Args:
            inputs: the network's inputs, a batch of one, (1, *shape, frames), a multiple of 40 ms long.

        Returns:
            Scores by frame at 25 Hz, (1, frames, outputs). Those of a classifier are logits, and the logits
            of the window's last frame equal those of the network.
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
                    x = layer(x)  # pooling; frames of 40 ms are a multiple of its step
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
    """Return the feature kind by input name; beside a spectrogram, the waveform has one value per 40 ms."""
    if config.input == "raw":
        return {"x": "waveform"}
    return {"x": "logmel40", "wave": "waveform"} if config.stacked else {"x": "logmel40"}


def _features_of(config: DiCCOSERConfig) -> Features:
    """Return the settings of a waveform that the network requires: all samples, or one value per 40 ms."""
    if config.input == "raw":
        return {"x": {"aggregate": "none"}}
    return {"wave": {"aggregate": config.aggregate}} if config.stacked else {}


def _features(config: DiCCOSERConfig) -> Features:
    """Return the features' settings: only log-mel is standardised; for classes, the window is used."""
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
    augment={"flip": {}},  # half of the utterances are reversed in training
    by_task={
        "regression": {
            "model": {"task": "regression", "frames": 500},
            "training": {"loss": "ccc", "batch_size": 5, "selection": "best-dev-ccc"},
            # Windows of twenty seconds begin every four seconds; in test they do not overlap. The recordings
            # of RECOLA are a multiple of this length. Elsewhere the last window is padded, so that every
            # frame is tested.
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
    example_frames=12 * FRAME,
    tasks=("classification", "regression"),
    source="Tang et al., EURASIP JASM 2021:18",
    recipe=RECIPE,
    lengths_vary=False,
    embedding=_embedding,
    stream=_stream,
)
