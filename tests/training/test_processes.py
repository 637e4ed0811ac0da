"""Trials in several processes: side by side, and two that train one together."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import yaml
from conftest import SMALL, tone

from sercli.data.batches import BucketSampler, sorted_batches, split
from sercli.devices import Device
from sercli.evaluation.predictions_csv import read_predictions
from sercli.preparation import prepare
from sercli.runs.folder import all_runs
from sercli.training.jobs import launch_processes
from sercli.training.plan import make_plan
from sercli.training.settings import configure
from sercli.training.trials import compute_features
from sercli.workspace import Workspace

SETTINGS = {
    **SMALL,
    "training": SMALL["training"] | {"max_epochs": 3, "precision": "32-true"},
}


@pytest.fixture
def own(small_workspace, tmp_path):
    """A workspace with the small corpus and runs of its own, and settings in a file."""
    place = Workspace(tmp_path / "w")
    place.root.mkdir()
    small_workspace.features.mkdir(exist_ok=True)
    for name in ("corpora", "features"):
        (place.root / name).symlink_to(small_workspace.root / name)
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    return place


def command(place, *options):
    settings = place.root.parent / "settings.yaml"
    return [
        *(sys.executable, "-m", "sercli", "train", "--config", str(settings)),
        *("--workspace", str(place.root), "--accelerator", "cpu", *options),
    ]


def sercli(place, *options):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command(place, *options), env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def results(place):
    (run,) = all_runs(place)
    return {(trial.fold, trial.seed): trial for trial in run.trials()}


def test_every_row_is_in_one_process_s_part_and_all_have_as_many_batches():
    lengths = list(range(10, 75))
    for processes in (1, 2, 3):
        parts = [
            list(BucketSampler(lengths, 8, 0, rank=rank, processes=processes)) for rank in range(processes)
        ]
        assert len({len(part) for part in parts}) == 1
        assert all(rows for part in parts for rows in part)
        assert sorted(row for part in parts for rows in part for row in rows) == list(range(65))
        tested = [sorted_batches(lengths, 8, rank, processes) for rank in range(processes)]
        assert sorted(row for part in tested for rows in part for row in rows) == list(range(65))


def test_a_rest_too_small_for_all_processes_joins_the_batch_before():
    assert split(list(range(9)), 4) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert split(list(range(9)), 4, least=2) == [[0, 1, 2, 3], [4, 5, 6, 7, 8]]
    assert split([0], 4, least=2) == [[0]]


@pytest.mark.slow
def test_two_processes_train_as_one(own, tmp_path):
    """MDCNN, class-weighted ArcFace: losses, dev figures and predictions, up to rounding."""
    done = sercli(own, "--fold", "1")
    assert done.returncode == 0, done.stderr
    one = results(own)[1, 0]
    expected, history = read_predictions(one.predictions_file), one.history()
    all_runs(own)[0].remove()
    done = sercli(own, "--fold", "1", "--devices", "2")
    assert done.returncode == 0, done.stderr
    two = results(own)[1, 0]
    for row, wanted in zip(two.history(), history, strict=True):
        for name in ("train_loss", "dev_loss", "dev_ua", "lr"):
            assert row[name] == pytest.approx(wanted[name], rel=2e-4), name
    found = read_predictions(two.predictions_file)
    assert found.ids == expected.ids
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=2e-3)


@pytest.mark.slow
def test_trials_side_by_side_give_what_one_after_the_other_gives(own):
    options = ("--fold", "1-2", "--seed", "0,3")
    assert sercli(own, *options).returncode == 0
    expected = {key: trial.predictions_file.read_bytes() for key, trial in results(own).items()}
    all_runs(own)[0].remove()
    done = sercli(own, *options, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "fold 2, seed 3: epoch   3/3" in done.stdout
    assert {key: trial.predictions_file.read_bytes() for key, trial in results(own).items()} == expected
    again = sercli(own, *options, "--jobs", "2")
    assert "0 of 4 trials, 4 are finished" in again.stdout


@pytest.mark.slow
def test_killed_and_run_again_it_ends_bit_identical(own):
    """kill -9 in the middle of the second epoch or later; dropout and chance come from seed and step."""
    assert sercli(own, "--fold", "2", "--max-epochs", "8").returncode == 0
    whole = results(own)[2, 0]
    expected, history = whole.predictions_file.read_bytes(), whole.history()
    all_runs(own)[0].remove()
    with subprocess.Popen(
        command(own, "--fold", "2", "--max-epochs", "8"),
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout:
            if "epoch   2/8" in line:
                process.send_signal(signal.SIGKILL)
    assert not results(own)[2, 0].finished
    done = sercli(own, "--fold", "2", "--max-epochs", "8")
    assert done.returncode == 0, done.stderr
    trial = results(own)[2, 0]
    assert trial.predictions_file.read_bytes() == expected
    figures = [
        [row[name] for name in ("epoch", "train_loss", "dev_loss", "dev_ua")] for row in trial.history()
    ]
    wanted = [[row[name] for name in ("epoch", "train_loss", "dev_loss", "dev_ua")] for row in history]
    assert figures == wanted


@pytest.mark.slow
def test_a_killed_command_leaves_no_process_at_work(own):
    with subprocess.Popen(
        command(own, "--fold", "1-2", "--jobs", "2", "--max-epochs", "500"),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        for line in process.stdout:
            if "epoch" in line and "fold 1, seed" in line:
                process.kill()
                break
    assert_nothing_runs(process.pid)


def assert_nothing_runs(session):
    """Wait until no process of a session is left."""
    deadline = time.monotonic() + 30
    while subprocess.run(["pgrep", "-s", str(session)], capture_output=True, check=False).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.mark.slow
def test_ctrl_c_ends_all_trials_and_the_same_command_resumes_them(own):
    options = ("--fold", "1-2", "--jobs", "2", "--max-epochs", "40")
    with subprocess.Popen(
        command(own, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        for line in process.stdout:
            if "epoch   3/40" in line:
                begun = line[: line.index("3/40")]
                os.killpg(process.pid, signal.SIGINT)
                break
        assert "interrupted; run the same command again" in process.stderr.read()
    assert process.returncode == 130
    assert_nothing_runs(process.pid)
    assert 3 <= max(len(trial.history()) for trial in results(own).values()) < 40
    done = sercli(own, *options)
    assert done.returncode == 0, done.stderr
    assert all(trial.finished for trial in results(own).values())
    assert f"{begun}1/40" not in done.stdout


def train_in_turn(trials):
    """Train trials in forks of one template, one after the other; return their weights and predictions."""
    reasons = []

    def on_end(plan, trial, reason):
        reasons.append(reason)

    launch_processes(trials, lambda *_: None, lambda *_: None, on_end, device=Device("cpu"), jobs=1)
    assert reasons == [None] * len(trials)
    return [bits(trial) for _, trial in trials]


def bits(trial):
    return trial.predictions_file.read_bytes() + (trial.bundle / "weights.safetensors").read_bytes()


@pytest.mark.slow
def test_a_trial_gives_the_same_bits_after_another_one_and_alone(own, tmp_path, monkeypatch):
    """Two networks with dropout take turns, in both orders."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    plans = []
    for rate in (0.3, 0.5):
        network = {"filters": [4, 4, 4], "hidden_size": 8, "layers": 1, "dropout": rate}
        settings = {"arch": "cnnlstm", "corpus": "emodb", "scheme": SMALL["scheme"], "model": network}
        training = {"max_epochs": 2, "precision": "32-true"}
        config = configure(settings | {"training": training}, own, Device("cpu"))
        plans.append(make_plan(config, own, "1-2"))
        compute_features(plans[-1])
    trials = [(plan, plan.trials[fold]) for fold in (0, 1) for plan in plans]
    found = train_in_turn(trials)
    assert len(set(found)) == 4
    for plan in plans:
        plan.run.remove()
    assert train_in_turn(trials[::-1]) == found[::-1]
    for plan, expected in zip(plans, found, strict=False):
        plan.run.remove()
        (tmp_path / "settings.yaml").write_text(yaml.safe_dump(plan.config.to_dict()))
        done = sercli(own, "--fold", "1", "--seed", "0")
        assert done.returncode == 0, done.stderr
        assert bits(plan.trials[0]) == expected


