"""A multilayer perceptron over the mean of the features, for functionals and states of encoders.

Source: none; the usual classifier of one vector for each utterance.
Open in the paper: does not apply.
Departures: none.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from sercli.models import Architecture, NetworkConfig, Recipe
from sercli.models.layers.vectors import hidden_layers, join_moments


class MLPConfig(NetworkConfig):
    """Settings of the perceptron."""

    hidden: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field((256,), min_length=1)
    """Sizes of the hidden layers, as [256, 64]."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the values that dropout sets to zero before each layer."""
    pool: Literal["mean", "mean-std"] = "mean"
    """Moments of features with several frames: their mean, or mean and standard deviation."""


class MLP(nn.Module):
    """Classify the mean of the features."""

    def __init__(self, size: int, n_classes: int, config: MLPConfig) -> None:
        super().__init__()
        self.deviation = config.pool == "mean-std"
        sizes = (size * (2 if self.deviation else 1), *config.hidden)
        self.hidden = hidden_layers(sizes, config.dropout)
        self.head = nn.Linear(sizes[-1], n_classes)

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Summarise each utterance.

        Args:
            x: features, (batch, layers, values, frames).
            mask: true on valid frames, (batch, frames).

        Returns:
            (batch, size).
        """
        summary: Tensor = self.hidden(join_moments(x, mask, deviation=self.deviation))
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
