"""No setting gives a run another name and the same numbers, unless it is refused where somebody sets it.

Every setting of every part is changed alone, from the defaults and from each choice that may make it
idle. The numbers must change exactly where the part does not call the setting idle.
"""

from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import Literal, Union, get_args, get_origin

import numpy as np
import pytest
import torch
from conftest import SMALL as MDCNN
from conftest import tone
from contracts.test_trainings import SMALL
from pydantic import model_validator
from torch import nn

from sercli.augmentations import augmentation_names, get_augmentation
from sercli.bundle import Bundle
from sercli.config import merge
from sercli.data import Batch
from sercli.data.segments import Segmenter
from sercli.devices import Device
from sercli.errors import ConfigError
from sercli.features import feature_names, get_feature
from sercli.losses import LOSS_SETTINGS
from sercli.models import TrainingVectors, architecture_names, get_architecture
from sercli.models.layers import CosineHead
from sercli.runs.training import TrainingConfig
from sercli.segments import SegmentConfig
from sercli.statistics import fit
from sercli.tasks import VALUE_LOSSES, Outputs
from sercli.training import settings as run_settings
from sercli.training._idle import _same_statistics
from sercli.training.module import SERModule, module_of
from sercli.training.plan import make_plan
from sercli.training.settings import configure
from sercli.training.trials import train_trials
from sercli.workspace import Workspace

CPU = Device("cpu")

# Values for what has no number or choice to start from, and for what most numbers would not fit.
VALUES = {
    "alpha": [1.5],
    "band_width": [0, 1],
    "channels": [[2, 2, 2, 2, 4, 4], 6],
    "class_weight_alpha": [0.7],
    "clip_norm": [1e-3],
    "dense": [3],
    "duration_s": [0.3, 2.0],
    "encoder_lr": [0.01],
    "dropout": [0.3],
    "eca_kernel": [9, "adaptive"],
    "eca_layers": [[], [4]],
    "f_max": [3000.0],
    "f_min": [300.0],
    "factors": [[0.8], [1.0], "frequency-first"],
    "filters": [[2, 2, 2, 2], [2, 2, 2], 2],
    "first_layer": [[4, 2]],
    "frames": [20, 120],
    "hidden": [[5], [4, 4], []],
    "layers": [[1], [0, 2]],
    "milestones": [[2], [3]],
    "n_fft": [1100, 2200, "power-of-two"],
    "original": [True],
    "pools": [[1, 2, 2, 2]],
    "pools_after": [[1, 2, 3]],
    "size_s": [0.5],
    "spp_levels": [[1], [2, 4]],
    "test": ["v2"],
    "test_hop_s": [0.45],
    "time_share": [0.5],
    "time_width": [0, 1],
    "train": [["v8"], ["v1", "v2"]],
    "warmup": [0.4],
    "trim_db": [10.0],
}
CHOICES = {"eca_layers", "channels", "spp_levels", "blocks", "first_layer", "duration_s", "size_s", "train"}
CHOICES |= {"lora_rank"}
"""Settings besides those of named choices that may make others idle."""


def values(config, name):
    """List other values of a setting: of its choices, of `VALUES`, or near its own."""
    field, own = type(config).model_fields[name], getattr(config, name)
    literal = [value for part in parts(field.annotation) for value in get_args(part)]
    if isinstance(own, bool):
        found = [not own]
    elif literal or (name in VALUES and (name != "layers" or own == "all")):
        found = [*literal, *VALUES.get(name, ())]
    else:
        found = [own + 1, own - 1, 0] if isinstance(own, int) else [own * 1.5 or 0.1, own * 0.5, 0]
    return [value for value in found if as_list(value) != as_list(own)]


def as_list(value):
    return list(value) if isinstance(value, tuple) else value


def parts(annotation):
    """List the Literals within an annotation."""
    if get_origin(annotation) is Literal:
        return [annotation]
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        return [part for each in get_args(annotation) for part in parts(each)]
    return []


def changed(config, name, value):
    try:
        made = type(config)(**config.to_dict() | {name: value})
    except ConfigError:
        return None  # refused
    return None if made.conflict() else made


def contexts(config, thorough):
    """Give the settings as they are, and with each choice made otherwise that makes others idle, or any."""
    yield config
    for name, field in type(config).model_fields.items():
        chosen = isinstance(getattr(config, name), bool) or parts(field.annotation) or name in CHOICES
        for value in values(config, name) if chosen or name in {"p", "arcface_margin"} else ():
            other = changed(config, name, value)
            if other is not None and (thorough or other.idle() != config.idle()):
                yield other


