import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sercli.errors import ConfigError
from sercli.models import get_architecture
from sercli.models.melcnn import ARCHITECTURE, MelCNN, MelCNNConfig

A = {"filters": (64, 128, 128, 128), "pools": (2, 3, 4, 4), "dropout": 0.1, "dense": 0, "frames": 130}
B = {"filters": (32, 64, 128, 128), "pools": (2, 2, 2, 2), "dropout": 0.2, "dense": 64, "frames": 130}
SMALL = {"filters": (4, 6, 8, 10)}


def build(n_classes=14, seed=0, mels=128, **settings):
    """A small network that no longer is as initialised; half of the normalisations turn signs round."""
    torch.manual_seed(seed)
    config = MelCNNConfig(**SMALL | settings)
    network = ARCHITECTURE.build({"x": (1, mels)}, n_classes, config)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif getattr(module, "bias", None) is not None:
            nn.init.normal_(module.bias, std=0.3)
    return network.eval()


def batch(size=3, mels=128, frames=130, seed=0):
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(size, 1, mels, frames, generator=random)
    return x, torch.ones(size, frames, dtype=torch.bool)


def count(n_classes, **settings):
    with torch.device("meta"):
        network = MelCNN(1, 128, n_classes, MelCNNConfig(**settings))
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("settings", [A, {"layout": "A"}])
def test_parameters_of_layout_a(settings):
    assert count(14, **settings) == 372_366  # two genders times seven emotions
    assert count(7, **settings) == 372_366 - 7 * 129


@pytest.mark.parametrize("settings", [B, {"layout": "B"}, A | B])
def test_parameters_of_layout_b(settings):
    assert count(14, **settings) == 766_222
    assert count(7, **settings) == 766_222 - 7 * 65


def test_a_layout_is_what_its_settings_spell_out():
    assert MelCNNConfig().parts == MelCNNConfig(**A).parts == MelCNNConfig(layout="B", **A).parts
    assert MelCNNConfig(layout="B").parts == MelCNNConfig(**B).parts
    assert MelCNNConfig().frames == 130


@pytest.mark.parametrize(
    ("layout", "sizes", "embedding"),
    [
        ("A", [(64, 64, 65), (128, 21, 21), (128, 5, 5), (128, 1, 1)], 128),
        ("B", [(32, 64, 65), (64, 32, 32), (128, 16, 16), (128, 8, 8)], 64),
    ],
)
def test_shapes_block_by_block(layout, sizes, embedding):
    network = MelCNN(1, 128, 14, MelCNNConfig(layout=layout)).eval()
    convolved, pooled = [], []
    for block in network.blocks:
        block.conv.register_forward_hook(lambda m, args, y: convolved.append(tuple(y.shape[2:])))
        block.register_forward_hook(lambda m, args, y: pooled.append(tuple(y.shape[1:])))
    with torch.no_grad():
        assert network.embed(*batch(2)).shape == (2, embedding)
    assert pooled == sizes
    assert convolved == [(128, 130), *(size[1:] for size in sizes[:-1])]


@pytest.mark.parametrize("settings", [{}, {"layout": "B"}, {"dense": 5}, {"pools": (3, 1, 2, 5)}], ids=str)
def test_scores_are_those_of_the_papers_order(settings):
    network = build(**settings).double()
    _, pools, dropout, dense = network.config.parts
    layers = []
    for block, pool in zip(network.blocks, pools, strict=True):
        layers += [block.conv, block.norm, nn.ELU(), nn.MaxPool2d(pool), nn.Dropout(dropout)]
    layers += [nn.Flatten(), *([network.fc, nn.ELU()] if dense else []), network.head]
    x, mask = batch()
    with torch.no_grad():
        logits = network(x.double(), mask)
        expected = nn.Sequential(*layers).eval()(x.double())
    torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)
    assert logits.std(0).min() > 1e-5


def test_gradients_are_those_of_the_papers_order():
    network = build(seed=1).double()
    x, mask = batch(2)
    x = x.double().requires_grad_()
    network(x, mask).square().sum().backward()
    ours, x.grad = x.grad, None
    y = x
    for block in network.blocks:
        y = F.max_pool2d(F.elu(block.norm(block.conv(y))), block.pool)
    network.head(y.flatten(1)).square().sum().backward()
    torch.testing.assert_close(ours, x.grad)


def test_dropout_follows_each_block():
    network = build(dropout=0.25, filters=(64, 6, 8, 10))
    torch.manual_seed(0)
    with torch.no_grad():
        x, _ = batch(2)
        whole = network.blocks[0](x)
        dropped = network.blocks[0].train()(x)
    assert [block.dropout.p for block in network.blocks] == [0.25] * 4
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)
    assert whole.ne(0).all()


