import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sercli.errors import ConfigError
from sercli.models.diccoser import ARCHITECTURE, DiCCOSER, DiCCOSERConfig, GlobalNetwork

FRAME = 640
REGRESSION = {"task": "regression", "frames": 500}
LOGMEL = {"input": "logmel"}
STACKING = {"causal_condition": True, "norm_per_branch": False}

COUNTS = [  # settings, outputs, parameters
    ({"variant": "a"}, 4, 364_612),
    ({"variant": "b"} | STACKING, 4, 431_236),
    ({"variant": "c"} | STACKING, 4, 431_236),
    ({"variant": "d"} | STACKING, 4, 431_236),
    ({"variant": "a"} | REGRESSION, 2, 389_570),
    ({"variant": "b"} | STACKING | REGRESSION, 2, 472_706),
    ({"variant": "c"} | STACKING | REGRESSION, 2, 472_706),
    ({"variant": "d"} | STACKING | REGRESSION, 2, 472_706),
    ({"variant": "a"} | LOGMEL, 4, 384_580),
    ({"variant": "d"} | STACKING | LOGMEL, 4, 451_204),
]

CAUSAL = [
    {"variant": "a"},
    {"variant": "b"},
    {"variant": "c"},
    {"variant": "c", "max_of": "abs"},
    {"variant": "d"},
    {"variant": "d", "norm_per_branch": True},
]


def build(n_outputs=2, seed=0, **settings):
    """A small network in evaluation, with biases and running statistics as after training."""
    torch.manual_seed(seed)
    config = DiCCOSERConfig(**{"channels": 6, "frames": 12, "task": "regression"} | settings)
    network = DiCCOSER(1 if config.input == "raw" else 40, n_outputs, config)
    for module in network.modules():
        if isinstance(module, nn.Conv1d):
            nn.init.normal_(module.bias, std=0.3)
        if isinstance(module, nn.BatchNorm1d):
            for values in (module.bias, module.running_mean):
                nn.init.normal_(values, std=0.3)
            for values in (module.weight, module.running_var):
                nn.init.uniform_(values, 0.5, 2)
    return network.eval()


def inputs(network, batch=1, frames=12, seed=0):
    random = torch.Generator().manual_seed(seed)
    if network.config.input == "raw":
        return {"x": torch.randn(batch, 1, frames * FRAME, generator=random)}
    made = {"x": torch.randn(batch, 1, 40, 2 * frames, generator=random)}
    if network.config.stacked:
        made["wave"] = torch.randn(batch, 1, frames, generator=random)
    return made


def run(network, given):
    return network(**given, mask=torch.ones(given["x"].shape[0], given["x"].shape[-1], dtype=torch.bool))


def reached(x):
    """First and last frame that a gradient reaches."""
    frames = x.grad.flatten(0, -2).abs().sum(0).nonzero().flatten()
    return int(frames[0]), int(frames[-1])


def linear(network):
    """Let every frame of a receptive field count: positive weights, averages for maxima."""
    for p in network.parameters():
        nn.init.constant_(p, 0.5)
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool1d):
                setattr(module, name, nn.AvgPool1d(child.kernel_size))
    return network.eval().double()


@pytest.mark.parametrize(("settings", "n_outputs", "expected"), COUNTS, ids=str)
def test_parameters(settings, n_outputs, expected):
    config = DiCCOSERConfig(**settings)
    with torch.device("meta"):
        network = ARCHITECTURE.build(
            {"x": (1,) if config.input == "raw" else (1, 40), "wave": (1,)}, n_outputs, config
        )
    assert sum(p.numel() for p in network.parameters()) == expected


def test_the_default_is_the_papers_best_on_classes():
    assert DiCCOSERConfig() == DiCCOSERConfig(
        variant="d", input="raw", task="classification", frames=75, channels=64, dropout=0.5, **STACKING
    )


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (75, (1, 2, 4, 8, 16, 32, 64, 75)),
        (500, (1, 2, 4, 8, 16, 32, 64, 128, 256, 500)),  # the paper's example
        (64, (1, 2, 4, 8, 16, 32, 64)),
        (1, (1,)),
    ],
)
def test_dilations(frames, expected):
    assert DiCCOSERConfig(frames=frames).dilations == expected
    network = build(frames=frames)
    assert [block.conv.dilation for block in network.global_network.blocks] == [(d,) for d in expected]
    for stack in network.local_network[1:]:
        assert [block.conv.dilation for block in stack[:3]] == [(1,), (2,), (4,)]


@pytest.mark.parametrize(
    ("settings", "shape", "expected"),
    [
        ({}, (1, 48_000), [9600, 4800, 2400, 1200, 600, 300, 150, 75]),
        ({}, (1, 320_000), [64_000, 32_000, 16_000, 8000, 4000, 2000, 1000, 500]),
        (LOGMEL, (40, 150), [150, 150, 150, 150, 150, 150, 150, 75]),
        (LOGMEL | {"logmel_pool": "front"}, (40, 150), [75] * 8),
        (LOGMEL | {"logmel_stacks": 3}, (40, 150), [150, 150, 150, 75]),
    ],
    ids=str,
)
def test_shapes_part_by_part(settings, shape, expected):
    with torch.device("meta"):
        network = DiCCOSER(shape[0], 4, DiCCOSERConfig(**settings))
        x, found = torch.empty(2, *shape), []
        for part in network.local_network:
            x = part(x)
            found.append(tuple(x.shape))
    assert found == [(2, 64, frames) for frames in expected]