def check(config, fingerprint, settings=None, thorough=True):
    """Change each setting in each context: numbers change just where it is not idle."""
    effective = set()
    for number, context in enumerate(contexts(config, thorough)):
        before = None
        for name in settings or type(config).model_fields:
            others = ((value, changed(context, name, value)) for value in values(context, name))
            accepted = ((value, other) for value, other in others if other is not None)
            for value, other in islice(accepted, None if number == 0 else 1):
                before = before or list(fingerprint(context))
                try:  # no further than to the first difference
                    same = all(map(equal, before, fingerprint(other)))
                except ConfigError:
                    continue
                # A setting may make its whole part idle (p=0): then the numbers change once.
                before_too, idle = name in context.idle(), name in other.idle()
                assert idle if same else not (idle and before_too), (
                    f"{name}={value} beside {context}: numbers {'stay' if same else 'change'}, idle: {idle}"
                )
                effective |= {name} if not same else set()
    assert effective == set(settings or type(config).model_fields)


def equal(one, other):
    if isinstance(one, torch.Tensor | np.ndarray):
        return one.shape == other.shape and bool((one == other).all())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(equal(a, b) for a, b in zip(one, other, strict=True))
    return one == other


# Three blocks, so that each dilation in turn differs.
TINY = {"diccoser": {"frames": 5}, "mdcnn": {"filters": 3, "blocks": 3}}
THOROUGH = pytest.mark.parametrize("thorough", [False, pytest.param(True, marks=pytest.mark.slow)])


@THOROUGH
@pytest.mark.parametrize("arch", architecture_names())
def test_every_setting_of_a_network_changes_it_or_is_idle(arch, thorough):
    entry = get_architecture(arch)
    settings = entry.config(**SMALL[arch] | TINY.get(arch, {}))

    def fingerprint(config):
        yield [dict(entry.inputs_for(config)), entry.features_of(config)]
        shapes, example = inputs(entry, config)
        with torch.device("meta"):
            yield [(name, x.shape) for name, x in entry.build(shapes, 3, config).state_dict().items()]
        torch.manual_seed(0)
        network = entry.build(shapes, 3, config)
        if entry.solve is not None:
            target, speakers = np.arange(12) % 3, tuple(f"{number % 4}" for number in range(12))
            vectors = network.embed(**replace(entry, example_frames=6).example(12)).double().numpy()
            entry.solve(network, TrainingVectors(vectors, target, speakers, None), config)
            yield network(**example)
            return
        torch.manual_seed(0)
        with torch.no_grad():
            for parameter in network.parameters():  # biases of zero would hide the size of maps
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
            yield network.train()(**example)

    # Those that name the encoder, or change time and memory only: see tests/models/test_finetune.py.
    apart = {"encoder", "revision", "tensors", "settings", "first_layer", "checkpointing"}
    names = entry.config.model_fields.keys() - (apart if arch == "finetune" else set())
    check(settings, fingerprint, sorted(names), thorough=thorough)


def inputs(entry, config):
    """Give shapes and random inputs, as the settings name them."""
    if not callable(entry.inputs):
        frames = getattr(config, "frames", entry.example_frames)
        return entry.shapes, replace(entry, example_frames=frames).example(2)
    kinds = entry.inputs_for(config)
    seconds = getattr(config, "frames", 25) / 25
    shapes, example = {}, {}
    random = torch.Generator().manual_seed(0)
    for name, kind in kinds.items():
        feature = get_feature(kind)
        own = feature.config(**entry.features_of(config).get(name, {}) | {"duration_s": seconds})
        shapes[name] = feature.shape(own)
        example[name] = torch.randn(
            2, *shapes[name], feature.count_frames(int(16_000 * seconds), own), generator=random
        )
    mask = torch.ones(2, example["x"].shape[-1], dtype=torch.bool)
    return shapes, example | {"mask": mask}


UTTERANCES = [
    np.concatenate([np.zeros(3000, np.float32), 0.1 * tone(0.4, pitch=300, seed=1)]),
    0.3 * tone(1.1, pitch=180, seed=2) + np.float32(0.01),
    np.zeros(4000, np.float32),
]


