import errno
import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from conftest import SMALL
from filelock import FileLock

from sercli.bundle import Bundle
from sercli.config import merge
from sercli.devices import Device, choose_device, resolve_precision
from sercli.errors import ConfigError, CorpusError, ProtocolError, RunError
from sercli.evaluation.predictions_csv import read_predictions
from sercli.inference import score
from sercli.training.fit import build_module
from sercli.training.folds import load_parts
from sercli.training.plan import make_plan, open_stores
from sercli.training.settings import configure, gather
from sercli.training.trials import compute_features, train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")


@pytest.fixture
def plan_for(small_workspace, tmp_path):
    """A plan over the small corpus whose runs go into a folder of their own."""
    place = Workspace(tmp_path / "w")
    place.root.mkdir()
    (place.root / "corpora").symlink_to(small_workspace.root / "corpora")
    (place.root / "features").symlink_to(small_workspace.root / "features")
    small_workspace.features.mkdir(exist_ok=True)

    def make(folds="1", seeds=(0,), **changes):
        config = configure(merge(SMALL, changes), place, CPU)
        return make_plan(config, place, folds, seeds)

    return make


def quiet(line):
    pass


def test_a_model_of_everything_is_trained_and_tested_on_nothing(plan_for):
    plan = plan_for(protocol="train-on-all", training={"max_epochs": 3})
    (trial,) = train_trials(plan, CPU, quiet)
    assert {path.name for path in trial.path.iterdir()} - {".lock"} == {
        "bundle",
        "config.yaml",
        "history.csv",
        "metrics.json",
    }
    metrics = trial.metrics()
    assert metrics["utterances"] == {"train": 48, "dev": 0, "test": 0}
    assert (metrics["epoch"], metrics["epochs"]) == (3, 3)
    assert not any(name.startswith("test") for name in metrics)
    assert trial.settings()["provenance"]["shared_speakers"] == 0
    assert Bundle.load(trial.bundle).facts["protocol"] == "train-on-all@1"
    assert plan.todo == []


@pytest.mark.parametrize("selection", ["best-on-test", "best-dev-ua"])
def test_where_nothing_is_left_no_epoch_is_chosen(plan_for, selection):
    assert plan_for(protocol="train-on-all").config.training.selection == "last"
    with pytest.raises(ConfigError, match=rf"{selection}: 'train-on-all@1' has no part to select"):
        plan_for(protocol="train-on-all", training={"selection": selection})


def test_a_trial_leaves_all_that_is_promised(plan_for):
    plan = plan_for()
    (trial,) = train_trials(plan, CPU, quiet)
    assert {path.name for path in trial.path.iterdir()} - {".lock"} == {
        "bundle",
        "config.yaml",
        "dev_predictions.csv",
        "history.csv",
        "metrics.json",
        "predictions.csv",
    }
    metrics = json.loads(trial.metrics_file.read_text())
    assert metrics["utterances"] == {"train": 24, "dev": 12, "test": 12}
    assert metrics["epochs"] == 4
    history = trial.history()
    best = max(row["dev_ua"] for row in history)
    kept = history[metrics["epoch"] - 1]
    assert kept["dev_ua"] == best == pytest.approx(metrics["dev_ua"])
    assert all(row["dev_ua"] < best for row in history[: metrics["epoch"] - 1])
    provenance = trial.settings()["provenance"]
    assert provenance["fold_name"] == "speaker 03"
    assert provenance["corpus"]["expected"] == 535
    assert provenance["threads"] == torch.get_num_threads()


def test_tones_of_other_speakers_are_told_apart(plan_for):
    plan = plan_for(training={"max_epochs": 12})
    (trial,) = train_trials(plan, CPU, quiet)
    assert trial.metrics()["test_ua"] > 0.6


def test_the_bundle_predicts_what_the_table_says(plan_for):
    plan = plan_for()
    (trial,) = train_trials(plan, CPU, quiet)
    bundle = Bundle.load(trial.bundle)
    table = read_predictions(trial.predictions_file)
    again = np.concatenate(score(bundle.network, load_parts(plan, 1).test, bundle.outputs))
    np.testing.assert_allclose(again, table.probabilities, atol=1e-6)
    assert bundle.classes == table.classes == ("anger", "happiness", "neutral", "sadness")
    assert table.ids == plan.folds[0].test


@pytest.mark.parametrize("stop_after", [1, 3])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(plan_for, stop_after):
    whole = plan_for(seeds=(1,))
    (trial,) = train_trials(whole, CPU, quiet)
    expected, history = trial.predictions_file.read_bytes(), trial.history()
    whole.run.remove()

    said = []

    def interrupt(line):
        said.append(line)
        if len(said) == stop_after:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train_trials(whole, CPU, interrupt)
    assert not trial.finished
    said.clear()
    train_trials(whole, CPU, said.append)
    assert len(said) == 4 - (stop_after - 1)  # the last epoch had no checkpoint yet
    assert trial.predictions_file.read_bytes() == expected
    keys = ("epoch", "train_loss", "dev_loss", "dev_ua", "lr")
    assert [[row[k] for k in keys] for row in trial.history()] == [[row[k] for k in keys] for row in history]


