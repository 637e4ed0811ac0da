"""YAML of plain types."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from sercli.plain import PlainError, shorten

Place = tuple[str | int, ...]
"""Keys and positions that lead to a value in a file."""

# Settings and studies nest to about six levels, and have some thousand values.
_DEPTH = 24
_MOST_VALUES = 100_000
_LARGEST = 1 << 63

# As safe as yaml.SafeLoader, and seven times as fast if libyaml is installed.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
# Codes such as 010, which is 8 for YAML 1.1, and 1_0, which is 10.
_CODE = re.compile(r"[-+]?(0[0-9_]+|[0-9]+_[0-9_]*)")
_SCALARS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "str", "timestamp"))


def to_yaml(value: Mapping[str, Any]) -> str:
    """Return plain types as YAML, with keys in their order."""
    return str(yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=100))


@dataclass(frozen=True, slots=True)
class Parsed:
    """The content of YAML.

    Attributes:
        value: content as plain types; keys, dates and codes such as ``010`` are text as written (``on`` is
            not a boolean).
        lines: line of each key and item, by place.
        texts: text of each number and truth value as written, by place: ``0.10``, ``on``.
    """

    value: Any
    lines: dict[Place, int] = field(default_factory=dict)
    texts: dict[Place, str] = field(default_factory=dict)


def from_yaml(text: str) -> Parsed:
    """Read YAML.

    Raises:
        PlainError: it is not YAML, a key occurs twice, a value is not of the type that its tag names, it
            is nested too deeply, or its aliases expand to too many values.
    """
    try:
        return _YamlReader(text).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        fact = " ".join(str(error.problem or error.context or "").split())
        own = text.split("\n")[mark.line] if mark and mark.line <= text.count("\n") else ""
        if "\t" in own[: len(own) - len(own.lstrip())]:
            fact = "a tab where YAML needs blanks; replace the tab with blanks"
        raise PlainError(f"not valid YAML ({fact})", mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, text.find(chr(error.character))) + 1  # it is the first one of its kind
        raise PlainError(
            f"not valid YAML (the character U+{error.character:04X} is not allowed)", line
        ) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise PlainError(f"not valid YAML ({shorten(' '.join(str(error).split()), 160)})") from None


@dataclass(frozen=True, slots=True)
class _Built:
    """A value, the number of values in it with all aliases expanded, their depth, and a number as written."""

    value: Any
    count: int = 1
    depth: int = 0
    text: str | None = None


class _YamlReader:
    """Builds a document's value from libyaml's events, and counts each part before it is built."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self.lines: dict[Place, int] = {}
        self.texts: dict[Place, str] = {}
        self.anchors: dict[str, _Built | None] = {}  # ``None`` while it is being built
        self.count = 0
        self.resolve: Callable[..., str] = yaml.resolver.Resolver().resolve
        self.constructor = yaml.constructor.SafeConstructor()

    def read(self) -> Parsed:
        next(self.events)  # the stream's start
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return Parsed(None)
        value = self._build(next(self.events), ()).value
        next(self.events)  # the document's end
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise PlainError("a second document begins here; keep one", _line(event))
        return Parsed(value, self.lines, self.texts)

    def _build(self, event: Any, place: Place) -> _Built:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event, place)
        if len(place) > _DEPTH:
            raise PlainError("nested too deeply", _line(event))
        if event.anchor in self.anchors:
            raise PlainError(f"two anchors are called &{event.anchor}", _line(event))
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        before = self.count
        self._add(1, event)
        if isinstance(event, yaml.ScalarEvent):
            value, depth = self._scalar(event), 0
        elif isinstance(event, yaml.SequenceStartEvent):
            value, depth = self._sequence(event, place)
        else:
            value, depth = self._mapping(event, place)
        text = event.value if isinstance(value, int | float) else None
        built = _Built(value, self.count - before, depth, text)
        self._keep_text(built, place)
        if event.anchor is not None:
            self.anchors[event.anchor] = built
        return built

    def _keep_text(self, built: _Built, place: Place) -> None:
        if built.text is not None:
            self.texts[place] = built.text

    def _add(self, count: int, event: Any) -> None:
        self.count += count
        if self.count > _MOST_VALUES:
            raise PlainError(f"more than {_MOST_VALUES} values, with aliases expanded", _line(event))

    def _aliased(self, event: Any, place: Place) -> _Built:
        built = self.anchors.get(event.anchor)
        if built is None:
            fact = "is within its own anchor" if event.anchor in self.anchors else "has no anchor before it"
            raise PlainError(f"the alias *{event.anchor} {fact}", _line(event))
        if len(place) + built.depth > _DEPTH:
            raise PlainError("nested too deeply", _line(event))
        self._add(built.count, event)
        self._keep_text(built, place)
        return built

    def _sequence(self, start: Any, place: Place) -> tuple[list[Any], int]:
        _check_tag(start, "seq")
        items: list[Any] = []
        depth = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            inner = (*place, len(items))
            self.lines[inner] = _line(event)
            built = self._build(event, inner)
            items.append(built.value)
            depth = max(depth, built.depth)
        return items, depth + 1

    def _mapping(self, start: Any, place: Place) -> tuple[dict[str, Any], int]:
        _check_tag(start, "map")
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        depth = 0
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            if isinstance(key, yaml.AliasEvent):
                raise PlainError(f"a key must be written in full, not as the alias *{key.anchor}", _line(key))
            if not isinstance(key, yaml.ScalarEvent):
                raise PlainError("a key must be text, not a list or a mapping", _line(key))
            if key.value in own:
                raise PlainError(f"'{shorten(key.value)}' occurs twice; remove one", _line(key))
            inner, event = (*place, key.value), next(self.events)
            built = self._build(event, inner)
            if self._tag(key) == _TAG + "merge":
                merged = _copy_keys(built.value, event) | merged
                depth = max(depth, built.depth - (2 if isinstance(built.value, list) else 1))
                continue
            depth = max(depth, built.depth)
            self.lines[inner] = _line(key)
            own[key.value] = built.value
        return merged | own, depth + 1

    def _tag(self, event: Any) -> str:
        if event.tag is not None and event.tag != "!":
            return str(event.tag)
        return str(self.resolve(yaml.ScalarNode, event.value, event.implicit))

    def _scalar(self, event: Any) -> Any:
        tag, text = self._tag(event), shorten(event.value)
        if tag not in _SCALARS:
            raise PlainError(f"'{text}' of type {_short(tag)} is not allowed", _line(event))
        node = yaml.ScalarNode(tag, event.value, event.start_mark)
        try:
            value = self.constructor.yaml_constructors[tag](self.constructor, node)
        except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, yaml.YAMLError):
            raise PlainError(f"'{text}' is not a value of type {_short(tag)}", _line(event)) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise PlainError(f"'{text}' is not a finite number", _line(event))
        if isinstance(value, int) and abs(value) >= _LARGEST:
            raise PlainError("a whole number has more than 64 bits", _line(event))
        # Dates are text here, and so are numbers that YAML 1.1 reads in its own way: 1:30, 010 and 1_0.
        own_way = isinstance(value, int | float) and (":" in event.value or _CODE.fullmatch(event.value))
        return event.value if own_way or tag == _TAG + "timestamp" else value


def _copy_keys(value: Any, event: Any) -> dict[str, Any]:
    """Return the keys that ``<<`` copies from a mapping, or from a list of them; the first one wins."""
    copied: dict[str, Any] = {}
    for source in value if isinstance(value, list) else [value]:
        if not isinstance(source, dict):
            raise PlainError("'<<' copies the keys of a mapping, but this is not one", _line(event))
        copied = source | copied
    return copied


def _check_tag(event: Any, usual: str) -> None:
    if event.tag not in (None, "!", _TAG + usual):
        raise PlainError(f"a collection of type {_short(event.tag)} is not allowed", _line(event))


def _short(tag: str) -> str:
    return shorten(tag.replace(_TAG, "!!"))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
