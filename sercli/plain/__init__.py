"""Read and write JSON and YAML; no other module does.

Files may come from anybody, so a reader ends within seconds and returns only plain types: mappings with text
as keys, lists, texts, finite numbers, booleans and ``None``. Limits stop a small file from filling memory
(aliases of aliases), and numbers beyond those that any setting has.
"""

from typing import Any

_SHOWN = 80


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
