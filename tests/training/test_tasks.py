"""Trainings beyond the plain one: continuous labels, augmented data, weights to start from, rates tried."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import SMALL, tone

from sercli.audit import Verdict
from sercli.audit.run import from_run
from sercli.bundle import Bundle
from sercli.config import merge
from sercli.data.items import read_trace
from sercli.devices import Device
from sercli.errors import ConfigError, RunError
from sercli.evaluation import evaluate
from sercli.evaluation.predictions_csv import read_predictions
from sercli.inference import score
from sercli.preparation import prepare
from sercli.records import pool
from sercli.reports.run import report_run
from sercli.reports.share import export_bundle
from sercli.tasks import Outputs
from sercli.training import settings as run_settings
from sercli.training.fit import build_module
from sercli.training.folds import load_parts
from sercli.training.initial_weights import name_bundle, start_from
from sercli.training.plan import make_plan
from sercli.training.settings import configure
from sercli.training.trials import compute_features, train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")
SECONDS = 3.4  # three segments of a second, and a rest

REGRESSION = {
    "arch": "cnnlstm",
    "corpus": "synth-continuous",
    "model": {"filters": [4, 4, 4], "hidden_size": 8, "layers": 1, "dropout": 0.0},
    "segments": {"size_s": 1.0, "hop_s": 0.5, "test_hop_s": 1.0},
    "training": {"max_epochs": 3, "lr": 0.01, "precision": "32-true"},
}


TRACES = Outputs((), ("arousal", "valence"), per_frame=True)


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    """A workspace with the continuous corpus, every recording a few seconds of tone."""
    root = tmp_path_factory.mktemp("talking")
    time = np.arange(int(SECONDS * 25)) / 25

    def talk(speaker, seconds, rng):
        loud = np.sin(2 * np.pi * time / 2 + rng.uniform(0, 6))
        samples = tone(SECONDS, seed=int(rng.integers(100))) * np.repeat(1.5 + loud, 640)
        return samples.astype(np.float32), np.stack([loud, -loud], 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sercli.corpora.synth_continuous.talk", talk)
        workspace = Workspace(root)
        prepare("synth-continuous", None, workspace)
    return workspace


def planned(workspace, settings, **changes):
    plan = make_plan(configure(merge(settings, changes), workspace, CPU), workspace, "1")
    compute_features(plan)
    return plan


@pytest.fixture
def small(small_workspace, tmp_path):
    """A plan over the small corpus whose runs go into a folder of their own."""
    place = _own_runs(small_workspace, tmp_path)
    return lambda **changes: planned(place, SMALL, **changes)


def _own_runs(workspace, folder):
    """A workspace with the same corpora and features, and runs of its own."""
    own = Workspace(folder / "own")
    own.root.mkdir()
    workspace.features.mkdir(exist_ok=True)
    for name in ("corpora", "features"):
        (own.root / name).symlink_to(workspace.root / name)
    return own


def quiet(line):
    pass


def test_a_regressor_is_trained_selected_and_tested(talking):
    plan = planned(talking, REGRESSION)
    (trial,) = train_trials(plan, CPU, quiet)
    metrics, history = trial.metrics(), trial.history()
    assert plan.config.task.name == trial.settings()["provenance"]["task"] == "regression"
    assert metrics["dev_ccc"] == pytest.approx(max(row["dev_ccc"] for row in history), abs=1e-6)
    assert set(metrics["test_ccc"]) == {"arousal", "valence"}
    predictions = read_predictions(trial.predictions_file)
    assert predictions.ids == plan.folds[0].test
    assert predictions.target[0].shape == predictions.predicted[0].shape == (int(SECONDS * 25), 2)
    np.testing.assert_allclose(
        predictions.target[0],
        read_trace(talking.corpus(plan.config.corpus), plan.utterances[predictions.ids[0]]),
        atol=1e-6,
    )
    bundle = Bundle.load(trial.bundle)
    assert bundle.segments == plan.config.segments
    (again,) = score(bundle.network, load_parts(plan, 1).test, bundle.outputs)
    np.testing.assert_allclose(again, predictions.predicted[0], atol=1e-6)


def test_a_regressor_of_everything_is_told_by_others_trained_alike(talking, tmp_path):
    training = {"max_epochs": 1, "selection": "last"}
    runs = []
    for protocol in ("speaker-3-fold", "train-on-all"):
        plan = planned(talking, REGRESSION, protocol=protocol, training=training)
        plan = replace(plan, chosen=tuple(range(1, len(plan.folds) + 1)))
        train_trials(plan, CPU, quiet)
        runs.append(plan.run)
    folds, everything = runs
    (trial,) = everything.trials()
    assert not trial.predictions_file.exists()
    assert trial.settings()["provenance"]["task"] == "regression"
    with pytest.raises(RunError, match="nothing of its corpus is left"):
        report_run(everything)
    export_bundle(everything, trial, tmp_path / "model", tested_by=folds)
    facts = Bundle.load(tmp_path / "model").facts
    tested = pool([read_predictions(each.predictions_file) for each in folds.trials()])
    table = evaluate(tested).table
    for name, ccc in facts["tested_by"]["figures"]["ccc"].items():
        assert ccc["value"] == pytest.approx(table.row(f"ccc_{name}").value)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| | 3 networks with equal settings, pooled |" in card
    assert "Unsure" not in card


def test_consecutive_windows_are_joined_and_overlapping_ones_averaged(talking):
    class Ramp(torch.nn.Module):
        """Says the number of the frame within the window, and the window's first sample."""

        def forward(self, x, mask):
            frames = torch.arange(25.0).expand(len(x), 25)
            return torch.stack([frames, x[:, 0, :1].expand(-1, 25)], dim=2)

    apart = load_parts(planned(talking, REGRESSION), 1).test
    (joined,) = score(Ramp(), apart, TRACES)
    np.testing.assert_allclose(joined[:, 0], np.arange(85) % 25)
    overlapping = load_parts(planned(talking, REGRESSION, segments={"test_hop_s": 0.8}), 1).test
    (mean,) = score(Ramp(), overlapping, TRACES)
    # Windows begin at frames 0, 20, 40 and 60 (and 80, filled up): frame 22 is 22 of one, 2 of the next.
    assert mean[[19, 22, 30], 0].tolist() == [19, 12, 10]


