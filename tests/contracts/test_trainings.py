"""What the training of every architecture promises: its recipe, and any feature that fits."""

import re

import pytest

from sercli.config import merge
from sercli.devices import Device
from sercli.errors import ConfigError
from sercli.features import feature_names, get_feature
from sercli.models import architecture_names, get_architecture
from sercli.runs.training import TrainingConfig
from sercli.training import SERModule
from sercli.training.fit import build_module
from sercli.training.folds import load_parts
from sercli.training.plan import make_plan
from sercli.training.settings import configure
from sercli.training.trials import compute_features

CPU = Device("cpu")

SMALL = {
    "mdcnn": {"filters": 4, "blocks": 1},
    "eca": {"n": 1, "base": 2},
    "melcnn": {"filters": [4, 4, 4, 4], "pools": [2, 2, 2, 2]},
    "diccoser": {"channels": 4},
    "cnnlstm": {"filters": [4, 4, 4], "hidden_size": 4},
    "attpool": {"head": "gap"},
    "linear": {},
    "probe": {"projection": 4},
    "finetune": {"projection": 4},
    "mlp": {"hidden": [4]},
}
WITH_FRAMES = {"pretrained": {"pool": "none"}, "opensmile": {"level": "lld", "set": "ComParE_2016"}}
"""Settings of kinds that have one frame for an utterance by default."""


def rank(kind):
    feature = get_feature(kind)
    return len(feature.shape(feature.config()))


def planned(workspace, name, **changes):
    settings = {"arch": name, "corpus": "emodb", "scheme": "emodb-4", "model": SMALL[name]}
    if get_architecture(name).solve is None:
        settings = merge(settings, {"training": {"max_epochs": 1, "batch_size": 4}})
    plan = make_plan(configure(merge(settings, changes), workspace, CPU), workspace, "1")
    compute_features(plan)
    return plan


@pytest.mark.parametrize("name", architecture_names())
def test_a_step_of_its_recipe_trains(name, small_workspace):
    module = train_a_step(planned(small_workspace, name))
    assert type(module) is SERModule


@pytest.mark.parametrize("kind", feature_names())
@pytest.mark.parametrize("name", architecture_names())
def test_any_feature_trains_that_fits_and_others_say_what_would(name, kind, small_workspace):
    usual = get_architecture(name).inputs_for(get_architecture(name).config())["x"]
    config = get_feature(kind).config()
    whole = {"duration_s": None} if hasattr(config, "duration_s") else WITH_FRAMES.get(kind, {})
    features = {"x": {"kind": kind} | whole}
    changes = {"features": features, "segments": {"size_s": 1.0, "frames": None}}
    if rank(kind) != rank(usual):
        with pytest.raises(ConfigError, match=f"takes .*, '{kind}' gives .*; take .*{usual}"):
            planned(small_workspace, name, **changes)
        return
    if name == "finetune" and kind != "pretrained":
        with pytest.raises(ConfigError, match=f"kind={kind}: the network needs pretrained here"):
            planned(small_workspace, name, **changes)
        return
    if name == "melcnn":
        with pytest.raises(ConfigError, match=r"set model.frames=\d+") as told:
            train_a_step(planned(small_workspace, name, **changes))
        frames = int(re.search(r"set model.frames=(\d+)", str(told.value))[1])
        changes["model"] = SMALL[name] | {"frames": frames}
    train_a_step(planned(small_workspace, name, **changes))


def train_a_step(plan):
    parts = load_parts(plan, 1)
    module = build_module(plan, parts, seed=0)
    batch = parts.train[[0, 1, 2, 3]]
    loss = module.batch_loss(module(batch), batch)
    loss.backward()
    assert loss.isfinite()
    assert any(p.grad is not None and p.grad.any() for p in module.parameters())
    return module


def test_a_network_of_one_length_says_what_to_set(small_workspace):
    with pytest.raises(ConfigError, match=r"'eca' takes utterances of one length: set segments.size_s"):
        planned(small_workspace, "eca", features={"x": {"kind": "logmel3d"}})
    with pytest.raises(ConfigError, match=r"set features.x.duration_s or segments.size_s"):
        planned(small_workspace, "eca", features={"x": {"duration_s": None}})


@pytest.mark.parametrize("arch", architecture_names())
def test_where_the_last_epoch_counts_the_learning_rate_is_low_by_then(arch):
    training = TrainingConfig(**get_architecture(arch).recipe.training)
    if training.selection == "last" and get_architecture(arch).solve is None:
        falls = [epoch for epoch in training.milestones if epoch <= training.max_epochs]
        assert training.schedule == "cosine" or (training.schedule == "steps" and len(falls) >= 2)
