"""Which features a network takes."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from sercli.config import Config
from sercli.data.statistics import Mask, Scope, Statistics, fit
from sercli.errors import ConfigError
from sercli.features import Array, Feature, feature_names, get_feature
from sercli.models import Architecture
from sercli.runs._named import named
from sercli.store import FeatureStore, Number

# Of a minute, which is predicted at once, 120 MB; spectrograms of the papers have 40 000 a second.
_MOST_VALUES = 1 << 19


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
        feature: Feature = named(get_feature, kind)
        config = feature.config(**rest)
        needed = feature.needs(config)
        if needed is not None and own.setdefault("statistics", needed) != needed:
            raise ConfigError(f"'{kind}' with these settings needs statistics={needed}")
        values = feature.frame_rate(config) * math.prod(feature.shape(config))
        if values > _MOST_VALUES:
            raise ConfigError(
                f"'{kind}' with these settings has {values:.0f} values a second, at most {_MOST_VALUES} are "
                "computed; take fewer filters or bins, or a longer hop"
            )
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

    def open_store(self, root: Path) -> FeatureStore:
        """Open the store of these features among those below ``root``."""
        return FeatureStore(root, self.kind, self.config, self.number)

    def unpadded(self, features: Array, samples: int) -> Array:
        """Leave the padding out of an utterance's features, (*shape, frames); its length is at 16 kHz."""
        if self.feature.span is None:
            return features
        start, stop = self.feature.span(samples, self.config)
        return features[..., start:stop]

    @property
    def empty(self) -> Mask | None:
        """Which values hold nothing whatever the audio, (*shape, 1); none of a kind without such."""
        return self.feature.empty(self.config) if self.feature.empty else None

    def own_statistics(self, features: Array, samples: int) -> Statistics:
        """Compute an utterance's own statistics, padding left out."""
        return fit([self.unpadded(features, samples)], "scalar", self.empty)

    def to_dict(self) -> dict[str, Any]:
        """Return what `parse` reads."""
        return {"kind": self.kind, "statistics": self.statistics, "number": self.number} | self.settings

    def deciding(self) -> dict[str, Any]:
        """Return the settings that digests are made of, the kind's own beside the others."""
        left_out = self.settings.keys() - self.config.deciding().keys()
        return {name: value for name, value in super().deciding().items() if name not in left_out}


def choose(
    architecture: Architecture, network: Config, given: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Give each input of a network its kind of feature, and what was chosen of its settings.

    Raises:
        ValueError: a kind does not give what the input takes.
    """
    chosen = {}
    for name, usual in architecture.inputs_for(network).items():
        chosen[name] = {"kind": usual} | dict(given.get(name, {}))
        kind = str(chosen[name]["kind"])
        rank = len(_shape(usual))
        if len(_shape(kind)) != rank:
            fitting = [each for each in feature_names() if len(_shape(each)) == rank]
            raise ValueError(
                f"{name}.kind={kind}: the network takes {_axes(usual)} there, '{kind}' gives {_axes(kind)}; "
                f"take {', '.join(fitting)}"
            )
    return chosen


def tested_variant(
    chosen: Mapping[str, dict[str, Any]], stft: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Give the network's one input the settings of the variant that stft-multi tests."""
    if len(chosen) != 1:
        raise ValueError("augment.stft-multi needs a network of one input")
    ((name, flat),) = chosen.items()
    kind = str(flat["kind"])
    variants = named(get_feature, kind).variants
    for variant in (stft["test"], *stft["train"]):
        if variant not in variants:
            having = [each for each in feature_names() if get_feature(each).variants]
            known = f"has {', '.join(variants)}" if variants else f"has none, {', '.join(having)} has"
            raise ValueError(f"augment.stft-multi: no variant '{variant}': '{kind}' {known}")
    for key, value in variants[stft["test"]].items():
        if flat.get(key, value) != value:
            raise ValueError(
                f"{key}={flat[key]}: augment.stft-multi tests {stft['test']}, whose {key} is {value}; "
                "leave one of the two out"
            )
    return {name: flat | dict(variants[stft["test"]])}


def _shape(kind: str) -> tuple[int, ...]:
    feature: Feature = named(get_feature, kind)
    return feature.shape(feature.config())


def _axes(kind: str) -> str:
    return " by ".join(get_feature(kind).axes)