@pytest.mark.parametrize("variant", "abcd")
@pytest.mark.parametrize("given", ["raw", "logmel"])
def test_shapes_of_the_output(variant, given):
    frames = build(variant=variant, input=given)
    assert run(frames, inputs(frames, 3)).shape == (3, 12, 2)
    classes = build(5, variant=variant, input=given, task="classification")
    assert run(classes, inputs(classes, 3)).shape == (3, 5)


@pytest.mark.parametrize("variant", "ad")
def test_classes_are_scored_by_the_last_frame(variant):
    classes = build(4, variant=variant, task="classification")
    frames = build(4, variant=variant)
    given = inputs(classes, 2)
    with torch.no_grad():
        torch.testing.assert_close(run(classes, given), run(frames, given)[:, -1], rtol=0, atol=1e-6)


def test_aggregates_by_hand():
    x = torch.zeros(1, 1, 2 * FRAME + 5)
    x[0, 0, [0, 10, FRAME - 1]] = torch.tensor([3.0, -8.0, 4.0])
    x[0, 0, FRAME : 2 * FRAME] = -0.5
    expected = {"signed": [4.0, -0.5], "abs": [8.0, 0.5]}
    for variant in "bc":
        for max_of, values in expected.items():
            assert build(variant=variant, max_of=max_of).aggregate(x).flatten().tolist() == values
    rms = build(variant="d").aggregate(x).flatten()
    torch.testing.assert_close(rms, torch.tensor([(89 / FRAME) ** 0.5, 0.5]))


@pytest.mark.parametrize(("variant", "first"), [("b", "local"), ("c", "parallel"), ("d", "parallel")])
def test_which_sequence_is_the_condition(variant, first, monkeypatch):
    network, seen = build(variant=variant), {}
    network.local_network.register_forward_hook(lambda m, i, o: seen.update(local=o))
    network.parallel.register_forward_hook(lambda m, i, o: seen.update(parallel=o))
    network.global_network.register_forward_hook(lambda m, i, o: seen.update(given=i))
    run(network, inputs(network))
    second = "local" if first == "parallel" else "parallel"
    assert seen["given"][0] is seen[first]
    assert seen["given"][1] is seen[second]


