"""SUPERB's classifier: its size, and the mean over time before or after the projection."""

import pytest
import torch

from sercli.errors import ConfigError
from sercli.models.layers.vectors import mean_over_frames
from sercli.models.probe import Probe, ProbeConfig
from sercli.training.settings import complete


def test_the_number_of_parameters_is_that_of_superb():
    # wav2vec 2.0 base: 13 weights of layers, 768 x 256 + 256 of the projection, 256 x 4 + 4 of the last
    # layer.
    network = Probe(13, 768, 4, ProbeConfig())
    assert sum(each.numel() for each in network.parameters()) == 13 + 196_864 + 1_028


def test_cached_means_give_the_logits_of_the_frames():
    torch.manual_seed(0)
    network = Probe(4, 6, 3, ProbeConfig(projection=5)).eval()
    with torch.no_grad():
        network.weights.normal_()
    x = torch.randn(2, 4, 6, 7)
    mask = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    pooled = mean_over_frames(x, mask).unsqueeze(-1)
    one = torch.ones(2, 1, dtype=torch.bool)
    torch.testing.assert_close(network(x, mask), network(pooled, one), rtol=1e-5, atol=1e-6)


def test_attention_over_a_single_frame_is_refused():
    named = {"corpus": "emodb", "scheme": "emodb-4", "protocol": "leave-one-speaker-out"}
    with pytest.raises(ConfigError, match="one frame for an utterance, and the network weighs frames"):
        complete({"arch": "probe", "model": {"pool": "attention"}} | named)


def test_attention_ignores_padding():
    torch.manual_seed(0)
    network = Probe(2, 6, 3, ProbeConfig(projection=5, pool="attention", hidden=[4])).eval()
    x = torch.randn(1, 2, 6, 4)
    longer = torch.cat([x, 9 * torch.ones(1, 2, 6, 3)], dim=3)
    mask = torch.tensor([[True] * 4 + [False] * 3])
    torch.testing.assert_close(network(x, mask[:, :4]), network(longer, mask))
