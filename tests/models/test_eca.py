import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sercli.errors import ConfigError
from sercli.models.eca import ARCHITECTURE, ECACNN, ChannelAttention, ECAConfig, adaptive_kernel

PLAIN, OURS = {"eca_layers": ()}, {"eca_layers": (5, 6), "eca_kernel": 7}
ORIGINAL = {"eca_layers": (1, 2, 3, 4, 5, 6), "eca_kernel": "adaptive"}

SIZES = {  # the plain CNN, four classes
    "n 1": ({"n": 1, "base": 8, "growth": "doubling"}, 461_236),
    "n 5": ({"n": 5, "base": 8, "growth": "doubling"}, 11_473_524),
    "n 6": ({"n": 6, "base": 8, "growth": "doubling"}, 16_518_436),
    "n 8": ({"n": 8, "base": 8, "growth": "doubling"}, 29_358_468),
    "base 4": ({"n": 6, "base": 4, "growth": "doubling"}, 4_133_908),
    "base 2": ({"n": 6, "base": 2, "growth": "doubling"}, 1_035_628),
    "arithmetic": ({"n": 6, "base": 16, "growth": "linear"}, 6_147_652),
    "explicit": ({"n": 1, "channels": (48, 96, 192, 384, 768, 1536)}, 16_518_436),
}
KERNELS = {  # n: kernels of the original attention, parameters they add
    1: ([3, 3, 3, 3, 5, 5], 22),
    5: ([3, 3, 5, 5, 5, 5], 26),
    6: ([3, 3, 5, 5, 5, 5], 26),
    8: ([3, 5, 5, 5, 5, 7], 30),
}
VARIANTS = [
    {},
    PLAIN,
    ORIGINAL,
    ORIGINAL | {"eca_batch_norm": True},
    {"eca_layers": (6,), "eca_kernel": 9},
    {"eca_layers": (2, 4), "eca_kernel": 1},
    {"growth": "linear"},
    {"channels": (4, 6, 5, 9, 8, 7)},
    {"dropout": 0.5},
]


def build(n_classes=4, seed=0, **settings):
    """A small network that no longer is as initialised, so that nothing is hidden by zeros and ones."""
    torch.manual_seed(seed)
    network = ECACNN(1, n_classes, ECAConfig(**{"n": 2, "base": 2} | settings))
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor in (module.weight, module.bias, module.running_mean):
                nn.init.uniform_(tensor, -0.5, 1)
            nn.init.uniform_(module.running_var, 0.02, 0.1)
        elif getattr(module, "bias", None) is not None:
            nn.init.normal_(module.bias, std=0.3)
    return network.eval()


def batch(size=3, mels=64, frames=100, seed=0):
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(size, 1, mels, frames, generator=random)
    return x, torch.ones(size, frames, dtype=torch.bool)


def count(n_classes=4, **settings):
    with torch.device("meta"):
        return sum(p.numel() for p in ECACNN(1, n_classes, ECAConfig(**settings)).parameters())


