"""Every architecture's network can be exported as a graph of its own, without this package's code."""

import pytest
import torch

from sercli.models import architecture_names, get_architecture


@pytest.mark.filterwarnings("ignore:The tensor attributes self.lstm:UserWarning")
@pytest.mark.parametrize("name", architecture_names())
def test_the_exported_program_scores_as_the_network(name):
    entry = get_architecture(name)
    torch.manual_seed(0)
    network = entry.build(entry.shapes, 4, entry.config()).eval()
    example = entry.example(3)
    batch = torch.export.Dim("batch", max=64)
    frames = torch.export.Dim("frames", min=20, max=4096)
    varying = {
        key: {0: batch} | ({value.ndim - 1: frames} if entry.lengths_vary else {})
        for key, value in example.items()
    }
    program = torch.export.export(network, (), example, dynamic_shapes=varying).module()
    for size, length in (
        (1, None),
        (2, None),
        (5, None),
        *(((4, 33), (3, 21)) if entry.lengths_vary else ()),
    ):
        other = {key: value[..., :length] for key, value in entry.example(size, seed=size).items()}
        with torch.no_grad():
            expected = network(**other)
            torch.testing.assert_close(program(**other), expected, rtol=0, atol=1e-5)
    assert torch.unique(expected.round(decimals=4), dim=0).shape[0] > 1  # the utterances are told apart
