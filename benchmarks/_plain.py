"""Build straightforward networks from the papers, with which a training step is compared.

Each has the layers of our network in the paper's order: activation before pooling, and sequences padded at
the left by a copy. MDCNN and ECA-CNN are our networks in torch's default layout, without a mask for padding.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sercli.models import get_architecture
from sercli.models.attpool import AttentionPooling, AttPoolConfig
from sercli.models.cnnlstm import CNNLSTMConfig
from sercli.models.diccoser import DiCCOSERConfig
from sercli.models.melcnn import MelCNNConfig


def plain(
    arch: str, shape: tuple[int, ...], n_classes: int, settings: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build the straightforward counterpart of a network; it takes x alone.

    Args:
        arch: name of the network.
        shape: shape of its input, without batch and frames.
        n_classes: number of classes.
        settings: settings of MDCNN or ECA-CNN that are not the defaults; the other networks have defaults.
    """
    if arch == "melcnn":
        return _melcnn(shape, n_classes)
    if arch == "attpool":
        return _attpool(n_classes)
    if arch == "diccoser":
        return _DiCCOSER(n_classes, DiCCOSERConfig())
    if arch == "cnnlstm":
        return _CNNLSTM(n_classes, CNNLSTMConfig())
    entry = get_architecture(arch)
    network = entry.build({"x": shape}, n_classes, entry.config(**(settings or {})))
    return _Unmasked(network.to(memory_format=torch.contiguous_format))  # type: ignore[call-overload]


class _Unmasked(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        # The mask is on the CPU, where a check costs nothing. A full mask is not applied on a GPU either.
        full = torch.ones(x.shape[0], x.shape[-1], dtype=torch.bool)
        scores: Tensor = self.network(x, full)
        return scores


def _melcnn(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    config = MelCNNConfig()
    parts, layers = config.parts, list[nn.Module]()
    for n_in, n_out, pool in zip((shape[0], *parts.filters), parts.filters, parts.pools, strict=False):
        layers += [nn.Conv2d(n_in, n_out, 3, padding="same"), nn.BatchNorm2d(n_out), nn.ELU()]
        layers += [nn.MaxPool2d(pool), nn.Dropout(parts.dropout)]
    left = (shape[1] // config.pooling) * (config.frames // config.pooling)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(parts.filters[-1] * left, n_classes))


def _attpool(n_classes: int) -> nn.Module:
    layers: list[nn.Module] = [_TwoKernels()]
    for place, (n_in, n_out) in enumerate(itertools.pairwise((16, 32, 48, 64, 80)), start=2):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU()]
        if place in AttPoolConfig().pools_after:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, AttentionPooling(80, n_classes))


class _TwoKernels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(1, 8, kernel) for kernel in ((10, 2), (2, 8)))
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        padded = [F.pad(x, (0, 1, 4, 5)), F.pad(x, (3, 4, 0, 1))]  # to unchanged sizes
        layers = zip(self.convs, self.norms, padded, strict=True)
        return torch.cat([F.relu(norm(conv(each))) for conv, norm, each in layers], dim=1)


class _Causal(nn.Conv1d):
    def __init__(self, n_in: int, n_out: int, width: int, dilation: int = 1) -> None:
        super().__init__(n_in, n_out, width, dilation=dilation)
        self.past = (width - 1) * dilation

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return super().forward(F.pad(input, (self.past, 0)))


class _Block(nn.Module):
    def __init__(self, channels: int, dilation: int, dropout: float, conditioned: bool = False) -> None:
        super().__init__()
        self.conv = _Causal(channels, channels, 2, dilation)
        self.condition = _Causal(channels, channels, 2) if conditioned else None
        self.norm = nn.BatchNorm1d(channels)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        z = self.conv(x)
        if self.condition is not None:
            z = z + self.condition(y)
        mixed: Tensor = x + self.mix(F.relu(self.norm(self.dropout(z))))
        return mixed


class _DiCCOSER(nn.Module):
    def __init__(self, n_classes: int, config: DiCCOSERConfig) -> None:
        super().__init__()
        width, (first, *pools) = config.channels, config.pools
        layers: list[nn.Module] = [_Causal(1, width, 8), nn.MaxPool1d(first)]
        for size in pools:
            layers += [_Block(width, dilation, config.dropout) for dilation in (1, 2, 4)]
            layers.append(nn.MaxPool1d(size))
        self.local_network = nn.Sequential(*layers)
        self.parallel = _Causal(1, width, 8)
        self.blocks = nn.ModuleList(_Block(width, d, config.dropout, True) for d in config.dilations)
        self.head = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        condition = self.local_network(x)
        y = self.parallel(x.view(len(x), 1, -1, 640).square().mean(-1).sqrt())
        for block in self.blocks:
            y = block(y, condition)
        logits: Tensor = self.head(y[..., -1])
        return logits


class _CNNLSTM(nn.Module):
    def __init__(self, n_classes: int, config: CNNLSTMConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = itertools.pairwise((1, *config.filters))
        for (n_in, n_out), width, pool in zip(channels, (8, 6, 6), config.pools, strict=True):
            layers += [nn.ZeroPad1d(((width - 1) // 2, width // 2)), nn.Conv1d(n_in, n_out, width)]
            layers += [nn.ReLU(), nn.MaxPool1d(pool), nn.Dropout(config.dropout)]
        self.layers = nn.Sequential(*layers)
        self.lstm = nn.LSTM(config.filters[-1], config.hidden_size, config.layers, batch_first=True)
        self.head = nn.Linear(config.hidden_size, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        x, _ = self.lstm(self.layers(x).transpose(1, 2))
        logits: Tensor = self.head(x.mean(1))
        return logits


def moved_values(network: nn.Module, x: Tensor) -> int:
    """Count the smallest number of values that a forward and a backward pass must move.

    In the forward pass, each convolution and LSTM layer reads its input and writes its output. In the
    backward pass, it reads the output's gradient and its input again, and writes the input's gradient. The
    operations between these layers are assumed to move no further values.
    """
    counted = 0

    def count(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        nonlocal counted
        y = output[0] if isinstance(module, nn.LSTM) else output
        counted += 2 * args[0].numel() + 2 * y.numel()
        counted += 0 if args[0] is x else args[0].numel()  # the gradient of the waveform is not needed

    handles = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.LSTM)
    ]
    with torch.no_grad():
        network(x)
    for handle in handles:
        handle.remove()
    return counted
