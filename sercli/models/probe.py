"""SUPERB's classifier over a frozen encoder: weighted layers, a projection, the mean, a linear layer.

Source: Yang et al., SUPERB: Speech processing Universal PERformance Benchmark, Interspeech 2021, section 3.2;
    sizes and training as in its toolkit s3prl (downstream/emotion).
Open in the paper: none that the toolkit does not state.
Departures: nothing before the mean over time is non-linear, so the mean is taken first where the features are
    pooled already; the result is the same.
"""

from collections.abc import Mapping
from typing import Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from sercli.models import Architecture, NetworkConfig, Recipe
from sercli.models.layers.vectors import hidden_layers, mean_over_frames


class ProbeConfig(NetworkConfig):
    """Settings of the classifier; the defaults are SUPERB's."""

    projection: int = Field(256, ge=1, le=8192)
    """Values after the projection of the weighted layers."""
    pool: Literal["mean", "attention"] = "mean"
    """How frames become one vector: their mean, or a mean with learned weights, which needs features with
    several frames (pool=none)."""
    hidden: tuple[int, ...] = ()
    """Sizes of hidden layers with ReLU between the mean and the last layer, as [256]; none in SUPERB."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the values that dropout sets to zero before each layer after the mean."""

    @property
    def needs_frames(self) -> bool:
        """Whether the network weighs frames. With a single frame, weights change nothing."""
        return self.pool == "attention"


class Probe(nn.Module):
    """Classify the states of an encoder."""

    def __init__(self, layers: int, values: int, n_classes: int, config: ProbeConfig) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.projection = nn.Linear(values, config.projection)
        self.attention = nn.Linear(config.projection, 1, bias=False) if config.pool == "attention" else None
        sizes = (config.projection, *config.hidden)
        self.hidden = hidden_layers(sizes, config.dropout)
        self.head = nn.Linear(sizes[-1], n_classes)

    @property
    def layer_weights(self) -> Tensor:
        """Weights of the layers, (layers,); their sum is 1."""
        return self.weights.softmax(0)

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Summarise each utterance.

        Args:
            x: states of the layers, (batch, layers, values, frames).
            mask: true on valid frames, (batch, frames).

        Returns:
            (batch, size).
        """
        x = x.masked_fill(~mask[:, None, None, :], 0)
        mixed = (x * self.layer_weights[:, None, None]).sum(dim=1).mT  # (batch, frames, values)
        projected = self.projection(mixed).transpose(1, 2)  # (batch, projection, frames)
        if self.attention is None:
            vectors = mean_over_frames(projected, mask)
        else:
            scores = self.attention(projected.transpose(1, 2)).squeeze(2)  # (batch, frames)
            share = scores.masked_fill(~mask, -torch.inf).softmax(1)
            vectors = torch.einsum("bvt,bt->bv", projected, share)
        summary: Tensor = self.hidden(vectors)
        return summary

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score the classes: logits, (batch, classes)."""
        scores: Tensor = self.head(self.embed(x, mask))
        return scores


def _attention(network: nn.Module) -> str:
    if cast("Probe", network).attention is None:
        return "it is built without attention; set model.pool=attention"
    return "its attention weighs the frames of states, which are not a picture of the recording"


def _build(shapes: Mapping[str, tuple[int, ...]], n_outputs: int, config: ProbeConfig) -> nn.Module:
    layers, values = shapes["x"]
    return Probe(layers, values, n_outputs, config)


ARCHITECTURE = Architecture(
    ProbeConfig,
    _build,
    inputs={"x": "pretrained"},
    shapes={"x": (5, 384)},
    example_frames=24,
    tasks=("classification",),
    source="Yang et al., SUPERB, Interspeech 2021",
    recipe=Recipe(
        training={
            "lr": 1e-4,
            "batch_size": 32,
            "max_epochs": 200,
            "patience": 30,
            "class_weights": False,
        },
        features={"x": {"statistics": "none"}},
    ),
    attention=_attention,
    layer_weights=lambda network: cast("Probe", network).layer_weights,
)