def test_killed_between_training_and_testing_it_only_tests(plan_for, monkeypatch):
    plan = plan_for(training={"max_epochs": 30, "patience": 2})
    (trial,) = train_trials(plan, CPU, quiet)
    expected, epochs = trial.predictions_file.read_bytes(), len(trial.history())
    assert epochs < 30
    plan.run.remove()

    def die(*_, **__):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("sercli.training.trials.finish", die)
        with pytest.raises(RuntimeError, match="killed"):
            train_trials(plan, CPU, quiet)
    said = []
    train_trials(plan, CPU, said.append)
    assert said == []
    assert len(trial.history()) == epochs
    assert trial.predictions_file.read_bytes() == expected


def test_a_finished_trial_is_not_trained_again(plan_for):
    plan = plan_for()
    train_trials(plan, CPU, quiet)
    begun = []
    train_trials(plan, CPU, quiet, begun.append)
    assert begun == []


def test_equal_seeds_give_equal_numbers_and_others_differ(plan_for):
    first = plan_for(seeds=(0, 1))
    trials = train_trials(first, CPU, quiet)
    tables = [trial.predictions_file.read_bytes() for trial in trials]
    first.run.remove()
    again = [
        trial.predictions_file.read_bytes() for trial in train_trials(plan_for(seeds=(0, 1)), CPU, quiet)
    ]
    assert tables == again
    assert tables[0] != tables[1]


def test_a_runs_config_repeats_the_run(plan_for, tmp_path):
    plan = plan_for()
    (trial,) = train_trials(plan, CPU, quiet)
    given = gather(trial.config_file, [])
    assert configure(given, plan.workspace, CPU) == plan.config


def test_the_cyclical_rate_rises_for_an_epoch_and_falls_for_one(plan_for):
    plan = plan_for(training={"schedule": "cyclical", "lr": 1e-2, "lr_min": 1e-4})
    (trial,) = train_trials(plan, CPU, quiet)
    rates = [row["lr"] for row in trial.history()]
    np.testing.assert_allclose(rates, [1e-2, 1e-4, 1e-2, 1e-4], rtol=1e-5)


def test_two_trainings_of_one_trial_are_refused(plan_for):
    plan = plan_for()
    (trial,) = plan.trials
    trial.path.mkdir(parents=True)
    with (
        FileLock(trial.path / ".lock"),
        pytest.raises(RunError, match="another `sercli train` is training it"),
    ):
        train_trials(plan, CPU, quiet)


def test_a_loss_that_is_no_number_stops_and_says_so(plan_for):
    plan = plan_for(training={"lr": 1e30, "schedule": "constant"}, model={"head": "softmax"})
    with pytest.raises(RunError, match="the loss became NaN or infinite in epoch"):
        train_trials(plan, CPU, quiet)
    assert not plan.trials[0].finished


def test_a_class_without_training_utterances_is_an_error(plan_for):
    with pytest.raises(ConfigError, match="scheme 'emodb-7': no utterance of boredom, disgust, fear"):
        train_trials(plan_for(scheme="emodb-7"), CPU, quiet)


@pytest.mark.parametrize(("folds", "chosen"), [("all", (1, 2, 3, 4)), ("2", (2,)), ("1,3-4", (1, 3, 4))])
def test_folds_are_chosen_by_number(plan_for, folds, chosen):
    assert plan_for(folds).chosen == chosen


@pytest.mark.parametrize("folds", ["0", "5", "one", "2-", ""])
def test_folds_that_do_not_exist_are_an_error(plan_for, folds):
    with pytest.raises(ProtocolError, match="fold"):
        plan_for(folds)


def test_without_a_corpus_the_papers_are_looked_for(small_workspace, workspace):
    config = configure({"arch": "mdcnn"}, small_workspace, CPU)
    assert (config.corpus, config.scheme.name) == ("emodb", "emodb-7")
    with pytest.raises(CorpusError, match=r"none of mdcnn's corpora is prepared \(iemocap, emodb\)"):
        configure({"arch": "mdcnn"}, workspace, CPU)


def test_a_model_of_everything_has_the_classes_of_the_papers_folds():
    place = SimpleNamespace(facts=lambda corpus: {"emotions": {"anger": 1}, "protocol": "speaker-5-fold"})
    given = {"arch": "melcnn", "corpus": "ravdess"}
    assert configure(given, place, CPU).scheme.name == "ravdess-14"
    everything = configure(given | {"protocol": "train-on-all"}, place, CPU)
    assert everything.scheme.name == "ravdess-14"


def test_settings_of_file_assignments_and_options_are_laid_over_each_other(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        yaml.safe_dump({"arch": "mdcnn", "training": {"lr": 0.1, "batch_size": 4}, "provenance": {}})
    )
    given = gather(path, ["training.lr=0.2"], corpus="emodb", scheme=None)
    assert given == {"arch": "mdcnn", "corpus": "emodb", "training": {"lr": 0.2, "batch_size": 4}}
    with pytest.raises(ConfigError, match="name an architecture with --arch: attpool"):
        gather(None, [])