def test_labels_that_an_augmentation_would_spoil_are_refused(talking):
    with pytest.raises(ConfigError, match="'flip' changes continuous labels; leave it out"):
        planned(talking, REGRESSION, augment={"flip": {}})


@pytest.mark.parametrize(
    ("segments", "message"),
    [({"tail": "drop"}, "leaves labels untested"), ({"test_hop_s": 2.0}, "would not be tested")],
)
def test_windows_that_leave_labels_untested_are_refused(talking, segments, message):
    with pytest.raises(ConfigError, match=message):
        planned(talking, REGRESSION, segments=segments)


def test_statistics_of_unchanged_audio_do_not_go_with_changed_audio(small):
    with pytest.raises(ConfigError, match="per-utterance is computed from the unchanged audio"):
        small(augment={"gain": {}}, features={"x": {"statistics": "per-utterance"}})


def test_without_a_dev_part_the_last_epoch_counts(small):
    plan = small(protocol="leave-one-speaker-out-no-dev")
    assert plan.config.training.selection == "last"
    assert plan.config.training.patience is None


@pytest.mark.parametrize("training", [{"selection": "best-dev-ua"}, {"patience": 3}])
def test_what_has_no_effect_without_a_dev_part_makes_no_other_run(small, training):
    protocol = "leave-one-speaker-out-no-dev"
    plan = small(protocol=protocol, training=training)
    assert (plan.config, plan.run) == ((same := small(protocol=protocol)).config, same.run)
    on_test = small(protocol=protocol, training={"selection": "best-on-test", "patience": 3}).config.training
    assert (on_test.selection, on_test.patience) == ("best-on-test", 3)


