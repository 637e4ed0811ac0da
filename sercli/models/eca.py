"""ECA-CNN: six convolutions, the deepest two followed by efficient channel attention.

Source: "Searching for Effective Preprocessing Method and CNN-based Architecture with Efficient Channel
    Attention on Speech Emotion Recognition", arXiv 2409.04007, sections IV-B, IV-C and V-D to V-F,
    figures 3 to 5, table I. The training: sections IV-D and V-C. The original attention: Wang et al.,
    ECA-Net, CVPR 2020.
Open in the paper: channels of the convolutions (8 n, doubled from each to the next), n (6), what
    follows the first linear layer (ReLU), where the attention sits (between ReLU and pooling), dropout
    (none), variant of He initialisation (normal, fan in, biases zero), normalisation of the original
    attention, which the paper leaves out and the original code does not have (an option: after
    the attention's convolution, with one scale and one bias). Tried on EMO-DB for three epochs: the
    training loss falls at a rate of 1e-3 (0.72 to 0.43) and at 1e-4 (0.44 to 0.20). Of the training: gamma
    (here 2, the focal loss's default), learning rate and weight decay (1e-3 and 1e-6, as in the code of a CNN
    that the paper cites), the course of the rate ("initial learning rates and decay rates", whose values are
    missing: a falling rate, here a cosine; with a constant rate the last epoch varies strongly,
    ``training.schedule=constant``), the scale of the class weights (mean one), normalisation (one mean and
    deviation of the training part), which epoch counts (the last: the paper's random folds have no dev part).
Departures: an axis of length one is not pooled, so that fewer than 32 frames work too. The attention's
    weights multiply the pooled maps, not the maps: pooling is linear, so the product is the same.
"""

from collections.abc import Mapping
from itertools import pairwise
from math import log2
from typing import Annotated, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from sercli.errors import ConfigError
from sercli.models import Architecture, NetworkConfig, Recipe, Setting

N_LAYERS = 6
MIN_MELS = 2 ** (N_LAYERS - 1)  # the poolings before the last leave one of them


