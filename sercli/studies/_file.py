"""A YAML file with the line of each value, for messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sercli.errors import ConfigError, suggest
from sercli.plain import PlainError, shorten
from sercli.plain.yaml import Place, from_yaml


@dataclass(frozen=True, slots=True)
class StudyFile:
    """The content of a file.

    Attributes:
        name: name of the file, for messages.
        value: content as plain types; keys are text (``on`` is not a boolean).
        lines: line of each key and item, by place.
        texts: text of each number and truth value as written, by place.
    """

    name: str
    value: Any
    lines: dict[Place, int]
    texts: Mapping[Place, str] = field(default_factory=dict)

    def fail(self, place: Place, message: str) -> NoReturn:
        """Refuse the value at a place.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(f"{self.name}:{self.line(place)}: {message}")

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the next place around it that has one."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def mapping(self, place: Place, value: Any, what: str) -> dict[str, Any]:
        """Return a value that must be a mapping."""
        if value is None and not place:
            self.fail(place, f"the file is empty, {what} is needed; write it as 'key: value'")
        if not isinstance(value, dict):
            self.fail(place, f"{what}: write it as 'key: value', not as {_spell(value)}")
        return value

    def items(self, place: Place, value: Any, what: str) -> list[Any]:
        """Return a value that must be a list with items."""
        if not isinstance(value, list) or not value:
            self.fail(place, f"{what}: write a list, not {_spell(value)}")
        return value

    def text(self, place: Place, value: Any, what: str) -> str:
        """Return a value that must be a text with characters, or a number, as it is written."""
        written = self.texts.get(place, str(value))
        if isinstance(value, bool):
            reads = f'YAML reads {written} without quotes as a truth value; write "{written}"'
            self.fail(place, f"{what}: write a text, not {_spell(value)}; {reads}")
        if not isinstance(value, str | int | float) or value == "":
            self.fail(place, f"{what}: write a text, not {_spell(value)}")
        return written

    def row_name(self, place: Place, row: Mapping[str, Any]) -> str:
        """Return the name of a row as it is written; an empty one if it has none."""
        return self.text((*place, "name"), row["name"], "name") if "name" in row else ""

    def known(self, place: Place, value: Mapping[str, Any], keys: tuple[str, ...], what: str) -> None:
        """Refuse keys other than these."""
        for key in value:
            if key not in keys:
                self.fail((*place, key), f"unknown key '{key}' of {what}; {suggest(key, keys)}")


def parse(text: str, name: str) -> StudyFile:
    """Read YAML.

    Raises:
        ConfigError: it is not YAML, or a key occurs twice; the message names the line.
    """
    try:
        parsed = from_yaml(text)
    except PlainError as error:
        raise ConfigError(f"{name}:{error.line or 1}: {error}") from None
    return StudyFile(name, parsed.value, parsed.lines, parsed.texts)


def _spell(value: Any) -> str:
    return "nothing" if value is None or value in ("", [], {}) else shorten(repr(value))
