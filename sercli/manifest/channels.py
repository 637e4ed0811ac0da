"""Refuse lists that take single channels of a recording, as lists of telephone calls do.

A recording is prepared as the average of its channels. With a speaker on each channel, an utterance of one
speaker would hold the voice of the other, too.
"""

from sercli.manifest.values import is_absent

REMEDY = (
    "the channels of a recording are averaged, which would mix their speakers; write each channel to a file "
    "of its own, and name these files in the list"
)


class Channels:
    """The channel that a list takes of each of its recordings."""

    def __init__(self) -> None:
        """Begin with no recording."""
        self._first: dict[str, str] = {}

    def add(self, file: str, channel: object) -> str:
        """Explain that a row takes another channel of its recording than an earlier row; else empty."""
        if is_absent(channel) or isinstance(channel, list | dict):
            return ""
        first, now = self._first.setdefault(file, str(channel)), str(channel)
        return "" if now == first else f"takes channels {first} and {now} of {file}; {REMEDY}"