@pytest.mark.parametrize("kind", feature_names())
def test_every_setting_of_features_changes_them_or_is_idle(kind):
    feature = get_feature(kind)

    def fingerprint(config):
        found = []
        for samples in UTTERANCES:
            features = feature.extract(samples, config)
            cut = Segmenter(SegmentConfig(), feature, config)
            finished = features / 3 if feature.needs(config) == "max" else features
            half = finished.shape[-1] // 2
            pieces = [finished[..., half : half + 10], finished] if feature.finish else [finished]
            found.append([features.shape, *(cut.finish(piece) for piece in pieces)])
        return [*found, feature.frame_rate(config)]

    length = {"duration_s": 0.8} if getattr(feature.config(), "duration_s", None) else {}
    # Those that name the encoder: see tests/features/test_pretrained.py.
    named = {"model", "revision", "encoder"}
    check(feature.config(**length), fingerprint, sorted(feature.config.model_fields.keys() - named))


@pytest.mark.parametrize("kind", feature_names())
def test_statistics_are_called_the_same_just_where_they_are(kind):
    feature = get_feature(kind)
    arrays = [feature.extract(samples, feature.config()) for samples in UTTERANCES[:2]]
    scopes = ("scalar", "per-map", "per-bin")
    applied = {scope: fit(arrays, scope).apply(arrays[1]) for scope in scopes}
    same = _same_statistics(feature.shape(feature.config()))
    for one in scopes:
        for other in scopes:
            assert equal(applied[one], applied[other]) == (one == other or {one, other} <= set(same))


def test_every_setting_of_segments_cuts_otherwise_or_is_idle():
    feature = get_feature("spectrogram")
    settings = feature.config()

    def fingerprint(config):
        cut = Segmenter(config, feature, settings)
        lengths = (len(samples) * 3 for samples in UTTERANCES)
        return [
            [
                cut.cut("a", n, feature.count_frames(n, settings), training=training)
                for training in (True, False)
            ]
            for n in lengths
        ]

    check(SegmentConfig(size_s=1.0, hop_s=0.3), fingerprint)
    check(SegmentConfig(), fingerprint, ["size_s"])


@pytest.mark.parametrize("name", augmentation_names())
def test_every_setting_of_an_augmentation_varies_otherwise_or_is_idle(name):
    entry = get_augmentation(name)

    def fingerprint(config):
        random = np.random.default_rng(3)
        draws = range(30)
        if entry.stage == "samples":
            return [entry.apply(UTTERANCES[0], random, config) for _ in draws]
        padded = np.concatenate([np.zeros((1, 8, 10)), random.normal(size=(1, 8, 30))], axis=2)
        padded = padded.astype(np.float32)
        if entry.stage == "features":
            return [entry.apply({"x": padded}, {"x": 0.0}, random, config)["x"] for _ in draws]
        if entry.stage == "standard":
            return [entry.apply(padded + 1, 40, random, config) for _ in draws]
        if entry.stage == "batch":
            return [list(map(np.asarray, entry.apply(5, random, config))) for _ in draws]
        # Every variant of every row in an epoch, or one that is drawn.
        drawn = config.each == "random" and len(config.train) > 1
        return [config.train, config.test, drawn]

    check(entry.config(), fingerprint) if entry.config.model_fields else None


class Network(nn.Module):
    """A layer and a head: enough for losses and steps."""

    def __init__(self, outputs, *, cosine):
        super().__init__()
        self.per_frame = outputs.per_frame
        self.encoder = nn.Linear(4, 4)
        self.head = CosineHead(4, 3, 2.0) if cosine else nn.Linear(4, len(outputs))

    def forward(self, x, mask):
        x = self.encoder(x.mT).tanh()  # (batch, frames, 4)
        return self.head(x if self.per_frame else x.mean(1))


TRAINED = {
    "sampling",
    "batch_size",
    "accumulate",
    "clip_norm",
    "max_epochs",
    "patience",
    "selection",
    "precision",
}
# A search has tests of its own.
STEPPED = sorted({*TrainingConfig.model_fields} - TRAINED - {"batch_statistics", "search", "search_folds"})


