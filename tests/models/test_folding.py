"""Folded networks give what the networks give, without a batch normalisation."""

import pytest
import torch
from torch import nn

from sercli.models import get_architecture
from sercli.models.layers.folding import fold_normalisation


def _trained(name, settings):
    """Build a network whose normalisations have arbitrary statistics and weights."""
    entry = get_architecture(name)
    torch.manual_seed(0)
    network = entry.build(entry.shapes, 4, entry.config(**settings)).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0.0, 0.5)
            nn.init.uniform_(module.running_var, 0.2, 3.0)
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.normal_(module.bias)
    return network, entry.example(3)


def _normalisations(network):
    return [each for each in network.modules() if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d)]


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("attpool", {}),
        ("cnnlstm", {"batch_norm": True}),
        ("eca", {"n": 1, "eca_batch_norm": True}),
        ("mdcnn", {"batch_norm": True}),
        ("melcnn", {}),
        ("diccoser", {}),
        ("diccoser", {"norm_per_branch": True}),
        ("diccoser", {"causal_condition": False}),
        ("diccoser", {"variant": "a"}),
    ],
)
def test_a_folded_network_scores_as_the_network(name, settings):
    network, example = _trained(name, settings)
    kept = {key: value.clone() for key, value in network.state_dict().items()}
    folded = fold_normalisation(network)
    expected = network(**example)
    assert (expected[0] - expected[1]).abs().max() > 3e-5  # the utterances are told apart
    torch.testing.assert_close(folded(**example), expected, rtol=1e-5, atol=3e-6)
    assert _normalisations(network)
    assert not _normalisations(folded)
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, kept[key], rtol=0, atol=0)


def test_values_computed_by_hand():
    block = nn.Module()
    block.conv, block.norm = nn.Conv1d(1, 1, 1), nn.BatchNorm1d(1, eps=0.0)
    block.normalised = {"norm": ("conv",)}
    with torch.no_grad():
        block.conv.weight.fill_(3.0)
        block.conv.bias.fill_(1.0)
        block.norm.running_mean.fill_(2.0)
        block.norm.running_var.fill_(4.0)
        block.norm.weight.fill_(5.0)
        block.norm.bias.fill_(7.0)
    conv = fold_normalisation(block).conv
    # ((3 x + 1) - 2) / 2 * 5 + 7 = 7.5 x + 4.5
    assert (conv.weight.item(), conv.bias.item()) == (7.5, 4.5)


def test_a_network_without_normalisation_is_not_copied():
    network, _ = _trained("mdcnn", {"filters": 4})
    assert fold_normalisation(network) is network


def test_normalisation_by_the_statistics_of_a_batch_stays():
    block = nn.Module()
    block.conv, block.norm = nn.Conv1d(1, 1, 1), nn.BatchNorm1d(1, track_running_stats=False)
    block.normalised = {"norm": ("conv",)}
    assert fold_normalisation(block) is block
