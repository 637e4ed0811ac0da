"""Compare the lengths and times that a list states with its audio."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sercli import audio
from sercli.errors import AudioError
from sercli.manifest.values import SAMPLE_RATES
from sercli.records import Note, Utterance

# A list may state samples or milliseconds.
_UNITS = (1, 1000, *SAMPLE_RATES)
# Change by padding, resampling and rounding, in seconds and as a proportion.
_TOLERANCE_S = 0.1
_TOLERANCE = 0.02
# Times that are this many times as long as their file are in another unit, such as milliseconds.
_UNLIKE = 20


class Lengths:
    """Stated and true lengths of a list's utterances."""

    def __init__(self, place: str) -> None:
        """Begin the comparison for the list called ``place``."""
        self.place = place
        self._other: list[tuple[str, float, float]] = []
        self._complete: Counter[str] = Counter()
        self._count = 0

    def add(self, listed: Utterance, read: Utterance) -> None:
        """Compare one utterance; ``listed`` may state no length."""
        self._count += 1
        if listed.start is None and listed.end is None:
            self._complete[listed.file] += 1
        if listed.duration and not any(_alike(listed.duration / unit, read.duration) for unit in _UNITS):
            self._other.append((listed.id, listed.duration, read.duration))

    def notes(self) -> list[Note]:
        """Report lengths that differ, and recordings that are used as several utterances."""
        notes = []
        if self._other:
            name, stated, found = self._other[0]
            fact = (
                f"{len(self._other)} of {self._count} utterances are not as long as the list states: "
                f"{name} is {found:g} s long, {stated:g} s are stated; does the list lack "
                "the times of segments?"
            )
            notes.append(Note(self.place, fact, title="lengths"))
        repeated = {file: count for file, count in self._complete.items() if count > 1}
        if repeated:
            file, count = next(iter(repeated.items()))
            fact = (
                f"{sum(repeated.values())} utterances share a complete recording with others: {file} is "
                f"read {count} times; if they are segments, name the columns of their times, as in "
                "--column start=COLUMN"
            )
            notes.append(Note(self.place, fact, title="lengths"))
        return notes


def without_foreign_times(
    utterances: Sequence[Utterance], base: Path, place: str
) -> tuple[list[Utterance], Note | None]:
    """Leave out times that refer to a longer recording than the named file.

    Lists of clips may state the time of a clip in its film or call. This is assumed if no file is named
    twice, most times are beyond the end of their files, and these times are not in milliseconds or
    samples, which are far more than the seconds of a file.
    """
    listed = list(utterances)
    timed = [each for each in listed if each.source is None and (each.start or each.end is not None)]
    if not timed or len({each.file for each in listed}) < len(listed):
        return listed, None
    lengths = {each.file: _length(base / each.file) for each in timed}
    beyond = {
        each.file for each in timed if (length := lengths[each.file]) is not None and _is_beyond(each, length)
    }
    in_seconds = [each for each in timed if each.file in beyond and _may_be_seconds(each, lengths[each.file])]
    if 2 * len(beyond) <= len(timed) or 2 * len(in_seconds) <= len(beyond):
        return listed, None
    files = {each.file for each in timed}
    complete = [replace(each, start=None, end=None) if each.file in files else each for each in listed]
    first = next(each for each in timed if each.file in beyond)
    until = "" if first.end is None else f" to {first.end:g}"
    fact = (
        f"start and end are times of a longer recording, so nothing was cut: {len(beyond)} of {len(timed)} "
        f"are beyond the end of their file, such as {first.start or 0:g}{until} s of {first.file}, "
        f"which is {lengths[first.file]:g} s long"
    )
    return complete, Note(place, fact, title="times")


def _is_beyond(utterance: Utterance, length: float) -> bool:
    # The tolerance of `sercli.audio` for the end of a file.
    return (utterance.start or 0) >= length or (utterance.end or 0) > length + 0.05


def _may_be_seconds(utterance: Utterance, length: float | None) -> bool:
    """Return whether the times of an utterance may be in seconds, by the length of its file."""
    if utterance.end is None or length is None:
        return True
    return length / _UNLIKE <= utterance.end - (utterance.start or 0) <= _UNLIKE * length


def _length(path: Path) -> float | None:
    try:
        header = audio.header(path)
    except (AudioError, OSError):
        return None
    return round(header.frames / header.sample_rate, 3)


def _alike(stated: float, read: float) -> bool:
    return abs(stated - read) <= max(_TOLERANCE_S, _TOLERANCE * stated)
