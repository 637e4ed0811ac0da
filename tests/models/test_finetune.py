"""Training the upper layers of an encoder: its parts, its bundle, its learning rates."""

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from small_encoders import encoder_folder

from sercli.bundle import Bundle
from sercli.devices import Device
from sercli.encoders import loading
from sercli.errors import ConfigError, FeatureError
from sercli.inference.insight import layer_weights
from sercli.models.finetune import FinetuneConfig
from sercli.models.probe import Probe, ProbeConfig
from sercli.reports.share import export_bundle
from sercli.runs.training import TrainingConfig
from sercli.training.fit import build_module
from sercli.training.folds import load_parts
from sercli.training.module import warming
from sercli.training.plan import make_plan
from sercli.training.settings import check, configure
from sercli.training.trials import compute_features, train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")


@pytest.fixture(scope="module")
def place(small_workspace, tmp_path_factory):
    own = Workspace(tmp_path_factory.mktemp("finetune") / "w")
    own.root.mkdir()
    (own.root / "corpora").symlink_to(small_workspace.root / "corpora")
    return own


def plan_of(place, model=(), **training):
    settings = {
        "arch": "finetune",
        "corpus": "emodb",
        "scheme": "emodb-4",
        "protocol": "leave-one-speaker-out",
        "model": {"projection": 4, **dict(model)},
        "training": {"max_epochs": 1, "batch_size": 4, "precision": "32-true", **training},
    }
    plan = make_plan(configure(settings, place, CPU), place, "1")
    compute_features(plan)
    return plan


def trained(place, **settings):
    plan = plan_of(place, **settings)
    (trial,) = train_trials(plan, CPU, lambda line: None)
    return plan, trial


@pytest.mark.parametrize("model", [{"first_layer": 3}, {"lora_rank": 2}])
def test_a_bundle_holds_what_was_trained_and_names_the_encoder(place, model):
    stored = "lora_" if "lora_rank" in model else ".layers.0."
    plan, trial = trained(place, model=model)
    bundle = Bundle.load(trial.bundle)
    of_encoder = [name for name in bundle.network.state_dict() if name.startswith("encoder.")]
    assert of_encoder
    assert all(stored in name for name in of_encoder)
    described = json.loads((trial.bundle / "bundle.json").read_text())
    assert described["model"]["tensors"] == described["inputs"]["x"]["encoder"]["tensors"]
    # The loaded network gives what the trained one gave in the test.
    batch = load_parts(plan, 1).test[[0, 1]]
    with torch.no_grad():
        scores = bundle.network(**batch.inputs, mask=batch.mask).softmax(1)
    lines = (trial.path / "predictions.csv").read_text().splitlines()
    header, rows = lines[0].split(","), {line.split(",")[0]: line.split(",") for line in lines[1:]}
    columns = [number for number, name in enumerate(header) if name.startswith("p(")]
    for name, own in zip(load_parts(plan, 1).test.ids, scores, strict=False):
        assert [float(rows[name][column]) for column in columns] == pytest.approx(own.tolist(), abs=1e-4)


def test_a_copy_of_the_encoder_serves_both_the_features_and_the_network(place, tmp_path):
    tiny = tmp_path / "tiny"
    shutil.copytree(encoder_folder("whisper"), tiny)
    plan, trial = trained(place, model={"first_layer": 2, "encoder": str(tiny)})
    export_bundle(plan.run, trial, tmp_path / "model", with_encoder=True)
    described = (tmp_path / "model/bundle.json").read_text()
    assert str(tiny) not in described
    assert str(tiny) not in (tmp_path / "model/README.md").read_text()
    tiny.rename(tmp_path / "gone")
    loading._load_once.cache_clear()
    bundle = Bundle.load(tmp_path / "model")
    assert Path(bundle.model.encoder).is_relative_to(tmp_path / "model")
    weights = layer_weights(bundle)
    assert (list(weights), sum(weights.values())) == ([0, 1, 2, 3], pytest.approx(1))


