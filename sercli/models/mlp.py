"""A multilayer perceptron over the mean of the features, for functionals and states of encoders.

Source: none; the usual classifier of one vector for each utterance.
Open in the paper: does not apply.
Departures: none.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from sercli.models import Architecture, NetworkConfig, Recipe
from sercli.models.layers.vectors import deviation_over_frames, mean_over_frames


class MLPConfig(NetworkConfig):
    """Settings of the perceptron."""

    hidden: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field((256,), min_length=1)
    """Sizes of the hidden layers, as [256, 64]."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the values that dropout sets to zero before each layer."""
    pool: Literal["mean", "mean-std"] = "mean"
    """What is taken of features with several frames: their mean, or mean and standard deviation."""


class MLP(nn.Module):
    """Classify the mean of the features."""

    def __init__(self, size: int, n_classes: int, config: MLPConfig) -> None:
        super().__init__()
        self.deviation = config.pool == "mean-std"
        sizes = (size * (2 if self.deviation else 1), *config.hidden)
        self.hidden = nn.Sequential(
            *(
                nn.Sequential(nn.Dropout(config.dropout), nn.Linear(given, made), nn.ReLU())
                for given, made in pairwise(sizes)
            ),
            nn.Dropout(config.dropout),
        )
        self.head = nn.Linear(sizes[-1], n_classes)

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Summarise each utterance.

        Args:
            x: features, (batch, layers, values, frames).
            mask: true on valid frames, (batch, frames).

        Returns:
            (batch, size).
        """
        vectors = mean_over_frames(x, mask)  # (batch, layers, values)
        if self.deviation:
            vectors = torch.cat([vectors, deviation_over_frames(x, mask)], dim=2)
        summary: Tensor = self.hidden(vectors.flatten(1))
        return summary

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score the classes: logits, (batch, classes)."""
        scores: Tensor = self.head(self.embed(x, mask))
        return scores


def _build(shapes: Mapping[str, tuple[int, ...]], n_outputs: int, config: MLPConfig) -> nn.Module:
    layers, values = shapes["x"]
    return MLP(layers * values, n_outputs, config)


ARCHITECTURE = Architecture(
    MLPConfig,
    _build,
    inputs={"x": "pretrained"},
    shapes={"x": (5, 384)},
    example_frames=24,
    tasks=("classification",),
    source="the usual multilayer perceptron",
    recipe=Recipe(
        training={"lr": 1e-3, "batch_size": 32, "max_epochs": 60, "patience": 15},
        features={"x": {"statistics": "per-bin"}},
    ),
)
