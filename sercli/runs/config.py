"""Define the settings of a run and its identity."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sercli import registry
from sercli.augmentations import Augmentation, AugmentationConfig, get_augmentation
from sercli.config import Config, digest, merge
from sercli.errors import ConfigError
from sercli.models import Architecture, NetworkConfig, architecture_names, get_architecture
from sercli.plain import shorten
from sercli.protocols import Protocol, get_protocol
from sercli.records import TRACE_RATE
from sercli.runs.features import (
    FeatureChoice,
    choose_features,
    choose_tested_variant,
    expect_mappings,
    look_up,
)
from sercli.runs.training import TrainingConfig
from sercli.schemes import EVERY_DIMENSION, Scheme, get_scheme
from sercli.segments import SegmentConfig
from sercli.tasks import TASKS, Task
from sercli.unions import corpora_of, union_name


def _read_scheme(value: Any) -> Scheme:
    return look_up(get_scheme, value if isinstance(value, Scheme | Mapping) else str(value))


def _read_protocol(value: Any) -> Protocol:
    return value if isinstance(value, Protocol) else look_up(get_protocol, str(value))


def _explain_unfit(arch: str, scheme: Scheme) -> str:
    """Explain that an architecture is not what a scheme needs, and name those that are."""
    task = scheme.task
    known = registry.loadable(architecture_names(), get_architecture)
    able = " or ".join(name for name, each in known if task.network in each.tasks)
    needs = "a value for each frame" if task.per_frame else "one vector for an utterance"
    ratings = f"; for ratings of utterances choose --scheme {EVERY_DIMENSION}" if task.per_frame else ""
    return f"'{arch}' is not made for {needs}, which scheme '{scheme.name}' needs; take {able}{ratings}"


_write_name = PlainSerializer(lambda value: value.name)
_write_scheme = PlainSerializer(lambda value: value.recorded)


class RunConfig(Config):
    """Everything that decides a run's numbers, except the audio and labels themselves."""

    arch: str
    """Name of the architecture."""
    corpus: str
    """Name of the corpus, as prepared in the workspace; or of several as one, as in ``emodb+ravdess``."""
    scheme: Annotated[Scheme, PlainValidator(_read_scheme), _write_scheme]
    """Scheme, which chooses the utterances and their classes: its name, or the keys of the user's own."""
    protocol: Annotated[Protocol, PlainValidator(_read_protocol), _write_name]
    """Name of the protocol, which divides the utterances into folds, with its version."""
    model: SerializeAsAny[NetworkConfig] = Field({}, validate_default=True)
    """Settings of the network."""
    augment: dict[str, SerializeAsAny[AugmentationConfig]] = Field({}, validate_default=True)
    """Augmentations of the training part by name, with their settings."""
    features: dict[str, FeatureChoice] = Field({}, validate_default=True)
    """Features by input of the network: ``kind``, ``statistics`` and the settings of the kind."""
    segments: SegmentConfig = Field(default_factory=SegmentConfig)
    """Segments of utterances for the network."""
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    """Training of the network."""
    init: str | None = None
    """Bundle whose weights the training starts from, as ``PATH#digest``."""

    @field_validator("arch")
    @classmethod
    def _arch_known(cls, name: str) -> str:
        look_up(get_architecture, name)
        return name

    @field_validator("corpus")
    @classmethod
    def _name_union(cls, name: str) -> str:
        return look_up(union_name, name)

    @field_validator("scheme")
    @classmethod
    def _scheme_fits(cls, scheme: Scheme, info: ValidationInfo) -> Scheme:
        corpus = info.data.get("corpus")
        if scheme.corpus not in (None, corpus):
            raise ValueError(
                f"'{scheme.name}' is made for corpus '{scheme.corpus}', not for '{corpus}'; choose another"
            )
        return scheme

    @field_validator("model", mode="before")
    @classmethod
    def _read_model(
        cls, given: NetworkConfig | Mapping[str, Any], info: ValidationInfo
    ) -> NetworkConfig | Mapping[str, Any]:
        if "arch" not in info.data:  # another message already reports the architecture
            return NetworkConfig()
        architecture = get_architecture(info.data["arch"])
        config = architecture.config(**given) if isinstance(given, Mapping) else given
        if not isinstance(config, architecture.config):
            raise ValueError(f"expected settings of its own, got {shorten(given)}")
        config = config.pinned()
        if "scheme" in info.data:
            scheme: Scheme = info.data["scheme"]
            task = scheme.task
            if task.network not in architecture.tasks:
                raise ValueError(_explain_unfit(info.data["arch"], scheme))
            if config.made_for not in (None, task.network):
                raise ValueError(f"task must be {task.network}, which scheme '{scheme.name}' needs")
            if task.has_values and config.cosine_head:
                raise ValueError(
                    f"'{info.data['arch']}' has a cosine head, whose scores are bounded, and scheme "
                    f"'{scheme.name}' needs values of dimensions; choose a linear head"
                )
        return config

    @field_validator("augment", mode="before")
    @classmethod
    def _read_augmentations(
        cls, given: Mapping[str, Mapping[str, Any]], info: ValidationInfo
    ) -> dict[str, AugmentationConfig]:
        given = expect_mappings(given)
        entries = {name: look_up(get_augmentation, name) for name in sorted(given)}
        if "scheme" in info.data and info.data["scheme"].task.per_frame:
            wrong = [name for name, entry in entries.items() if not entry.traces]
            if wrong:
                raise ValueError(f"'{wrong[0]}' changes continuous labels; leave it out")
        return {name: entry.config(**given[name]) for name, entry in entries.items()}

    @field_validator("features", mode="before")
    @classmethod
    def _read_features(
        cls, given: Mapping[str, Mapping[str, Any]], info: ValidationInfo
    ) -> dict[str, dict[str, Any]]:
        if "arch" not in info.data or "model" not in info.data:  # other messages already report these
            return {}
        architecture, model = get_architecture(info.data["arch"]), info.data["model"]
        chosen = choose_features(architecture, model, expect_mappings(given))
        for name, augmentation in info.data.get("augment", {}).items():
            if augmentation.tested_variant is not None:
                chosen = choose_tested_variant(chosen, name, augmentation)
        return chosen

    @model_validator(mode="after")
    def _check(self) -> Self:
        task, selection = self.task, self.training.selection
        if self.training.loss not in task.losses:
            raise ValueError(
                f"training.loss={self.training.loss} is not for {task}; use {' or '.join(task.losses)}"
            )
        if self.scheme.labels == "votes" and self.model.cosine_head:
            raise ValueError(
                f"labels=votes: '{self.arch}' has a cosine head, whose margin is for one class; choose a "
                "linear head"
            )
        if self.training.sampling == "balanced" and not task.has_classes:
            raise ValueError(f"training.sampling=balanced is not for {task}, which has no classes")
        if any(selection == other.selection != task.selection for other in TASKS.values()):
            raise ValueError(f"training.selection={selection} is not for {task}")
        for name, choice in self.features.items():
            self._check_length(name, choice)
            self._check_augmented(name, choice)
        if task.per_frame:
            self._check_windows()
        banded = any(choice.shape[-1] > 1 for choice in self.features.values())
        for name, (entry, _) in self.augmentations.items():
            if entry.needs_bands and not banded:
                raise ValueError(f"augment.{name} changes spectrograms, and the network has none as input")
        return self

    def _check_length(self, name: str, choice: FeatureChoice) -> None:
        """Refuse a length of utterances that does not fit the network or the labels."""
        crop_s = choice.config.crop_s
        if choice.config.pooled and (self.segments.size_s is not None or self.task.per_frame):
            raise ValueError(
                f"features.{name} have one frame for an utterance, which can't be cut: leave segments out, "
                "or choose features with several frames (pool=none, level=lld)"
            )
        if choice.config.pooled and self.model.needs_frames:
            raise ValueError(
                f"features.{name} have one frame for an utterance, and the network weighs frames: choose "
                "features with several frames (pool=none, level=lld)"
            )
        if self.task.per_frame and crop_s is not None:
            raise ValueError(
                f"features.{name}.duration_s: continuous labels are learnt from segments of recordings; set "
                "it to null, and segments.size_s to the length in seconds"
            )
        if crop_s is None and self.segments.size_s is None and not self.architecture.lengths_vary:
            settable = choice.config.croppable and not self.task.per_frame
            either = f"features.{name}.duration_s or " if settable else ""
            raise ValueError(
                f"'{self.arch}' takes utterances of one length: set {either}segments.size_s to the length in "
                "seconds"
            )
        if not self.architecture.lengths_vary and name == next(iter(self.features)):
            choice.check_frames(name, self.segments, self.model.least_frames)

    def _check_augmented(self, name: str, choice: FeatureChoice) -> None:
        """Refuse features that do not come from the audio that an augmentation changes."""
        of_audio = [each for each, (entry, _) in self.augmentations.items() if entry.stage == "samples"]
        if choice.group and self.variants:
            raise ValueError(
                f"features.{name}.statistics={choice.statistics} needs features in one variant; leave the "
                "augmentation that trains on several out"
            )
        if of_audio and choice.own_scope:
            raise ValueError(
                f"augment.{of_audio[0]} changes the audio, but features.{name}.statistics="
                f"{choice.statistics} is computed from the unchanged audio; leave one of the two out"
            )
        if of_audio and choice.config.original_rate is not None:
            raise ValueError(
                f"augment.{of_audio[0]} changes the prepared audio, but features.{name}.original reads "
                "the original one; leave one of the two out"
            )

    def _check_windows(self) -> None:
        """Make sure that every frame with a label is in a tested segment."""
        segments = self.segments
        if segments.size_s is None:
            return
        frames = self.model.window_frames
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
        """Task of the network, which depends on the scheme."""
        return self.scheme.task

    @property
    def architecture(self) -> Architecture:
        """The architecture's entry."""
        return get_architecture(self.arch)

    @property
    def augmentations(self) -> dict[str, tuple[Augmentation, AugmentationConfig]]:
        """The augmentations' entries by name, with their settings."""
        return {name: (get_augmentation(name), config) for name, config in self.augment.items()}

    @cached_property
    def variants(self) -> dict[str, FeatureChoice]:
        """Features that an utterance is trained in, by name of the variant; empty without variants."""
        choice = next(iter(self.features.values()))
        return {
            name: choice.with_settings(**choice.feature.variants[name])
            for augmentation in self.augment.values()
            for name in augmentation.variants
        }

    @property
    def entries(self) -> list[tuple[str, str]]:
        """Families and names of the entries that a run uses; a corpus defines schemes and protocols."""
        used = [("models", self.arch), *(("features", choice.kind) for choice in self.features.values())]
        used += [
            ("features", str(kind))
            for setting, kinds in self.training.search.items()
            if setting.startswith("features.") and setting.endswith(".kind")
            for kind in kinds
        ]
        used += [("augmentations", name) for name in self.augment]
        return used + [("corpora", name) for name in corpora_of(self.corpus)]

    @property
    def code(self) -> dict[str, str]:
        """Digests of the code of those entries that are from plug-ins, by ``models/NAME``."""
        return registry.code_digests(self.entries)

    @property
    def draws_variant(self) -> bool:
        """Whether an epoch holds each utterance in one random variant, and not in all variants."""
        return any(augmentation.draws_variant for augmentation in self.augment.values())

    def with_training(self, **changes: Any) -> Self:
        """Return the same settings with some valid changes of the training."""
        return self.model_copy(update={"training": self.training.model_copy(update=changes)})

    def with_settings(self, changes: Mapping[str, Any]) -> Self:
        """Return the same settings with some changed.

        Args:
            changes: new values by dotted name, as ``model.c`` or ``features.x.pool``; where the network has
                one input, ``features.pool`` stands for it.

        Raises:
            ConfigError: a setting is unknown or wrong.
        """
        settings = self.to_dict()
        for name, value in changes.items():
            section, *rest = name.split(".")
            if section == "features" and len(self.features) == 1 and rest[:1] != list(self.features):
                rest = [*self.features, *rest]
            if section not in ("model", "features", "training", "segments") or not rest:
                raise ConfigError(f"{name}: not a setting of model, features, segments or training")
            if section == "features" and rest[1:] in (["model"], ["revision"], ["kind"]):
                settings["features"][rest[0]].pop("encoder", None)
            change = value
            for part in reversed([section, *rest]):
                change = {part: change}
            settings = merge(settings, change)
        return type(self)(**settings)

    def identity(self, manifest_sha256: str) -> str:
        """Return eight hexadecimal digits that differ if a number could differ.

        They do not depend on devices, jobs, loggers and paths. These change the place and speed of a
        computation, and its result only by rounding (and at random, if several processes train one trial:
        see docs/how-to/train.md).
        """
        versions = {name: choice.feature.version for name, choice in self.features.items()}
        init = self.init and self.init.rpartition("#")[2]
        deciding = self.deciding() | {
            "model": self.model.deciding(),
            "augment": {name: config.deciding() for name, config in self.augment.items()},
            "features": {name: choice.deciding() for name, choice in self.features.items()},
            "segments": self.segments.deciding(),
            "training": self.training.deciding(),
            "scheme": self.scheme.identity,
            "protocol": self.protocol.identity,
            "init": init,
        }
        return digest([deciding, versions, manifest_sha256, *([self.code] if self.code else [])], length=8)

    def name(self, manifest_sha256: str) -> str:
        """Return the name of the run's folder: readable, with the identity at its end."""
        identity = self.identity(manifest_sha256)
        return f"{self.arch}-{self.scheme.name}-{self.protocol.short_name}-{identity}"
