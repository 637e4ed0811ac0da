"""What goes wrong in a training is told in words that help."""

from dataclasses import replace

import lightning
import numpy as np
import pytest
import torch
from conftest import SMALL, tone

from sercli import audio, manifest
from sercli.devices import Device
from sercli.errors import ConfigError, FeatureError, RunError
from sercli.preparation import prepare
from sercli.runs.training import TrainingConfig
from sercli.statistics import Statistics
from sercli.training import SERModule
from sercli.training.callbacks import out_of_memory
from sercli.training.plan import make_plan, open_stores
from sercli.training.settings import configure
from sercli.training.trainer import make_logger
from sercli.training.trials import compute_features, train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")


@pytest.fixture
def plan(small_workspace, tmp_path):
    place = Workspace(tmp_path / "w")
    place.root.mkdir()
    small_workspace.features.mkdir(exist_ok=True)
    for name in ("corpora", "features"):
        (place.root / name).symlink_to(small_workspace.root / name)
    return make_plan(configure(SMALL, place, CPU), place, "1")


def test_a_loss_that_is_no_number_names_the_batch_and_keeps_the_checkpoint(plan, monkeypatch):
    spoilt = plan.folds[0].train[5]
    epochs = []
    apply = Statistics.apply

    def spoil(self, features):
        standard = apply(self, features)
        return standard * float("nan") if len(epochs) == 2 and np.array_equal(features, its_own) else standard

    compute_features(plan)
    (store,) = open_stores(plan)
    its_own = store[store.key(plan.utterances[spoilt])]
    monkeypatch.setattr(Statistics, "apply", spoil)
    with pytest.raises(
        RunError, match=rf"the loss became NaN or infinite in epoch 3, in the batch of .*{spoilt}"
    ) as told:
        train_trials(plan, CPU, epochs.append)
    assert "the checkpoint of epoch 2 is kept" in str(told.value)
    (trial,) = plan.trials
    assert torch.load(trial.checkpoints / "last.ckpt", weights_only=True)["epoch"] == 1
    monkeypatch.undo()
    train_trials(plan, CPU, epochs.append)
    assert trial.finished


@pytest.mark.parametrize("statistics", ["per-map", "scalar", "per-utterance"])
def test_a_silent_training_part_is_refused(tmp_path, write_wav, statistics):
    """Of a corpus whose recordings were prepared and then lost what they held."""
    place = Workspace(tmp_path / "w")
    for number, letter in enumerate("WFNTWFNTWFNT"):
        name = f"{3 + number // 4:02}a0{1 + number % 2}{letter}a.wav"
        write_wav(tmp_path / "emodb" / "wav" / name, tone(0.3 + 0.01 * number))
    prepare("emodb", tmp_path / "emodb", place, partial=True)
    folder = place.corpus("emodb")
    utterances = []
    for each in manifest.read(folder / "manifest.jsonl"):
        samples = audio.write_pcm16(folder / each.file, 0 * audio.read(folder / each.file), 16_000)
        utterances.append(replace(each, sha256=audio.hash_samples(samples)))
    manifest.write(folder / "manifest.jsonl", utterances)
    settings = SMALL | {"features": {"statistics": statistics}, "protocol": "random-3-fold"}
    plan = make_plan(configure(settings, place, CPU), place, "1")
    compute_features(plan)
    with pytest.raises(FeatureError, match=r"all \d+ recordings of the training part are silent"):
        train_trials(plan, CPU, print)


@pytest.mark.parametrize("lr", [1e20, 1e30])
def test_a_rate_far_too_high_stops_in_its_epoch(small_workspace, tmp_path, lr):
    place = Workspace(tmp_path / "high")
    place.root.mkdir()
    (place.root / "corpora").symlink_to(small_workspace.root / "corpora")
    settings = SMALL | {"training": SMALL["training"] | {"lr": lr, "max_epochs": 2}}
    plan, said = make_plan(configure(settings, place, CPU), place, "1"), []
    with pytest.raises(RunError, match=r"in epoch 1\b.*Try a lower learning rate"):
        train_trials(plan, CPU, said.append)
    assert not plan.trials[0].finished


def test_a_dev_loss_that_is_not_finite_stops_in_that_epoch(plan, monkeypatch):
    validate, epochs = SERModule.validation_step, []

    def spoil(self, batch, batch_idx):
        validate(self, batch, batch_idx)
        if len(epochs) == 1:
            self.dev_loss.update(torch.tensor(float("inf")), 1)

    monkeypatch.setattr(SERModule, "validation_step", spoil)
    with pytest.raises(
        RunError, match="dev loss is not a finite number in epoch 2; the checkpoint of epoch 1"
    ):
        train_trials(plan, CPU, epochs.append)
    assert len(epochs) == 1
    assert len(plan.trials[0].history()) == 1


def test_memory_that_is_not_enough_is_told_with_what_would_fit(plan, monkeypatch):
    def fail(*_, **__):
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(lightning.Trainer, "fit", fail)
    with pytest.raises(RunError, match=r"batch_size=4 --set training.accumulate=2 takes half as much"):
        train_trials(plan, CPU, print)
    assert "a batch of one does not fit" in str(out_of_memory(plan.trials[0], TrainingConfig(batch_size=1)))


def test_a_batch_of_one_that_can_not_be_normalised_names_the_batch_size(plan, monkeypatch):
    def fail(*_, **__):
        torch.nn.BatchNorm1d(3)(torch.zeros(1, 3))

    monkeypatch.setattr(lightning.Trainer, "fit", fail)
    with pytest.raises(
        RunError, match=r"training.batch_size=8 leaves a batch of one utterance.* choose another --set"
    ):
        train_trials(plan, CPU, print)


def test_a_checkpoint_of_another_network_says_what_to_remove(plan):
    (trial,) = plan.trials
    compute_features(plan)
    trial.checkpoints.mkdir(parents=True)
    torch.save({"epoch": 0, "state_dict": {"network.w": torch.zeros(1)}}, trial.checkpoints / "last.ckpt")
    with pytest.raises(RunError, match="of another network than this sercli builds; remove"):
        train_trials(plan, CPU, print)


def test_figures_go_to_a_logger_too(plan):
    train_trials(plan, CPU, lambda line: None, logger="csv")
    (trial,) = plan.trials
    header = (trial.path / "logs" / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"train_loss", "dev_loss", "dev_ua", "epoch"} <= set(header)
    assert any(name.startswith("lr") for name in header)


def test_a_logger_whose_package_is_missing_says_what_to_install(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="is none of csv, tensorboard, wandb, mlflow"):
        make_logger("excel", tmp_path, "run")
    monkeypatch.setattr("lightning.pytorch.loggers.WandbLogger", _missing)
    with pytest.raises(ConfigError, match=r"pip install 'sercli\[wandb\]'"):
        make_logger("wandb", tmp_path, "run")


def _missing(*_, **__):
    raise ModuleNotFoundError("No module named 'wandb'")
