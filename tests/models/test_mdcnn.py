import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sercli.errors import ConfigError
from sercli.losses import arcface_loss
from sercli.models import mdcnn
from sercli.models.layers import CosineHead
from sercli.models.mdcnn import ARCHITECTURE, MDCNN, MDCNNConfig

GLOBAL, PYRAMID = {"spp_levels": (1,)}, {"spp_levels": (1, 5, 10)}
SOFTMAX, ARCFACE = {"head": "softmax"}, {"head": "arcface"}
PLAIN = {"factorised": False, "dilation": "none", "attention": False}
FF, DIL2, ITERATIVE, MULTI = (
    {"factorised": True, "dilation": d, "attention": False} for d in ("none", "two", "iterative", "multi")
)
ATTENTION = {"attention": True, "attention_reduction": "keep"}

TABLE_1 = {  # row: its settings, number of classes, parameters
    "plain, GMP, softmax": (PLAIN | GLOBAL | SOFTMAX, 4, 1_731_364),
    "FF, GMP, softmax": (FF | GLOBAL | SOFTMAX, 4, 929_444),
    "FF, SPP, softmax": (FF | PYRAMID | SOFTMAX, 4, 1_441_444),
    "dil2 FF, SPP, softmax": (DIL2 | PYRAMID | SOFTMAX, 4, 1_441_444),
    "multi FF, SPP, softmax": (MULTI | PYRAMID | SOFTMAX, 4, 2_098_084),
    "multi FF, SPP + attention, softmax": (MULTI | PYRAMID | ATTENTION | SOFTMAX, 4, 2_098_214),
    "multi FF, SPP + attention, ArcFace": (MULTI | PYRAMID | ATTENTION | ARCFACE, 4, 2_098_210),
    "multi FF, SPP, ArcFace": (MULTI | PYRAMID | ARCFACE, 7, 2_098_176),
}
TABLE_3 = {  # all FF, undilated, softmax
    "1, 2, 5, 10": (FF | SOFTMAX | {"spp_levels": (1, 2, 5, 10)}, 4, 1_457_828),
    "1, 2, 5, 8, 10": (FF | SOFTMAX | {"spp_levels": (1, 2, 5, 8, 10)}, 4, 1_719_972),
}
# The layer after the pyramid has 32 neurons on 128 values of each vector: 4096 weights a vector. (1, 5, 10)
# has 126 vectors, so 1,441,444 - 126 * 4096 = 925,348 are without any; plain 1,731,364 - 4096 = 1,727,268.
BY_HAND = {
    "iterative: one branch a block, as none and two": (ITERATIVE | PYRAMID | SOFTMAX, 4, 1_441_444),
    "1, 5, 6, 10: 162 vectors": (FF | SOFTMAX | {"spp_levels": (1, 5, 6, 10)}, 4, 925_348 + 162 * 4096),
    "plain 1, 2, 5: 30 vectors": (PLAIN | SOFTMAX | {"spp_levels": (1, 2, 5)}, 4, 1_727_268 + 30 * 4096),
    "plain 1, 6, 8, 10: 201": (PLAIN | SOFTMAX | {"spp_levels": (1, 6, 8, 10)}, 4, 1_727_268 + 201 * 4096),
}

VARIANTS = [
    {},
    {"factors": "frequency-first"},
    {"factorised": False},
    {"dilation": "none"},
    {"dilation": "two"},
    {"dilation": "iterative"},
    {"merge": "mean"},
    {"merge": "max"},
    {"merge": "concat"},
    {"spp_levels": (1,)},
    {"spp_levels": (1, 2, 5, 8, 10)},
    {"spp_bins": "rounded"},
    {"attention": False},
    {"attention_reduction": "sum"},
    {"attention_rescale": True},
    {"embedding_activation": "none"},
    {"leaky_slope": 0.3},
    {"batch_norm": True},
    {"head": "softmax", "attention": False},
]


def build(n_classes=4, seed=0, **settings):
    """A small network whose biases are not zero, as after training: padding is filled at once."""
    torch.manual_seed(seed)
    network = MDCNN(3, n_classes, MDCNNConfig(**{"filters": 8, "blocks": 4} | settings))
    for name, p in network.named_parameters():
        if name.endswith("conv.bias"):
            nn.init.normal_(p, std=0.3)
    return network


def utterances(*lengths, seed=0):
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(3, 40, length, generator=random) for length in lengths]


def collate(batch, frames=None, padding=0.0):
    frames = frames or max(u.shape[-1] for u in batch)
    x = torch.full((len(batch), 3, 40, frames), padding)
    mask = torch.zeros(len(batch), frames, dtype=torch.bool)
    for row, u in enumerate(batch):
        x[row, ..., : u.shape[-1]] = u
        mask[row, : u.shape[-1]] = True
    return x, mask