def test_a_dry_run_says_what_there_is_to_do_and_writes_nothing(own):
    done = sercli(own, "--fold", "1-2", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "fold 1 (speaker 03), seed 0: to do" in done.stdout
    assert "2 of 2 trials" in done.stdout
    assert not own.runs.exists()


@pytest.mark.slow
def test_a_failed_trial_is_told_with_its_reason(own):
    done = sercli(own, "--fold", "1-2", "--jobs", "2", "--set", "training.lr=1e30")
    assert done.returncode == 1
    assert "trials failed" in done.stderr
    assert "the loss became NaN or infinite in epoch 1, in the batch of emodb/" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["batch", "sequence"])
def test_two_processes_learn_continuous_labels_as_one(tmp_path, scope):
    """Batches of five: one process has three windows, the other two."""
    place = Workspace(tmp_path / "w")
    prepare("synth-continuous", None, place)
    settings = {
        "arch": "cnnlstm",
        "corpus": "synth-continuous",
        "model": {"filters": [4, 4, 4], "hidden_size": 8, "layers": 1, "dropout": 0.0},
        # RMSprop's first steps are as long for a gradient of 1e-9, which is all rounding, as for any other.
        "training": {
            "max_epochs": 2,
            "optimizer": "sgd",
            "lr": 0.01,
            "precision": "32-true",
            "ccc_scope": scope,
        },
    }
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    assert sercli(place, "--fold", "1").returncode == 0
    history = results(place)[1, 0].history()
    all_runs(place)[0].remove()
    done = sercli(place, "--fold", "1", "--devices", "2")
    assert done.returncode == 0, done.stderr
    for row, wanted in zip(results(place)[1, 0].history(), history, strict=True):
        assert row["train_loss"] == pytest.approx(wanted["train_loss"], abs=2e-4)
        assert row["dev_ccc"] == pytest.approx(wanted["dev_ccc"], abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["ccc", "mae"])
