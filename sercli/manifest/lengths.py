"""Compare the lengths that a list states with those of the audio that was read."""

from collections import Counter

from sercli.records import Note, Utterance

# A list may state samples or milliseconds.
_UNITS = (1, 1000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
# What padding, resampling and rounding change, seconds and share.
_TOLERANCE_S = 0.1
_TOLERANCE = 0.02


class Lengths:
    """The lengths of a list's utterances, as stated and as read."""

    def __init__(self, place: str) -> None:
        """Compare for the list called ``place``."""
        self.place = place
        self._other: list[tuple[str, float, float]] = []
        self._whole: Counter[str] = Counter()
        self._count = 0

    def add(self, listed: Utterance, read: Utterance) -> None:
        """Compare one utterance; ``listed`` may state no length."""
        self._count += 1
        if listed.start is None and listed.end is None:
            self._whole[listed.file] += 1
        if listed.duration and not any(_alike(listed.duration / unit, read.duration) for unit in _UNITS):
            self._other.append((listed.id, listed.duration, read.duration))

    def notes(self) -> list[Note]:
        """Say which lengths contradict, and which recordings count as several utterances."""
        notes = []
        if self._other:
            name, stated, found = self._other[0]
            fact = (
                f"{len(self._other)} of {self._count} utterances are not as long as the list states: "
                f"{name} is {found:g} s long, {stated:g} s are stated; does the list lack "
                "the times of segments?"
            )
            notes.append(Note(self.place, fact, title="lengths"))
        repeated = {file: count for file, count in self._whole.items() if count > 1}
        if repeated:
            file, count = next(iter(repeated.items()))
            fact = (
                f"{sum(repeated.values())} utterances share a complete recording with others: {file} is "
                f"read {count} times; if they are segments, name the columns of their times, as in "
                "--column start=COLUMN"
            )
            notes.append(Note(self.place, fact, title="lengths"))
        return notes


def _alike(stated: float, read: float) -> bool:
    return abs(stated - read) <= max(_TOLERANCE_S, _TOLERANCE * stated)