class ECAConfig(NetworkConfig):
    """Settings of the network; the defaults are the paper's own attention.

    The plain CNN is ``eca_layers=()``, the original attention ``eca_layers=(1, 2, 3, 4, 5, 6)`` with
    ``eca_kernel="adaptive"``.
    """

    n: Annotated[int, Field(ge=1, le=8)] = 6
    """Width of the network, the paper's n."""
    base: Literal[2, 4, 8, 16] = 8
    """Channels of the first convolution where n is one."""
    growth: Literal["doubling", "linear"] = "doubling"
    """Channels of the i-th convolution: base n times 2^(i-1), or base n times i."""
    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=6, max_length=6)] | None = None
    """Channels of the six convolutions; from n, base and growth if none."""
    eca_layers: tuple[Annotated[int, Field(ge=1, le=N_LAYERS)], ...] = (5, 6)
    """Convolutions that attention follows, counted from one."""
    eca_kernel: PositiveInt | Literal["adaptive"] = 7
    """Neighbouring channels that decide a channel's weight, odd; ``adaptive``: the original's formula."""
    eca_batch_norm: bool = False
    """Normalise the attention's scores before the sigmoid."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the embedding that is zeroed in training."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if list(self.eca_layers) != sorted(set(self.eca_layers)):
            raise ValueError(f"eca_layers names each layer once, in ascending order, got {self.eca_layers}")
        if self.eca_kernel != "adaptive" and self.eca_kernel % 2 == 0:
            raise ValueError(f"eca_kernel is odd, so that a channel is its middle, got {self.eca_kernel}")
        return self

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: channels that are named, attention that is absent."""
        idle = dict.fromkeys(("n", "base", "growth"), "channels") if self.channels else {}
        if not self.eca_layers:
            idle |= dict.fromkeys(("eca_kernel", "eca_batch_norm"), "eca_layers=[]")
        return idle

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each convolution."""
        if self.channels is not None:
            return self.channels
        factors = (2**i if self.growth == "doubling" else i + 1 for i in range(N_LAYERS))
        return tuple(self.base * self.n * factor for factor in factors)

    @property
    def kernels(self) -> dict[int, int]:
        """Kernel of the attention by layer."""
        if self.eca_kernel == "adaptive":
            return {layer: adaptive_kernel(self.widths[layer - 1]) for layer in self.eca_layers}
        return dict.fromkeys(self.eca_layers, self.eca_kernel)


def adaptive_kernel(channels: int) -> int:
    """Return the kernel of the original attention.

    Source: Wang et al., ECA-Net, "Coverage of Local Cross-Channel Interaction", with its gamma of 2 and
        b of 1; rounded as in its listing.
    """
    kernel = int((log2(channels) + 1) / 2)
    return kernel if kernel % 2 else kernel + 1


class ChannelAttention(nn.Module):
    """Weigh channels, each by itself and its neighbours (ECA).

    Args:
        kernel: how many channels decide on one, odd.
        batch_norm: normalise the scores, all channels alike, before the sigmoid.
    """

    def __init__(self, kernel: int, batch_norm: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm1d(1) if batch_norm else None

    def forward(self, means: Tensor) -> Tensor:
        """Return each channel's weight, in (0, 1), from the channels' means; both (batch, channels, 1, 1)."""
        x = self.conv(means.flatten(1).unsqueeze(1))  # (batch, 1, channels)
        if self.norm is not None:
            x = self.norm(x)
        return torch.sigmoid(x).view_as(means)  # (batch, channels, 1, 1)


class ECACNN(nn.Module):
    """Classify a log-mel spectrogram; all of a batch have one length."""

    def __init__(self, n_channels: int, n_classes: int, config: ECAConfig) -> None:
        super().__init__()
        self.config = config
        widths = (n_channels, *config.widths)
        self.blocks = nn.ModuleList(
            _Block(n_in, n_out, layer, config)
            for layer, (n_in, n_out) in enumerate(pairwise(widths), start=1)
        )
        self.fc = nn.Linear(widths[-1], widths[-1])
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(widths[-1], n_classes)
        self.apply(_init)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, x: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Summarise each utterance in one vector.

        Args:
            x: log-mel spectrogram, (batch, 1, mels, frames), natural log, standardised.
            mask: ignored: an utterance shorter than the others is padded before the features, and the
                paper lets the network see that silence.

        Returns:
            Embedding, (batch, channels of the last convolution).
        """
        for block in self.blocks:
            x = block(x)  # (batch, channels, mels / 2, frames / 2), in the end (batch, channels, 1, 1)
        x = F.relu(self.fc(x.flatten(1)))  # (batch, channels)
        embedding: Tensor = self.dropout(x)
        return embedding

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score the classes: as `embed`, then logits, (batch, classes)."""
        logits: Tensor = self.head(self.embed(x, mask))
        return logits


class _Block(nn.Module):
    """Convolution, normalisation, ReLU, attention where asked for, pooling: by two, in the last over all."""

    def __init__(self, n_in: int, n_out: int, layer: int, config: ECAConfig) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding="same")
        self.norm = nn.BatchNorm2d(n_out)
        self.attention = None
        if layer in config.eca_layers:
            self.attention = ChannelAttention(config.kernels[layer], config.eca_batch_norm)
        self.last = layer == N_LAYERS

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.conv(x)), inplace=True)  # normalisation's output is nobody else's
        pooled = F.adaptive_avg_pool2d(x, 1) if self.last else _halve(x)
        if self.attention is not None:
            means = pooled if self.last else F.adaptive_avg_pool2d(x, 1)  # (batch, channels, 1, 1)
            pooled = pooled * self.attention(means)
        return pooled  # (batch, channels, mels / 2, frames / 2), of the last (batch, channels, 1, 1)


def _halve(x: Tensor) -> Tensor:
    """Average two by two; an odd last row or column is dropped, unless it is the only one."""
    return F.avg_pool2d(x, (min(2, x.shape[2]), min(2, x.shape[3])))


def _init(module: nn.Module) -> None:
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _build(shapes: Mapping[str, tuple[int, ...]], n_classes: int, config: ECAConfig) -> ECACNN:
    channels, mels = shapes["x"]
    if mels < MIN_MELS:
        raise ConfigError(
            f"{N_LAYERS - 1} poolings by two need {MIN_MELS} mel bands or more, got {mels}: "
            "raise features.n_mels (the paper has 64)"
        )
    return ECACNN(channels, n_classes, config)


def _channels(network: nn.Module) -> Mapping[int, nn.Module] | str:
    """List the channel attentions by number of the convolution that each follows.

    Source: arXiv 2409.04007, figure 14.
    """
    attentions = [each for each in network.modules() if isinstance(each, ChannelAttention)]
    if not attentions or not isinstance(network, ECACNN):
        return "it has no channel attention; name its layers with model.eca_layers"
    return dict(zip(network.config.eca_layers, attentions, strict=True))


ARCHITECTURE = Architecture(
    ECAConfig,
    _build,
    inputs={"x": "logmel"},
    shapes={"x": (1, 64)},
    example_frames=64,
    tasks=("classification",),
    source="arXiv 2409.04007, 2024",
    recipe=Recipe(
        training={
            "loss": "focal",
            "focal_gamma": 2.0,
            "class_weights": True,
            "optimizer": "adam",
            "schedule": "cosine",
            "lr": 1e-3,
            "weight_decay": 1e-6,
            "batch_size": 32,
            "max_epochs": 150,
            "patience": None,
            "selection": "last",
        },
        settings=(Setting("iemocap", "iemocap-impro4-merged", "iemocap-impro4-merged-random5"),),
        features={"x": {"statistics": "scalar"}},
    ),
    lengths_vary=False,
    channels=_channels,
)
