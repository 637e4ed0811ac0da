"""The settings of a run, all of them, and its identity."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sercli.config import Config, digest, merge
from sercli.data.segments import SegmentConfig
from sercli.data.statistics import Scope
from sercli.errors import ConfigError, ProtocolError, UnknownNameError, unknown
from sercli.features import Feature, get_feature
from sercli.models import Architecture, get_architecture
from sercli.protocols import Protocol, get_protocol
from sercli.schemes import get_scheme
from sercli.store import Number

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]


class TrainingConfig(Config):
    """How a network is trained; each architecture's recipe states its own."""

    loss: Literal["cross-entropy", "focal"] = "cross-entropy"
    """What is minimised, where the network has no cosine head (whose loss is ArcFace)."""
    focal_gamma: float = Field(2.0, ge=0)
    """How much less the focal loss counts what is already right."""
    arcface_margin: float = Field(0.5, ge=0, le=1.5)
    """Radians added to the true class's angle, where the network has a cosine head."""
    arcface_easy_margin: bool = False
    """Whether the margin is added only to angles below a right one."""
    class_weights: bool = True
    """Whether rare classes weigh more: r_c = alpha * N / N_c."""
    class_weight_alpha: float | None = Field(None, gt=0)
    """The alpha of the class weights; one over the number of classes if not given."""
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"
    """The optimiser; sgd with Nesterov momentum."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of sgd."""
    schedule: Literal["constant", "cyclical", "cosine", "steps"] = "constant"
    """Learning rate: ``lr`` throughout, a triangle between ``lr_min`` and ``lr``, half a cosine from
    ``lr`` to zero, or ``lr`` divided by ten at each of ``milestones``."""
    milestones: tuple[int, ...] = ()
    """Epochs, from one, at whose beginning the rate is divided by ten."""
    lr: float = Field(1e-3, gt=0)
    """Learning rate, or its upper limit."""
    lr_min: float = Field(1e-5, gt=0)
    """Lower limit of the cyclical rate."""
    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty on the weights."""
    batch_size: int = Field(32, ge=1)
    """Utterances a step."""
    max_epochs: int = Field(100, ge=1)
    """Passes over the training part, at most."""
    patience: int | None = Field(20, ge=1)
    """Epochs without a better dev UA before training ends."""
    selection: Literal["best-dev-ua", "last"] = "best-dev-ua"
    """Which epoch's weights are kept."""
    precision: Precision = "auto"
    """Number format; ``auto`` becomes what the device does well, and that is what is recorded."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.schedule == "cyclical" and self.lr_min > self.lr:
            raise ValueError(f"lr_min={self.lr_min:g} is above lr={self.lr:g}")
        return self


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
    features: dict[str, dict[str, Any]] = Field({}, validate_default=True)
    """By input of the network: ``kind``, ``statistics`` and the kind's own settings."""
    segments: SegmentConfig = SegmentConfig()
    """How utterances are cut for the network."""
    training: TrainingConfig = TrainingConfig()
    """How it is trained."""

    @field_validator("scheme")
    @classmethod
    def _scheme_fits(cls, name: str, info: ValidationInfo) -> str:
        scheme = _named(get_scheme, name)
        corpus = info.data.get("corpus")
        if scheme.corpus not in (None, corpus):
            raise ValueError(f"scheme '{name}' is made for corpus '{scheme.corpus}', not for '{corpus}'")
        return name

    @field_validator("protocol")
    @classmethod
    def _protocol_versioned(cls, name: str) -> str:
        protocol: Protocol = _named(get_protocol, name)
        return protocol.name

    @field_validator("features")
    @classmethod
    def _features_complete(
        cls, given: dict[str, dict[str, Any]], info: ValidationInfo
    ) -> dict[str, dict[str, Any]]:
        if "arch" not in info.data or "model" not in info.data:
            return given
        architecture: Architecture = _named(get_architecture, info.data["arch"])
        inputs = architecture.inputs_for(architecture.config(**info.data["model"]))
        return {
            name: FeatureChoice.parse({"kind": kind} | given.get(name, {})).to_dict()
            for name, kind in inputs.items()
        }

    @field_validator("model")
    @classmethod
    def _model_complete(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "arch" not in info.data:
            return given
        architecture: Architecture = _named(get_architecture, info.data["arch"])
        return architecture.config(**given).to_dict()

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
        number is got, not which.
        """
        versions = {name: choice.feature.version for name, choice in self.inputs.items()}
        deciding = self.to_dict() | {"protocol": get_protocol(self.protocol).identity}
        return digest([deciding, versions, manifest_sha256], length=8)

    def name(self, manifest_sha256: str) -> str:
        """Name of the run's folder: readable, and ending in its identity."""
        protocol = get_protocol(self.protocol).short_name
        return f"{self.arch}-{self.scheme}-{protocol}-{self.identity(manifest_sha256)}"


class FeatureChoice(Config):
    """The features of one input: a kind, its settings, and how they are standardised."""

    kind: str
    """Kind of feature."""
    statistics: Scope = "per-map"
    """What has a mean and deviation of its own."""
    number: Number = "float32"
    """In which format the features are kept."""
    settings: dict[str, Any] = Field({})
    """The kind's settings."""

    @classmethod
    def parse(cls, flat: Mapping[str, Any]) -> "FeatureChoice":
        """Read ``kind``, ``statistics``, ``number`` and, beside them, the kind's own settings.

        Raises:
            ConfigError: a setting is unknown or wrong.
        """
        rest = dict(flat)
        kind = str(rest.pop("kind"))
        own = {name: rest.pop(name) for name in ("statistics", "number") if name in rest}
        feature: Feature = _named(get_feature, kind)
        config = feature.config(**rest)
        needed = feature.needs(config)
        if needed is not None and own.setdefault("statistics", needed) != needed:
            raise ConfigError(f"'{kind}' with these settings needs statistics={needed}")
        return cls(kind=kind, settings=config.to_dict(), **own)

    @property
    def feature(self) -> Feature:
        """The kind's entry."""
        return get_feature(self.kind)

    @property
    def config(self) -> Config:
        """The kind's settings, typed."""
        return self.feature.config(**self.settings)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the features without frames."""
        return self.feature.shape(self.config)

    def to_dict(self) -> dict[str, Any]:
        """Return what `parse` reads."""
        return {"kind": self.kind, "statistics": self.statistics, "number": self.number} | self.settings


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
        for part in ("features", "model", "training"):
            if not isinstance(change.get(part, {}), Mapping):
                raise ConfigError(f"{part}: expected settings of its own, for example {part}.KEY=VALUE")
        model = merge(merged.get("model", {}), change.get("model", {}))
        merged = merge(merged, _name_inputs(change, architecture, model))
    return RunConfig(**merged)


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


def _named(get: Any, name: str) -> Any:
    """Look a name up; inside a validator its error has to be a ValueError to keep its place."""
    try:
        return get(name)
    except (UnknownNameError, ProtocolError) as error:
        raise ValueError(str(error)) from None
