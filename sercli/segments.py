"""Pieces of one length out of signals of any length: cropping, padding, sliding windows.

The same functions cut samples and frames. Papers differ in where an utterance is cropped or padded
and in what happens to a tail that is too short for another window; each way has a name here.
"""

from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from pydantic import Field, model_validator

from sercli.config import Config
from sercli.errors import require_choice

Placement = Literal["start", "centre", "end"]
Tail = Literal["drop", "align", "pad"]
Signal = np.ndarray[Any, np.dtype[np.float32]]

# A recording of RECOLA, the longest that any paper's network takes at once.
_LONGEST_S = 300.0
_MOST_OVERLAP = 100


class SegmentConfig(Config):
    """How utterances are cut for a network."""

    size_s: float | None = Field(None, ge=0.1, le=_LONGEST_S)
    """Length of a segment in seconds; complete utterances if null."""
    hop_s: float = Field(1.0, ge=0.01, le=_LONGEST_S)
    """From one training segment's start to the next one's."""
    test_hop_s: float | None = Field(None, ge=0.01, le=_LONGEST_S)
    """From one segment's start to the next one's in the dev and test parts; null: as in training."""
    tail: Tail = "drop"
    """Treatment of the rest after the last complete segment: drop, align (with the end) or pad."""
    frames: int | None = Field(None, ge=1, le=100_000)
    """Number of frames to which a segment is padded with silence; the number of frames within it if null."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: whole utterances are not cut."""
        return dict.fromkeys(("hop_s", "test_hop_s", "tail"), "size_s=null") if self.size_s is None else {}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.size_s is None and self.frames is not None:
            raise ValueError("frames is only for size_s: complete utterances are not padded")
        for name, hop in (("hop_s", self.hop_s), ("test_hop_s", self.test_hop_s)):
            if self.size_s is not None and hop is not None and self.size_s > _MOST_OVERLAP * hop:
                raise ValueError(
                    f"{name}={hop:g} with size_s={self.size_s:g}: a sample would be in "
                    f"{self.size_s / hop:.0f} segments, at most {_MOST_OVERLAP} are cut"
                )
        return self


@dataclass(frozen=True, slots=True)
class Span:
    """What is kept of a signal, and the silence around it.

    Attributes:
        start: first sample (or frame) kept.
        stop: the one after the last.
        before: how many of silence come first.
        after: how many come last.
    """

    start: int
    stop: int
    before: int = 0
    after: int = 0

    @property
    def length(self) -> int:
        """How many samples (or frames) `take` gives."""
        return self.before + self.stop - self.start + self.after

    def take(self, signal: Signal, silence: float | Signal = 0.0) -> Signal:
        """Cut the span out of a signal, (..., length), and put the silence around it.

        Args:
            signal: what is cut.
            silence: a number, or one for each row, (..., 1).
        """
        kept = signal[..., self.start : self.stop]
        if not self.before and not self.after:
            return kept
        padded: Signal = np.empty((*signal.shape[:-1], self.length), np.float32)
        padded[:] = silence
        padded[..., self.before : self.before + kept.shape[-1]] = kept
        return padded


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of an utterance, which never parts from its other pieces.

    Attributes:
        utterance: id of the utterance.
        number: which piece of it, from zero.
        span: its place in the recording.
    """

    utterance: str
    number: int
    span: Span

    @property
    def id(self) -> str:
        """Id that contains the id of its utterance."""
        return f"{self.utterance}#{self.number}"


def fit(length: int, size: int, placement: Placement) -> Span:
    """Crop or pad a signal to ``size``.

    Args:
        length: of the signal.
        size: wanted.
        placement: ``start`` keeps the beginning and pads at the end, ``end`` keeps the end and pads at
            the front, ``centre`` does half of either at both ends (the odd one at the end).
    """
    surplus = length - size
    first = {"start": 0, "centre": abs(surplus) // 2, "end": abs(surplus)}[placement]
    if surplus >= 0:
        return Span(first, first + size)
    return Span(0, length, first, -surplus - first)


def windows(length: int, size: int, hop: int, tail: Tail = "drop") -> list[Span]:
    """Slide a window over a signal.

    Args:
        length: of the signal.
        size: of a window.
        hop: from one window's start to the next one's.
        tail: what to do with the rest after the last complete window: ``drop`` it, ``align`` another
            window with the end of the signal, or ``pad`` it at its end.

    Returns:
        The windows in order; at least one, padded at its end where the signal is shorter than ``size``.
    """
    require_choice("tail", tail, get_args(Tail))
    if length <= size:
        return [fit(length, size, "start")]
    starts = list(range(0, length - size + 1, hop))
    spans = [Span(start, start + size) for start in starts]
    if starts[-1] + size == length or tail == "drop":
        return spans
    if tail == "align":
        return [*spans, Span(length - size, length)]
    start = starts[-1] + hop
    return [*spans, Span(start, length, 0, start + size - length)] if start < length else spans


def cut(utterance: str, spans: list[Span]) -> list[Segment]:
    """Number the pieces of an utterance."""
    return [Segment(utterance, number, span) for number, span in enumerate(spans)]
