"""Predictions of a trained network for a recording."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sercli.inference import Scores
from sercli.records import TRACE_RATE


@dataclass(frozen=True, slots=True)
class Window:
    """The prediction for a part of a recording: a window, or a turn.

    Attributes:
        start: where it begins, seconds.
        end: where it ends.
        probabilities: of the classes; none where there are no classes.
        values: of the dimensions; none where there are no dimensions.
        speaker: who speaks in a turn, if this is known.
    """

    start: float
    end: float
    probabilities: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring windows of one class.

    Windows overlap, stretches do not: a stretch ends halfway between the centres of two windows.

    Attributes:
        start: where it begins, seconds.
        end: where it ends.
        predicted: the class.
        probability: of that class, the mean over the windows.
        windows: number of its first window, and the one after its last.
    """

    start: float
    end: float
    predicted: str
    probability: float
    windows: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SpeakerMean:
    """The predictions for the turns of a speaker in a recording, as means weighted by their lengths.

    Attributes:
        speaker: who speaks.
        seconds: length of the turns together.
        probabilities: of the classes; none where there are no classes.
        values: of the dimensions; none where there are no dimensions.
    """

    speaker: str
    seconds: float
    probabilities: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The prediction for a recording.

    Attributes:
        file: its path.
        duration: seconds.
        classes: names of the classes; none where the network gives no classes.
        probabilities: of the classes; where there are windows, the mean of theirs; where there are turns, the
            mean weighted by their lengths; none for a recording without speech.
        unsure_below: the smallest probability of a reliable class; none if unknown.
        unlike: how the recording differs from the training corpus; none if nothing is found.
        windows: predictions for parts of the recording, in order, if requested: windows, or turns.
        dimensions: names of the dimensions or of the continuous labels.
        values: value of each dimension for the recording, on the scale of the training corpus; where there
            are windows, the mean of theirs.
        trace: values of the continuous labels, (frames, dimensions), `TRACE_RATE` frames a second.
        note: how samples beyond full scale were scaled down, or that there is no speech; none otherwise.
        by_turn: whether the parts are turns, which have silence between them and may overlap.
        offset_s: where the recording begins in its file, if it is a part of one; all other times count from
            there.
    """

    file: str
    duration: float
    classes: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    unsure_below: float | None = None
    unlike: str | None = None
    windows: tuple[Window, ...] = ()
    dimensions: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    trace: Scores | None = None
    note: str | None = None
    by_turn: bool = False
    offset_s: float = 0.0

    @property
    def predicted(self) -> str | None:
        """The most probable class; none without classes, or without speech."""
        return self.classes[_top(self.probabilities)] if self.probabilities else None

    @property
    def probability(self) -> float | None:
        """Its probability."""
        return max(self.probabilities, default=None)

    @property
    def unsure(self) -> bool | None:
        """Whether the probability is below the threshold; unknown without a threshold."""
        if self.unsure_below is None or self.probability is None:
            return None
        return self.probability < self.unsure_below

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The windows, neighbours of equal class joined; each turn by itself; none without classes."""
        if not self.classes:
            return ()
        tops = [_top(window.probabilities) for window in self.windows]
        changes = [i for i, top in enumerate(tops) if i == 0 or self.by_turn or tops[i - 1] != top]
        found, spans = [], self.spans
        for first, stop in pairwise([*changes, len(tops)]):
            own = [window.probabilities[tops[first]] for window in self.windows[first:stop]]
            found.append(
                Stretch(
                    start=spans[first][0],
                    end=spans[stop - 1][1],
                    predicted=self.classes[tops[first]],
                    probability=sum(own) / len(own),
                    windows=(first, stop),
                )
            )
        return tuple(found)

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """Time that each window stands for, seconds: up to midway between the centres of two windows.

        A turn stands for the time from its start to its end.
        """
        if self.by_turn:
            return tuple((window.start, window.end) for window in self.windows)
        inner = [(one.start + one.end + other.start + other.end) / 4 for one, other in pairwise(self.windows)]
        return tuple(pairwise((0.0, *inner, self.duration))) if self.windows else ()

    @property
    def speakers(self) -> tuple[SpeakerMean, ...]:
        """The means of each speaker, in the order of their first turns."""
        found = []
        for name in dict.fromkeys(window.speaker for window in self.windows):
            own = [window for window in self.windows if window.speaker == name]
            seconds = [window.end - window.start for window in own]
            rows = ([window.probabilities for window in own], [window.values for window in own])
            means = (tuple(np.average(row, axis=0, weights=seconds).tolist()) for row in rows)
            if name is not None:
                found.append(SpeakerMean(name, round(sum(seconds), 6), *means))
        return tuple(found)

    def place_of(self, part: Window | Stretch) -> tuple[float, float]:
        """Return where a part begins and ends in the file, in seconds."""
        return self.offset_s + part.start, self.offset_s + part.end

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        content: dict[str, Any] = {"file": self.file, "duration_s": self.duration, "unlike": self.unlike}
        if self.offset_s:
            content["offset_s"] = self.offset_s
        if self.note is not None:
            content["note"] = self.note
        if self.trace is not None:
            means = self.trace.mean(axis=0).tolist()
            content["mean"] = dict(zip(self.dimensions, means, strict=True))
            content["frames_per_second"] = TRACE_RATE
            content["trace"] = dict(zip(self.dimensions, self.trace.T.tolist(), strict=True))
            return content
        if self.classes:
            content |= {
                "predicted": self.predicted,
                "probability": self.probability,
                "unsure": self.unsure,
            }
        content |= self._named(self.probabilities, self.values)
        if self.by_turn:
            return content | self._turns_and_speakers()
        if self.windows:
            content["windows"] = [
                {
                    "start_s": each.start,
                    "end_s": each.end,
                    **self._named(each.probabilities, each.values),
                }
                for each in self.windows
            ]
        if self.stretches:
            content["stretches"] = [
                {
                    "start_s": each.start,
                    "end_s": each.end,
                    "predicted": each.predicted,
                    "probability": each.probability,
                }
                for each in self.stretches
            ]
        return content

    def _turns_and_speakers(self) -> dict[str, Any]:
        """Return the turns, and the means of the speakers if they are known."""
        turns = [
            {
                "start_s": each.start,
                "end_s": each.end,
                "speaker": each.speaker,
                **self._best(each.probabilities),
                **self._named(each.probabilities, each.values),
            }
            for each in self.windows
        ]
        speakers = [
            {
                "speaker": each.speaker,
                "speech_s": each.seconds,
                **self._best(each.probabilities),
                **self._named(each.probabilities, each.values),
            }
            for each in self.speakers
        ]
        return {"turns": turns} | ({"speakers": speakers} if speakers else {})

    def _best(self, probabilities: tuple[float, ...]) -> dict[str, Any]:
        """Return the most probable class and its probability, if there are classes."""
        if not probabilities:
            return {}
        return {"predicted": self.classes[_top(probabilities)], "probability": max(probabilities)}

    def _named(self, probabilities: tuple[float, ...], values: tuple[float, ...]) -> dict[str, Any]:
        """Return probabilities by class and values by dimension, as far as there are any."""
        pairs = (("probabilities", self.classes, probabilities), ("values", self.dimensions, values))
        return {key: dict(zip(names, numbers, strict=True)) for key, names, numbers in pairs if numbers}


def _top(probabilities: tuple[float, ...]) -> int:
    """Return the most probable class; the first one if several are equally probable."""
    return max(range(len(probabilities)), key=probabilities.__getitem__)
