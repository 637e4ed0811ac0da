"""The example of an architecture outside of the package keeps what architectures promise."""

from pathlib import Path

import pytest
import torch

import sercli.models
import sercli.training
from sercli.models import architecture_names, get_architecture
from sercli.training import get_recipe

OWN = Path(__file__).parent.parent / "examples/own"


@pytest.fixture
def entry(monkeypatch):
    for package, folder in ((sercli.models, "models"), (sercli.training, "training")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(OWN / folder)])
    assert "stats-pool" in architecture_names()
    return get_architecture("stats-pool")


def test_its_recipe_is_found(entry):
    assert get_recipe("stats-pool").training.selection == "best-dev-ua"


def test_padding_leaves_it_alone_and_every_weight_learns(entry):
    torch.manual_seed(0)
    network = entry.build(entry.shapes, 3, entry.config())
    example = entry.example(4)
    with torch.no_grad():
        together = network(**example)
        for row, frames in enumerate(example["mask"].sum(1).tolist()):
            alone = network(
                x=example["x"][row : row + 1, ..., :frames], mask=example["mask"][row : row + 1, :frames]
            )
            torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-5)
    network(**example).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_mean_and_deviation_by_hand(entry):
    network = entry.build(entry.shapes, 2, entry.config(channels=1))
    with torch.no_grad():
        for conv in (network.first, network.second):  # each passes the first channel's middle frame on
            conv.weight.zero_()
            conv.weight[0, 0, 2] = 1
            conv.bias.zero_()
    x = torch.zeros(1, 1, 40, 4)
    x[0, 0, 0] = torch.tensor([1.0, 2.0, 3.0, 99.0])
    found = network.embed(x, torch.tensor([[True, True, True, False]]))
    torch.testing.assert_close(found, torch.tensor([[2.0, (2 / 3) ** 0.5]]), rtol=1e-5, atol=0)
