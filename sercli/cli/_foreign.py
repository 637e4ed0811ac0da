"""Text that somebody else wrote, such as the facts of a bundle that was got: made fit for a terminal."""

from typing import Any

_LONGEST = 500


def printable(value: Any) -> str:
    """Put a value on one line, without what a terminal would obey."""
    text = " ".join(str(value).split())
    return "".join(each if each.isprintable() else "?" for each in text)[:_LONGEST]