@pytest.mark.parametrize(
    ("frames", "size_s", "told"),
    [
        (
            500,
            10.0,
            "model.frames=500 is a window of 20 s, but segments.size_s is 10: set model.frames=250 or",
        ),
        (250, 20.0, "model.frames=250 is a window of 10 s, but .* segments.size_s=10"),
        (75, 3.02, "model.frames=75 is a window of 3 s, but .* set model.frames=76 or segments.size_s=3"),
        (75, 3.0, None),
        (1, 0.1, "set model.frames=2 or"),
    ],
)
def test_the_window_that_a_network_is_made_for_is_the_one_that_is_cut(talking, frames, size_s, told):
    settings = {"arch": "diccoser", "corpus": "synth-continuous", "model": {"frames": frames}}
    settings["segments"] = {"size_s": size_s, "hop_s": size_s, "test_hop_s": size_s}
    if told is None:
        assert configure(settings, talking, CPU).segments.size_s == size_s
        return
    with pytest.raises(ConfigError, match=told):
        configure(settings, talking, CPU)


def test_a_setting_is_given_once():
    gather = run_settings.gather
    both = {"training": {"max_epochs": 1}, "arch": "eca"}
    with pytest.raises(ConfigError, match=r"training\.max_epochs is set to 5 and to 1; give it one value"):
        gather(None, ["training.max_epochs=5"], **both)
    given = gather(None, ["training.max_epochs=1", "training.lr=0.1", "arch=eca"], **both)
    assert given["training"] == {"max_epochs": 1, "lr": 0.1}
    with pytest.raises(ConfigError, match=r"augment\.flip is set, but --augment leaves flip out"):
        gather(None, ["augment.flip.p=0.3"], arch="eca", augment="noise")


def test_the_audit_knows_weights_of_another_fold(small):
    (trial,) = train_trials(small(), CPU, quiet)
    elsewhere = small(init=str(trial.bundle), training={"max_epochs": 1})
    elsewhere = replace(elsewhere, chosen=(1, 2))
    train_trials(elsewhere, CPU, quiet)
    _, _, findings = from_run(elsewhere.run, elsewhere.workspace)
    found = next(each for each in findings if each.check == "init")
    assert found.verdict is Verdict.LEAK
    assert "fold 2 started from weights of leave-one-speaker-out@1, fold 1" in found.fact


def test_an_epoch_chosen_on_the_test_part_is_a_leak(small):
    plan = small(training={"selection": "best-on-test", "max_epochs": 2})
    (trial,) = train_trials(plan, CPU, quiet)
    assert trial.metrics()["dev_ua"] == pytest.approx(trial.metrics()["test_ua"], abs=1e-6)
    _, _, findings = from_run(plan.run, plan.workspace)
    assert any(each.verdict is Verdict.LEAK and "optimistic" in each.fact for each in findings)


def test_a_network_for_classes_refuses_continuous_labels(talking):
    with pytest.raises(
        ConfigError, match=r"'mdcnn' is not made for a value for each frame.*take cnnlstm or diccoser"
    ):
        planned(talking, {"arch": "mdcnn", "corpus": "synth-continuous"})


def test_training_with_chance_interrupted_ends_as_uninterrupted(small_workspace, tmp_path):
    """Dropout in the network, and augmented data."""
    plan = eca(
        small_workspace,
        model={"dropout": 0.5},
        training={"max_epochs": 4},
        augment={"noise": {}, "shift": {}, "specaugment": {}, "mixup": {}},
    )
    plan = replace(plan, workspace=_own_runs(plan.workspace, tmp_path))
    (trial,) = train_trials(plan, CPU, quiet)
    expected, history = trial.predictions_file.read_bytes(), trial.history()
    plan.run.remove()
    said = []

    def interrupt(line):
        said.append(line)
        if len(said) == 2:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train_trials(plan, CPU, interrupt)
    train_trials(plan, CPU, quiet)
    assert trial.predictions_file.read_bytes() == expected
    assert [row["train_loss"] for row in trial.history()] == [row["train_loss"] for row in history]


def test_only_the_training_part_is_augmented(small):
    parts = load_parts(small(augment={"noise": {"p": 1.0}, "gain": {}}), 1)
    plain = load_parts(small(), 1)
    rows = [0, 1, 2]
    assert not torch.equal(parts.train[rows].inputs["x"], plain.train[rows].inputs["x"])
    assert torch.equal(parts.dev[rows].inputs["x"], plain.dev[rows].inputs["x"])
    assert torch.equal(parts.test[rows].inputs["x"], plain.test[rows].inputs["x"])
    np.testing.assert_array_equal(parts.statistics["x"].mean, plain.statistics["x"].mean)


