import pytest
import torch
from torch.nn import functional as F

from sercli.models.layers.sequence import CausalConv1d, DilatedBlock


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 12_544),  # 2 x 64 x 64 + 64, normalisation 2 x 64, 64 x 64 + 64
        ({"conditioned": True}, 12_544 + 8_256),  # 2 x 64 x 64 + 64
        ({"conditioned": True, "causal_condition": False}, 12_544 + 8_256),
        ({"conditioned": True, "norm_per_branch": True}, 12_544 + 8_256 + 128),
    ],
    ids=str,
)
def test_parameters_of_a_block(settings, expected):
    block = DilatedBlock(64, 4, 0.5, **settings)
    assert sum(p.numel() for p in block.parameters()) == expected


def test_a_dilated_convolution_by_hand():
    conv = CausalConv1d(1, 1, 2, 3)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[10.0, 1.0]]]))
        conv.bias.fill_(0.5)
        y = conv(torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]]))
    assert y.flatten().tolist() == [1.5, 2.5, 3.5, 14.5, 25.5]


@pytest.mark.parametrize(("n_in", "n_out"), [(2, 3), (3, 3), (3, 2)])
@pytest.mark.parametrize(("width", "dilation"), [(8, 1), (2, 4), (2, 40)])
def test_causal_convolutions_are_convolutions_of_a_padded_sequence(n_in, n_out, width, dilation):
    torch.manual_seed(0)
    conv, x = CausalConv1d(n_in, n_out, width, dilation), torch.randn(2, n_in, 30)
    padded = F.pad(x, ((width - 1) * dilation, 0))
    expected = F.conv1d(padded, conv.weight, conv.bias, dilation=dilation)
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-6)


def block_by_hand(**settings):
    block = DilatedBlock(1, 2, 0.5, conditioned=True, **settings).eval()
    with torch.no_grad():
        for conv, weight, bias in (
            (block.conv, [[[10.0, 1.0]]], 0.5),
            (block.condition, [[[-2.0, 1.0]]], -1),
            (block.mix, [[[3.0]]], 100.0),
        ):
            conv.weight.copy_(torch.tensor(weight))
            conv.bias.fill_(bias)
        for norm in (block.norm, block.condition_norm):
            if norm is not None:
                norm.eps = 0
        block.norm.running_mean.fill_(1)
        block.norm.running_var.fill_(4)
        x, y = torch.tensor([[[1.0, 2.0, 3.0]]]), torch.tensor([[[2.0, 1.0, 7.0]]])
        return block(x, y).flatten().tolist()


def test_local_conditioning_by_hand():
    # W x + .5 is 1.5, 2.5, 13.5; V y - 1 is 1, -4, 4; their sum less 1, halved: .75, -1.25, 8.25;
    # after ReLU times 3, plus 100, plus x.
    assert block_by_hand() == [103.25, 102, 127.75]


def test_conditioning_on_the_next_frame_by_hand():
    # V y - 1 is now -2 y + the next y, less 1: -4, 4, -15; the sum less 1, halved: -1.75, 2.75, -1.25.
    assert block_by_hand(causal_condition=False) == [101, 110.25, 103]


def test_conditioning_with_a_normalisation_per_branch_by_hand():
    # (W x + .5 - 1) / 2 is .25, .75, 6.25, and V y - 1 as it is.
    assert block_by_hand(norm_per_branch=True) == [104.75, 102, 133.75]


@pytest.mark.parametrize(("settings", "expected"), [({}, 2.0), ({"norm_per_branch": True}, 5.0)], ids=str)
def test_dropout_stands_before_the_normalisation(settings, expected):
    # With all dropped, what is left is the normalisations' biases.
    block = DilatedBlock(2, 1, 1.0, conditioned=True, **settings).train()
    with torch.no_grad():
        block.norm.bias.fill_(2)
        if block.condition_norm is not None:
            block.condition_norm.bias.fill_(3)
        x, y = torch.randn(3, 2, 9), torch.randn(3, 2, 9)
        torch.testing.assert_close(block(x, y), x + block.mix(torch.full_like(x, expected)))