def score(network, x):
    """The network once more, attention before pooling, each channel's neighbours summed one by one."""
    for i, block in enumerate(network.blocks):
        x = F.conv2d(x, block.conv.weight, block.conv.bias, padding=1)
        x = standardise(block.norm, x).clamp(min=0)
        if block.attention is not None:
            weights = block.attention.conv.weight[0, 0]
            half = len(weights) // 2
            means = F.pad(x.sum((2, 3)) / x[0, 0].numel(), (half, half))
            scores = sum(w * means[:, j : j + x.shape[1]] for j, w in enumerate(weights))
            if block.attention.norm is not None:
                scores = standardise(block.attention.norm, scores[:, None])[:, 0]
            x = x / (1 + torch.exp(-scores))[:, :, None, None]
        if i < 5:
            x = x[..., : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
            x = (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4
    x = x.flatten(2).mean(2)
    x = (x @ network.fc.weight.T + network.fc.bias).clamp(min=0)
    return x @ network.head.weight.T + network.head.bias


def standardise(norm, x):
    mean, var, weight, bias = (
        t.view(1, -1, *(1,) * (x.ndim - 2))
        for t in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


@pytest.mark.parametrize("row", SIZES)
def test_parameters_as_computed_from_the_paper(row):
    settings, expected = SIZES[row]
    assert count(**settings, **PLAIN) == expected
    assert count(**settings, **OURS) == expected + 14


@pytest.mark.parametrize("n", KERNELS)
def test_kernels_of_the_original_attention(n):
    kernels, added = KERNELS[n]
    config = ECAConfig(n=n, base=8, growth="doubling", **ORIGINAL)
    assert list(config.kernels.values()) == kernels
    assert count(**config.to_dict()) == count(n=n, **PLAIN) + added
    assert count(**config.to_dict() | {"eca_batch_norm": True}) == count(n=n, **PLAIN) + added + 12


def test_the_original_formula_by_hand():
    # 64 channels: (6 + 1) / 2 = 3.5, down to 3; 128: 4, up to 5; 2048: 6, up to 7; 8: 2, up to 3.
    assert [adaptive_kernel(c) for c in (8, 64, 128, 2048)] == [3, 3, 5, 7]


def test_the_default_is_our_attention_on_the_best_width():
    config = ECAConfig()
    assert config == ECAConfig(n=6, base=8, growth="doubling", dropout=0, eca_batch_norm=False, **OURS)
    assert config.widths == (48, 96, 192, 384, 768, 1536)
    assert ECAConfig(n=6, base=16, growth="linear").widths == (96, 192, 288, 384, 480, 576)


def test_attention_by_hand():
    # Scores of weights 2, 1, -1 on means 1, -2, 0.5: 1 + 2 = 3; 2 - 2 - 0.5 = -0.5; -4 + 0.5 = -3.5.
    attention = ChannelAttention(3)
    with torch.no_grad():
        attention.conv.weight.copy_(torch.tensor([[[2.0, 1.0, -1.0]]]))
        weights = attention(torch.tensor([1.0, -2.0, 0.5]).view(1, 3, 1, 1))
    assert weights.shape == (1, 3, 1, 1)
    expected = torch.tensor([0.952574, 0.377541, 0.029312])  # 1 / (1 + e^-score)
    torch.testing.assert_close(weights.flatten(), expected, rtol=0, atol=1e-6)
    assert [name for name, _ in attention.named_parameters()] == ["conv.weight"]


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
@pytest.mark.parametrize("frames", [64, 101])
def test_scores_as_another_implementation_has_them(settings, frames):
    network = build(**settings).double()
    x, mask = batch(frames=frames)
    with torch.no_grad():
        logits = network(x.double(), mask)
        torch.testing.assert_close(logits, score(network, x.double()), rtol=1e-9, atol=1e-9)
    assert logits.std(0).min() > 1e-4


def test_shapes_block_by_block():
    network = build(n=1)
    convolved, pooled = [], []
    for block in network.blocks:
        block.conv.register_forward_hook(lambda m, args, y: convolved.append(tuple(y.shape[1:])))
        block.register_forward_hook(lambda m, args, y: pooled.append(tuple(y.shape[1:])))
    assert network.embed(*batch(2, frames=600)).shape == (2, 64)
    assert pooled == [(2, 32, 300), (4, 16, 150), (8, 8, 75), (16, 4, 37), (32, 2, 18), (64, 1, 1)]
    assert convolved == [(2, 64, 600), (4, 32, 300), (8, 16, 150), (16, 8, 75), (32, 4, 37), (64, 2, 18)]


def test_initial_weights_are_he():
    torch.manual_seed(0)
    network = ECACNN(1, 4, ECAConfig(n=2))
    for layer, fan_in in ((network.blocks[3].conv, 9 * 64), (network.fc, 512)):
        assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)
        assert not layer.bias.any()


def test_dropout_is_of_the_embedding():
    network = build(dropout=0.5)
    whole = network.embed(*batch())
    network.dropout.train()
    dropped = network.embed(*batch())
    assert (dropped == 0).sum() > (whole == 0).sum()
    torch.testing.assert_close(dropped[dropped != 0], 2 * whole[dropped != 0])


def test_the_mask_is_ignored():
    network = build()
    x, mask = batch()
    assert torch.equal(network(x, mask), network(x, ~mask))


@pytest.mark.parametrize("frames", [1, 7, 31])
def test_few_frames_are_pooled_while_there_are_two(frames):
    logits = build()(*batch(frames=frames))
    assert logits.isfinite().all()
    assert logits.std(0).min() > 1e-4


def test_memory_layout_changes_nothing():
    network, (x, mask) = build(), batch()
    assert network.blocks[1].conv.weight.is_contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        expected = network(x, mask)
        last = network(x.contiguous(memory_format=torch.channels_last), mask)
        first = network.to(memory_format=torch.contiguous_format)(x, mask)
    torch.testing.assert_close(last, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(first, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("settings", [OURS, ORIGINAL | {"eca_batch_norm": True}], ids=["ours", "original"])
def test_bfloat16_scores_and_gradients_are_finite_and_near(settings):
    network, (x, mask) = build(**settings), batch()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(x, mask)
    expected = network(x, mask)
    assert (logits - expected).norm() < 0.1 * expected.norm()  # normalisation amplifies by 3 to 7 here
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = network(x, mask).float().square().sum()
    loss.backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_it_learns_eight_random_utterances():
    torch.manual_seed(0)
    network = ECACNN(1, 4, ECAConfig(n=2, base=2))
    x, mask = batch(8, frames=64)
    target = torch.arange(8) % 4
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(30):
        loss = F.cross_entropy(network(x, mask), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert network(x, mask).argmax(1).tolist() == target.tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 9}, "n: .*less than or equal to 8, got 9"),
        ({"base": 3}, "base: .*got 3"),
        ({"growth": "cubic"}, "growth: .*got 'cubic'"),
        ({"channels": (8, 16, 32)}, "channels: .*at least 6"),
        ({"eca_layers": (6, 7)}, r"eca_layers.1: .*less than or equal to 6, got 7"),
        ({"eca_layers": (6, 5)}, r"each layer once, in ascending order, got \(6, 5\)"),
        ({"eca_kernel": 4}, "eca_kernel is odd, .*got 4"),
        ({"eca_kernel": "own"}, "eca_kernel.*'adaptive'"),
        ({"dropout": 1.0}, "dropout: .*less than 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ECAConfig(**settings)


def test_too_few_mel_bands_are_refused():
    with pytest.raises(ConfigError, match="5 poolings by two need 32 mel bands or more, got 31"):
        ARCHITECTURE.build({"x": (1, 31)}, 4, ECAConfig())
    network = ARCHITECTURE.build({"x": (1, 32)}, 4, ECAConfig(n=1, base=2)).eval()
    assert network(*batch(mels=32, frames=32)).shape == (3, 4)