def test_two_processes_learn_values_as_one(tmp_path, loss):
    """Batches of five utterances: one process has three, the other two."""
    rows = ["file,speaker,arousal"]
    for i in range(20):
        soundfile.write(tmp_path / f"{i}.wav", tone(0.4, pitch=100 + 30 * i), 16_000)
        rows.append(f"{i}.wav,{'abcd'[i % 4]},{1 + i / 4}")
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    place = Workspace(tmp_path / "w")
    prepare("csv", tmp_path / "t.csv", place, name="rated")
    settings = {
        "arch": "mlp",
        "corpus": "rated",
        "scheme": {"targets": ["arousal"]},
        "protocol": "leave-one-speaker-out",
        "model": {"dropout": 0.0, "hidden": [8]},
        "features": {"x": {"kind": "logmel3d"}},
        "training": {
            "max_epochs": 2,
            "optimizer": "sgd",
            "lr": 0.01,
            "precision": "32-true",
            "loss": loss,
            "batch_size": 5,
        },
    }
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    assert sercli(place, "--fold", "1").returncode == 0
    history = results(place)[1, 0].history()
    all_runs(place)[0].remove()
    done = sercli(place, "--fold", "1", "--devices", "2")
    assert done.returncode == 0, done.stderr
    for row, wanted in zip(results(place)[1, 0].history(), history, strict=True):
        assert row["train_loss"] == pytest.approx(wanted["train_loss"], abs=2e-3)
