"""The upper layers of an encoder, which are trained further."""

import pytest
import torch
from conftest import tone
from small_encoders import FAMILIES, encoder_folder

from sercli.encoders.loading import load_encoder, read_facts
from sercli.encoders.upper import load_upper_layers
from sercli.errors import ConfigError, FeatureError

every = pytest.mark.parametrize("family", FAMILIES)


def load(family, first, **settings):
    folder = str(encoder_folder(family))
    facts = read_facts(folder)
    torch.manual_seed(0)
    return load_upper_layers(folder, None, facts.tensors, first, facts.size, **settings)


def states_of(family):
    """The states of two recordings of different length, zero on padding, and their mask."""
    folder = str(encoder_folder(family))
    encoder = load_encoder(folder, None, read_facts(folder).tensors)
    with torch.no_grad():
        states, mask = encoder([torch.from_numpy(tone(seconds, seed=1)) for seconds in (1.0, 0.6)])
    return [state.masked_fill(~mask[..., None], 0) for state in states], mask


def total(states):
    return sum(state.square().sum() for state in states)


@every
@pytest.mark.parametrize("first", [1, 2, 3])
def test_they_give_the_states_of_the_complete_encoder(family, first):
    states, mask = states_of(family)
    before = states[first - 1].clone()
    made = load(family, first).eval()(states[first - 1], mask)
    assert torch.equal(states[first - 1], before)
    for one, other in zip(made, states[first:], strict=True):
        torch.testing.assert_close(one[mask], other[mask], rtol=1e-4, atol=1e-5)


@every
def test_each_parameter_gets_a_gradient_and_is_stored(family):
    states, mask = states_of(family)
    layers = load(family, 2)
    total(layers(states[1], mask)).backward()
    trained = {name for name, each in layers.named_parameters() if each.requires_grad}
    without = {name for name, each in layers.named_parameters() if each.requires_grad and each.grad is None}
    assert not without
    assert set(layers.state_dict()) == trained


@every
def test_each_adapter_gets_a_gradient_and_nothing_else_is_stored(family):
    states, mask = states_of(family)
    layers = load(family, 1, lora_rank=2, lora_alpha=4)
    plain = load(family, 1).eval()(states[0], mask)
    for one, other in zip(layers.eval()(states[0], mask), plain, strict=True):
        torch.testing.assert_close(one, other)  # adapters begin at zero
    adapters = {name: each for name, each in layers.named_parameters() if each.requires_grad}
    assert all("lora_" in name for name in adapters)
    for name, each in adapters.items():
        if "lora_B" in name:  # with zeros there, the others get a gradient of zero
            torch.nn.init.normal_(each)
    total(layers(states[0], mask)).backward()
    assert [name for name, each in adapters.items() if each.grad is None or not each.grad.any()] == []
    assert set(layers.state_dict()) == set(adapters)
    # Read back beside the frozen weights of the encoder, they give the same states.
    again = load(family, 1, lora_rank=2, lora_alpha=4)
    again.load_state_dict(layers.state_dict())
    for one, other in zip(again.eval()(states[0], mask), layers.eval()(states[0], mask), strict=True):
        torch.testing.assert_close(one, other)


@every
def test_checkpointing_changes_no_gradient(family):
    states, mask = states_of(family)
    found = []
    for checkpointing in (False, True):
        layers = load(family, 1)
        for each in layers.modules():
            if isinstance(each, torch.nn.Dropout):
                each.p = 0.0
        if checkpointing:
            layers.use_checkpointing()
        total(layers(states[0], mask)).backward()
        found.append({name: each.grad for name, each in layers.named_parameters()})
    torch.testing.assert_close(found[0], found[1])


@every
def test_layer_dropout_is_off_and_the_encoder_itself_is_not_changed(family):
    states, mask = states_of(family)
    layers = load(family, 1)
    for each in layers.parameters():
        each.data.zero_()
    assert len({len(layers(states[0], mask)) for _ in range(8)}) == 1
    again, _ = states_of(family)
    torch.testing.assert_close(again, states)


def test_a_layer_that_does_not_exist_and_another_encoder_are_refused():
    with pytest.raises(ConfigError, match="first_layer=4: the encoder has layers 1 to 3"):
        load("whisper", 4)
    with pytest.raises(FeatureError, match="not the encoder that is needed"):
        load_upper_layers(str(encoder_folder("whisper")), None, "0" * 16, 1, 32)