@pytest.mark.parametrize("given", ["raw", "logmel"])
@pytest.mark.parametrize("settings", CAUSAL, ids=str)
def test_no_frame_depends_on_a_later_sample(settings, given):
    network = build(**settings, input=given)
    before, after = inputs(network), inputs(network, seed=1)
    steps = {name: x.shape[-1] // 12 for name, x in before.items()}
    with torch.no_grad():
        expected = run(network, before)
        for frame in (0, 3, 10):
            mixed = {}
            for name, x in before.items():
                cut = (frame + 1) * steps[name]
                mixed[name] = torch.cat([x[..., :cut], after[name][..., cut:]], dim=-1)
            found = run(network, mixed)
            torch.testing.assert_close(found[:, : frame + 1], expected[:, : frame + 1], rtol=0, atol=1e-6)
            assert (found - expected)[:, frame + 1].abs().min() > 1e-4
    for x in before.values():
        x.requires_grad_()
    run(network, before)[:, 5].sum().backward()
    for name, x in before.items():
        cut = 6 * steps[name]
        assert not x.grad[..., cut:].any()
        assert x.grad[..., cut - steps[name] : cut].any()


def test_a_condition_on_the_next_frame_looks_one_frame_ahead():
    network = build(causal_condition=False)
    given = inputs(network)
    given["x"].requires_grad_()
    run(network, given)[:, 5].sum().backward()
    assert given["x"].grad[..., 6 * FRAME : 7 * FRAME].any()
    assert not given["x"].grad[..., 7 * FRAME :].any()


def test_receptive_field_of_the_local_network():
    # 8 samples, 4 more by pooling by 5; then in steps of 5, 10, ..., 320 samples, seven by dilations
    # 1, 2, 4 and one by pooling: 12 + 8 x 5 x 127.
    network = linear(build(channels=1))
    x = torch.rand(1, 1, 12 * FRAME, dtype=torch.float64).requires_grad_()
    network.local_network(x)[..., 9].sum().backward()
    first, last = reached(x)
    assert (last, last - first + 1) == (10 * FRAME - 1, 5092)


@pytest.mark.parametrize(("settings", "expected"), [({}, 58), ({"logmel_pool": "front"}, 107)], ids=str)
def test_receptive_field_of_the_local_network_on_log_mel(settings, expected):
    # Frames of 20 ms: 8 + 7 x 7 + 1, or 8 + 1 + 2 x 7 x 7.
    network = linear(build(channels=1, input="logmel", **settings))
    x = torch.rand(1, 40, 140, dtype=torch.float64).requires_grad_()
    network.local_network(x)[..., 60].sum().backward()
    first, last = reached(x)
    assert (last, last - first + 1) == (121, expected)


@pytest.mark.parametrize(("frames", "expected"), [(75, 203), (500, 1012)])
def test_receptive_field_of_the_global_network(frames, expected):
    # One frame and the sum of the dilations: 1 + 127 + 75, 1 + 511 + 500; more than the window.
    network = linear(GlobalNetwork(DiCCOSERConfig(channels=1, frames=frames, dropout=0)))
    given = torch.rand(2, 1, 1, 1100, dtype=torch.float64).requires_grad_()
    network(*given)[..., 1050].sum().backward()
    for gradient in given.grad[:, 0, 0]:  # the condition, of width 2, reaches as far back
        at = gradient.nonzero().flatten()
        assert (int(at[-1]), int(at[-1] - at[0] + 1)) == (1050, expected)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("variant", "ad")
def test_the_last_block_meets_only_padding_with_its_past_tap(variant, task):
    network = build(variant=variant, task=task)
    run(network.train(), inputs(network, 2)).square().sum().backward()
    past, present = network.global_network.blocks[-1].conv.weight.grad.unbind(-1)
    assert not past.any()
    assert present.any()
    others = [block.conv.weight.grad for block in network.global_network.blocks[:-1]]
    assert all(gradient.abs().sum((0, 1)).min() > 0 for gradient in others)


@pytest.mark.parametrize("settings", [*CAUSAL, LOGMEL, {"logmel_pool": "front"} | LOGMEL], ids=str)
def test_the_gradient_reaches_every_parameter(settings):
    network = build(**settings).train()
    run(network, inputs(network, 3)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if not p.grad.any()] == []


def test_biases_start_at_zero():
    network = DiCCOSER(1, 4, DiCCOSERConfig(channels=4))
    biases = [module.bias for module in network.modules() if isinstance(module, nn.Conv1d)]
    assert biases
    assert not any(bias.any() for bias in biases)


def test_dropout_does_not_drown_a_quiet_waveform_at_the_start():
    # With torch's own biases the correlation of two passes is 0.1.
    torch.manual_seed(0)
    network = DiCCOSER(1, 4, DiCCOSERConfig(frames=12)).train()
    x = 0.01 * inputs(network, 3)["x"] * torch.rand(3, 1, 12).repeat_interleave(FRAME, -1)
    with torch.no_grad():
        context = network.local_network(torch.cat([x, x]))
    one, two = (context - context.mean((0, 2), keepdim=True)).chunk(2)
    assert (one * two).mean() > 0.5 * (one * one).mean()


def test_silence_has_a_gradient():
    network = build(variant="d")
    x = torch.zeros(1, 1, 12 * FRAME).requires_grad_()
    run(network, {"x": x}).sum().backward()
    assert x.grad.isfinite().all()


def test_names_of_the_inputs():
    inputs_for = ARCHITECTURE.inputs_for
    assert inputs_for(DiCCOSERConfig()) == {"x": "waveform"}
    assert inputs_for(DiCCOSERConfig(variant="d", **LOGMEL)) == {"x": "logmel40", "wave": "waveform"}
    assert inputs_for(DiCCOSERConfig(variant="a", **LOGMEL)) == {"x": "logmel40"}


def test_samples_beside_a_spectrogram_are_refused():
    network = build(variant="d", **LOGMEL)
    given = inputs(network) | {"wave": torch.zeros(1, 1, 12 * FRAME)}
    with pytest.raises(ConfigError, match=r"24 frames needs 12 values.*got 7680; set its aggregate to rms"):
        run(network, given)


@pytest.mark.parametrize(
    "variant", ["a", *(pytest.param(each, marks=pytest.mark.slow) for each in "bc"), "d"]
)
def test_it_learns_eight_random_windows(variant):
    torch.manual_seed(0)
    config = DiCCOSERConfig(variant=variant, channels=16, frames=5, dropout=0.1)
    network = DiCCOSER(1, 4, config).train()
    given = inputs(network, 8, frames=5)
    target = torch.arange(8) % 4
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(60):
        loss = F.cross_entropy(run(network, given), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        assert run(network.eval(), given).argmax(1).tolist() == target.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, LOGMEL], ids=str)
def test_it_exports_with_any_batch(settings):
    network = build(**settings)
    given = inputs(network, 3)
    given["mask"] = torch.ones(3, given["x"].shape[-1], dtype=torch.bool)
    shapes = {name: {0: torch.export.Dim("batch", max=64)} for name in given}
    program = torch.export.export(network, (), given, dynamic_shapes=shapes)
    for batch in (2, 5):
        example = inputs(network, batch)
        example["mask"] = torch.ones(batch, example["x"].shape[-1], dtype=torch.bool)
        torch.testing.assert_close(program.module()(**example), network(**example), rtol=0, atol=1e-5)
