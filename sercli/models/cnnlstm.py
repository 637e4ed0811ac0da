"""CNN-LSTM: three convolutions with pooling bring the waveform to 25 Hz, two LSTM layers follow.

It is the baseline of DiCCOSER.

Source: Tzirakis, Zhang and Schuller, ICASSP 2018, as rebuilt by Tang et al., EURASIP Journal on
    Audio, Speech, and Music Processing 2021:18, sections 5.2 and 5.3; filters and pooling from the
    first author's end2you, models/audio/emo18.py. The training: Tang et al., sections 4.2.4 and 5.2; it is
    that of DiCCOSER.
Open in the paper: the following choices are ours. The activation is ReLU; end2you has leaky ReLU. There is
    no batch normalisation; end2you has it. The LSTM runs forwards only, as in end2you. The paper calls
    Tzirakis's layers bidirectional; but with bidirectional layers DiCCOSER would have 0.15 of the
    parameters and not "about 1/3". Dropout follows each pooling. Log-mel input is pooled by 2 after the
    first convolution. The padding is "same". The initial weights of the convolutions are He uniform with
    zero biases, as in end2you; the others are torch's own. We tried the network on EMO-DB for twelve
    epochs. The training loss falls without batch normalisation (1.37 to 0.75) and with it (1.36 to 0.82).
    The choices about the training are those of `sercli.models.diccoser`.
Departures: none. The mean over time comes before the output layer; after it, it would give the same result.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from sercli.models import Architecture, Features, NetworkConfig, diccoser
from sercli.models.layers import Dropout
from sercli.models.layers.sequence import SequenceNorm, SequencePool, as_image, convolve
from sercli.tasks import TASKS, NetworkTask


class CNNLSTMConfig(NetworkConfig):
    """Settings of the network."""

    input: Literal["raw", "logmel"] = "raw"
    """Input of the network: raw samples, or log-mel at 50 frames per second."""
    task: NetworkTask = "classification"
    """Classify the window, or regress each frame (25 a second)."""
    filters: tuple[PositiveInt, PositiveInt, PositiveInt] = (64, 128, 256)
    """Channels of the convolutions, whose widths are 8, 6 and 6."""
    batch_norm: bool = False
    """Normalise after each convolution, before its activation."""
    activation: Literal["relu", "leaky_relu"] = "relu"
    """Activation after each convolution; the leaky ReLU has a slope of 0.01."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Proportion of the values dropped after each pooling."""
    hidden_size: PositiveInt = 256
    """Cells of each LSTM layer."""
    layers: Annotated[int, Field(ge=1, le=64)] = 2
    """Layers of the LSTM."""
    bidirectional: bool = False
    """Whether each layer of the LSTM also runs backwards, with ``hidden_size`` more cells; otherwise it runs
    forwards only."""

    neutral: ClassVar[Mapping[str, Any]] = {"bidirectional": False}

    @property
    def made_for(self) -> NetworkTask:
        """Task that the settings name."""
        return self.task

    @property
    def pools(self) -> tuple[int, int, int]:
        """Sizes of the max pooling after each convolution."""
        return (10, 8, 8) if self.input == "raw" else (2, 1, 1)

    @property
    def least_frames(self) -> int:
        """Frames of the input that are pooled to one."""
        return math.prod(self.pools)


