import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sercli.models.cnnlstm import ARCHITECTURE, CNNLSTM, CNNLSTMConfig

PLAIN = {"batch_norm": False, "activation": "relu", "hidden_size": 256, "layers": 2}
SMALL = {"filters": (4, 6, 8), "hidden_size": 5}
LOGMEL = {"input": "logmel"}
# By hand. Convolutions: weights and biases. Each direction of a layer: four gates of 256 cells, each with
# weights of its input and of 256 cells and with two biases. The second layer reads both directions.
CONVOLUTIONS = (64 * 8 + 64) + (128 * 64 * 6 + 128) + (256 * 128 * 6 + 256)
BIDIRECTIONAL = (
    CONVOLUTIONS + 2 * 4 * 256 * (256 + 256 + 2) + 2 * 4 * 256 * (512 + 256 + 2)
)  # the output layer comes on top

VARIANTS = [
    {},
    {"batch_norm": True},
    {"activation": "leaky_relu"},
    {"batch_norm": True, "activation": "leaky_relu"},
    LOGMEL,
    LOGMEL | {"batch_norm": True},
    {"bidirectional": True},
]


def build(n_outputs=4, seed=0, **settings):
    torch.manual_seed(seed)
    config = CNNLSTMConfig(**SMALL | settings)
    return CNNLSTM(1 if config.input == "raw" else 40, n_outputs, config)


def inputs(network, batch=2, frames=6):
    random = torch.Generator().manual_seed(0)
    shape = (1, frames * 640) if network.config.input == "raw" else (1, 40, 2 * frames)
    return torch.randn(batch, *shape, generator=random)


def run(network, x):
    return network(x=x, mask=torch.ones(x.shape[0], x.shape[-1], dtype=torch.bool))


@pytest.mark.parametrize(
    ("settings", "n_outputs", "expected"),
    [
        (PLAIN | {"task": "classification"}, 4, 1_300_420),
        (PLAIN | {"task": "regression"}, 2, 1_299_906),
        (PLAIN | LOGMEL, 4, 1_320_388),
        (PLAIN | {"batch_norm": True}, 4, 1_300_420 + 2 * (64 + 128 + 256)),
        (PLAIN | {"bidirectional": True}, 4, BIDIRECTIONAL + 512 * 4 + 4),
        (PLAIN | {"bidirectional": True, "task": "regression"}, 2, BIDIRECTIONAL + 512 * 2 + 2),
    ],
    ids=str,
)
def test_parameters(settings, n_outputs, expected):
    config = CNNLSTMConfig(**settings)
    with torch.device("meta"):
        network = ARCHITECTURE.build({"x": (1,) if config.input == "raw" else (1, 40)}, n_outputs, config)
    assert sum(p.numel() for p in network.parameters()) == expected


def test_the_default_is_the_papers():
    assert CNNLSTMConfig() == CNNLSTMConfig(**PLAIN, input="raw", task="classification", dropout=0.5)


@pytest.mark.parametrize(
    ("given", "shape", "expected"),
    [
        ("raw", (1, 48_000), [(64, 4800), (128, 600), (256, 75)]),
        ("raw", (1, 320_000), [(64, 32_000), (128, 4000), (256, 500)]),
        ("logmel", (40, 150), [(64, 75), (128, 75), (256, 75)]),
    ],
)
def test_shapes_part_by_part(given, shape, expected):
    with torch.device("meta"):
        network = CNNLSTM(shape[0], 4, CNNLSTMConfig(input=given))
        x, found = torch.empty(2, *shape), []
        for layer in network.layers:
            x = layer(x)
            found.append(tuple(x.shape))
    assert found == [(2, *each) for each in expected]


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_shapes_of_the_output(settings):
    classes, frames = build(**settings), build(2, task="regression", **settings)
    assert run(classes, inputs(classes, 3)).shape == (3, 4)
    assert run(frames, inputs(frames, 3)).shape == (3, 6, 2)


