"""What every architecture promises, whatever its paper."""

import pytest
import torch

from sercli.models import architecture_names, get_architecture

N_OUTPUTS = 5
# A softmax over positions does not change with a number added to all of them.
WITHOUT_GRADIENT = {"attpool": {"head.bottom_up.bias"}}

pytestmark = pytest.mark.parametrize("name", architecture_names())


def build(name, seed=0):
    entry = get_architecture(name)
    torch.manual_seed(seed)
    return entry, entry.build(entry.shapes, N_OUTPUTS, entry.config())


def evaluate(network, example):
    with torch.no_grad():
        return network.eval()(**example)


def alone(example, row):
    """One utterance of a batch, cut to its length."""
    frames = int(example["mask"][row].sum())
    return {key: value[row : row + 1, ..., :frames] for key, value in example.items()}


def test_logits_are_batch_by_outputs_and_finite(name):
    entry, network = build(name)
    logits = evaluate(network, entry.example(3))
    assert logits.shape[0] == 3
    assert logits.shape[-1] == N_OUTPUTS
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


def test_utterances_are_told_apart(name):
    entry, network = build(name)
    logits = evaluate(network, entry.example(4))
    assert (logits - logits[0]).flatten(1).abs().amax(1)[1:].min() > 1e-4


def test_the_gradient_reaches_every_parameter(name):
    entry, network = build(name)
    network(**entry.example(2)).square().sum().backward()
    missed = {key for key, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert missed <= WITHOUT_GRADIENT.get(name, set())
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_a_batch_of_one_trains(name):
    entry, network = build(name)
    logits = network.train()(**entry.example(1))
    logits.sum().backward()
    assert logits.shape[0] == 1
    assert logits.isfinite().all()


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


def test_an_input_is_left_as_it_was(name):
    entry, network = build(name)
    example = entry.example(2)
    before = {key: value.clone() for key, value in example.items()}
    network(**example)
    assert all(torch.equal(example[key], before[key]) for key in example)


@pytest.mark.parametrize("garbage", [1e3, float("nan")])
def test_an_utterance_scores_alike_alone_and_padded(name, garbage):
    entry, network = build(name)
    if not entry.lengths_vary:
        pytest.skip("every utterance has one length")
    example = entry.example(4)  # consecutive lengths, so odd ones too
    padded = {
        key: value if key == "mask" else value.masked_fill(~spread(example["mask"], value), garbage)
        for key, value in example.items()
    }
    expected = torch.cat([evaluate(network, alone(example, row)) for row in range(4)])
    torch.testing.assert_close(evaluate(network, padded), expected, rtol=0, atol=1e-5)


def test_the_head_on_the_embedding_is_the_output(name):
    entry, network = build(name)
    if not hasattr(network, "embed"):
        pytest.skip("the head is no layer over a vector")
    example = entry.example(2)
    with torch.no_grad():
        embedding = network.eval().embed(**example)
        assert embedding.ndim == 2
        assert torch.equal(network.head(embedding), network(**example))


def spread(mask, value):
    """The mask in the shape of a value, (batch, ..., frames)."""
    return mask.view(mask.shape[0], *(1 for _ in value.shape[1:-1]), -1)