@THOROUGH
@pytest.mark.parametrize("head", ["softmax", "arcface", "both"])
def test_every_setting_of_a_step_changes_it_or_is_idle(head, thorough):
    train_with = module_of(get_architecture("mdcnn"))
    joint = head == "both"  # classes and values
    network_settings = get_architecture("mdcnn").config(head="softmax" if joint else head)
    read = train_with.loss_settings(network_settings)
    random = torch.Generator().manual_seed(1)
    x = torch.randn(6, 4, 5, generator=random)
    mask = torch.ones(6, 5, dtype=torch.bool)
    classes, trace = torch.tensor([0, 1, 1, 2, 2, 2]), torch.randn(6, 5, 2, generator=random)

    def outputs_of(config):
        if config.loss not in VALUE_LOSSES:
            return Outputs(("a", "b", "c"), ("d", "e") if joint else ())
        return Outputs((), ("d", "e"), per_frame=config.loss == "ccc")

    def fingerprint(config):
        torch.manual_seed(0)
        outputs = outputs_of(config)
        network = Network(outputs, cosine=head == "arcface" and bool(outputs.classes))
        module = train_with(network, outputs, config, [1, 2, 3])
        module._trainer = SimpleNamespace(max_epochs=3, estimated_stepping_batches=3)
        made = module.configure_optimizers()
        optimizer = made["optimizer"] if isinstance(made, dict) else made
        target = {"target": trace, "target_mask": mask}
        if not outputs.per_frame:
            target = {"target": classes, "values": trace[:, 0] if outputs.dimensions else None}
        batch = Batch(inputs={"x": x}, mask=mask, rows=torch.arange(6), utterances=torch.arange(6), **target)
        for _ in range(3):
            optimizer.zero_grad()
            loss = module.batch_loss(module(batch), batch)
            yield loss.detach().round(decimals=5)
            loss.backward()
            optimizer.step()
            if isinstance(made, dict):  # an epoch is a step
                made["lr_scheduler"]["scheduler"].step()
        yield {name: value.detach().round(decimals=5) for name, value in network.named_parameters()}

    class Trained(TrainingConfig):
        """A training that knows what the network's loss reads."""

        @model_validator(mode="after")
        def _fits(self):
            if joint and self.loss in VALUE_LOSSES:
                raise ValueError("classes need a loss of classes")
            return self

        def idle(self):
            unread = LOSS_SETTINGS - ({"loss"} if self.loss in VALUE_LOSSES else read)
            idle = {"ccc_scope"} if joint else {"value_loss", "value_weight"}
            return super().idle() | dict.fromkeys(unread | idle, "the loss")

    reached = [name for name in STEPPED if head == "arcface" or not name.startswith("arcface")]
    unread = {"arcface": {"focal_gamma"}, "both": {"ccc_scope"}}.get(head, set())
    unread |= set() if joint else {"value_loss", "value_weight"}
    reached = [name for name in reached if name not in unread]
    usual = Trained(batch_size=6, lr=0.05, lr_min=0.01, milestones=(2,), arcface_margin=0.5)
    check(usual, fingerprint, reached, thorough)


def test_every_other_setting_of_a_training_changes_its_outcome(small_workspace, tmp_path):
    place = Workspace(tmp_path)
    for folder in ("corpora", "features"):
        (small_workspace.root / folder).mkdir(exist_ok=True)
        (place.root / folder).symlink_to(small_workspace.root / folder)
    usual = {"max_epochs": 4, "batch_size": 16, "lr": 0.01, "patience": 20, "precision": "32-true"}
    settings = merge(MDCNN, {"model": {"filters": 2, "spp_levels": [2]}, "training": usual})

    def outcome(**change):
        plan = make_plan(configure(merge(settings, {"training": change}), place, CPU), place, "1")
        (trial,) = train_trials(plan, CPU, lambda line: None)
        return [trial.metrics()["epochs"], Bundle.load(trial.bundle).network.state_dict()]

    found = [
        outcome(),
        outcome(accumulate=2),
        outcome(batch_size=12),
        outcome(sampling="balanced"),
        outcome(clip_norm=1e-3),
        outcome(max_epochs=1),
        outcome(precision="bf16-mixed"),
        outcome(selection="last"),
        outcome(lr=0.3, patience=1),
        outcome(lr=0.3),
    ]
    for i, one in enumerate(found):
        assert not any(equal(one, other) for other in found[:i]), i
    with pytest.raises(ConfigError, match=r"training\.patience=5 changes nothing"):
        outcome(selection="last", patience=5)


def complete(arch, scheme="emodb-4", **settings):
    protocol = "leave-one-speaker-out"
    return run_settings.complete(
        {"arch": arch, "corpus": "emodb", "scheme": scheme, "protocol": protocol} | settings
    )


