"""JSON of plain types."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sercli.plain import PlainError, shorten

# Our own files nest to about ten levels.
_DEPTH = 64
_LARGEST = 1 << 63
_LONGEST_NUMBER = 20  # characters of a whole number of 64 bits


def to_json(value: Any, *, indent: int | None = None, escaped: bool = True, sort_keys: bool = False) -> str:
    r"""Return plain types as JSON.

    Args:
        value: value to write.
        indent: spaces for each level; all on one line if not given.
        escaped: whether characters beyond ASCII are written as ``\uXXXX``.
        sort_keys: whether keys are sorted.

    Raises:
        ValueError: a number is NaN or infinite, which JSON can't express. An undefined metric is ``None``.
    """
    return json.dumps(value, indent=indent, ensure_ascii=escaped, sort_keys=sort_keys, allow_nan=False)


def from_json(
    text: str | bytes,
    pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None,
    *,
    strict: bool = True,
) -> Any:
    """Read JSON.

    Args:
        text: text, or bytes in UTF-8.
        pairs: makes a mapping from keys and values; if not given, the last of equal keys counts.
        strict: whether to refuse numbers that are not finite or have more than 64 bits. Other tools write
            them for absent values; readers of their files decide what they mean.

    Raises:
        PlainError: it is not JSON, is nested too deeply, or holds a refused number.
    """
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        if not text.strip():
            raise PlainError("it is empty", 1)
        value = json.loads(
            text,
            parse_constant=_refuse_constant if strict else None,
            parse_float=_finite if strict else None,
            parse_int=_whole if strict else None,
            object_pairs_hook=pairs,
        )
    except PlainError:
        raise
    except json.JSONDecodeError as error:
        raise PlainError(str(error), error.lineno) from None
    except UnicodeDecodeError:
        raise PlainError("not UTF-8 text") from None
    except ValueError as error:  # Python reads no number of more than 4300 digits
        raise PlainError(str(error)) from None
    except RecursionError:
        raise PlainError("nested too deeply") from None
    if text.count("[") + text.count("{") > _DEPTH:
        _check_depth(value)
    return value


class RepeatedKeyError(PlainError):
    """A key of an object occurs again with another value."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a mapping for `from_json`.

    Raises:
        RepeatedKeyError: a key occurs again with another value.
    """
    made = dict(pairs)
    if len(made) < len(pairs) and (repeated := [key for key, value in pairs if value != made[key]]):
        raise RepeatedKeyError(f"'{shorten(repeated[0])}' occurs several times with different values")
    return made


def _refuse_constant(name: str) -> None:
    raise PlainError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise PlainError(f"{shorten(text)} is beyond the largest number")
    return number


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER or abs(int(text)) >= _LARGEST:
        raise PlainError(f"a whole number of {len(text)} digits has more than 64 bits")
    return int(text)


def _check_depth(value: Any) -> None:
    level: Sequence[Any] = [value]
    for _ in range(_DEPTH):
        level = [under for each in level for under in _inner(each)]
        if not level:
            return
    raise PlainError("nested too deeply")


def _inner(value: Any) -> Iterator[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (each for each in inner if isinstance(each, dict | list))
