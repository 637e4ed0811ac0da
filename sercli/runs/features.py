"""Choose the features of a network."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import SerializeAsAny, model_serializer, model_validator

from sercli import registry
from sercli.audio import SAMPLE_RATE
from sercli.augmentations import AugmentationConfig
from sercli.config import Config
from sercli.errors import ConfigError, ProtocolError, UnknownNameError, suggest
from sercli.features import Array, Feature, FeatureConfig, feature_names, get_feature
from sercli.formatting import count_noun
from sercli.models import Architecture, NetworkConfig
from sercli.plain import shorten
from sercli.segments import SegmentConfig
from sercli.statistics import Mask, Scope, Statistics, fit
from sercli.store import FeatureStore, Number

Group = Literal["speaker", "corpus"]
"""Kind of a group of utterances that has statistics of its own."""

_GROUPS: Mapping[str, Group] = {"per-speaker": "speaker", "per-corpus": "corpus"}
# With this limit, a minute of audio needs 120 MB; spectrograms of the papers have 40 000 values per second.
_MOST_VALUES = 1 << 19

T = TypeVar("T")
N = TypeVar("N")


def look_up(get: Callable[[N], T], name: N) -> T:
    """Look up a name inside a validator of pydantic, which adds the place to each ValueError."""
    try:
        return get(name)
    except (UnknownNameError, ProtocolError, ConfigError) as error:
        raise ValueError(str(error)) from None


def expect_mappings(given: Any) -> Mapping[str, Mapping[str, Any]]:
    """Refuse anything that is not settings by name.

    Raises:
        ValueError: the value, or one of its values, is not a mapping.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"expected settings of its own, got {shorten(given)}")
    for name, settings in given.items():
        if not isinstance(settings, Mapping):
            raise ValueError(f"{name}: expected settings of its own, got {shorten(settings)}")
    return given


class FeatureChoice(Config):
    """The features of one input: a kind, its settings, and the standardisation.

    Settings are read and written without nesting: ``kind``, ``statistics``, ``number`` and the settings of
    the kind are at the same level.

    Raises:
        ConfigError: a setting is unknown or wrong.
    """

    kind: str
    """Kind of feature."""
    statistics: Scope = "per-map"
    """Values that share a mean and a deviation."""
    number: Number = "float32"
    """Number format in which the features are stored."""
    config: SerializeAsAny[FeatureConfig]
    """Settings of the kind."""

    @model_validator(mode="before")
    @classmethod
    def _read_flat(cls, flat: Mapping[str, Any]) -> dict[str, Any]:
        rest: dict[str, Any] = dict(flat)
        if isinstance(rest.get("config"), FeatureConfig):
            return rest
        kind = str(rest.pop("kind"))
        own = {name: rest.pop(name) for name in ("statistics", "number") if name in rest}
        feature = look_up(get_feature, kind)
        known = ["kind", "statistics", "number", *feature.config.model_fields]
        if foreign := rest.keys() - set(known):
            raise ConfigError(f"unknown setting '{min(foreign)}'; {suggest(min(foreign), known)}")
        config = feature.config(**rest).pinned()
        needed = feature.needs(config)
        if needed is not None and own.setdefault("statistics", needed) != needed:
            raise ConfigError(f"'{kind}' with these settings needs statistics={needed}")
        return own | {"kind": kind, "config": config}

    @classmethod
    def described(cls, kind: str, settings: Mapping[str, Any]) -> Self:
        """Return the choice of a kind for a list: no file is read or downloaded for it.

        Args:
            kind: kind of feature.
            settings: flat settings; a kind among them is not read.
        """
        own = {name: value for name, value in settings.items() if name in ("statistics", "number")}
        others = {name: value for name, value in settings.items() if name not in {"kind", *own}}
        config = get_feature(kind).config(**others).described()
        return cls(**own, kind=kind, **config.to_dict())

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        values = self.frame_rate * math.prod(self.shape)
        if values > _MOST_VALUES:
            raise ValueError(
                f"'{self.kind}' with these settings has {values:.0f} values a second, at most {_MOST_VALUES} "
                "are computed; use fewer filters or bins, or a longer hop"
            )
        return self

    @model_serializer
    def _write_flat(self) -> dict[str, Any]:
        own = {"kind": self.kind, "statistics": self.statistics, "number": self.number}
        return own | self.config.to_dict()

    def with_settings(self, **changes: Any) -> "FeatureChoice":
        """Return the same choice with some settings of the kind changed."""
        return FeatureChoice(**self.to_dict() | changes)

    def deciding(self) -> dict[str, Any]:
        """Return the settings for digests; those of the kind are at the same level as the others."""
        own = {"kind": self.kind, "statistics": self.statistics, "number": self.number}
        return own | self.config.deciding()

    @property
    def feature(self) -> Feature:
        """The entry of the kind."""
        return get_feature(self.kind)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the features without frames."""
        return self.feature.shape(self.config)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.feature.frame_rate(self.config)

    def open_store(self, root: Path) -> FeatureStore:
        """Open the store of these features among those below ``root``."""
        return FeatureStore(root, self.kind, self.config, self.number)

    def unpadded(self, features: Array, samples: int) -> Array:
        """Remove the padding from an utterance's features, (*shape, frames); its length is at 16 kHz."""
        if self.feature.span is None:
            return features
        start, stop = self.feature.span(samples, self.config)
        return features[..., start:stop]

    def check_frames(self, name: str, segments: SegmentConfig, least: int) -> None:
        """Refuse utterances or segments of a length that has too few frames for a network.

        Args:
            name: the network's input.
            segments: how utterances are cut.
            least: fewest frames that the network accepts.

        Raises:
            ConfigError: the length is too short, or the frames are too long.
        """
        if segments.size_s is not None:
            count = self.feature.frames_within or self.feature.count_frames
            frames = segments.frames or count(round(segments.size_s * SAMPLE_RATE), self.config)
            setting = f"segments.size_s={segments.size_s:g}"
        elif self.config.crop_s is not None:
            frames = self.feature.count_frames(SAMPLE_RATE, self.config)
            setting = f"features.{name}.duration_s={self.config.crop_s:g}"
        else:
            return
        if frames < least:
            raise ConfigError(
                f"{setting} gives {count_noun(frames, 'frame')}, and the network needs {least} or more "
                f"(about {least / self.frame_rate:g} s): set a longer length or shorter frames"
            )

    @property
    def empty(self) -> Mask | None:
        """Mask of the values that are empty for any audio, (*shape, 1); None if a kind has none."""
        return self.feature.empty(self.config) if self.feature.empty else None

    @property
    def own_scope(self) -> bool:
        """Whether each utterance, speaker or corpus is standardised by its own statistics."""
        return self.statistics == "per-utterance" or self.group is not None

    @property
    def group(self) -> Group | None:
        """Kind of the group whose utterances are standardised together; None if there is none."""
        return _GROUPS.get(self.statistics)

    def own_statistics(self, features: Array, samples: int) -> Statistics:
        """Compute the statistics of one utterance, without its padding."""
        return fit([self.unpadded(features, samples)], "scalar", self.empty)