@pytest.mark.parametrize(
    ("arch", "settings", "message"),
    [
        ("diccoser", {"model": {"max_of": "abs"}}, "model.max_of=abs changes nothing with model.variant=d"),
        (
            "diccoser",
            {"model": {"input": "logmel"}, "features": {"wave": {"aggregate": "max"}}},
            "max: the network needs rms here; leave features.wave.aggregate out, or change model.variant$",
        ),
        (
            "diccoser",
            {"model": {"input": "logmel", "variant": "b"}, "features": {"wave": {"aggregate": "max-abs"}}},
            "features.wave.aggregate=max-abs: .* needs max here; .* change model.variant or model.max_of$",
        ),
        ("eca", {"training": {"arcface_margin": 0.3}}, "training.arcface_margin=0.3 changes nothing"),
        ("mdcnn", {"training": {"loss": "focal"}}, "training.loss=focal changes nothing with the loss"),
        ("mdcnn", {"training": {"batch_statistics": "reestimated"}}, "a network without batch normalisation"),
        ("eca", {"training": {"rmsprop_decay": 0.9}}, "rmsprop_decay=0.9 changes nothing with"),
        ("eca", {"features": {"statistics": "per-map"}}, "features.x.statistics=per-map changes nothing"),
        ("probe", {"training": {"encoder_lr": 1e-4}}, "encoder_lr=0.0001 changes nothing with a network wit"),
        ("finetune", {"training": {"warmup": 0.1, "schedule": "cyclical"}}, "goes with schedule=constant or"),
        ("finetune", {"features": {"statistics": "per-bin"}}, "per-bin: the network needs none here"),
        ("eca", {"segments": {"tail": "pad"}}, "segments.tail=pad changes nothing with segments.size_s=null"),
        ("attpool", {"augment": {"gain": {}}}, "augment.gain changes nothing with features that do not show"),
        ("melcnn", {"augment": {"gain": {"p": 0.5}}}, "augment.gain changes nothing"),
        ("mdcnn", {"augment": {"flip": {"p": 0}}}, "augment.flip.p=0.0 changes nothing; leave it out"),
        (
            "attpool",
            {"training": {"schedule": "constant", "milestones": [9]}},
            r"training.milestones=\[9\] changes nothing with training.schedule=constant",
        ),
    ],
)
def test_a_setting_that_changes_nothing_is_refused(arch, settings, message):
    with pytest.raises(ConfigError, match=message):
        complete(arch, **settings)


@pytest.mark.parametrize("statistics", ["per-bin", "per-speaker", "per-utterance", "max", "none"])
def test_statistics_are_refused_only_if_they_equal_the_default(statistics):
    # With a single map, per-map and scalar are the same; the others differ from both.
    logmel = {"input": "logmel"}
    complete("diccoser", model=logmel, features={"x": {"statistics": statistics}})
    with pytest.raises(ConfigError, match="scalar changes nothing with features of so few maps"):
        complete("diccoser", model=logmel, features={"x": {"statistics": "scalar"}})


def test_features_of_a_part_that_is_padded_differ_by_scope_only_where_it_is_cut():
    uncut = {"segments": {"size_s": None, "frames": None}, "features": {"duration_s": 2.0}}
    with pytest.raises(ConfigError, match="map_scope=utterance changes nothing with segments"):
        complete("attpool", **merge(uncut, {"features": {"map_scope": "utterance"}}))
    complete("attpool", features={"map_scope": "utterance"})


@pytest.mark.parametrize("arch", architecture_names())
def test_complete_settings_and_those_that_a_recipe_states_are_taken(arch):
    """A recipe's milestones may be idle; nobody set them, and the name is the one that it was."""
    for change in {}, {"training": {"schedule": "constant"}}, {"training": {"selection": "last"}}:
        config = complete(arch, **change)
        assert run_settings.complete(config.to_dict()) == config


def test_the_maximum_of_absolute_values_reaches_the_features_beside_a_log_mel_spectrogram():
    names = set()
    for max_of, aggregate in ("signed", "max"), ("abs", "max-abs"):
        config = complete("diccoser", model={"input": "logmel", "variant": "b", "max_of": max_of})
        assert config.features["wave"].config.aggregate == aggregate
        names.add(config.identity("0" * 64))
    assert len(names) == 2


def test_a_loss_of_ones_own_is_taken_to_read_all_settings_of_losses():
    class Own(SERModule):
        def loss(self, logits, target):
            return logits.sum() * target.sum()

    config = get_architecture("eca").config()
    assert Own.loss_settings(config) == LOSS_SETTINGS > SERModule.loss_settings(config)