@pytest.mark.parametrize("row", TABLE_1 | TABLE_3 | BY_HAND)
def test_parameters_as_in_the_paper_and_by_hand(row):
    settings, n_classes, expected = (TABLE_1 | TABLE_3 | BY_HAND)[row]
    with torch.device("meta"):
        network = MDCNN(3, n_classes, MDCNNConfig(**settings))
    assert sum(p.numel() for p in network.parameters()) == expected


def test_the_default_is_the_papers_whole_scheme():
    settings, _, _ = TABLE_1["multi FF, SPP + attention, ArcFace"]
    assert MDCNNConfig() == MDCNNConfig(**settings)


@pytest.mark.parametrize(
    ("dilation", "expected"),
    [
        ("none", ((1,),) * 7),
        ("two", ((2,),) * 7),
        ("iterative", ((1,), (2,), (3,), (1,), (2,), (3,), (1,))),
        ("multi", ((1, 2), (2,), (3, 2), (1, 2), (2,), (3, 2), (1, 2))),
    ],
)
@pytest.mark.parametrize("factorised", [True, False])
def test_dilations_of_the_blocks(dilation, expected, factorised):
    network = build(blocks=7, dilation=dilation, factorised=factorised)
    assert network.config.branches == expected
    for block, dilations in zip(network.blocks, expected, strict=True):
        found = [[layer.conv.dilation for layer in b.layers.values()] for b in block.branches]
        assert found == [[(d, d)] * (2 if factorised else 1) for d in dilations]
    assert network.first.conv.dilation == (1, 1)


def test_five_is_time_and_three_is_frequency():
    assert build().first.conv.kernel_size == (3, 5)  # tensors are (batch, channels, mels, frames)
    kernels = {name: layer.conv.kernel_size for name, layer in build().blocks[0].branches[0].layers.items()}
    assert list(kernels.items()) == [("time", (1, 5)), ("frequency", (3, 1))]
    swapped = build(factors="frequency-first").blocks[0].branches[0].layers
    assert list(swapped) == ["frequency", "time"]


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        ("sum", [1, 0, 2, 1, 2, 1, 2, 0, 1]),
        ("mean", [0.5, 0, 1, 0.5, 1, 0.5, 1, 0, 0.5]),
        ("max", [1, 0, 1, 1, 1, 1, 1, 0, 1]),
    ],
)
def test_a_block_on_an_impulse_by_hand(merge, expected):
    # Dilation 1 spreads the impulse to frames 3 to 7, dilation 2 to 1, 3, 5, 7, 9.
    block = mdcnn._Block((1, 2), MDCNNConfig(filters=1, merge=merge))
    for name, p in block.named_parameters():
        nn.init.constant_(p, 0 if name.endswith("bias") else 1)
    x = torch.zeros(1, 1, 5, 11)
    x[0, 0, 0, 5] = 1
    assert block(x, None)[0, 0, 0].tolist() == [0, *expected, 0]


def test_receptive_field_in_time():
    # Blocks: 1 + 4 (2 + 2 + 3 + 2 + 2 + 3 + 2) = 65 frames after pooling, so 130 before, and the
    # first convolution adds 4. (Equation 7's factor of 2 would give twice that.)
    network = build(blocks=7, filters=2)
    for p in network.parameters():
        nn.init.constant_(p, 0.1)
    x = torch.rand(1, 3, 40, 400).requires_grad_()
    y = network.first(x, None)
    y = F.avg_pool2d(y, 2)  # as max pooling, but every frame counts
    for block in network.blocks:
        y = block(y, None)
    y[0, :, :, 100].sum().backward()
    reached = x.grad.abs().sum((0, 1, 2)).nonzero().flatten()
    assert reached[-1] - reached[0] + 1 == 134


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_padding_changes_nothing(settings):
    network = build(**settings).eval()
    batch = utterances(61, 60, 43, 21, 20, 13)
    with torch.no_grad():
        alone = torch.cat([network(*collate([u])) for u in batch])
        for padding, frames in ((0.0, 61), (1e4, 80), (float("nan"), 75)):
            padded = network(*collate(batch, frames, padding))
            torch.testing.assert_close(padded, alone, rtol=0, atol=1e-5)
    assert alone.std(0).min() > 1e-3  # a network that scores all alike would pass too