def choose_features(
    architecture: Architecture, network: NetworkConfig, given: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Choose for each input of a network its kind of feature, with the chosen settings.

    Raises:
        ValueError: the shape of a kind does not fit the input.
    """
    chosen = {}
    for name, usual in architecture.inputs_for(network).items():
        chosen[name] = {"kind": usual} | dict(given.get(name, {}))
        kind = str(chosen[name]["kind"])
        if len(_axes(kind)) != len(_axes(usual)):
            fitting = [
                each
                for each, axes in registry.loadable(feature_names(), _axes)
                if len(axes) == len(_axes(usual))
            ]
            raise ValueError(
                f"{name}.kind={kind}: the network takes {' by '.join(_axes(usual))} there, '{kind}' gives "
                f"{' by '.join(_axes(kind))}; take {', '.join(fitting)}"
            )
    return chosen


def choose_tested_variant(
    chosen: Mapping[str, dict[str, Any]], name: str, augmentation: AugmentationConfig
) -> dict[str, dict[str, Any]]:
    """Set the only input of a network to the variant that is tested.

    Args:
        chosen: settings of the features by input.
        name: name of the augmentation that trains on several variants.
        augmentation: settings of this augmentation.

    Raises:
        ValueError: the kind does not have such variants, or other settings contradict the tested one.
    """
    if len(chosen) != 1:
        raise ValueError(f"augment.{name} needs a network of one input")
    ((key, flat),) = chosen.items()
    tested, kind = str(augmentation.tested_variant), str(flat["kind"])
    variants = look_up(get_feature, kind).variants
    for variant in (tested, *augmentation.variants):
        if variant not in variants:
            having = [each for each, kind in registry.loadable(feature_names(), get_feature) if kind.variants]
            known = f"has {', '.join(variants)}" if variants else f"has none, {', '.join(having)} has"
            raise ValueError(f"augment.{name}: no variant '{variant}': '{kind}' {known}")
    for setting, value in variants[tested].items():
        if flat.get(setting, value) != value:
            raise ValueError(
                f"{setting}={flat[setting]}: augment.{name} tests {tested}, whose {setting} is {value}; "
                "leave one of the two out"
            )
    return {key: flat | dict(variants[tested])}


def _axes(kind: str) -> tuple[str, ...]:
    return look_up(get_feature, kind).axes
