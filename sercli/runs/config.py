"""The settings of a run, all of them, and its identity."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sercli.augmentations import Augmentation, get_augmentation
from sercli.config import Config, digest, merge
from sercli.data.segments import SegmentConfig
from sercli.errors import ConfigError, unknown
from sercli.features import feature_names, get_feature
from sercli.models import Architecture, architecture_names, get_architecture
from sercli.protocols import Protocol, get_protocol
from sercli.records import TRACE_RATE, Task
from sercli.runs._named import named
from sercli.runs.features import FeatureChoice, choose, tested_variant
from sercli.runs.training import TrainingConfig
from sercli.schemes import get_scheme


class RunConfig(Config):
    """Everything that decides a run's numbers, but for the audio and labels themselves."""

    arch: str
    """Architecture."""
    corpus: str
    """Corpus, as prepared in the workspace."""
    scheme: str
    """Which utterances, and which classes."""
    protocol: str
    """Which folds, with version."""
    model: dict[str, Any] = Field({}, validate_default=True)
    """The network's own settings."""
    augment: dict[str, dict[str, Any]] = Field({}, validate_default=True)
    """By name: the augmentations of the training part, and their settings."""
    features: dict[str, dict[str, Any]] = Field({}, validate_default=True)
    """By input of the network: ``kind``, ``statistics`` and the kind's own settings."""
    segments: SegmentConfig = SegmentConfig()
    """How utterances are cut for the network."""
    training: TrainingConfig = TrainingConfig()
    """How it is trained."""
    init: str | None = None
    """Bundle whose weights the training starts from, ``PATH#digest``."""

    @field_validator("scheme")
    @classmethod
    def _scheme_fits(cls, name: str, info: ValidationInfo) -> str:
        scheme = named(get_scheme, name)
        corpus = info.data.get("corpus")
        if scheme.corpus not in (None, corpus):
            raise ValueError(f"scheme '{name}' is made for corpus '{scheme.corpus}', not for '{corpus}'")
        return name

    @field_validator("protocol")
    @classmethod
    def _protocol_versioned(cls, name: str) -> str:
        protocol: Protocol = named(get_protocol, name)
        return protocol.name

    @field_validator("features")
    @classmethod
    def _features_complete(
        cls, given: dict[str, dict[str, Any]], info: ValidationInfo
    ) -> dict[str, dict[str, Any]]:
        if "arch" not in info.data or "model" not in info.data:
            return given
        architecture: Architecture = named(get_architecture, info.data["arch"])
        chosen = choose(architecture, architecture.config(**info.data["model"]), given)
        stft = info.data.get("augment", {}).get("stft-multi")
        if stft is not None:
            chosen = tested_variant(chosen, stft)
        return {name: FeatureChoice.parse(flat).to_dict() for name, flat in chosen.items()}

    @field_validator("augment")
    @classmethod
    def _augment_complete(
        cls, given: dict[str, dict[str, Any]], info: ValidationInfo
    ) -> dict[str, dict[str, Any]]:
        if "scheme" not in info.data:
            return given
        entries = {name: named(get_augmentation, name) for name in sorted(given)}
        if get_scheme(info.data["scheme"]).task == "regression":
            wrong = [name for name, entry in entries.items() if not entry.traces]
            if wrong:
                raise ValueError(f"'{wrong[0]}' does not leave continuous labels true")
        return {name: entry.config(**given[name]).to_dict() for name, entry in entries.items()}

    @field_validator("model")
    @classmethod
    def _model_complete(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "arch" not in info.data:
            return given
        architecture: Architecture = named(get_architecture, info.data["arch"])
        config = architecture.config(**given)
        if "scheme" in info.data:
            task = get_scheme(info.data["scheme"]).task
            if task not in architecture.tasks:
                able = [name for name in architecture_names() if task in get_architecture(name).tasks]
                raise ValueError(
                    f"'{info.data['arch']}' is no network for {task}, which scheme '{info.data['scheme']}' "
                    f"asks for; take {' or '.join(able)}"
                )
            if getattr(config, "task", task) != task:
                raise ValueError(f"task must be {task}, as scheme '{info.data['scheme']}' asks for")
        return config.to_dict()

    @model_validator(mode="after")
    def _task_fits(self) -> Self:
        regression = self.task == "regression"
        if regression != (self.training.loss == "ccc"):
            raise ValueError(f"training.loss={self.training.loss} is not for {self.task}")
        if self.training.selection == ("best-dev-ua" if regression else "best-dev-ccc"):
            raise ValueError(f"training.selection={self.training.selection} is not for {self.task}")
        for name, choice in self.inputs.items():
            if regression and getattr(choice.config, "duration_s", None) is not None:
                raise ValueError(
                    f"features.{name}.duration_s: continuous labels go with segments of recordings; set it "
                    "to null, and segments.size_s to the seconds meant"
                )
            if regression:
                self._check_windows()
            whole = self.segments.size_s is None and getattr(choice.config, "duration_s", None) is None
            if whole and not self.architecture.lengths_vary:
                settable = hasattr(choice.config, "duration_s") and not regression
                both = f"features.{name}.duration_s or " if settable else ""
                raise ValueError(
                    f"'{self.arch}' takes utterances of one length: set {both}segments.size_s to the seconds "
                    "meant"
                )
            audio_level = [key for key in self.augment if get_augmentation(key).stage == "samples"]
            if audio_level and choice.statistics == "per-utterance":
                raise ValueError(
                    f"augment.{audio_level[0]} changes the audio, features.{name}.statistics=per-utterance "
                    "is of the unchanged one; leave one of the two out"
                )
            if audio_level and getattr(choice.config, "original", False):
                raise ValueError(
                    f"augment.{audio_level[0]} changes the prepared audio, features.{name}.original reads "
                    "another; leave one of the two out"
                )
        banded = [name for name, choice in self.inputs.items() if choice.shape[-1] > 1]
        if "specaugment" in self.augment and not banded:
            raise ValueError("augment.specaugment hides bands and frames of a spectrogram; there is none")
        return self

    def _check_windows(self) -> None:
        """Make sure that every frame with a label is in a tested segment."""
        segments = self.segments
        if segments.size_s is None:
            return
        frames = self.model.get("frames")  # of a network made for windows of one length
        window = segments.size_s * TRACE_RATE
        if frames is not None and abs(frames - window) > 1e-6:
            raise ValueError(
                f"model.frames={frames} is a window of {frames / TRACE_RATE:g} s, but segments.size_s is "
                f"{segments.size_s:g}: set model.frames={max(round(window), 1)} or "
                f"segments.size_s={frames / TRACE_RATE:g}"
            )
        if segments.tail == "drop":
            raise ValueError("segments.tail=drop leaves labels untested; set it to pad or align")
        if (segments.test_hop_s or segments.hop_s) > segments.size_s:
            raise ValueError(
                f"segments.test_hop_s is longer than segments.size_s={segments.size_s:g}: labels between two "
                "segments would not be tested"
            )

    @property
    def task(self) -> Task:
        """What the network is trained for, which the scheme decides."""
        return get_scheme(self.scheme).task

    @property
    def augmentations(self) -> dict[str, tuple[Augmentation, Config]]:
        """The augmentations by name, with their settings, typed."""
        entries = {name: get_augmentation(name) for name in self.augment}
        return {name: (entry, entry.config(**self.augment[name])) for name, entry in entries.items()}

    @property
    def variants(self) -> dict[str, "FeatureChoice"]:
        """The features that an utterance is trained in, by name of the variant; none without stft-multi."""
        if "stft-multi" not in self.augment:
            return {}
        choice = next(iter(self.inputs.values()))
        return {
            name: FeatureChoice.parse(choice.to_dict() | dict(choice.feature.variants[name]))
            for name in self.augment["stft-multi"]["train"]
        }

    @property
    def architecture(self) -> Architecture:
        """The architecture's entry."""
        return get_architecture(self.arch)

    @property
    def network(self) -> Config:
        """The network's settings, typed."""
        return self.architecture.config(**self.model)

    @property
    def inputs(self) -> dict[str, "FeatureChoice"]:
        """The features by input name, typed."""
        return {name: FeatureChoice.parse(settings) for name, settings in self.features.items()}

    def identity(self, manifest_sha256: str) -> str:
        """Eight hexadecimal digits that differ wherever a number could.

        Devices, jobs, loggers and paths have no part in it: they change where and how fast a
        number is got, not which, up to rounding (and, of several processes that train one trial, up to
        chance: see docs/how-to/train.md).
        """
        versions = {name: choice.feature.version for name, choice in self.inputs.items()}
        init = self.init and self.init.rpartition("#")[2]
        deciding = self.deciding() | {
            "model": self.network.deciding(),
            "augment": {name: config.deciding() for name, (_, config) in self.augmentations.items()},
            "features": {name: choice.deciding() for name, choice in self.inputs.items()},
            "segments": self.segments.deciding(),
            "training": self.training.deciding(),
            "protocol": get_protocol(self.protocol).identity,
            "init": init,
        }
        return digest([deciding, versions, manifest_sha256], length=8)

    def name(self, manifest_sha256: str) -> str:
        """Name of the run's folder: readable, and ending in its identity."""
        protocol = get_protocol(self.protocol).short_name
        return f"{self.arch}-{self.scheme}-{protocol}-{self.identity(manifest_sha256)}"


def resolve(recipe: Mapping[str, Any], *settings: Mapping[str, Any]) -> RunConfig:
    """Lay settings, later ones over earlier ones, over an architecture's recipe.

    Where the network has one input, ``features.window_ms`` stands for ``features.<input>.window_ms``.

    Raises:
        ConfigError: a setting is missing, unknown, of the wrong type, or contradicts another.
        UnknownNameError: there is no such architecture.
    """
    merged: dict[str, Any] = dict(recipe)
    for change in settings:
        architecture = get_architecture(str({**merged, **change}["arch"]))
        for part in ("features", "model", "training", "augment"):
            if not isinstance(change.get(part, {}), Mapping):
                raise ConfigError(f"{part}: expected settings of its own, for example {part}.KEY=VALUE")
        model = merge(merged.get("model", {}), change.get("model", {}))
        named_change = _name_inputs(change, architecture, model)
        for name, chosen in named_change.get("features", {}).items():
            merged = _of_kind(merged, name, chosen)
        merged = merge(merged, named_change)
        if "augment" in change:  # taken as a whole: what is named is what is used
            merged["augment"] = change["augment"]
    return RunConfig(**merged)


def _of_kind(merged: Mapping[str, Any], name: str, chosen: Any) -> dict[str, Any]:
    """Keep of an input's settings those that the kind has that is chosen for it, if another one is."""
    laid = merged.get("features", {}).get(name, {})
    kind = chosen.get("kind") if isinstance(chosen, Mapping) else None
    if kind is None or kind == laid.get("kind") or kind not in feature_names():
        return dict(merged)
    feature = get_feature(kind)
    known = {*feature.config.model_fields, "number"}
    if feature.needs(feature.config()) is None:
        known.add("statistics")
    kept = {key: value for key, value in laid.items() if key in known}
    return {**merged, "features": {**merged["features"], name: kept}} if laid else dict(merged)


def _name_inputs(
    change: Mapping[str, Any], architecture: Architecture, model: Mapping[str, Any]
) -> Mapping[str, Any]:
    features = change.get("features")
    if not features:
        return change
    try:
        inputs = architecture.inputs_for(architecture.config(**model))
    except ConfigError as error:
        raise ConfigError(f"model: {error}") from None
    if set(features) <= set(inputs):
        return change
    if len(inputs) > 1:
        foreign = min(set(features) - set(inputs))
        raise ConfigError(str(unknown("features", foreign, inputs)))
    return {**change, "features": {next(iter(inputs)): features}}
