"""Exclude the padding of maps whose lengths differ, and pool the maps to a pyramid of vectors.

Zeroing the input is not enough: bias and normalisation fill the padding again, and the next
convolution over time carries it back into the utterance.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

Bins = Literal["adaptive", "rounded"]
Reduction = Literal["keep", "sum"]


def is_full(mask: Tensor) -> bool:
    """Return whether it is known that there is no padding; a GPU is not asked, since this stops its queue."""
    return mask.device.type == "cpu" and not torch.compiler.is_compiling() and bool(mask.all())


def valid_frames(lengths: Tensor, x: Tensor) -> Tensor:
    """Make a factor for x that is one on valid frames and zero on padding.

    Args:
        lengths: valid frames of each utterance, (batch,).
        x: (batch, channels, mels, frames).

    Returns:
        (batch, 1, 1, frames), of x's type, so that products keep that type.
    """
    frames = torch.arange(x.shape[-1], device=x.device)
    return (frames < lengths[:, None]).to(x.dtype)[:, None, None]


def silence(x: Tensor, keep: Tensor | None) -> Tensor:
    """Zero the padding of x, in a new tensor; ``keep`` is None if there is no padding."""
    return x if keep is None else x * keep


def normalise(norm: nn.BatchNorm2d, x: Tensor, keep: Tensor | None) -> Tensor:
    """Apply batch normalisation; in training its statistics exclude the padding."""
    if keep is None or not norm.training:
        y: Tensor = norm(x)
        return y
    valid = keep[:, 0, 0] > 0  # (batch, frames)
    x = x.permute(0, 3, 1, 2)  # (batch, frames, channels, mels)
    y = torch.zeros_like(x)
    y[valid] = norm(x[valid].unsqueeze(3)).squeeze(3).to(x.dtype)
    return y.permute(0, 2, 3, 1)


class SpatialPyramidPooling(nn.Module):
    """Maximum over each cell of a k x k grid over the map, for several k.

    The grid of an utterance covers the utterance's own length, so padding is never used. If the k of a grid
    divides the k of a finer grid, it is pooled from the finer one: its bins are unions of the finer bins.

    Args:
        levels: the k of each grid; 1 is global max pooling.
        bins: ``adaptive`` bins run from floor(i L / k) to ceil((i + 1) L / k) and may share a
            position, as in `torch.nn.AdaptiveMaxPool2d`; ``rounded`` bins run from round(i L / k)
            to round((i + 1) L / k), halves to even, and share no position.

    Source: He et al., ECCV 2014, section 2.2; rounded bins: github.com/yhenon/keras-spp.
    """

    def __init__(self, levels: Sequence[int], bins: Bins = "adaptive") -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.bins = bins
        self.vectors = sum(level**2 for level in levels)
        self._finest = [
            level for level in self.levels if not any(k > level and k % level == 0 for k in self.levels)
        ]

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Pool each utterance to the same number of vectors.

        Args:
            x: feature map, (batch, channels, mels, frames); with rounded bins, at least as many mels as the
                largest level.
            lengths: valid frames of each utterance, (batch,), at least the largest level; None
                if all frames are valid.

        Returns:
            Cells level by level, each grid row by row (mels), (batch, channels, vectors).
        """
        grids = {level: self._grid(x, lengths, level) for level in self._finest}
        cells = []
        for level in self.levels:
            finer = next(k for k in self._finest if k % level == 0)
            cells.append(_blocks(grids[finer], level).flatten(2))
        return torch.cat(cells, dim=2)

    def _grid(self, x: Tensor, lengths: Tensor | None, level: int) -> Tensor:
        """Pool to (batch, channels, level, level)."""
        if lengths is None and self.bins == "adaptive":
            return F.adaptive_max_pool2d(x, level)
        batch, _, mels, frames = x.shape
        if lengths is None:
            lengths = torch.full((batch,), frames, device=x.device)
        x = _stretch(x, positions(lengths, frames, level, self.bins))
        if mels % level:
            bands = torch.full((batch,), mels, device=x.device)
            x = _stretch(x.mT, positions(bands, mels, level, self.bins)).mT
        # The bins are equal here. Adaptive pooling has a faster gradient; pooling in blocks can be exported.
        return _blocks(x, level) if torch.compiler.is_compiling() else F.adaptive_max_pool2d(x, level)

    def spread(self, weights: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.float64]:
        """Spread the weights of the cells over the map that was pooled.

        Args:
            weights: level by level, each grid row by row, (vectors,).
            shape: mels and frames of the map.

        Returns:
            Weight at each position, (mels, frames): the mean over the levels of the weight of the cell
            there (of cells that share a position, their mean), divided by the mean over all positions.
        """
        total, first = np.zeros(tuple(shape)), 0
        for level in self.levels:
            own = weights[first : first + level**2].reshape(level, level)
            rows, columns = (_shares(length, level, self.bins) for length in shape)
            total += rows @ own @ columns.T
            first += level**2
        relative: NDArray[np.float64] = total / total.mean()
        return relative


