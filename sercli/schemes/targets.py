"""Values of utterances that a network learns: ratings of dimensions, or grades with a number for each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sercli.errors import ConfigError, list_some, suggest, unknown
from sercli.records import Utterance
from sercli.schemes.conditions import NUMBERS, to_numbers

RATED = ("arousal", "valence", "dominance")
"""The usual dimensions, in the order in which they are printed."""

_FIELDS = tuple(field.name for field in fields(Utterance))
_GRADED = ("intensity",)
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Target:
    """A dimension, and where its values are.

    Attributes:
        field: field of the manifest, or a further dimension that is rated; also the name of the dimension.
        codes: number of each text, if the field holds text.
    """

    field: str
    codes: tuple[tuple[str, float], ...] = ()

    def value(self, utterance: Utterance) -> float | None:
        """Return the value of an utterance; ``None`` if it has none."""
        found = _find(utterance, self.field)
        if self.codes and found is not None:
            return dict(self.codes).get(str(found))
        return None if found is None else float(found)

    def check(self, utterances: Sequence[Utterance], place: str) -> None:
        """Refuse a dimension that no utterance has, or a text without a number.

        Raises:
            ConfigError: there is such a dimension or text.
        """
        found = {_find(utterance, self.field) for utterance in utterances} - {None}
        if not found:
            rated = rated_dimensions(utterances)
            has = f"it has {', '.join(rated)}" if rated else "it has no ratings of dimensions"
            has = suggest(self.field, rated, has)
            raise ConfigError(f"{place}: no utterance of the corpus has a value of '{self.field}'; {has}")
        if self.codes:
            codes = dict(self.codes)
            absent = sorted(set(map(str, found)) - set(codes))
            if not set(map(str, found)) & set(codes):
                raise ConfigError(
                    f"{place}: targets.{self.field}: no utterance has one of {', '.join(codes)}; the corpus "
                    f"has {list_some(absent, _SHOWN)}"
                )
            return
        texts = sorted(each for each in found if isinstance(each, str) and not _is_number(each))
        if texts:
            example = ", ".join(f"{text}: {number}" for number, text in enumerate(texts[:3], 1))
            raise ConfigError(
                f"{place}: '{self.field}' holds text such as '{texts[0]}'; give each text a number in a "
                f"scheme's file, as targets: {{{self.field}: {{{example}}}}}"
            )


def rated_dimensions(utterances: Sequence[Utterance]) -> list[str]:
    """List the dimensions of which utterances have ratings: the usual ones, then further ones by name."""
    usual = [name for name in RATED if any(getattr(each, name) is not None for each in utterances)]
    return usual + sorted({name for each in utterances for name in each.ratings or ()})


def _find(utterance: Utterance, name: str) -> Any:
    return getattr(utterance, name) if name in _FIELDS else (utterance.ratings or {}).get(name)


def read_targets(given: Any, place: str) -> tuple[Target, ...]:
    """Read dimensions: a text with commas, a list of names, or a mapping from names to numbers of texts.

    Raises:
        ConfigError: there is no such field, or a value is wrong.
    """
    if isinstance(given, str):
        given = [name.strip() for name in given.split(",")]
    named = given if isinstance(given, Mapping) else dict.fromkeys(_listed(given, place))
    found = tuple(_read(str(name), codes, place) for name, codes in named.items())
    if not found:
        raise ConfigError(f"{place}: targets: name a dimension or more, for example arousal,valence")
    return found


def to_plain(targets: Iterable[Target]) -> list[str] | dict[str, Any]:
    """Return dimensions as a scheme's file has them."""
    listed = list(targets)
    if not any(each.codes for each in listed):
        return [each.field for each in listed]
    return {each.field: dict(each.codes) or None for each in listed}


def _listed(given: Any, place: str) -> list[str]:
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise ConfigError(f"{place}: targets: expected names of dimensions, for example arousal,valence")
    repeated = next((name for name in given if given.count(name) > 1), None)
    if repeated is not None:
        raise ConfigError(f"{place}: targets: '{repeated}' occurs twice")
    return list(given)


def _read(name: str, codes: Any, place: str) -> Target:
    allowed = (*RATED, *_GRADED, "duration")
    if name in _FIELDS and name not in allowed:
        raise ConfigError(f"{place}: {unknown('targets', name, allowed)}")
    if codes is None:
        return Target(name)
    given = codes if isinstance(codes, Mapping) else {}
    numbers = to_numbers(given)
    if not given or len(numbers) < len(given) or name in NUMBERS:
        raise ConfigError(
            f"{place}: targets.{name}: "
            + (
                "it holds numbers already; leave its texts out"
                if name in NUMBERS
                else "give texts their numbers"
            )
        )
    return Target(name, tuple(numbers.items()))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
