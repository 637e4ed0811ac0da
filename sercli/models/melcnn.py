"""MelCNN: four convolutions over a mel spectrogram in decibels, for RAVDESS.

Source: Penumajji, arXiv 2503.19677, as summarised by third parties: four convolutions, each with batch
    normalisation, ELU, max pooling and dropout, then softmax; Adam, cross-entropy and 125 epochs.
Open in the paper: order of the parts (as above), filters, kernels, pools, dropout and dense layer
    (layout A, from Choi's tagging CNN, which has exactly these parts; layout B, which the summary's
    question about a 128 x 128 input, four 2 x 2 pools and the fully connected layers after them
    describes), input (128 mels, 130 frames), what follows the dense layer (ELU), initial weights
    (Glorot uniform and zero biases, the default of Keras, which the author used). Tried on EMO-DB for
    twelve epochs: the training loss falls with layout A (1.35 to 0.62) and with B (7.64 to 0.57). Of the
    training: learning rate (here 1e-3), its course (with a constant rate the score changes by five points and
    more from epoch to epoch, so that the last one depends on chance; a cosine avoids this), batch size (32),
    where the utterance is within the 3 s (silence trimmed at 30 dB, then centred; in training
    at a random place).
Departures: ELU follows the pooling: it never falls, so the largest value stays the largest and the
    result is the same, for a quarter of the work or less. Of the training: the plain setting is a constant
    rate with nothing trimmed or moved: ``--augment none --set training.schedule=constant --set
    features.trim_db=null --set features.placement=start``.
"""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Literal, NamedTuple, Self

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from sercli.errors import ConfigError
from sercli.models import Architecture, NetworkConfig, Recipe, Setting
from sercli.models.layers import Dropout, init_glorot


class Layout(NamedTuple):
    """What the paper leaves open: one value per block, except the last two.

    Attributes:
        filters: channels of the convolutions.
        pools: sides of the squares that pooling takes the largest value of.
        dropout: share of the values that is zeroed in training after each block.
        dense: neurons of the layer between the blocks and the output; none if zero.
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
    """Settings of the network; what is none is the layout's."""

    layout: Literal["A", "B"] = "A"
    """A: pooled to one vector of 128; B: pooled to 8 x 8, then a dense layer of 64."""
    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    """Channels of each block's convolution."""
    pools: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    """Side of each block's pooling."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of the values that is zeroed in training after each block."""
    dense: Annotated[int, Field(ge=0)] | None = None
    """Neurons of the layer before the head; without it if zero."""
    frames: Annotated[int, Field(ge=1, le=30_000)] = 130
    """Frames of every spectrogram: the size of the head depends on them; 3 s at librosa's defaults."""

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
        """Return the settings that change nothing: a layout of which no part is left."""
        parts = (self.filters, self.pools, self.dropout, self.dense)
        replaced = all(part is not None for part in parts)
        return {"layout": "filters, pools, dropout and dense, which replace all of it"} if replaced else {}

    @property
    def parts(self) -> Layout:
        """The layout with the settings laid over it."""
        own = {key: getattr(self, key) for key in Layout._fields}
        return LAYOUTS[self.layout]._replace(**{key: v for key, v in own.items() if v is not None})

    @property
    def pooling(self) -> int:
        """What both axes are divided by in all."""
        return prod(self.parts.pools)


class MelCNN(nn.Module):
    """Classify a mel spectrogram in decibels; all have one length."""

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
            mask: ignored: an utterance shorter than the others is padded before the features, and the
                network sees that silence.

        Returns:
            Embedding, (batch, dense), or without that layer what the pools leave, flattened.

        Raises:
            ConfigError: the pools leave another number of frames than of ``config.frames``.
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
        """Score the classes: as `embed`, then logits, (batch, classes)."""
        logits: Tensor = self.head(self.embed(x, mask))
        return logits


class _Block(nn.Module):
    """Convolution of unchanged size, normalisation, max pooling, ELU, dropout."""

    def __init__(self, n_in: int, n_out: int, pool: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding="same")
        self.norm = nn.BatchNorm2d(n_out)
        self.pool = pool
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.norm(self.conv(x)), self.pool)
        y: Tensor = self.dropout(F.elu(x, inplace=True))  # pooling's output is nobody else's
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