def test_without_masks_padding_would_show(monkeypatch):
    network = build().eval()
    batch = utterances(61, 43)
    with torch.no_grad():
        alone = network(*collate(batch[1:]))
        monkeypatch.setattr(mdcnn, "valid_frames", lambda lengths, x: torch.ones_like(x[:, :1, :1]))
        assert (network(*collate(batch))[1] - alone[0]).abs().max() > 1e-3


def test_a_batch_mate_changes_nothing():
    network = build().eval()
    first, mate, other = utterances(40, 55, 55)
    with torch.no_grad():
        scores = [network(*collate([first, second]))[0] for second in (mate, other, 1e3 * other)]
    torch.testing.assert_close(scores[1], scores[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(scores[2], scores[0], rtol=0, atol=1e-6)


def test_a_short_utterance_is_padded_with_zeros_to_twenty_frames():
    network = build().eval()
    (short,) = utterances(13)
    with torch.no_grad():
        extended = network(*collate([F.pad(short, (0, 7))]))
        assert torch.equal(network(*collate([short])), extended)


def test_padding_gets_no_gradient():
    network = build()
    x, mask = collate(utterances(40, 31))
    x.requires_grad_()
    network(x, mask).square().sum().backward()
    assert x.grad[1, ..., :31].abs().sum((0, 1)).gt(0).all()
    assert not x.grad[1, ..., 31:].any()


def test_statistics_of_batch_normalisation_leave_padding_out():
    network = build(batch_norm=True).train()
    batch = utterances(40, 31)
    network(*collate(batch))
    with torch.no_grad():
        maps = torch.cat([network.first.conv(u[None]).flatten(2) for u in batch], dim=2)[0]
    norm = network.first.norm
    torch.testing.assert_close(norm.running_mean, 0.1 * maps.mean(1))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * maps.var(1))


def test_cosine_head_by_hand():
    head = CosineHead(2, 2, scale=2.0)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[5.0, 0.0], [0.0, -0.1]]))
        logits = head(torch.tensor([[3.0, 4.0], [0.03, 0.04]]))
    torch.testing.assert_close(logits, torch.tensor([[1.2, -1.6], [1.2, -1.6]]))
    assert [name for name, _ in head.named_parameters()] == ["weight"]


def test_cosines_are_float32_under_autocast():
    network = build().eval()
    x, mask = collate(utterances(40, 31))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = network(x, mask)
        assert network.embed(x, mask).dtype == torch.bfloat16
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, network(x, mask), rtol=0, atol=0.05)


def test_signals_neither_die_nor_explode_at_the_start():
    # torch's own initial weights shrink differences between utterances to 6e-8 in the plain network.
    torch.manual_seed(0)
    network = MDCNN(3, 4, MDCNNConfig(filters=64, dilation="none", attention=False)).eval()
    with torch.no_grad():
        embedding = network.embed(*collate(utterances(60, 60)))
    assert (embedding[0] - embedding[1]).norm() > 1e-3 * embedding[0].norm()


@pytest.mark.parametrize("head", ["arcface", "softmax"])
def test_it_learns_eight_random_utterances(head):
    torch.manual_seed(0)
    network = MDCNN(3, 4, MDCNNConfig(filters=16, blocks=3, head=head, attention_rescale=head == "softmax"))
    x, mask = collate(utterances(40, 39, 38, 36, 33, 30, 25, 21))
    target = torch.arange(8) % 4
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(60):
        logits = network(x, mask)
        loss = arcface_loss(logits, target) if head == "arcface" else F.cross_entropy(logits, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert network.eval()(x, mask).argmax(1).tolist() == target.tolist()


def test_too_few_mel_bands_are_refused():
    with pytest.raises(ConfigError, match=r"need 20 mel bands or more .*, got 16"):
        ARCHITECTURE.build({"x": (3, 16)}, 4, MDCNNConfig())
    ARCHITECTURE.build({"x": (3, 16)}, 4, MDCNNConfig(filters=2, spp_levels=(1, 8)))


def test_a_pyramid_without_levels_is_refused():
    with pytest.raises(ConfigError, match="spp_levels"):
        MDCNNConfig(spp_levels=())


@pytest.mark.slow
def test_it_exports_with_any_batch_and_length():
    network = build(filters=4).eval()
    batch, frames = torch.export.Dim("batch", max=64), torch.export.Dim("frames", min=20, max=4096)
    program = torch.export.export(
        network,
        collate(utterances(61, 50, 33)),
        dynamic_shapes={"x": {0: batch, 3: frames}, "mask": {0: batch, 1: frames}},
    )
    for lengths in ((100,), (77, 20, 33, 64), (20, 11)):
        example = collate(utterances(*lengths))
        torch.testing.assert_close(program.module()(*example), network(*example), rtol=0, atol=1e-5)
