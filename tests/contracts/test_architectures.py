"""What every architecture promises, whatever its paper."""

import pytest
import torch

from sercli.models import architecture_names, get_architecture
from sercli.testing import OUTPUTS, check_architecture

# A softmax over positions does not change with a number added to all of them.
WITHOUT_GRADIENT = {"attpool": {"head.bottom_up.bias"}}

pytestmark = pytest.mark.parametrize("name", architecture_names())


def build(name, seed=0):
    entry = get_architecture(name)
    torch.manual_seed(seed)
    return entry, entry.build(entry.shapes, OUTPUTS, entry.config())


def evaluate(network, example):
    with torch.no_grad():
        return network.eval()(**example)


def test_nothing_is_missing(name):
    assert check_architecture(name) == []


def test_scores_are_32_bit(name):
    entry, network = build(name)
    assert evaluate(network, entry.example(2)).dtype == torch.float32


def test_the_gradient_reaches_every_parameter(name):
    entry, network = build(name)
    network(**entry.example(2)).square().sum().backward()
    missed = {key for key, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert missed <= WITHOUT_GRADIENT.get(name, set())
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_the_same_seed_gives_the_same_output(name):
    entry, first = build(name, seed=1)
    _, second = build(name, seed=1)
    _, other = build(name, seed=2)
    example = entry.example(2)
    assert torch.equal(evaluate(first, example), evaluate(second, example))
    assert torch.equal(evaluate(first, example), evaluate(first, example))
    assert not torch.equal(evaluate(first, example), evaluate(other, example))


def test_weights_survive_a_round_trip(name):
    entry, first = build(name, seed=1)
    _, second = build(name, seed=2)
    second.load_state_dict(first.state_dict(), strict=True)
    example = entry.example(2)
    assert torch.equal(evaluate(first, example), evaluate(second, example))


def test_the_least_frames_are_enough(name):
    entry = get_architecture(name)
    config = entry.config()
    if config.least_frames == 1:  # not stated
        return
    network = entry.build(entry.shapes, OUTPUTS, config)
    inputs = {key: torch.randn(2, *shape, config.least_frames) for key, shape in entry.shapes.items()}
    mask = torch.ones(2, config.least_frames, dtype=torch.bool)
    assert evaluate(network, inputs | {"mask": mask}).isfinite().all()
