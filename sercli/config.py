"""Typed settings: the same frozen class from the YAML file to the code that uses it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from sercli.errors import ConfigError, suggest
from sercli.plain import PlainError, shorten
from sercli.plain.json import to_json
from sercli.plain.yaml import from_yaml

# Words of pydantic's messages, by name of the bound; the lower bounds first.
_BOUNDS = {
    "gt": "greater than",
    "ge": "greater than or equal to",
    "lt": "less than",
    "le": "less than or equal to",
}
_OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
# Parts of a setting's dotted name; real ones have three or four.
_DEEPEST = 12
# Errors of one part that are shown; a file that is not one of settings may have thousands.
_SHOWN = 3


class Config(BaseModel):
    """Settings of one part: frozen, typed; an unknown key is refused with the nearest known one.

    Raises:
        ConfigError: a setting is unknown, of the wrong type, or contradicts another.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    neutral: ClassVar[Mapping[str, Any]] = {}
    """Settings that were added when runs already existed, each with the value that changes no number. At that
    value a setting has no part in digests, so that existing runs keep their names."""

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            found = error.errors()
            texts = [_explain(type(self), each) for each in found[:_SHOWN]]
            more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
            raise ConfigError("; ".join([*texts, *more])) from None

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number is needed: Python would accept them as 1 and 0."""
        if _holds_truth(value) and _takes_numbers(cls.model_fields[str(info.field_name)].annotation):
            raise ValueError(f"a number is needed, got {spell(value)}")
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain types, ready for JSON or YAML."""
        return self.model_dump(mode="json")

    def deciding(self) -> dict[str, Any]:
        """Return the settings that decide digests: `to_dict` without those at their `neutral` value."""
        absent = object()
        return {
            name: value for name, value in self.to_dict().items() if value != self.neutral.get(name, absent)
        }

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing because of another setting, each with that reason.

        The reason is written as a user sets it: ``head=gap``. An idle setting is refused where somebody sets
        it, since it would give a run another name and the same numbers.
        """
        return {}

    def conflict(self) -> str | None:
        """Return why no new run may have these settings, which earlier runs have; None if a new run may."""
        return None

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits: equal for equal settings, different otherwise."""
        return digest(self.deciding())


def require_settings(name: str, value: object, kind: type[Config]) -> None:
    """Refuse settings of an entry that are not a class derived from those of its family.

    Raises:
        ConfigError: they are something else.
    """
    if not (isinstance(value, type) and issubclass(value, kind)):
        given = value.__name__ if isinstance(value, type) else repr(value)
        raise ConfigError(
            f"{name}={shorten(given)}: use a class that extends {kind.__module__}.{kind.__name__}"
        )


def digest(value: Any, length: int = 12) -> str:
    """Hash plain types (dicts in any order) to ``length`` hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def spell(value: Any) -> str:
    """Write a setting's value as ``--set`` takes it: ``null``, ``true``, ``[1, 2]``, text without quotes."""
    return value if isinstance(value, str) else to_json(value)


def _holds_truth(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, list | tuple) and any(map(_holds_truth, value)))


def _takes_numbers(annotation: Any) -> bool:
    """Whether a type is one of numbers, or of lists of numbers, and not of truth values too."""
    parts = _parts(annotation)
    return bool(parts & {int, float}) and not parts & {bool, Any}


def _parts(annotation: Any) -> set[Any]:
    return {annotation}.union(*(_parts(each) for each in get_args(annotation) if not isinstance(each, str)))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigError: the file is not YAML, or not a mapping.
    """
    try:
        value = from_yaml(path.read_text(encoding="utf-8")).value
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    except PlainError as error:
        raise ConfigError(f"{path}:{error.line or 1}: {error}") from None
    if value is None:
        raise ConfigError(f"{path}: the file is empty; write settings into it as 'key: value'")
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected settings as 'key: value', found {shorten(spell(value))}")
    return value


def parse_assignments(
    assignments: Sequence[str], option: str = "--set", example: str = "features.window_ms=40"
) -> dict[str, Any]:
    """Read ``key.sub=value`` settings of the command line; values are YAML (``3``, ``[1, 2]``, ``off``).

    Args:
        assignments: the items.
        option: option that has them.
        example: an item that the option takes, for its errors.

    Returns:
        A nested mapping, ready for `merge`.

    Raises:
        ConfigError: an item has no ``=``, its value is not YAML, or two items give a setting two values.
    """
    settings: dict[str, Any] = {}
    for item in assignments:
        key, equals, text = item.partition("=")
        place = f"{option} {shorten(item)}"
        if not equals or not key:
            raise ConfigError(f"{place}: write it as KEY=VALUE, for example {example}")
        try:
            value = from_yaml(text).value
        except PlainError as error:
            raise ConfigError(f"{place}: {error}") from None
        if key.count(".") >= _DEEPEST:
            raise ConfigError(f"{place}: the name has {key.count('.') + 1} parts, no setting has so many")
        for part in reversed(key.split(".")):
            value = {part: value}
        settings = join(settings, value)
    return settings


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``change`` laid over it, mapping by mapping."""
    merged = dict(base)
    for key, value in change.items():
        under = merged.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(under, value) if both else value  # type: ignore[arg-type]
    return merged


def join(one: Mapping[str, Any], other: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return all settings of two mappings of equal rank; neither may change a setting of the other.

    Raises:
        ConfigError: they give a setting different values.
    """
    joined = dict(one)
    for key, value in other.items():
        there = joined.get(key, value)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            joined[key] = join(there, value, f"{before}{key}.")
        elif there == value:
            joined[key] = value
        else:
            raise ConfigError(
                f"{before}{key} is set to {shorten(there)} and to {shorten(value)}; give it one value"
            )
    return joined


def dotted(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested settings one by one, by their dotted names, as ``--set`` takes them."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from dotted(value, f"{before}{name}.")
        else:
            yield before + name, value


def _explain(config: type[BaseModel], error: ErrorDetails) -> str:
    """Write one of pydantic's errors as ours: the place, the fact and the remedy."""
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        return f"unknown setting '{shorten(where)}'; {suggest(key, list(config.model_fields))}"
    message = error["msg"].removeprefix("Value error, ")
    if not where:
        return message
    if error["type"] in _OUT_OF_RANGE and where in config.model_fields:
        message = _describe_range(config.model_fields[where]) or message
    if error["type"] in {"value_error", "missing"}:
        return f"{where}: {message}"
    return f"{where}: {message[:1].lower()}{message[1:]}, got {shorten(repr(error['input']))}"


def _describe_range(field: FieldInfo) -> str:
    """Write both bounds of a number as pydantic writes the exceeded one; empty if they are unknown."""
    bounds: dict[str, Any] = {}
    for each in field.metadata:
        if is_dataclass(each) and not isinstance(each, type):
            bounds |= asdict(each)  # {"gt": 0.15}
    parts = [f"{words} {bounds[name]:.12g}" for name, words in _BOUNDS.items() if name in bounds]
    return f"input should be {' and '.join(parts)}" if parts else ""
