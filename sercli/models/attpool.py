"""Attention pooling: a tall and a wide first kernel, four convolutions, and a score map per class.

Source: Li et al., An Attention Pooling based Representation Learning Method for Speech Emotion
    Recognition, Interspeech 2018, sections 2.2 to 2.4, 3.2 and 3.3, figure 1.
    The training: section 3.1.
Open in the paper: the following choices are ours. The convolutions before the last one have 32, 48 and
    64 channels, as in github.com/lessonxmk/head_fusion. The last one has 80, which follows from the 6400
    values of bilinear pooling. The maps are pooled after the second and the third convolution, as in that
    code. The padding is "same", with the odd row or column at the end. The attended maps are summed, as
    in equation 10. The text of the paper describes their mean after a softmax instead: this divides twice
    by the number of positions, and the network hardly trains. The initial weights are PyTorch's own,
    which the authors used. The scores of segments are averaged after the softmax, not before it. We tried
    the reductions on EMO-DB for twelve epochs. The training loss falls with softmax and sum (1.27 to 0.77)
    and with a mean and no softmax (1.31 to 0.78). With softmax and mean it stays at the logarithm of the
    number of classes (1.386).
Departures: the signed square root has a finite slope at zero. The exact function has an infinite slope there.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from sercli.errors import ConfigError
from sercli.models import Architecture, Attention, NetworkConfig, Recipe, Setting

Reduction = Literal["softmax-sum", "softmax-mean", "mean", "sum"]
Order = Literal["paper", "usual"]

_TALL, _WIDE = (10, 2), (2, 8)  # bins x frames
_CHANNELS = (16, 32, 48, 64, 80)


class AttPoolConfig(NetworkConfig):
    """Settings of the network; the defaults are the paper's CNN_TF_Att.pooling."""

    head: Literal["attention", "gap", "bilinear"] = "attention"
    """Pooling from maps to scores: attention, or a layer over global averages or second moments."""
    attention_reduction: Reduction = "softmax-sum"
    """Normalisation of the bottom-up attention (with or without a softmax over positions), and sum or mean of
    the product; ``sum`` is equation 10 as written."""
    bilinear_order: Order = "paper"
    """``paper``: l2 normalisation, then the signed square root; ``usual``: the reverse order."""
    pools_after: tuple[Annotated[int, Field(ge=1, le=4)], ...] = (2, 3)
    """Convolutions after which maps are halved, counted from one; (1, 2, 3) is the other reading."""
    first_layer: Literal["both"] | tuple[PositiveInt, PositiveInt] = "both"
    """``both``: 8 filters of 10 bins x 2 frames and 8 of 2 x 8; or, to study the first layer alone, the bins
    and frames of 16 filters, which are followed only by global averages and a layer."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: each head reads its own, a first layer alone none."""
        if self.first_layer != "both":
            alone = "first_layer, which is studied without the layers after it"
            return dict.fromkeys(("attention_reduction", "bilinear_order", "pools_after"), alone)
        of = {"attention": "attention_reduction", "bilinear": "bilinear_order"}
        return {name: f"head={self.head}" for head, name in of.items() if head != self.head}

    def conflict(self) -> str | None:
        """Return what is wrong: only global averages can follow a first layer alone."""
        if self.first_layer == "both" or self.head == "gap":
            return None
        return "first_layer is followed by global averages and a layer: set head=gap"

    @property
    def halvings(self) -> int:
        """Number of times that the maps are halved."""
        return len(set(self.pools_after)) if self.first_layer == "both" else 0

    @property
    def least_frames(self) -> int:
        """Frames of the input that are pooled to one."""
        return 1 << self.halvings


class AttPool(nn.Module):
    """Classify a spectrogram of one length, 2 s in the paper."""

    def __init__(self, n_maps: int, n_classes: int, config: AttPoolConfig) -> None:
        super().__init__()
        pools = config.pools_after
        self.first: nn.ModuleList
        self.convs = nn.Sequential()
        self.head: nn.Module
        if config.first_layer != "both":
            self.first = nn.ModuleList([_Layer(n_maps, 16, config.first_layer)])
            self.head = _averages(16, n_classes)
        else:
            self.first = nn.ModuleList(_Layer(n_maps, 8, kernel, 1 in pools) for kernel in (_TALL, _WIDE))
            for place in range(2, 6):
                n_in, n_out = _CHANNELS[place - 2 : place]
                self.convs.append(_Layer(n_in, n_out, (3, 3), place in pools))
            self.head = _head(_CHANNELS[-1], n_classes, config)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Score the classes.

        Args:
            x: magnitudes mapped and companded, (batch, 1, bins, frames).
            mask: ignored, since every segment has the same length, (batch, frames).

        Returns:
            Logits, (batch, classes).
        """
        x = torch.cat([layer(x) for layer in self.first], dim=1)  # (batch, 16, bins, frames)
        x = self.convs(x)  # (batch, 80, bins / 4, frames / 4)
        logits: Tensor = self.head(x)
        return logits


class AttentionPooling(nn.Module):
    """Score each class at each position, and weigh the positions by a map that all classes share.

    Args:
        channels: of the feature map.
        n_classes: number of outputs.
        reduction: ``softmax-sum``: the weights are a softmax over positions, the weighted scores are
            summed; ``softmax-mean``: averaged instead; ``mean``: averaged, without a softmax; ``sum``:
            summed, without a softmax, which is equation 10.

    Source: Li et al. 2018, equations 9 and 10 and section 3.3; Girdhar and Ramanan, Attentional
    Pooling for Action Recognition, NIPS 2017.
    """

    def __init__(self, channels: int, n_classes: int, reduction: Reduction = "softmax-sum") -> None:
        super().__init__()
        self.top_down = nn.Conv2d(channels, n_classes, 1)
        # The paper's layer has a bias. It has no effect before a softmax.
        self.bottom_up = nn.Conv2d(channels, 1, 1)
        self.softmax = reduction.startswith("softmax")
        self.sums = reduction.endswith("sum")

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, (batch, classes), float32, of maps, (batch, channels, height, width)."""
        scores = self.top_down(x).flatten(2).float()  # (batch, classes, positions)
        weights = self.bottom_up(x).flatten(2).float()  # (batch, 1, positions)
        if self.softmax:
            weights = weights.softmax(dim=2)
        attended: Tensor = scores * weights
        return attended.sum(dim=2) if self.sums else attended.mean(dim=2)