class CNNLSTM(nn.Module):
    """Classify a window of speech, or regress each of its frames."""

    def __init__(self, n_bands: int, n_outputs: int, config: CNNLSTMConfig) -> None:
        super().__init__()
        self.config, self.per_frame = config, TASKS[config.task].per_frame
        sizes = zip((n_bands, *config.filters[:-1]), config.filters, (8, 6, 6), config.pools, strict=True)
        self.layers = nn.Sequential(*(_Layer(n_in, n, width, pool, config) for n_in, n, width, pool in sizes))
        self.lstm = nn.LSTM(
            config.filters[-1],
            config.hidden_size,
            config.layers,
            batch_first=True,
            bidirectional=config.bidirectional,
        )
        self.head = nn.Linear(config.hidden_size * (2 if config.bidirectional else 1), n_outputs)
        self.apply(_init)

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Summarise each window in one vector, the mean of the LSTM's outputs over time.

        Args:
            x: waveform, (batch, 1, samples), or log-mel spectrogram, (batch, 1, mels, frames at 50 Hz).
            mask: ignored; silence before a short utterance is part of the window.

        Returns:
            Embedding, (batch, hidden_size); twice as long if the LSTM is bidirectional.
        """
        return self._outputs(x).mean(1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score classes or frames; the arguments are those of `embed`.

        Returns:
            Logits, (batch, classes), or values by frame, (batch, frames at 25 Hz, outputs).
        """
        scores: Tensor = self.head(self._outputs(x) if self.per_frame else self.embed(x, mask))
        return scores

    def _outputs(self, x: Tensor) -> Tensor:
        x = self.layers(x.flatten(1, -2))  # (batch, filters, frames at 25 Hz)
        x, _ = self.lstm(x.transpose(1, 2))  # (batch, frames at 25 Hz, hidden_size or twice that)
        return x


class _Layer(nn.Module):
    """Convolution of unchanged length, optional normalisation, max pooling, activation, dropout."""

    normalised: ClassVar = {"norm": ("conv",)}

    def __init__(self, n_in: int, n_out: int, width: int, pool: int, config: CNNLSTMConfig) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, width)
        self.norm = SequenceNorm(n_out) if config.batch_norm else nn.Identity()
        self.pool = SequencePool(pool) if pool > 1 else nn.Identity()
        self.activation = nn.ReLU() if config.activation == "relu" else nn.LeakyReLU(0.01)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        width = self.conv.kernel_size[0]
        x = convolve(self.conv, as_image(x), (width - 1) // 2, width // 2)  # (batch, n_out, 1, frames)
        x = self.norm(x).squeeze(2)  # (batch, n_out, frames)
        # The activation is a rising function, so it may follow the maximum, where it has fewer values to do.
        x = self.activation(self.pool(x))  # (batch, n_out, frames / pool)
        dropped: Tensor = self.dropout(x)
        return dropped


def _init(module: nn.Module) -> None:
    if isinstance(module, nn.Conv1d):
        nn.init.kaiming_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _inputs(config: CNNLSTMConfig) -> dict[str, str]:
    return {"x": "waveform" if config.input == "raw" else "logmel40"}


def _features_of(config: CNNLSTMConfig) -> Features:
    """Return the features' settings that the network requires: all samples, if it pools them to 25 Hz."""
    return {"x": {"aggregate": "none"}} if config.input == "raw" else {}


def _features(config: CNNLSTMConfig) -> Features:
    """Return the features' settings: only log-mel is standardised; for classes, three seconds are used."""
    statistics = "none" if config.input == "raw" else "per-map"
    length = diccoser.CLASSIFIED_S if TASKS[config.task].has_classes else None
    return {"x": {"statistics": statistics, "duration_s": length}}


def _build(shapes: Mapping[str, tuple[int, ...]], n_outputs: int, config: CNNLSTMConfig) -> CNNLSTM:
    return CNNLSTM(math.prod(shapes["x"]), n_outputs, config)


_TRACES = diccoser.RECIPE.by_task["regression"]

ARCHITECTURE = Architecture(
    CNNLSTMConfig,
    _build,
    inputs=_inputs,
    features_of=_features_of,
    shapes={"x": (1,)},
    example_frames=12 * diccoser.FRAME,
    tasks=("classification", "regression"),
    source="Tzirakis et al., ICASSP 2018; Tang et al., EURASIP JASM 2021:18",
    recipe=replace(
        diccoser.RECIPE,
        features=_features,
        by_task={"regression": {**_TRACES, "model": {"task": "regression"}}},  # any number of frames
    ),
    lengths_vary=False,
    stream=lambda network: "its convolutions are centred, so each uses later samples",
)
