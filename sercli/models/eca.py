"""ECA-CNN: six convolutions, the deepest two followed by efficient channel attention.

Source: "Searching for Effective Preprocessing Method and CNN-based Architecture with Efficient Channel
    Attention on Speech Emotion Recognition", arXiv 2409.04007, sections IV-B, IV-C and V-D to V-F,
    figures 3 to 5, table I. The training: sections IV-D and V-C. The original attention: Wang et al.,
    ECA-Net, CVPR 2020.
Open in the paper: the following choices are ours. The first convolution has 8 n channels, and each later
    one has twice as many as the one before; n is 6. ReLU follows the first linear layer. The attention is
    between ReLU and pooling. There is no dropout. The He initialisation is the normal one with fan in,
    and biases are zero. The paper leaves out the normalisation of the original attention, and the original
    code does not have it. Here it is an option: it follows the attention's convolution, with one scale
    and one bias. We tried the network on EMO-DB for three epochs. The training loss falls at a rate of
    1e-3 (0.72 to 0.43) and at 1e-4 (0.44 to 0.20). Choices about the training: gamma is 2, the focal loss's
    default. Learning rate and weight decay are 1e-3 and 1e-6, as in the code of a CNN that the paper
    cites. The paper mentions "initial learning rates and decay rates" without their values. A rate that
    falls as a cosine is used here. With a constant rate (``training.schedule=constant``) the last epoch
    varies strongly. The class weights have a mean of one. One mean and one deviation of the training part
    normalise the features. The last epoch is kept, because the paper's random folds have no dev part.
Departures: an axis of length one is not pooled, so that fewer than 32 frames work too. The attention's
    weights multiply the pooled maps, not the maps. Pooling is linear, so the product is the same.
"""

from collections.abc import Mapping
from itertools import pairwise
from math import log2
from typing import Annotated, ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from sercli.errors import ConfigError
from sercli.models import Architecture, NetworkConfig, Recipe, Setting

N_LAYERS = 6
MIN_MELS = 2 ** (N_LAYERS - 1)  # the poolings before the last one reduce these to one


class ECAConfig(NetworkConfig):
    """Settings of the network; the defaults are the paper's own attention.

    The plain CNN is ``eca_layers=()``, the original attention ``eca_layers=(1, 2, 3, 4, 5, 6)`` with
    ``eca_kernel="adaptive"``.
    """

    n: Annotated[int, Field(ge=1, le=8)] = 6
    """Width of the network, the paper's n."""
    base: Literal[2, 4, 8, 16] = 8
    """Channels of the first convolution if n is one."""
    growth: Literal["doubling", "linear"] = "doubling"
    """Channels of the i-th convolution: base n times 2^(i-1), or base n times i."""
    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=6, max_length=6)] | None = None
    """Channels of the six convolutions; computed from n, base and growth if null."""
    eca_layers: tuple[Annotated[int, Field(ge=1, le=N_LAYERS)], ...] = (5, 6)
    """Convolutions that are followed by attention, counted from one."""
    eca_kernel: PositiveInt | Literal["adaptive"] = 7
    """Neighbouring channels that decide a channel's weight, odd; ``adaptive``: formula of ECA-Net."""
    eca_batch_norm: bool = False
    """Normalise the attention's scores before the sigmoid."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Proportion of the embedding that is zeroed in training."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if list(self.eca_layers) != sorted(set(self.eca_layers)):
            raise ValueError(f"eca_layers names each layer once, in ascending order, got {self.eca_layers}")
        if self.eca_kernel != "adaptive" and self.eca_kernel % 2 == 0:
            raise ValueError(f"eca_kernel is odd, so that a channel is its middle, got {self.eca_kernel}")
        return self

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: channels given by name, attention that is absent."""
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
    """Weight each channel by itself and its neighbours (ECA).

    Args:
        kernel: number of channels that decide the weight of one, odd.
        batch_norm: normalise the scores of all channels together before the sigmoid.
    """

    normalised: ClassVar = {"norm": ("conv",)}

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
    """Classify a log-mel spectrogram; all spectrograms of a batch have the same length."""

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
            mask: ignored. A short utterance is padded before the features are computed, and the network sees
                that silence, as in the paper.

        Returns:
            Embedding, (batch, channels of the last convolution).
        """
        for block in self.blocks:
            x = block(x)  # (batch, channels, mels / 2, frames / 2), in the end (batch, channels, 1, 1)
        x = F.relu(self.fc(x.flatten(1)))  # (batch, channels)
        embedding: Tensor = self.dropout(x)
        return embedding

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score the classes: make the embedding as `embed` does, then return logits, (batch, classes)."""
        logits: Tensor = self.head(self.embed(x, mask))
        return logits


class _Block(nn.Module):
    """Convolution, normalisation, ReLU, optional attention, pooling: by two, in the last block over all."""

    normalised: ClassVar = {"norm": ("conv",)}

    def __init__(self, n_in: int, n_out: int, layer: int, config: ECAConfig) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding="same")
        self.norm = nn.BatchNorm2d(n_out)
        self.attention = None
        if layer in config.eca_layers:
            self.attention = ChannelAttention(config.kernels[layer], config.eca_batch_norm)
        self.last = layer == N_LAYERS

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.conv(x)), inplace=True)  # nothing else uses the normalisation's output
        pooled = F.adaptive_avg_pool2d(x, 1) if self.last else _halve(x)
        if self.attention is not None:
            means = pooled if self.last else F.adaptive_avg_pool2d(x, 1)  # (batch, channels, 1, 1)
            pooled = pooled * self.attention(means)
        return pooled  # (batch, channels, mels / 2, frames / 2); last block: (batch, channels, 1, 1)


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
    """List the channel attentions by number of the convolution before each.

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
