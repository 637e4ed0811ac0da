import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sercli.errors import ConfigError
from sercli.models.attpool import ARCHITECTURE, AttentionPooling, AttPool, AttPoolConfig, BilinearPooling

COUNTS = [
    ({}, 93_573),
    ({"head": "attention", "attention_reduction": "softmax-mean"}, 93_573),
    ({"head": "attention", "attention_reduction": "mean"}, 93_573),
    ({"head": "attention", "attention_reduction": "sum"}, 93_573),
    ({"head": "gap"}, 93_492),
    ({"head": "gap", "pools_after": (1, 2, 3)}, 93_492),
    ({"head": "bilinear"}, 118_772),
    ({"head": "bilinear", "bilinear_order": "usual"}, 118_772),
    ({"first_layer": (10, 2)}, 436),
    ({"first_layer": (2, 8)}, 372),
]
VARIANTS = [settings for settings, _ in COUNTS]


def build(n_classes=4, seed=0, **settings):
    """A network as after training: its normalisations do something, its scores lie far apart."""
    torch.manual_seed(seed)
    network = AttPool(1, n_classes, AttPoolConfig(**settings))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.weight, module.running_var):
                nn.init.uniform_(value, 0.5, 1.5)
            for value in (module.bias, module.running_mean):
                nn.init.normal_(value, std=0.3)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=(2 / module.weight[0].numel()) ** 0.5)
    return network


def segments(batch=3, bins=40, frames=24, seed=0):
    x = torch.randn(batch, 1, bins, frames, generator=torch.Generator().manual_seed(seed))
    return {"x": x, "mask": torch.ones(batch, frames, dtype=torch.bool)}


def reference(network, x, config):
    """The network from its layers' weights alone, ReLU before pooling, as the paper lists them."""

    def layer(x, layer, pool=False):
        conv, norm = layer.conv, layer.norm
        x = F.conv2d(x, conv.weight, conv.bias, padding="same")
        x = F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)
        return F.max_pool2d(F.relu(x), 2) if pool else F.relu(x)

    if config.first_layer != "both":
        return network.head[-1](layer(x, network.first[0]).mean((2, 3)))
    x = torch.cat([layer(x, network.first[0]), layer(x, network.first[1])], dim=1)
    x = F.max_pool2d(x, 2) if 1 in config.pools_after else x
    for place, conv in enumerate(network.convs, 2):
        x = layer(x, conv, place in config.pools_after)
    if config.head == "gap":
        return network.head[-1](x.mean((2, 3)))
    if config.head == "bilinear":
        x = torch.einsum("bihw,bjhw->bij", x, x).flatten(1)
        norm = (
            x.norm(dim=1, keepdim=True) if config.bilinear_order == "paper" else x.sum(1, keepdim=True).sqrt()
        )
        return network.head[-1]((x / norm).sqrt() if config.bilinear_order == "paper" else x.sqrt() / norm)
    top, bottom = network.head.top_down(x), network.head.bottom_up(x)
    if config.attention_reduction in {"softmax-sum", "softmax-mean"}:
        bottom = bottom.exp() / bottom.exp().sum((2, 3), keepdim=True)
    attended = top * bottom
    return attended.sum((2, 3)) if config.attention_reduction.endswith("sum") else attended.mean((2, 3))


@pytest.mark.parametrize(("settings", "expected"), COUNTS, ids=str)
def test_parameters(settings, expected):
    with torch.device("meta"):
        network = AttPool(1, 4, AttPoolConfig(**settings))
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_it_equals_the_paper_layer_by_layer(settings):
    network, example = build(**settings).eval(), segments()
    with torch.no_grad():
        logits, expected = network(**example), reference(network, example["x"], AttPoolConfig(**settings))
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
    assert logits.std(0).max() > 1e-3  # they would agree as well if all scored alike


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (80, 100, 50)),
        ({"pools_after": (1, 2, 3)}, (80, 50, 25)),
        ({"first_layer": (10, 2)}, (16, 400, 200)),
    ],
    ids=str,
)
def test_maps_of_two_seconds(settings, expected):
    with torch.device("meta"):
        network = AttPool(1, 4, AttPoolConfig(**settings))
        x = torch.cat([layer(torch.empty(1, 1, 400, 200)) for layer in network.first], dim=1)
        assert x.shape[1] == 16
        assert network.convs(x).shape == (1, *expected)