class BilinearPooling(nn.Module):
    """Average the products of all pairs of channels over positions, then normalise.

    Args:
        order: order of l2 normalisation and signed square root, see `AttPoolConfig`.

    Source: Li et al. 2018, section 3.3; the usual order: Lin et al., Bilinear CNN Models for
    Fine-Grained Visual Recognition, ICCV 2015, section 3.1.
    """

    def __init__(self, order: Order = "paper") -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        """Return moments, (batch, channels * channels), float32, of maps (batch, channels, height, width)."""
        x = x.flatten(2)  # (batch, channels, positions)
        x = x / x.shape[2] ** 0.5  # before the product, which may overflow in half precision
        x = (x @ x.mT).flatten(1).float()  # (batch, channels * channels)
        if self.order == "paper":
            return _signed_sqrt(F.normalize(x, dim=1))
        return F.normalize(_signed_sqrt(x), dim=1)


class _Layer(nn.Module):
    """Convolution of unchanged size, normalisation, optional pooling, ReLU.

    Pooling before the ReLU gives the same result as after it and is faster.
    """

    normalised: ClassVar = {"norm": ("conv",)}

    def __init__(self, n_in: int, n_out: int, kernel: tuple[int, int], pool: bool = False) -> None:
        super().__init__()
        height, width = kernel
        self.conv = nn.Conv2d(n_in, n_out, kernel, padding=((height - 1) // 2, (width - 1) // 2))
        self.norm = nn.BatchNorm2d(n_out)
        self.pool = pool
        # An even kernel needs one more row or column of padding at one end.
        self.extra = (0, 1 - width % 2, 0, 1 - height % 2)

    def forward(self, x: Tensor) -> Tensor:
        if any(self.extra):
            x = F.pad(x, self.extra)
        x = self.norm(self.conv(x))
        if self.pool:
            x = F.max_pool2d(x, 2)
        return F.relu(x, inplace=True)  # nothing else uses x, and no gradient needs its old values


def _head(channels: int, n_classes: int, config: AttPoolConfig) -> nn.Module:
    if config.head == "attention":
        return AttentionPooling(channels, n_classes, config.attention_reduction)
    if config.head == "bilinear":
        return nn.Sequential(BilinearPooling(config.bilinear_order), nn.Linear(channels**2, n_classes))
    return _averages(channels, n_classes)


def _averages(channels: int, n_classes: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, n_classes))


def _signed_sqrt(x: Tensor) -> Tensor:
    """Take the root of the magnitude and keep its sign; 1e-8 under the root keeps the gradient finite."""
    return x.sign() * (x.abs() + 1e-8).sqrt()


def _build(shapes: Mapping[str, tuple[int, ...]], n_classes: int, config: AttPoolConfig) -> AttPool:
    maps, bins = shapes["x"]
    if bins < 2**config.halvings:
        raise ConfigError(f"pools_after halves the bins {config.halvings} times; {bins} bins are too few")
    return AttPool(maps, n_classes, config)


def _attention(network: nn.Module) -> Attention | str:
    """Read the score of a class at each position times the position's weight; their mean is the logit.

    Source: Li et al. 2018, equations 9 and 10.
    """
    head = dict(network.named_children())["head"]
    if not isinstance(head, AttentionPooling):
        return "its head has no attention; set model.head=attention"

    def read(seen: Mapping[str, tuple[Tensor, Tensor]], target: int) -> NDArray[np.float64]:
        scores = seen["top_down"][1][0, target].double()  # (height, width)
        weights = seen["bottom_up"][1][0, 0].double()  # (height, width)
        if head.softmax:
            weights = weights.flatten().softmax(dim=0).view_as(weights)
        places = scores.numel() if head.sums else 1
        product: NDArray[np.float64] = (scores * weights * places).numpy()
        return product

    modules = {"top_down": head.top_down, "bottom_up": head.bottom_up}
    return Attention(modules, read, "score of the class there; the mean is its logit", 0.0)


ARCHITECTURE = Architecture(
    AttPoolConfig,
    _build,
    inputs={"x": "spectrogram"},
    shapes={"x": (1, 400)},
    example_frames=40,
    tasks=("classification",),
    source="Li et al., Interspeech 2018",
    recipe=Recipe(
        training={
            "class_weights": False,
            "optimizer": "sgd",
            "momentum": 0.9,
            "schedule": "steps",
            "milestones": (21, 31, 41),
            "lr": 0.05,
            "weight_decay": 1e-4,
            "batch_size": 64,
            "max_epochs": 50,
            "patience": None,
            "selection": "last",  # there is no development part
        },
        settings=(Setting("iemocap", "iemocap-impro4", "leave-one-speaker-out-no-dev"),),
        features={"x": {"statistics": "none"}},
        # Two seconds every second, every 0.4 s in test; the 197 frames are padded to 200.
        segments={"size_s": 2.0, "hop_s": 1.0, "test_hop_s": 0.4, "frames": 200},
    ),
    lengths_vary=False,
    attention=_attention,
)
