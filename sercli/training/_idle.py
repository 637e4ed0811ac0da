"""Refuse chosen settings that would change the name of a run but none of its numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, get_args, get_origin

import torch

from sercli.bundle import build_network
from sercli.config import spell
from sercli.errors import ConfigError
from sercli.losses import LOSS_SETTINGS, settings_read
from sercli.runs.config import RunConfig
from sercli.runs.training import TrainingConfig
from sercli.training.batch_statistics import normalisations

_ABSENT = object()

# Settings of a training that a classifier which is solved reads, and the precision: in each config.yaml,
# which is accepted as settings, "auto" is replaced by the precision of the machine.
_OF_SOLVED = frozenset({"class_weights", "class_weight_alpha", "search", "search_folds", "precision"})


@dataclass(frozen=True, slots=True)
class _Idle:
    """A setting that changes nothing.

    Attributes:
        because: the setting or fact that makes this setting idle.
        among: values that have the same effect; every value if None.
    """

    because: str
    among: tuple[Any, ...] | None = None


def refuse_idle(
    config: RunConfig, settings: Mapping[str, Any], complete: Callable[[Mapping[str, Any]], RunConfig]
) -> None:
    """Refuse chosen settings that change nothing.

    A setting that changes nothing may keep its default value. Therefore the complete ``config.yaml`` of a
    run is also accepted as settings.

    Args:
        config: complete settings, made from ``settings``.
        settings: the settings that were chosen.
        complete: function that completes chosen settings.

    Raises:
        ConfigError: a setting that changes nothing was given another value, or a setting of the features
            contradicts the network.
    """
    _refuse_contradiction(config)
    idle = _list_idle(config)
    chosen = {name: idle[name] for name in idle if _is_chosen(name, settings)}
    if not chosen:
        return
    others = dict(settings)
    for name in chosen:
        for spelling in _spellings(name):
            others = _without(others, spelling)
    values, defaults = config.to_dict(), complete(others).to_dict()
    for name, each in chosen.items():
        value, default = _value(values, name), _value(defaults, name)
        same = each.among is None or (value in each.among and default in each.among)
        if value != default and same:
            shown = name if isinstance(value, Mapping) else f"{name}={spell(value)}"
            reason = "" if each.because.startswith(f"{name}=") else f" with {each.because}"
            raise ConfigError(f"{shown} changes nothing{reason}; leave it out")


def _list_idle(config: RunConfig) -> dict[str, _Idle]:
    """List the settings that change nothing, by dotted name."""
    idle = {
        f"{section}.{name}": _Idle(_prefixed(section, because))
        for section, part in (
            ("model", config.model),
            ("segments", config.segments),
            ("training", config.training),
            *((f"features.{name}", choice.config) for name, choice in config.features.items()),
            *((f"augment.{name}", augmentation) for name, augmentation in config.augment.items()),
        )
        for name, because in part.idle().items()
    }
    if config.architecture.solve is not None:
        for name in TrainingConfig.model_fields.keys() - _OF_SOLVED:
            idle[f"training.{name}"] = _Idle(f"{config.arch}, whose weights are solved without epochs")
    idle |= _idle_for_task(config)
    for name in _idle_in_loss(config):
        idle[f"training.{name}"] = _Idle(f"the loss that {config.arch} has with these settings")
    if config.training.batch_statistics == "reestimated" and not _normalises(config):
        idle["training.batch_statistics"] = _Idle("a network without batch normalisation")
    if not config.model.fine_tunes:
        idle["training.encoder_lr"] = _Idle("a network without a pretrained encoder")
    for name, choice in config.features.items():
        same = _same_statistics(choice.shape)
        if len(same) > 1:
            idle[f"features.{name}.statistics"] = _Idle("features of so few maps and bins", same)
        if config.segments.size_s is None:
            for setting, among in choice.config.same_uncut.items():
                idle.setdefault(f"features.{name}.{setting}", _Idle("segments.size_s=null", among))
    if not any(choice.feature.shows_level(choice.config) for choice in config.features.values()):
        for name, (entry, _) in config.augmentations.items():
            if entry.level_only:
                idle[f"augment.{name}"] = _Idle("features that do not show the level")
    return idle


def _idle_for_task(config: RunConfig) -> dict[str, _Idle]:
    """List the settings that only another task reads."""
    task = config.task
    idle: dict[str, _Idle] = {}
    if not (task.has_classes and task.has_values):
        because = _Idle("a scheme that does not join classes and dimensions")
        idle |= dict.fromkeys(("training.value_loss", "training.value_weight"), because)
    if task.has_values and not task.per_frame:
        idle["training.ccc_scope"] = _Idle("labels of utterances")
    return idle


def _idle_in_loss(config: RunConfig) -> frozenset[str]:
    """Name the settings that the loss does not read."""
    if not config.task.has_classes:
        return LOSS_SETTINGS - {"loss"}
    if config.architecture.module is None:
        return LOSS_SETTINGS - settings_read(cosine_head=config.model.cosine_head)
    from sercli.training.module import module_of  # Lightning takes seconds to import

    return LOSS_SETTINGS - module_of(config.architecture).loss_settings(config.model)


def _normalises(config: RunConfig) -> bool:
    """Return whether the network has batch normalisation."""
    with torch.random.fork_rng(devices=[]):
        return bool(normalisations(build_network(config.arch, config.model, config.features, n_outputs=2)))


def _same_statistics(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Name the kinds of statistics that have the same number of means, and therefore the same values."""
    counts = {"scalar": 1, "per-map": shape[0], "per-bin": prod(shape)}
    same: dict[int, list[str]] = {}
    for scope, count in counts.items():
        same.setdefault(count, []).append(scope)
    return max(map(tuple, same.values()), key=len)


