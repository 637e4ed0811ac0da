"""DiCCOSER on a stream: the same numbers as over a whole window, a few frames at a time.

Each convolution keeps what it still needs of its input's past. At a window's start that is zeros, the
padding that the network has there.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sercli.errors import ConfigError
from sercli.models._causal import CausalConv1d, DilatedBlock
from sercli.models.diccoser import DiCCOSER


class DiCCOSERStream:
    """Applies a network, in eval mode, to a window in pieces of whole frames of 40 ms.

    Raises:
        ConfigError: the network looks ahead.
    """

    def __init__(self, network: DiCCOSER) -> None:
        if network.config.stacked and not network.config.causal_condition:
            raise ConfigError("with causal_condition=false each block looks a frame of 40 ms ahead")
        self.network = network
        self._past: dict[nn.Module, Tensor] = {}

    def reset(self) -> None:
        """Begin a window."""
        self._past.clear()

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor:
        """Take the next frames of the window.

        Args:
            inputs: as of the network, a batch of one, (1, *shape, frames), of a multiple of 40 ms.

        Returns:
            Scores by frame at 25 Hz, (1, frames, outputs): logits of a classifier, of which the one of a
            window's last frame is the network's own.
        """
        network, x = self.network, inputs["x"]
        context = self._local(x.flatten(1, -2))  # (1, channels, frames at 25 Hz)
        if network.parallel is None:
            out = self._global(context, None)
        else:
            values = inputs["wave"] if "wave" in inputs else network.aggregate(x)
            aggregate = self._convolve(network.parallel, values)  # (1, channels, frames at 25 Hz)
            swapped = network.config.variant == "b"
            out = self._global(*((context, aggregate) if swapped else (aggregate, context)))
        scores: Tensor = network.head(out).transpose(1, 2)
        return scores

    def _local(self, x: Tensor) -> Tensor:
        for stage in self.network.local_network:
            for layer in stage.children():
                if isinstance(layer, CausalConv1d):
                    x = self._convolve(layer, x)
                elif isinstance(layer, DilatedBlock):
                    x = self._block(layer, x, None)
                else:
                    x = layer(x)  # pooling, which frames of 40 ms hold a whole number of
        return x

    def _global(self, x: Tensor, y: Tensor | None) -> Tensor:
        for block in self.network.global_network.blocks:
            x = self._block(cast("DilatedBlock", block), x, y)
        return x

    def _block(self, block: DilatedBlock, x: Tensor, y: Tensor | None) -> Tensor:
        z = self._convolve(block.conv, x)
        if isinstance(block.condition, CausalConv1d) and y is not None:
            condition = self._convolve(block.condition, y)
            if block.condition_norm is None:
                z = block.norm(z + condition)
            else:
                z = block.norm(z) + block.condition_norm(condition)
        else:
            z = block.norm(z)
        mixed: Tensor = block.mix(z.relu()) + x
        return mixed

    def _convolve(self, conv: CausalConv1d, x: Tensor) -> Tensor:
        past = self._past.get(conv)
        if past is None:
            past = x.new_zeros(1, x.shape[1], conv.past)
        x = torch.cat([past, x], dim=2)
        self._past[conv] = x[..., x.shape[2] - conv.past :]
        return F.conv1d(x, conv.weight, conv.bias, dilation=conv.dilation)