def test_the_mean_before_the_head_is_the_mean_after_it():
    classes, frames = build().eval(), build(task="regression").eval()
    x = inputs(classes)
    with torch.no_grad():
        torch.testing.assert_close(run(classes, x), run(frames, x).mean(1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_a_layer_is_its_parts_in_the_papers_order(settings):
    network = build(**settings).eval().double()
    for layer, width in zip(network.layers, (8, 6, 6), strict=True):
        if network.config.batch_norm:
            nn.init.normal_(layer.norm.weight)  # some negative: its order with the maximum counts
            nn.init.normal_(layer.norm.running_mean)
        x = torch.randn(2, layer.conv.in_channels, 40, dtype=torch.float64)
        padded = F.pad(x, (width // 2 - 1, width // 2))  # "same" as TensorFlow has it
        y = layer.norm(F.conv1d(padded, layer.conv.weight, layer.conv.bias))
        y = F.relu(y) if network.config.activation == "relu" else F.leaky_relu(y, 0.01)
        size = getattr(layer.pool, "kernel_size", 1)
        expected = y.unflatten(2, (-1, size)).amax(-1)
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-12)
    assert [getattr(layer.pool, "kernel_size", 1) for layer in network.layers] == list(network.config.pools)


def test_the_first_layer_by_hand():
    layer = build(filters=(1, 1, 1)).eval().layers[0]
    with torch.no_grad():
        layer.conv.weight.zero_()
        layer.conv.weight[0, 0, 7] = 2  # four samples later
        layer.conv.bias.fill_(-1)
        y = layer(torch.arange(20.0)[None, None])
    assert y.flatten().tolist() == [2 * 13 - 1, 2 * 19 - 1]


def test_the_lstm_runs_forwards():
    # The convolutions, centred, look 4 + 10 x 3 + 80 x 3 = 274 samples beyond a frame.
    network = build(2, task="regression", filters=(4, 6, 8)).eval()
    x = inputs(network).requires_grad_()
    run(network, x)[:, 2].sum().backward()
    assert x.grad[..., : 3 * 640].any()
    assert not x.grad[..., 3 * 640 + 274 :].any()


def test_a_bidirectional_lstm_sees_the_end_at_the_start():
    network = build(2, task="regression", bidirectional=True).eval()
    x = inputs(network).requires_grad_()
    run(network, x)[:, 0].sum().backward()
    assert x.grad[..., -640:].any()
    assert network.head.in_features == 2 * network.lstm.hidden_size


def test_only_without_the_backward_direction_has_diccoser_about_a_third_of_the_parameters():
    counts = {
        way: sum(p.numel() for p in CNNLSTM(1, 4, CNNLSTMConfig(bidirectional=way)).parameters())
        for way in (False, True)
    }
    assert counts[True] == 2_878_404
    assert 431_236 / counts[False] == pytest.approx(0.332, abs=5e-4)
    assert 431_236 / counts[True] == pytest.approx(0.150, abs=5e-4)


def test_dropout_follows_each_pooling():
    network = build(dropout=0.999).train()
    for layer in network.layers:
        zeros = (layer(torch.rand(2, layer.conv.in_channels, 640) + 1) == 0).float().mean()
        assert zeros > 0.9
    assert network.lstm.dropout == 0


def test_convolutions_start_as_in_end2you():
    torch.manual_seed(0)
    network = CNNLSTM(1, 4, CNNLSTMConfig())
    for layer in network.layers:
        fan_in = layer.conv.weight[0].numel()
        assert not layer.conv.bias.any()
        assert layer.conv.weight.abs().max() <= (6 / fan_in) ** 0.5
        assert layer.conv.weight.var().item() == pytest.approx(2 / fan_in, rel=0.15)


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_the_gradient_reaches_every_parameter(settings):
    network = build(**settings).train()
    run(network, inputs(network, 3)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if not p.grad.any()] == []


def test_names_of_the_inputs():
    assert ARCHITECTURE.inputs_for(CNNLSTMConfig()) == {"x": "waveform"}
    assert ARCHITECTURE.inputs_for(CNNLSTMConfig(input="logmel")) == {"x": "logmel40"}


@pytest.mark.parametrize("settings", [{}, {"batch_norm": True, "activation": "leaky_relu"}], ids=str)
def test_it_learns_eight_tones(settings):
    torch.manual_seed(0)
    network = build(filters=(8, 16, 16), hidden_size=16, dropout=0, **settings).train()
    target = torch.arange(8) % 4
    turns = torch.arange(6 * 640) * 200 * 2 ** target[:, None] / 16_000 + torch.rand(8, 1)
    x = torch.sin(2 * torch.pi * turns)[:, None]  # 200, 400, 800 and 1600 Hz
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(150):
        loss = F.cross_entropy(run(network, x), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        assert run(network.eval(), x).argmax(1).tolist() == target.tolist()
