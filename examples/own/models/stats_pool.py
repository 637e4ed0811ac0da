"""Two convolutions over time, then mean and deviation of each channel: an example of one's own.

Source: made up for the documentation. A real file names the paper, section, figure and table here.
Open in the paper: nothing.
Departures: none.
"""

from collections.abc import Mapping
from math import prod

from pydantic import PositiveInt
from torch import Tensor, cat, nn

from sercli.models import Architecture, NetworkConfig, Recipe, Setting


class StatsPoolConfig(NetworkConfig):
    """Settings of the network."""

    channels: PositiveInt = 64
    """Channels of both convolutions."""


class StatsPool(nn.Module):
    """Classify a log-mel spectrogram of any length."""

    def __init__(self, n_bands: int, n_classes: int, config: StatsPoolConfig) -> None:
        super().__init__()
        self.first = nn.Conv1d(n_bands, config.channels, 5, padding="same")
        self.second = nn.Conv1d(config.channels, config.channels, 5, padding="same")
        self.head = nn.Linear(2 * config.channels, n_classes)

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Summarise each utterance in one vector.

        Args:
            x: log-mel spectrogram, (batch, 1, mels, frames), natural log, standardised.
            mask: true on frames of the utterance, false on padding, (batch, frames).

        Returns:
            Embedding, (batch, 2 * channels).
        """
        valid = mask.unsqueeze(1)  # (batch, 1, frames)
        x = x.flatten(1, 2).masked_fill(~valid, 0)  # (batch, mels, frames)
        # A bias makes padding non-zero: mask after each convolution, or it leaks into the next.
        x = self.first(x).relu().masked_fill(~valid, 0)  # (batch, channels, frames)
        x = self.second(x).relu().masked_fill(~valid, 0)
        count = valid.sum(2)  # (batch, 1)
        mean = x.sum(2) / count  # (batch, channels)
        spread = (x - mean.unsqueeze(2)).masked_fill(~valid, 0).square().sum(2) / count
        return cat([mean, (spread + 1e-6).sqrt()], dim=1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score the classes: as `embed`, then logits, (batch, classes)."""
        logits: Tensor = self.head(self.embed(x, mask))
        return logits


def _build(shapes: Mapping[str, tuple[int, ...]], n_outputs: int, config: StatsPoolConfig) -> StatsPool:
    return StatsPool(prod(shapes["x"]), n_outputs, config)


ARCHITECTURE = Architecture(
    StatsPoolConfig,
    _build,
    inputs={"x": "logmel40"},  # the kind of features
    shapes={"x": (1, 40)},  # of these, without batch and frames
    example_frames=100,
    tasks=("classification",),
    source="made up for the documentation",
    recipe=Recipe(
        training={"lr": 2e-3, "batch_size": 16, "max_epochs": 60, "patience": 15},
        settings=(Setting("emodb", "emodb-7", "leave-one-speaker-out"),),
    ),
)