def test_a_device_that_is_not_there_is_told():
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="torch finds no such device; see `sercli doctor`"):
            choose_device("cuda")
    with pytest.raises(ConfigError, match="use auto, cpu"):
        choose_device("tpu")
    with pytest.raises(ConfigError, match="devices two: write 1, 2 for two of them"):
        choose_device("cpu", "two")
    assert choose_device("cpu", "2") == Device("cpu", (0, 1), strategy="ddp")
    assert not choose_device("cpu", "1").several


def test_automatic_precision_is_resolved_before_it_is_recorded(plan_for):
    assert plan_for().config.training.precision in {"32-true", "bf16-mixed"}
    assert resolve_precision("32-true", CPU) == "32-true"
    with pytest.raises(ConfigError, match="16-mixed needs a GPU"):
        resolve_precision("16-mixed", CPU)
    with pytest.raises(ConfigError, match="precision='bf16': use auto, 32-true, bf16-mixed or 16-mixed"):
        resolve_precision("bf16", CPU)


def test_a_damaged_checkpoint_says_what_to_remove(plan_for):
    plan = plan_for()
    (trial,) = plan.trials
    trial.checkpoints.mkdir(parents=True)
    (trial.checkpoints / "last.ckpt").write_bytes(b"cut off")
    with pytest.raises(RunError, match=r"last\.ckpt: damaged; remove .*seed-0 and train again"):
        train_trials(plan, CPU, quiet)


def test_a_workspace_moved_in_the_middle_keeps_the_best_epoch(plan_for, tmp_path):
    plan = plan_for(seeds=(1,))
    (trial,) = train_trials(plan, CPU, quiet)
    expected = trial.predictions_file.read_bytes()
    plan.run.remove()
    said = []

    def interrupt(line):
        said.append(line)
        if len(said) == 4:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train_trials(plan, CPU, interrupt)
    moved = Workspace(tmp_path / "elsewhere")
    plan.workspace.root.rename(moved.root)
    again = make_plan(plan.config, moved, "1", (1,))
    (trial,) = train_trials(again, CPU, quiet)
    assert trial.predictions_file.read_bytes() == expected


def test_features_that_were_deleted_are_computed_again(plan_for):
    plan = plan_for(features={"n_mels": 30})
    compute_features(plan)
    for store in open_stores(plan):
        shutil.rmtree(store.path)
    (trial,) = train_trials(plan, CPU, quiet)
    assert trial.finished


def test_a_full_disk_during_a_checkpoint_is_told_and_gone_on_from(plan_for, monkeypatch):
    plan = plan_for()

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(OSError, match="No space left on device") as caught:
            train_trials(plan, CPU, quiet)
    assert caught.value.filename.endswith(".ckpt")
    (trial,) = train_trials(plan, CPU, quiet)
    assert trial.finished


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ({}, {"x": ("waveform", "none", None)}),
        ({"input": "logmel"}, {"x": ("logmel40", "per-map", None), "wave": ("waveform", "none", "rms")}),
        (
            {"input": "logmel", "variant": "c"},
            {"x": ("logmel40", "per-map", None), "wave": ("waveform", "none", "max")},
        ),
        ({"input": "logmel", "variant": "a"}, {"x": ("logmel40", "per-map", None)}),
    ],
)
def test_the_inputs_of_diccoser_follow_from_its_variant(plan_for, model, inputs):
    place = plan_for().workspace
    given = {"arch": "diccoser", "corpus": "emodb", "scheme": "emodb-4", "model": model}
    features = configure(given, place, CPU).features
    found = {
        name: (each.kind, each.statistics, each.config.aggregate if name == "wave" else None)
        for name, each in features.items()
    }
    assert found == inputs
    assert {each.config.duration_s for each in features.values()} == {3.0}


def test_diccoser_trains_on_two_inputs_of_two_frame_rates(plan_for):
    settings = {"model": {"input": "logmel", "channels": 4, "frames": 5}}
    settings["features"] = {name: {"duration_s": 0.2} for name in ("x", "wave")}
    place = plan_for().workspace
    given = {"arch": "diccoser", "corpus": "emodb", "scheme": "emodb-4", "training": {"max_epochs": 1}}
    plan = make_plan(configure(given | settings, place, CPU), place, "1", [0])
    (trial,) = train_trials(plan, CPU, report=lambda line: None)
    assert trial.metrics()["epochs"] == 1


def test_the_history_has_the_ua_of_the_training_part(plan_for):
    # At a rate of next to nothing the weights stay, so the figure is that of the untrained network.
    plan = plan_for(training={"max_epochs": 1, "lr": 1e-30, "schedule": "constant", "precision": "32-true"})
    (trial,) = train_trials(plan, CPU, quiet)
    parts = load_parts(plan, trial.fold, trial.seed)
    network = build_module(plan, parts, trial.seed).network.eval()
    batch = parts.train[list(range(len(parts.train)))]
    with torch.no_grad():
        hits = network(**batch.inputs, mask=batch.mask).argmax(1) == batch.target
    recalls = [float(hits[batch.target == number].float().mean()) for number in range(4)]
    assert trial.history()[0]["train_ua"] == pytest.approx(sum(recalls) / 4)
