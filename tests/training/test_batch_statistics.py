"""Statistics of batch normalisation, estimated anew: by hand, without dropout, padding and augmentation."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from conftest import SMALL
from torch import nn

from sercli.bundle import Bundle
from sercli.config import merge
from sercli.data import UtteranceDataset
from sercli.devices import Device
from sercli.models import architecture_names, get_architecture
from sercli.models.layers import Dropout
from sercli.models.layers.maps import normalise, valid_frames
from sercli.runs.folder import all_runs
from sercli.statistics import Statistics
from sercli.training import trials
from sercli.training.batch_statistics import normalisations, reestimate
from sercli.training.folds import load_parts, plain_training_part
from sercli.training.plan import make_plan
from sercli.training.settings import configure
from sercli.training.trials import train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")
NORMED = {**SMALL, "model": SMALL["model"] | {"batch_norm": True}}
PLAIN = Statistics(np.zeros((), np.float32), np.ones((), np.float32))


class Normed(nn.Module):
    """Dropout, a normalisation, another one of what comes out; padding takes no part."""

    def __init__(self, dropout=0.5):
        super().__init__()
        self.dropout = Dropout(dropout)
        self.first, self.second = nn.BatchNorm2d(2), nn.BatchNorm2d(2)

    def forward(self, x, mask):
        keep = valid_frames(mask.sum(1), x)
        x = normalise(self.first, self.dropout(x), keep)
        return normalise(self.second, x.relu(), keep).mean((2, 3))


def utterances(lengths, seed=0):
    random = np.random.default_rng(seed)
    arrays = [random.normal(3, 2, (2, 4, frames)).astype(np.float32) for frames in lengths]
    names = [f"u{i}" for i in range(len(lengths))]
    return arrays, UtteranceDataset({"x": arrays}, {"x": PLAIN}, [0] * len(names), names)


def test_statistics_by_hand():
    # Channel 0 holds 1, 3 and 8, channel 1 always 5: means 4 and 5, variances (9 + 1 + 16) / 3 and 0.
    arrays = [np.array([[[1, 3]], [[5, 5]]], np.float32), np.array([[[8]], [[5]]], np.float32)]
    network = Normed()
    reestimate(network, UtteranceDataset({"x": arrays}, {"x": PLAIN}, [0, 0], ["a", "b"]), 2)
    assert network.first.running_mean.tolist() == pytest.approx([4, 5])
    assert network.first.running_var.tolist() == pytest.approx([26 / 3, 0], abs=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 50])
def test_all_batches_count_by_their_frames_and_padding_not(batch_size):
    arrays, dataset = utterances([5, 9, 40, 2, 17, 30, 8])
    joined = np.concatenate(arrays, axis=2).astype(np.float64)  # (channels, mels, frames)
    network = Normed()
    reestimate(network, dataset, batch_size, seed=3)
    np.testing.assert_allclose(network.first.running_mean, joined.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(network.first.running_var, joined.var((1, 2)), rtol=1e-4)


def test_later_layers_see_what_comes_out_of_the_earlier_ones():
    arrays, dataset = utterances([5, 9, 40, 2, 17, 30, 8])
    joined = np.concatenate(arrays, axis=2).astype(np.float64)
    network = Normed()
    reestimate(network, dataset, len(arrays))  # one batch: its own statistics are those of all
    wanted = np.maximum((joined - joined.mean((1, 2), keepdims=True)) / joined.std((1, 2), keepdims=True), 0)
    np.testing.assert_allclose(network.second.running_mean, wanted.mean((1, 2)), rtol=1e-4)
    np.testing.assert_allclose(network.second.running_var, wanted.var((1, 2)), rtol=1e-4)


def test_dropout_before_a_normalisation_no_longer_counts():
    """Dropout of a half keeps the mean m and makes the mean square twice as large: variance 2 v + m^2."""
    arrays, dataset = utterances([300] * 40)
    joined = np.concatenate(arrays, axis=2)
    mean, variance = joined.mean((1, 2)), joined.var((1, 2))
    network = Normed()
    network.first.momentum = None
    torch.manual_seed(0)
    batch = dataset[range(40)]
    network.train()(**batch.inputs, mask=batch.mask)
    np.testing.assert_allclose(network.first.running_var, 2 * variance + mean**2, rtol=0.02)
    reestimate(network, dataset, 8)
    np.testing.assert_allclose(network.first.running_var, variance, rtol=0.005)


def test_nothing_else_changes():
    _, dataset = utterances([5, 9, 40, 2])
    network = Normed()
    network.train()
    network.second.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    reestimate(network, dataset, 2)
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in network.modules()] == [True, True, True, False]
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"{norm}.running_{what}" for norm in ("first", "second") for what in ("mean", "var")}
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_a_compiled_network_is_listened_to_all_the_same():
    _, dataset = utterances([5, 9, 40, 2])
    plain, compiled = Normed(), Normed()
    compiled.compile(backend="eager")
    batch = dataset[[0, 1]]
    compiled.eval()(**batch.inputs, mask=batch.mask)
    for network in (plain, compiled):
        reestimate(network, dataset, 2)
    assert torch.equal(plain.second.running_var, compiled.second.running_var)


@pytest.mark.parametrize("name", architecture_names())
def test_every_architecture_evaluates_as_it_trained_but_for_dropout(name):
    """On one batch, which is all there is, evaluation gives what training gives without dropout."""
    entry = get_architecture(name)
    torch.manual_seed(0)
    settings = {"dropout": 0.0} if "dropout" in entry.config.model_fields and name != "melcnn" else {}
    if "batch_norm" in entry.config.model_fields:
        settings["batch_norm"] = True
    network = entry.build(entry.shapes, 4, entry.config(**settings))
    if not normalisations(network):
        pytest.skip("the network has no batch normalisation")
    example = entry.example(3)
    lengths = example["mask"].sum(1).tolist()
    arrays = {key: [example[key][i, ..., : lengths[i]].numpy() for i in range(3)] for key in entry.shapes}
    dataset = UtteranceDataset(arrays, dict.fromkeys(arrays, PLAIN), [0, 1, 2], ["a", "b", "c"])
    reestimate(network, dataset, 3)
    batch = dataset[[0, 1, 2]]
    with torch.no_grad():
        network.eval()
        evaluated = network(**batch.inputs, mask=batch.mask)
        for norm in normalisations(network):
            norm.train()
        trained = network(**batch.inputs, mask=batch.mask)
    torch.testing.assert_close(evaluated, trained, rtol=1e-3, atol=1e-3 * float(trained.abs().max()))


@pytest.fixture
def plan_for(small_workspace, tmp_path):
    """A plan over the small corpus whose runs go into a folder of their own."""
    place = Workspace(tmp_path / "w")
    place.root.mkdir()
    small_workspace.features.mkdir(exist_ok=True)
    for name in ("corpora", "features"):
        (place.root / name).symlink_to(small_workspace.root / name)

    def make(**changes):
        config = configure(merge(NORMED, changes), place, CPU)
        return make_plan(config, place, "1", (0,))

    return make


def trained(plan):
    (trial,) = train_trials(plan, CPU, lambda line: None)
    return trial, Bundle.load(trial.bundle).network.state_dict()


def test_a_trial_keeps_the_chosen_weights_with_statistics_of_the_training_part(plan_for):
    """Equal trainings; only the buffers differ, and they are those of unchanged training utterances."""
    augment = {"noise": {"p": 1.0, "snr_db_min": 0.0, "snr_db_max": 5.0}}
    running_trial, running = trained(plan_for(augment=augment))
    plan = plan_for(augment=augment, training={"batch_statistics": "reestimated"})
    trial, found = trained(plan)
    assert [row["train_loss"] for row in trial.history()] == [
        row["train_loss"] for row in running_trial.history()
    ]
    assert trial.metrics()["epoch"] == running_trial.metrics()["epoch"]
    differ = {
        name.rpartition(".")[2] for name, value in found.items() if not torch.equal(value, running[name])
    }
    assert differ == {"running_mean", "running_var"}

    parts = load_parts(plan, 1, 0)
    plain = plain_training_part(plan, parts)
    assert plain.augmenter is None
    assert set(plain.ids) == set(parts.fold.train)
    network = Bundle.load(running_trial.bundle).network
    reestimate(network, plain, 8)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, found[name], rtol=1e-4, atol=1e-6)


def test_killed_between_training_and_testing_it_ends_with_the_same_statistics(plan_for, monkeypatch):
    plan = plan_for(training={"batch_statistics": "reestimated", "max_epochs": 2})
    trial, wanted = trained(plan)
    predictions = trial.predictions_file.read_bytes()
    plan.run.remove()

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trials, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            train_trials(plan, CPU, lambda line: None)
    trial, found = trained(plan)
    assert all(torch.equal(value, wanted[name]) for name, value in found.items())
    assert trial.predictions_file.read_bytes() == predictions


def test_the_name_changes_where_the_numbers_do(plan_for):
    names = {
        value: plan_for(training={"batch_statistics": value}).run.name for value in ("running", "reestimated")
    }
    assert names["running"] == plan_for().run.name != names["reestimated"]


@pytest.mark.slow
def test_of_several_processes_one_estimates_over_the_complete_training_part(small_workspace, tmp_path):
    place = Workspace(tmp_path / "w")
    place.root.mkdir()
    small_workspace.features.mkdir(exist_ok=True)
    for name in ("corpora", "features"):
        (place.root / name).symlink_to(small_workspace.root / name)
    settings = merge(
        NORMED, {"training": {"max_epochs": 2, "precision": "32-true", "batch_statistics": "reestimated"}}
    )
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sercli", "train", "--config", str(tmp_path / "settings.yaml")),
            *("--workspace", str(place.root), "--accelerator", "cpu", "--fold", "1", "--devices", "2"),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (run,) = all_runs(place)
    (trial,) = run.trials()
    network = Bundle.load(trial.bundle).network
    wanted = {name: value.clone() for name, value in network.state_dict().items()}
    plan = make_plan(configure(settings, place, CPU), place, "1", (0,))
    assert plan.run.name == run.name
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the command had: sums over several threads are rounded in another order
    try:
        reestimate(network, plain_training_part(plan, load_parts(plan, 1, 0)), 8)
    finally:
        torch.set_num_threads(threads)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-5, atol=1e-7)
