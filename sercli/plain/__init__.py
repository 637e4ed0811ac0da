"""Read and write JSON and YAML; no other module does.

What is read may come from anybody, so that a reader ends within seconds and gives plain types alone: mappings
with text as keys, lists, texts, finite numbers, truth values, nothing. Limits keep a small file from filling
memory (aliases of aliases), and numbers from being those that no setting has.
"""

from typing import Any

_SHOWN = 80


class PlainError(ValueError):
    """Text that is no JSON or YAML, or beyond the limits of both.

    Attributes:
        line: where, from one; none if unknown.
    """

    def __init__(self, fact: str, line: int | None = None) -> None:
        super().__init__(fact)
        self.line = line


def shorten(value: Any, length: int = _SHOWN) -> str:
    """Spell a value for a message, with an ellipsis where it is long; text without quotes."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."
