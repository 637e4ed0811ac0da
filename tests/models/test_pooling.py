import math
from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from sercli.models.layers.maps import SpatialPyramidPooling, VectorAttention, positions

LENGTHS = [10, 11, 13, 25, 38, 39, 40]


def ragged(lengths, channels=3, mels=20, seed=0, padding=0.0):
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(len(lengths), channels, mels, max(lengths), generator=random)
    for row, length in enumerate(lengths):
        x[row, ..., length:] = padding
    return x.contiguous(memory_format=torch.channels_last)


def one_by_one(x, lengths, levels):
    """The pyramid of each utterance alone, by torch's own adaptive pooling."""
    return torch.stack(
        [
            torch.cat([F.adaptive_max_pool2d(u[..., :n], k).flatten(1) for k in levels], dim=1)
            for u, n in zip(x, lengths, strict=True)
        ]
    )


def test_a_tiny_pyramid_by_hand():
    x = torch.tensor([[1.0, 2, 3, 9], [4, 5, 6, 9], [7, 8, 0, 9], [3, 1, 2, 9]])[None, None]
    # Three valid frames: the two columns of the 2 x 2 grid share the middle one.
    cells = SpatialPyramidPooling([1, 2])(x, torch.tensor([3]))
    assert cells.tolist() == [[[8, 5, 6, 8, 8]]]
    assert SpatialPyramidPooling([1, 2])(x).tolist() == [[[9, 5, 9, 8, 9]]]


def test_adaptive_bins_by_hand():
    # 13 positions in 5 bins: edges at 0, 2.6, 5.2, 7.8, 10.4, 13, rounded outwards.
    bins = positions(torch.tensor([13]), 13, 5, "adaptive")[0]
    assert [(b[0], b[-1] + 1) for b in bins.tolist()] == [(0, 3), (2, 6), (5, 8), (7, 11), (10, 13)]


def test_rounded_bins_by_hand():
    # Edges at multiples of 2.5, halves to even; no position in two bins.
    bins = positions(torch.tensor([25]), 25, 10, "rounded")[0]
    edges = [0, 2, 5, 8, 10, 12, 15, 18, 20, 22, 25]
    assert [(b[0], b[-1] + 1) for b in bins.tolist()] == list(pairwise(edges))


@pytest.mark.parametrize("mode", ["adaptive", "rounded"])
@pytest.mark.parametrize("count", [1, 2, 5, 8, 10])
def test_bins_cover_every_position_and_none_beyond(mode, count):
    lengths = torch.arange(count, 61)
    for length, bins in zip(lengths.tolist(), positions(lengths, 60, count, mode), strict=True):
        assert set(bins.flatten().tolist()) == set(range(length))


@pytest.mark.parametrize("levels", [(1,), (1, 5, 10), (1, 2, 5, 10), (1, 2, 5, 8, 10), (6, 4)])
def test_a_batch_equals_its_utterances_one_by_one(levels):
    x = ragged(LENGTHS, padding=1e9)
    pyramid = SpatialPyramidPooling(levels)
    cells = pyramid(x, torch.tensor(LENGTHS))
    assert cells.shape == (len(LENGTHS), 3, pyramid.vectors)
    assert torch.equal(cells, one_by_one(x, LENGTHS, levels))


def test_lengths_are_not_needed_where_all_are_equal():
    x = ragged([37, 37])
    pyramid = SpatialPyramidPooling([1, 5, 10])
    assert torch.equal(pyramid(x), pyramid(x, torch.tensor([37, 37])))


def test_the_gradient_goes_where_it_goes_one_by_one():
    ours, theirs = (ragged(LENGTHS).requires_grad_() for _ in range(2))
    weight = torch.randn(len(LENGTHS), 3, 126, generator=torch.Generator().manual_seed(1))
    (SpatialPyramidPooling([1, 5, 10])(ours, torch.tensor(LENGTHS)) * weight).sum().backward()
    (one_by_one(theirs, LENGTHS, [1, 5, 10]) * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_rounded_bins_that_divide_equally_are_the_adaptive_ones():
    x = ragged([20, 40])
    lengths = torch.tensor([20, 40])
    adaptive, rounded = (
        SpatialPyramidPooling([1, 5, 10], mode)(x, lengths) for mode in ("adaptive", "rounded")
    )
    assert torch.equal(adaptive, rounded)


@pytest.mark.parametrize("lengths", [None, torch.tensor([38, 27])])
def test_rounded_bins_divide_both_axes(lengths):
    # 8 does not divide 20 mels: their edges are at 0, 2, 5, 8, 10, 12, 15, 18, 20.
    x = ragged([38, 38])
    cells = SpatialPyramidPooling([8], "rounded")(x, lengths).view(2, 3, 8, 8)
    bands = [0, 2, 5, 8, 10, 12, 15, 18, 20]
    for row, length in enumerate([38, 38] if lengths is None else lengths.tolist()):
        edges = [round(i * length / 8) for i in range(9)]  # Python rounds halves to even too
        for i in range(8):
            for j in range(8):
                cell = x[row, :, bands[i] : bands[i + 1], edges[j] : edges[j + 1]]
                assert torch.equal(cells[row, :, i, j], cell.amax((1, 2)))


def attention(**settings):
    layer = VectorAttention(2, **settings)
    with torch.no_grad():
        layer.score.weight.copy_(torch.tensor([[1.0, -2.0]]))
        layer.score.bias.fill_(0.5)
        layer.context.fill_(3.0)
    return layer


def test_attention_by_hand():
    # Scores w.x + b: 1 - 0 + 0.5 = 1.5 and 0 - 2 + 0.5 = -1.5 (equation 9), times u = 3 (10).
    x = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    v = [3 / (1 + math.exp(-1.5)), 3 / (1 + math.exp(1.5))]
    first = math.exp(v[0]) / (math.exp(v[0]) + math.exp(v[1]))
    expected = torch.tensor([[[first, 0.0], [0.0, 1 - first]]])
    torch.testing.assert_close(attention()(x), expected)
    torch.testing.assert_close(attention(reduction="sum")(x), expected.sum(1))
    torch.testing.assert_close(attention(rescale=True)(x), 2 * expected)


def test_attention_adds_a_weight_per_channel_a_bias_and_a_context():
    assert sum(p.numel() for p in VectorAttention(128).parameters()) == 130


def test_equal_vectors_weigh_alike():
    x = torch.ones(1, 126, 2)
    torch.testing.assert_close(attention()(x), x / 126)
    torch.testing.assert_close(attention(rescale=True)(x), x)