class VectorAttention(nn.Module):
    """Weight vectors by a softmax over one score each.

    Args:
        size: size of a vector.
        reduction: ``keep`` the weighted vectors, or ``sum`` them to one.
        rescale: multiply the weights, whose sum is one, by their number.

    Source: Madanian et al. 2025, equations 9 to 11; Chen et al., ACRNN, IEEE SPL 25(10), 2018, with
    an attention size of one.
    """

    def __init__(self, size: int, reduction: Reduction = "keep", rescale: bool = False) -> None:
        super().__init__()
        self.score = nn.Linear(size, 1)
        self.context = nn.Parameter(torch.ones(1))
        self.reduction = reduction
        self.rescale = rescale

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted vectors, (batch, vectors, size), or their sum, (batch, size)."""
        weight = (self.score(x).sigmoid() * self.context).softmax(dim=1)  # (batch, vectors, 1)
        if self.rescale:
            weight = weight * x.shape[1]
        x = x * weight
        return x.sum(dim=1) if self.reduction == "sum" else x


def positions(lengths: Tensor, longest: int, bins: int, mode: Bins) -> Tensor:
    """List the positions in each bin; a bin narrower than the widest repeats its last position.

    Args:
        lengths: numbers of positions to divide, (batch,), each ``bins`` or more.
        longest: upper limit of the lengths.
        bins: number of bins.
        mode: rule for the edges of a bin, see `SpatialPyramidPooling`.

    Returns:
        Positions, (batch, bins, width), where the width depends on ``longest`` and ``bins`` alone.
    """
    index = torch.arange(bins, device=lengths.device)
    lengths = lengths[:, None]  # (batch, 1)
    if mode == "adaptive":
        start = index * lengths // bins  # (batch, bins)
        end = ((index + 1) * lengths + bins - 1) // bins
    else:
        start = (index * lengths / bins).round().long()
        end = ((index + 1) * lengths / bins).round().long()
    width = (longest + bins - 1) // bins + 1
    inside = start.unsqueeze(2) + torch.arange(width, device=lengths.device)
    return torch.minimum(inside, end.unsqueeze(2) - 1)


def _stretch(x: Tensor, index: Tensor) -> Tensor:
    """Copy frames (batch, bins, width) of x, (batch, channels, mels, frames), to bins of equal width."""
    x = x.permute(0, 2, 3, 1)  # (batch, mels, frames, channels): complete vectors are copied
    _, mels, _, channels = x.shape
    index = torch.cat(index.unbind(1), dim=1)  # (batch, bins * width); flatten(1) can't be exported
    index = index[:, None, :, None].expand(-1, mels, -1, channels)
    return x.gather(2, index).permute(0, 3, 1, 2)  # (batch, channels, mels, bins * width)


def _blocks(x: Tensor, level: int) -> Tensor:
    """Maximum of level x level blocks of equal size; ``level`` divides both sides."""
    x = torch.unflatten(x, 3, (level, -1))  # (batch, channels, mels, level, width)
    x = torch.unflatten(x, 2, (level, -1))  # (batch, channels, level, height, level, width)
    return x.amax(dim=(3, 5))


def _shares(length: int, level: int, bins: Bins) -> NDArray[np.float64]:
    """Return how much of each position the cells of an axis cover, (length, level); each row sums to one."""
    index = positions(torch.tensor([length]), length, level, bins)[0].numpy()  # (level, width)
    covered = np.zeros((length, level))
    for cell, places in enumerate(index):
        covered[places, cell] = 1.0
    shares: NDArray[np.float64] = covered / covered.sum(axis=1, keepdims=True)
    return shares
