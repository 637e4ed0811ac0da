"""Read and write JSON and YAML, which may come from anybody.

A reader ends within seconds and returns only plain types: mappings with text as keys, lists, texts, finite
numbers, booleans and ``None``. Limits stop a small file from filling memory (aliases of aliases), and numbers
beyond those that any setting has.
"""

from typing import Any

_SHOWN = 80


def is_text(value: object) -> bool:
    r"""Return whether a text can be written in UTF-8; true of anything else.

    JSON can hold half a character, such as ``\ud800``; Python reads bytes in a file's name that are not UTF-8
    as such halves.
    """
    return not isinstance(value, str) or value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)


class PlainError(ValueError):
    """Text is not JSON or YAML, or exceeds the limits.

    Attributes:
        line: line of the error, from one; ``None`` if unknown.
    """

    def __init__(self, fact: str, line: int | None = None) -> None:
        super().__init__(fact)
        self.line = line


def shorten(value: Any, length: int = _SHOWN) -> str:
    """Format a value for a message, shortened if it is long; text without quotes."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."
