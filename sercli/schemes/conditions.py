"""Conditions on the fields of the manifest, which select the utterances of a scheme."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sercli.errors import ConfigError, list_some, require_choice, suggest, unknown
from sercli.raters import agreement, labels_of
from sercli.records import Utterance

# Computed from the raters' labels, in place of the field ``raters``.
_AGREEMENT = "agreement"
NUMBERS = frozenset(
    {"duration", "sample_rate", "start", "end", "valence", "arousal", "dominance", _AGREEMENT}
)
"""Fields of the manifest that hold numbers, and the agreement of the raters."""
_FIELDS = tuple(_AGREEMENT if field.name == "raters" else field.name for field in fields(Utterance))
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one field; an utterance without a value does not meet it.

    Attributes:
        field: a field of `Utterance`, or ``agreement`` of its raters: the share of the votes that the label
            with the most votes has.
        values: accepted texts; empty if the field is a number.
        low: smallest accepted number.
        high: largest accepted number.

    Raises:
        ConfigError: utterances have no such field.
    """

    field: str
    values: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        require_choice("field", self.field, _FIELDS)

    def refusal(self, utterance: Utterance) -> str | None:
        """Return why an utterance is left out, ``None`` if it meets the condition."""
        value = self._value(utterance)
        if value is None:
            return f"of no known {self.field}"
        if self.values:
            return None if value in self.values else str(value)
        if value < self.low:
            return f"{self.field} below {self.low:g}"
        return f"{self.field} above {self.high:g}" if value > self.high else None

    def to_plain(self) -> Any:
        """Return the condition as a scheme's file has it: a list of texts, or two limits."""
        if self.values:
            return list(self.values)
        limits = {"min": self.low, "max": self.high}
        return {name: value for name, value in limits.items() if math.isfinite(value)}

    def check(self, utterances: Sequence[Utterance], place: str) -> None:
        """Refuse an accepted text that no utterance has, since it is probably misspelled.

        Raises:
            ConfigError: there is such a text.
        """
        found = {self._value(utterance) for utterance in utterances} - {None}
        absent = [value for value in self.values if value not in found]
        if absent:
            has = list_some(sorted(found), _SHOWN) if found else "no value at all"
            remedy = suggest(absent[0], sorted(found), f"the corpus has {has}")
            raise ConfigError(f"{place}: selection.{self.field}: no utterance has '{absent[0]}'; {remedy}")

    def _value(self, utterance: Utterance) -> Any:
        if self.field == _AGREEMENT:
            return agreement(labels_of(utterance))
        return getattr(utterance, self.field)


def read_selection(given: Any, place: str) -> tuple[Condition, ...]:
    """Read conditions by field: a text, a list of texts, or a mapping with ``min`` and ``max``.

    Raises:
        ConfigError: there is no such field, or the value is none of these.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{place}: selection: expected conditions by field, for example style: improvised")
    return tuple(_read(field, given[field], place) for field in sorted(given, key=str))


def quote_texts(values: Iterable[Any]) -> str:
    """Return the remedy for texts without quotes that YAML reads as other values; empty if there is none."""
    read = next((each for each in values if isinstance(each, bool | float)), None)
    if read is None:
        return ""
    if not isinstance(read, bool):
        zeros = f'(as "{read}0" if it ends in zeros)'
        return f'; YAML reads {read} without quotes as a number; put it in quotes, as "{read}" {zeros}'
    example = '"yes" or "True"' if read else '"no" or "False"'
    return f"; YAML reads yes, no, on, off, true and false without quotes as truth values; write {example}"


def _read(field: str, value: Any, place: str) -> Condition:
    if field not in _FIELDS:
        raise ConfigError(f"{place}: {unknown('selection', field, _FIELDS)}")
    where = f"{place}: selection.{field}"
    if field in NUMBERS:
        limits = value if isinstance(value, Mapping) else {"min": value, "max": value}
        numbers = to_numbers(limits)
        if not limits or set(limits) - {"min", "max"} or len(numbers) < len(limits):
            raise ConfigError(f"{where}: expected a number, or min and max, for example {{min: 1, max: 10}}")
        low, high = numbers.get("min", -math.inf), numbers.get("max", math.inf)
        if low > high:
            raise ConfigError(f"{where}: min {low:g} is larger than max {high:g}")
        return Condition(field, low=low, high=high)
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(each, str | int) and not isinstance(each, bool) for each in values):
        fact = f"expected a text or a list of texts, for example [Ses01, Ses02]{quote_texts(values)}"
        raise ConfigError(f"{where}: {fact}")
    return Condition(field, _sorted(map(str, values)))


def to_numbers(given: Mapping[Any, Any]) -> dict[str, float]:
    """Return the values of a file that are numbers, by key; YAML 1.1 reads ``1e-3`` as text."""
    return {str(key): number for key in given if (number := _to_number(given[key])) is not None}


def _to_number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