def _refuse_contradiction(config: RunConfig) -> None:
    """Refuse settings of the network, or of its features, that contradict the network's settings.

    Lengths are not compared, because the lengths of segments may replace the lengths of the features.
    """
    conflict = config.model.conflict()
    if conflict:
        raise ConfigError(f"model.{conflict}")
    for name, needed in config.architecture.features_of(config.model).items():
        choice = config.features[name].to_dict()
        for key, value in needed.items():
            if key != "duration_s" and key in choice and choice[key] != value:
                setting = f"features.{name}.{key}"
                cause = _model_setting_behind(config, name, key, value, choice[key])
                raise ConfigError(
                    f"{setting}={choice[key]}: the network needs {value} here; "
                    f"leave {setting} out, or change {cause}"
                )


def _model_setting_behind(config: RunConfig, name: str, key: str, value: Any, given: Any) -> str:
    """Name the settings of the network that require this value of a feature.

    With another choice of such a setting, the value is no longer required. Settings with a list of choices
    are tried with these, all others with the value that was given for the feature.
    """
    architecture, model, found = config.architecture, config.model.to_dict(), []
    for field, info in architecture.config.model_fields.items():
        choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else (given,)
        for choice in choices:
            try:
                other = architecture.config(**{**model, field: choice})
            except ConfigError:  # this choice contradicts the other settings
                continue
            if architecture.features_of(other).get(name, {}).get(key, value) != value:
                found.append(f"model.{field}")
                break
    return " or ".join(found) or "the settings of model"


def _prefixed(section: str, because: str) -> str:
    return f"{section}.{because}" if because[0].islower() and ("=" in because) else because


def _spellings(name: str) -> tuple[str, ...]:
    """Return a setting's name with the input and, for features, also without the input."""
    section, _, rest = name.partition(".")
    return (name, f"{section}.{rest.partition('.')[2]}") if section == "features" else (name,)


def _is_chosen(name: str, settings: Mapping[str, Any]) -> bool:
    return any(_value(settings, spelling) is not _ABSENT for spelling in _spellings(name))


def _value(settings: Any, name: str) -> Any:
    for part in name.split("."):
        if not isinstance(settings, Mapping) or part not in settings:
            return _ABSENT
        settings = settings[part]
    return settings


def _without(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    first, _, rest = name.partition(".")
    if first not in settings:
        return dict(settings)
    if not rest:
        return {key: value for key, value in settings.items() if key != first}
    under = settings[first]
    return {**settings, first: _without(under, rest)} if isinstance(under, Mapping) else dict(settings)