def test_another_number_of_blocks():
    network = build(filters=(4, 8), pools=(4, 8), frames=64)
    with torch.no_grad():
        assert network.embed(*batch(frames=64)).shape == (3, 8 * 4 * 2)


def test_a_head_grows_with_the_frames():
    assert build(frames=191).head.in_features == 10
    assert build(frames=192).head.in_features == 20
    assert build(layout="B", frames=160).fc.in_features == 10 * 8 * 10


def test_frames_that_pool_alike_are_accepted_others_refused():
    network = build()
    with torch.no_grad():
        for frames in (96, 131, 191):
            assert network(*batch(frames=frames)).shape == (3, 14)
        for frames in (95, 192):
            message = f"model.frames=130, the spectrograms have {frames} frames: set model.frames={frames}"
            with pytest.raises(ConfigError, match=message):
                network(*batch(frames=frames))


def test_too_few_frames_are_refused():
    with pytest.raises(ConfigError, match=r"pools \(2, 3, 4, 4\) need 96 frames or more, got frames=95"):
        MelCNNConfig(frames=95)
    assert MelCNNConfig(frames=96).pooling == 96
    assert MelCNNConfig(layout="B", frames=16).pooling == 16


def test_too_few_mel_bands_are_refused():
    with pytest.raises(ConfigError, match=r"pools \(2, 3, 4, 4\) need 96 mel bands or more, got 64"):
        ARCHITECTURE.build({"x": (1, 64)}, 14, MelCNNConfig())
    with torch.no_grad():
        assert build(mels=96)(*batch(mels=96)).shape == (3, 14)
        assert build(mels=64, layout="B")(*batch(mels=64)).shape == (3, 14)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layout": "C"}, "layout: .*got 'C'"),
        ({"filters": (8, 8, 8)}, "filters has 3 blocks, pools has 4"),
        ({"filters": (), "pools": ()}, "filters: .*at least 1"),
        ({"pools": (2, 2, 2, 0)}, "pools.3: .*greater than 0, got 0"),
        ({"dropout": 1.0}, "dropout: .*less than 1"),
        ({"dense": -1}, "dense: .*greater than or equal to 0"),
        ({"kernel": 3}, "unknown setting 'kernel'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        MelCNNConfig(**settings)


def test_the_mask_is_ignored():
    network = build()
    x, mask = batch()
    with torch.no_grad():
        assert torch.equal(network(x, mask), network(x, ~mask))


@pytest.mark.parametrize("layout", ["A", "B"])
def test_memory_layout_changes_nothing(layout):
    network, (x, mask) = build(layout=layout), batch()
    with torch.no_grad():
        expected = network(x, mask)
        assert network.blocks[1].conv.weight.is_contiguous(memory_format=torch.channels_last)
        last = network(x.contiguous(memory_format=torch.channels_last), mask)
        first = network.to(memory_format=torch.contiguous_format)(x, mask)
    torch.testing.assert_close(last, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(first, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layout", ["A", "B"])
def test_bfloat16_scores_and_gradients_are_finite_and_near(layout):
    network, (x, mask) = build(layout=layout), batch()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(x, mask)
    expected = network(x, mask)
    assert (logits - expected).norm() < 0.05 * expected.norm()
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = network(x, mask).float().square().sum()
    loss.backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_initial_weights_are_glorot():
    torch.manual_seed(0)
    network = MelCNN(1, 128, 14, MelCNNConfig())
    conv = network.blocks[2].conv
    limit = (6 / (9 * 128 + 9 * 128)) ** 0.5
    assert conv.weight.abs().max().item() == pytest.approx(limit, rel=1e-3)
    assert not any(layer.bias.any() for layer in (conv, network.head))


@pytest.mark.parametrize("layout", ["A", "B"])
def test_it_learns_eight_random_utterances(layout):
    torch.manual_seed(0)
    network = MelCNN(1, 128, 4, MelCNNConfig(layout=layout, filters=(8, 8, 16, 32), dropout=0))
    x, mask = batch(8)
    target = torch.arange(8) % 4
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(30):
        loss = F.cross_entropy(network(x, mask), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert network(x, mask).argmax(1).tolist() == target.tolist()


def test_the_entry_is_found():
    entry = get_architecture("melcnn")
    assert (entry.inputs, entry.shapes) == ({"x": "melspec-db"}, {"x": (1, 128)})
    assert entry.example_frames == entry.config().frames
    assert not entry.lengths_vary
