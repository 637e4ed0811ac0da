"""Refuse lists that take single channels of a recording, as lists of telephone calls do.

A recording is prepared as the average of its channels. With a speaker on each channel, an utterance of one
speaker would hold the voice of the other, too.
"""

import re
from collections.abc import Iterable

from sercli.manifest.columns import simplify

REMEDY = (
    "the channels of a recording are averaged, which would mix their speakers; write each channel to a file "
    "of its own, and name these files in the list"
)

_COLUMNS = ("channel", "channelid")
# Other values, such as audio and video, are no channels of a recording.
_CHANNEL = re.compile(r"(?:ch|chan|channel)?[ _-]?(?:\d{1,2}|[ablr]|left|right)", re.IGNORECASE | re.ASCII)


def channel_column(columns: Iterable[str]) -> str | None:
    """Return the column, or the key of a record, that may hold the channel of each row."""
    return next((name for name in columns if simplify(name) in _COLUMNS), None)


class Channels:
    """The channel that a list takes of each of its recordings."""

    def __init__(self) -> None:
        """Begin with no recording."""
        self._first: dict[str, str] = {}

    def add(self, file: str, channel: object) -> str:
        """Explain that a row takes another channel of its recording than an earlier row; else empty."""
        if not _CHANNEL.fullmatch(str(channel).strip()):
            return ""
        first, now = self._first.setdefault(file, str(channel)), str(channel)
        return "" if now == first else f"takes channels {first} and {now} of {file}; {REMEDY}"