def test_features_computed_anew_from_unchanged_audio_are_those_of_the_store(small):
    parts = load_parts(small(augment={"gain": {"gain_db_min": 1e-9, "gain_db_max": 1e-9}}), 1)
    plain = load_parts(small(), 1)
    torch.testing.assert_close(parts.train[[0, 5]].inputs["x"], plain.train[[0, 5]].inputs["x"])


ECA = {"arch": "eca", "model": {"n": 1, "base": 2}, "training": {"max_epochs": 1, "batch_size": 8}}


def eca(small_workspace, **changes):
    base = {"corpus": "emodb", "scheme": "emodb-4"} | ECA
    return planned(small_workspace, base, **changes)


def test_eight_variants_train_and_one_is_tested(small_workspace):
    plan = eca(small_workspace, augment={"stft-multi": {"train": ["v1", "v4", "v8"]}})
    parts = load_parts(plan, 1)
    n = len(plan.folds[0].train)
    assert len(parts.train) == 3 * n
    assert parts.train.ids[:n] == parts.train.ids[n : 2 * n] == parts.train.ids[2 * n :]
    assert len(parts.test) == len(plan.folds[0].test)
    windows = [choice.config.window_ms for choice in plan.config.variants.values()]
    assert windows == [15.0, 30.0, 50.0]
    v8 = plan.config.variants["v8"].open_store(plan.workspace.features)
    first = plan.utterances[plan.folds[0].test[0]]
    standard = parts.statistics["x"].apply(v8[v8.key(first)])
    np.testing.assert_allclose(parts.test[[0]].inputs["x"][0].numpy(), standard, atol=1e-6)


def test_one_variant_of_each_utterance_is_drawn_anew_each_epoch(small_workspace):
    plan = eca(small_workspace, augment={"stft-multi": {"each": "random", "train": ["v1", "v8"]}})
    train = load_parts(plan, 1).train
    assert len(train) == len(plan.folds[0].train)
    seen = []
    for epoch in range(6):
        train.set_epoch(epoch)
        seen.append(train[[0]].inputs["x"])
    assert 1 < len({x.sum().item() for x in seen}) <= 2


def test_stft_multi_wants_a_feature_with_variants(small):
    with pytest.raises(ConfigError, match="no variant 'v8': 'logmel3d' has none, logmel has"):
        small(augment={"stft-multi": {}})


def test_a_training_starts_from_a_bundle(small):
    plan = small()
    (trial,) = train_trials(plan, CPU, quiet)
    going_on = small(init=str(trial.bundle))
    assert going_on.run.name != plan.run.name
    module = build_module(going_on, load_parts(going_on, 1), seed=5)
    weights = Bundle.load(trial.bundle).network.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in module.network.state_dict().items())


def test_the_head_stays_new_where_the_classes_are_others(small):
    (trial,) = train_trials(small(), CPU, quiet)
    network = Bundle.load(trial.bundle).network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.nn.init.zeros_(network.head.weight)
    fresh = start_from(network, name_bundle(trial.bundle), "mdcnn", ("a", "b", "c", "d"))
    assert fresh
    assert all(name.startswith("head.") for name in fresh)
    assert not network.head.weight.any()
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items() if k not in fresh)


def test_a_bundle_that_does_not_fit_is_refused(small, tmp_path):
    (trial,) = train_trials(small(), CPU, quiet)
    other = small(init=str(trial.bundle), model={"filters": 4})
    with pytest.raises(ConfigError, match="has other settings or features"):
        build_module(other, load_parts(other, 1), seed=0)
    with pytest.raises(RunError, match="no bundle there"):
        small(init=str(tmp_path))
    with pytest.raises(ConfigError, match="not the bundle that was named"):
        start_from(torch.nn.Linear(1, 1), name_bundle(trial.bundle) + "0", "mdcnn", ())
