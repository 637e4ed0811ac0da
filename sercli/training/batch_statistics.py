"""Estimate the statistics of batch normalisation again when the weights are final.

During training, batch normalisation keeps running averages of its input, and evaluation normalises with
these averages. They describe the network in training: with dropout, with augmentation, and with weights that
still changed. Dropout directly before the normalisation raises the variance that is averaged (a dropout of a
half doubles the mean square). The evaluated network drops nothing. So it is normalised by a variance
that it never has.

Source: Li et al., Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift,
CVPR 2019 (the shift); Wu and Johnson, Rethinking "Batch" in BatchNorm, arXiv 2105.07576, section 3
(statistics of the final weights over many batches).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sercli.data import UtteranceDataset
from sercli.data.batches import BucketSampler


class _Moments:
    """Mean and mean square of the input of a normalisation, channel by channel."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.sum = torch.zeros(channels, dtype=torch.float64)
        self.square = torch.zeros(channels, dtype=torch.float64)

    def add(self, x: Tensor) -> None:
        """Add the values of a batch, (batch, channels, ...)."""
        count = x.numel() // x.shape[1]
        over = [axis for axis in range(x.dim()) if axis != 1]
        # The sums of a batch have 32 bits. Those of all batches have 64 and are kept outside the device.
        variance, mean = (each.cpu().double() for each in torch.var_mean(x.float(), over, correction=0))
        self.count += count
        self.sum += count * mean
        self.square += count * (variance + mean * mean)

    def store(self, norm: _BatchNorm) -> None:
        """Write these statistics to the normalisation."""
        mean = self.sum / self.count
        variance = (self.square / self.count - mean * mean).clamp(min=0)
        for buffer, value in ((norm.running_mean, mean), (norm.running_var, variance)):
            if buffer is not None:
                buffer.copy_(value)


def normalisations(network: nn.Module) -> list[_BatchNorm]:
    """List a network's batch normalisations that keep running statistics."""
    return [each for each in network.modules() if isinstance(each, _BatchNorm) and each.track_running_stats]


@torch.no_grad()
def reestimate(
    network: nn.Module,
    dataset: UtteranceDataset,
    batch_size: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> None:
    """Replace the running statistics of batch normalisation by those of the present weights.

    The function makes one pass over the data set, in 32-bit floats as in evaluation. Dropout is off. Each
    layer normalises a batch by the batch's own statistics, as in training. The stored statistics are those of
    the values of all batches together. Padding is excluded if the network excludes it in training.

    Args:
        network: network whose batch normalisations are changed; its mode (training or evaluation) is kept.
        dataset: the training part, not augmented.
        batch_size: utterances in a batch, as in training.
        seed: seed of the batches' composition.
        device: device of the pass; the network stays there.
    """
    norms = normalisations(network)
    if not norms:
        return
    network.to(device)
    found = [_Moments(norm.num_features) for norm in norms]
    sampler = BucketSampler(dataset.lengths, batch_size, seed)
    with (
        torch.compiler.set_stance("force_eager"),  # a compiled network would not call the hooks
        torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        _estimating(network, norms, found),
    ):
        for rows in sampler:
            batch = dataset[rows].to(device)
            network(**batch.inputs, mask=batch.mask)
    for norm, moments in zip(norms, found, strict=True):
        if moments.count:  # zero for a layer that the network does not use
            moments.store(norm)


@contextmanager
def _estimating(network: nn.Module, norms: list[_BatchNorm], found: list[_Moments]) -> Iterator[None]:
    """Set a network to evaluation, except its normalisations, and record their inputs."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    for norm in norms:
        norm.train()
        norm.track_running_stats = False  # otherwise torch would update its running average
    handles = [
        norm.register_forward_pre_hook(partial(_listen, moments))
        for norm, moments in zip(norms, found, strict=True)
    ]
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode


def _listen(moments: _Moments, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:  # noqa: ARG001
    moments.add(inputs[0])