def test_ten_is_frequency_and_the_odd_row_and_column_are_at_the_end():
    # Output i sees inputs i - 4 to i + 5 of ten, i and i + 1 of two, i - 3 to i + 4 of eight.
    network = build().eval()
    x = torch.zeros(1, 1, 40, 24)
    x[0, 0, 20, 12] = 1
    reached = []
    for layer in network.first:
        nn.init.ones_(layer.conv.weight)
        nn.init.zeros_(layer.conv.bias)
        response = layer.conv(F.pad(x, layer.extra))[0, 0]
        reached.append([(int(side.min()), int(side.max())) for side in response.nonzero().T])
    assert reached == [[(15, 24), (11, 12)], [(19, 20), (8, 15)]]


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("softmax-sum", [7.0, 2.5]),
        ("softmax-mean", [3.5, 1.25]),
        ("mean", [4 * np.log(3), 1.5 * np.log(3)]),
        ("sum", [8 * np.log(3), 3 * np.log(3)]),
    ],
)
def test_attention_by_hand(reduction, expected):
    # Two positions: scores 8 and 4 of the first class, 3 and 1 of the second; the attention is ln 3
    # and 0, by softmax 3/4 and 1/4.
    pooling = AttentionPooling(2, 2, reduction)
    x = torch.tensor([[8.0, 4.0], [1.0, 0.0]]).view(1, 2, 1, 2)  # two channels
    with torch.no_grad():
        pooling.top_down.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0]])[..., None, None])
        pooling.top_down.bias.copy_(torch.tensor([0.0, 1.0]))
        pooling.bottom_up.weight.copy_(torch.tensor([[0.0, np.log(3)]])[..., None, None])
        pooling.bottom_up.bias.zero_()
        np.testing.assert_allclose(pooling(x)[0], expected, rtol=1e-6)


def test_attention_is_second_order_pooling_of_rank_one():
    # Equations 5 and 10: score k is the trace of X'X b a_k', where X is (positions, channels).
    random = np.random.default_rng(0)
    x, a, b = random.normal(size=(12, 5)), random.normal(size=(3, 5)), random.normal(size=5)
    traces = [np.trace(x.T @ x @ np.outer(b, row)) for row in a]
    pooling = AttentionPooling(5, 3, "sum").double()
    with torch.no_grad():
        for layer, weight in ((pooling.top_down, a), (pooling.bottom_up, b[None])):
            layer.weight.copy_(torch.from_numpy(weight)[..., None, None])
            layer.bias.zero_()
        scores = pooling(torch.from_numpy(x.T).view(1, 5, 4, 3))[0]
    np.testing.assert_allclose(scores, traces, rtol=1e-5)


@pytest.mark.parametrize(
    ("order", "expected"),
    # X'X / 2 is 8, -4, -4, 2, whose norm is 10; the norm of its roots is that of 18.
    [("paper", np.sqrt([0.8, 0.4, 0.4, 0.2])), ("usual", np.sqrt(np.divide([8, 4, 4, 2], 18)))],
)
def test_bilinear_pooling_by_hand(order, expected):
    x = torch.tensor([[4.0, 0.0], [-2.0, 0.0]]).view(1, 2, 2, 1)
    np.testing.assert_allclose(BilinearPooling(order)(x)[0], expected * [1, -1, -1, 1], rtol=1e-6)


@pytest.mark.parametrize("order", ["paper", "usual"])
def test_dead_channels_give_a_finite_gradient(order):
    x = torch.rand(2, 3, 4, 4)
    x[0], x[1, 1] = 0, 0
    pooled = BilinearPooling(order)(x.requires_grad_())
    pooled.sum().backward()
    assert pooled[0].tolist() == [0] * 9
    assert x.grad.isfinite().all()


def test_a_softmax_and_a_mean_leave_hardly_any_score():
    # Why the text's reduction is not the default: positions divide twice.
    x = segments()
    summed, averaged = (build(attention_reduction=f"softmax-{r}").eval()(**x) for r in ("sum", "mean"))
    torch.testing.assert_close(averaged, summed / (10 * 6))


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_bfloat16_is_near_float32(settings):
    network, example = build(**settings).eval(), segments()
    with torch.no_grad():
        expected = network(**example)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(**example)
    assert (logits.float() - expected).abs().max() < 0.02 * expected.abs().max()
    if isinstance(network.head, AttentionPooling):
        assert logits.dtype == torch.float32


@pytest.mark.parametrize(
    "settings", [{}, {"attention_reduction": "mean"}, {"head": "gap"}, {"head": "bilinear"}]
)
def test_it_learns_eight_random_segments(settings):
    torch.manual_seed(0)
    network = AttPool(1, 4, AttPoolConfig(**settings))
    example, target = segments(batch=8, bins=24, frames=16), torch.arange(8) % 4
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(40):
        loss = F.cross_entropy(network(**example), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert network.eval()(**example).argmax(1).tolist() == target.tolist()


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="pools_after halves the bins 3 times; 7 bins are too few"):
        ARCHITECTURE.build({"x": (1, 7)}, 4, AttPoolConfig(pools_after=(1, 2, 3)))
    for settings in ({"pools_after": (5,)}, {"first_layer": (10, 0)}, {"first_layer": "tall"}):
        with pytest.raises(ConfigError, match=next(iter(settings))):
            AttPoolConfig(**settings)


def test_settings_of_the_first_layer_survive_a_yaml_file():
    config = AttPoolConfig(first_layer=[10, 2])
    assert AttPoolConfig(**config.to_dict()) == config == AttPoolConfig(first_layer=(10, 2))