def test_an_untrained_network_is_the_probe_over_the_frozen_states(place):
    plan = plan_of(place, model={"first_layer": 2})
    network = build_module(plan, load_parts(plan, 1), seed=0).network.eval()
    probe = Probe(4, 32, 4, ProbeConfig(projection=4)).eval()
    probe.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("encoder.")})
    batch = load_parts(plan, 1).test[[0, 1, 2]]
    x = batch.inputs["x"]
    with torch.no_grad():
        above = torch.stack(network.encoder(x[:, -1].mT, batch.mask), 1).mT
        wanted = probe(torch.cat([x, above], 1), batch.mask)
        torch.testing.assert_close(network(x, batch.mask), wanted)


def test_settings_are_checked_without_the_encoder_where_nothing_may_be_downloaded(monkeypatch):
    monkeypatch.setattr("sercli.encoders.loading.find_encoder", None)  # calling it would fail
    named = {"arch": "finetune", "corpus": "emodb", "scheme": "emodb-4", "protocol": "leave-one-speaker-out"}
    model = {"encoder": "someone/absent", "first_layer": 2}
    assert check(named | {"model": model}).model.encoder == "someone/absent"
    with pytest.raises(ConfigError, match="unknown setting 'first'"):
        check(named | {"model": {"first": 2}})


def test_another_encoder_under_the_same_name_is_refused(place):
    _, trial = trained(place, model={"first_layer": 3})
    file = trial.bundle / "bundle.json"
    described = json.loads(file.read_text())
    described["model"]["encoder"] = str(encoder_folder("hubert"))
    described.pop("digest")
    changed = trial.path / "changed"
    changed.mkdir()
    (changed / "weights.safetensors").write_bytes((trial.bundle / "weights.safetensors").read_bytes())
    (changed / "bundle.json").write_text(json.dumps(described))
    with pytest.raises(FeatureError, match="not the encoder that is needed"):
        Bundle.load(changed)


def test_the_encoder_has_its_own_learning_rate_which_rises_and_falls(place):
    plan = plan_of(place)
    parts = load_parts(plan, 1)
    module = build_module(plan, parts, seed=0)
    groups = module.make_optimizer().param_groups
    assert [group["lr"] for group in groups] == [1e-3, 1e-4]
    counted = sum(len(group["params"]) for group in groups)
    assert counted == sum(each.requires_grad for each in module.network.parameters())
    encoder = {id(each) for each in module.network.encoder.parameters()}
    assert {id(each) for each in groups[1]["params"]} <= encoder


def test_the_learning_rate_warms_up():
    # 10 of 100 steps rise; half a cosine falls over the others.
    factor = warming(TrainingConfig(warmup=0.1, schedule="cosine"), 100)
    assert factor(0) == pytest.approx(1 / 11)
    assert factor(9) == pytest.approx(10 / 11)
    assert factor(10) == 1.0
    assert factor(55) == pytest.approx((1 + math.cos(math.pi / 2)) / 2)
    assert factor(100) == pytest.approx(0.0)
    assert warming(TrainingConfig(warmup=0.1), 100)(80) == 1.0


def test_the_name_of_a_run_depends_on_the_tensors_and_not_on_the_name_of_the_folder(tmp_path):
    config = FinetuneConfig(tensors="0" * 16)
    assert config.digest == FinetuneConfig(encoder=str(tmp_path), tensors="0" * 16, checkpointing=True).digest
    assert config.digest != FinetuneConfig(tensors="1" * 16).digest
    assert config.digest != FinetuneConfig(tensors="0" * 16, settings="0" * 16).digest
    assert "settings" not in config.deciding()  # as in runs of earlier releases


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"layers": [0]}, r"features.x.layers=.*the network needs \[0, 1\] here"),
        ({"model": "FOLDER"}, "leave features.x.model out, or change model.encoder$"),
        ({"kind": "logmel"}, "features.x.kind=logmel: the network needs pretrained here"),
    ],
)
def test_other_features_than_those_of_the_encoder_are_refused(place, features, message):
    features = {k: str(encoder_folder("hubert")) if v == "FOLDER" else v for k, v in features.items()}
    named = {"arch": "finetune", "corpus": "emodb", "scheme": "emodb-4", "model": {"first_layer": 2}}
    with pytest.raises(ConfigError, match=message):
        configure(named | {"features": features}, place, CPU)
