"""MelCNN: four convolutions over a mel spectrogram in decibels, for RAVDESS.

Source: Penumajji, arXiv 2503.19677, as summarised by third parties: four convolutions, each with batch
    normalisation, ELU, max pooling and dropout, then softmax; Adam, cross-entropy and 125 epochs.
Open in the paper: the following choices are ours. The parts come in the order above. Two layouts set
    filters, kernels, pools, dropout and the dense layer. Layout A comes from Choi's tagging CNN, which has
    exactly these parts. Layout B comes from a question in the summary, which describes a 128 x 128 input,
    four 2 x 2 pools and the fully connected layers after them. The input has 128 mels and 130 frames. ELU
    follows the dense layer. The initial weights are Glorot uniform with zero biases, the default of
    Keras, which the author used. We tried the layouts on EMO-DB for twelve epochs. The training loss
    falls with layout A (1.35 to 0.62) and with B (7.64 to 0.57). Choices about the training: the
    learning rate is 1e-3 and falls as a cosine. With a constant rate the score changes by five points and
    more from epoch to epoch, so that the last epoch depends on chance; a cosine avoids this. The batch size
    is 32. Silence is trimmed at 30 dB, and the utterance is then centred in the 3 s; in training it is
    placed at random.
Departures: ELU follows the pooling. ELU never falls, so the largest value stays the largest and the
    result is the same, for a quarter of the work or less. For the training, the plain setting is a constant
    rate with nothing trimmed or moved: ``--augment none --set training.schedule=constant --set
    features.trim_db=null --set features.placement=start``.
"""

from collections.abc import Mapping
from math import prod
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from sercli.errors import ConfigError
from sercli.models import Architecture, NetworkConfig, Recipe, Setting
from sercli.models.layers import Dropout, init_glorot


class Layout(NamedTuple):
    """Values that the paper leaves open: one per block, except the last two.

    Attributes:
        filters: channels of the convolutions.
        pools: sides of the squares over which max pooling runs.
        dropout: proportion of the values that is zeroed in training after each block.
        dense: neurons of the layer between the blocks and the output; no layer if zero.
    """

    filters: tuple[int, ...]
    pools: tuple[int, ...]
    dropout: float
    dense: int


LAYOUTS = {
    "A": Layout((64, 128, 128, 128), (2, 3, 4, 4), 0.1, 0),
    "B": Layout((32, 64, 128, 128), (2, 2, 2, 2), 0.2, 64),
}


class MelCNNConfig(NetworkConfig):
    """Settings of the network; where a setting is null, the layout's value is used."""

    layout: Literal["A", "B"] = "A"
    """A: maps are pooled to one vector of 128; B: maps are pooled to 8 x 8, then a dense layer of 64."""
    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    """Channels of each block's convolution."""
    pools: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    """Side of each block's pooling."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Proportion of the values that is zeroed in training after each block."""
    dense: Annotated[int, Field(ge=0)] | None = None
    """Neurons of the layer before the head; no layer if zero."""
    frames: Annotated[int, Field(ge=1, le=30_000)] = 130
    """Frames of every spectrogram, which decide the size of the head; 3 s at librosa's defaults."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        filters, pools = self.parts.filters, self.parts.pools
        if len(filters) != len(pools):
            raise ValueError(f"filters has {len(filters)} blocks, pools has {len(pools)}")
        if self.frames < self.pooling:
            raise ValueError(
                f"pools {pools} need {self.pooling} frames or more, got frames={self.frames}: "
                "use longer utterances or smaller pools"
            )
        return self

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: a layout whose values are all replaced."""
        parts = (self.filters, self.pools, self.dropout, self.dense)
        replaced = all(part is not None for part in parts)
        return {"layout": "filters, pools, dropout and dense, which replace all of it"} if replaced else {}

    @property
    def parts(self) -> Layout:
        """The layout, with the values that the settings replace."""
        own = {key: getattr(self, key) for key in Layout._fields}
        return LAYOUTS[self.layout]._replace(**{key: v for key, v in own.items() if v is not None})

    @property
    def pooling(self) -> int:
        """Factor by which all pools together divide both axes."""
        return prod(self.parts.pools)


class MelCNN(nn.Module):
    """Classify a mel spectrogram in decibels; all spectrograms have the same length."""

    def __init__(self, n_channels: int, n_mels: int, n_classes: int, config: MelCNNConfig) -> None:
        super().__init__()
        self.config = config
        filters, pools, dropout, dense = config.parts
        self.blocks = nn.ModuleList(
            _Block(n_in, n_out, pool, dropout)
            for n_in, n_out, pool in zip((n_channels, *filters), filters, pools, strict=False)
        )
        size = filters[-1] * (n_mels // config.pooling) * (config.frames // config.pooling)
        self.fc = nn.Linear(size, dense) if dense else None
        self.head = nn.Linear(dense or size, n_classes)
        self.apply(init_glorot)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Summarise each utterance in one vector.

        Args:
            x: mel spectrogram, (batch, 1, mels, frames), decibels, standardised.
            mask: ignored. A short utterance is padded before the features are computed, and the network sees
                that silence.

        Returns:
            Embedding, (batch, dense); without the dense layer, the flattened maps after the last pool.

        Raises:
            ConfigError: the number of frames after the pools is not that of ``config.frames``.
        """
        pooling, frames = self.config.pooling, x.shape[-1]
        if frames // pooling != self.config.frames // pooling:
            raise ConfigError(
                f"the network is built for model.frames={self.config.frames}, the spectrograms have {frames} "
                f"frames: set model.frames={frames}, or features.duration_s to the length meant"
            )
        for block in self.blocks:
            x = block(x)  # (batch, filters, mels / pool, frames / pool)
        x = x.flatten(1)  # (batch, size)
        return x if self.fc is None else F.elu(self.fc(x))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score the classes: make the embedding as `embed` does, then return logits, (batch, classes)."""
        logits: Tensor = self.head(self.embed(x, mask))
        return logits


class _Block(nn.Module):
    """Convolution of unchanged size, normalisation, max pooling, ELU, dropout."""

    normalised: ClassVar = {"norm": ("conv",)}

    def __init__(self, n_in: int, n_out: int, pool: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding="same")
        self.norm = nn.BatchNorm2d(n_out)
        self.pool = pool
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.norm(self.conv(x)), self.pool)
        y: Tensor = self.dropout(F.elu(x, inplace=True))  # nothing else uses the pooling's output
        return y


def _build(shapes: Mapping[str, tuple[int, ...]], n_classes: int, config: MelCNNConfig) -> MelCNN:
    channels, mels = shapes["x"]
    if mels < config.pooling:
        raise ConfigError(
            f"pools {config.parts.pools} need {config.pooling} mel bands or more, got {mels}: "
            "raise features.n_mels or use smaller pools"
        )
    return MelCNN(channels, mels, n_classes, config)


ARCHITECTURE = Architecture(
    MelCNNConfig,
    _build,
    inputs={"x": "melspec-db"},
    shapes={"x": (1, 128)},
    example_frames=130,
    tasks=("classification",),
    source="Penumajji, arXiv 2503.19677, 2025",
    recipe=Recipe(
        training={
            "class_weights": False,
            "optimizer": "adam",
            "schedule": "cosine",
            "lr": 1e-3,
            "batch_size": 32,
            "max_epochs": 125,
            "patience": None,
            "selection": "last",
        },
        settings=(Setting("ravdess", "ravdess-14", "ravdess-blind-22-24"),),
        features={"x": {"trim_db": 30.0, "placement": "centre"}},
        augment={"shift": {}},
    ),
    lengths_vary=False,
)
