"""Predictions of a trained network for a recording."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sercli.inference import Scores
from sercli.records import TRACE_RATE


@dataclass(frozen=True, slots=True)
class Window:
    """The prediction for a part of a recording.

    Attributes:
        start: where it begins, seconds.
        end: where it ends.
        probabilities: of the classes; none where there are no classes.
        values: of the dimensions; none where there are no dimensions.
    """

    start: float
    end: float
    probabilities: tuple[float, ...] = ()
    values: tuple[float, ...] = ()


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


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The prediction for a recording.

    Attributes:
        file: its path.
        duration: seconds.
        classes: names of the classes; none where the network gives no classes.
        probabilities: of the classes; where there are windows, the mean of theirs.
        unsure_below: the smallest probability of a reliable class; none if unknown.
        unlike: how the recording differs from the training corpus; none if nothing is found.
        windows: predictions for parts of the recording, in order, if requested.
        dimensions: names of the dimensions or of the continuous labels.
        values: value of each dimension for the recording, on the scale of the training corpus; where there
            are windows, the mean of theirs.
        trace: values of the continuous labels, (frames, dimensions), `TRACE_RATE` frames a second.
        note: how samples beyond full scale were scaled down; none if there were none.
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

    @property
    def predicted(self) -> str | None:
        """The most probable class."""
        return self.classes[_top(self.probabilities)] if self.classes else None

    @property
    def probability(self) -> float | None:
        """Its probability."""
        return max(self.probabilities) if self.classes else None

    @property
    def unsure(self) -> bool | None:
        """Whether the probability is below the threshold; unknown without a threshold."""
        if self.unsure_below is None or self.probability is None:
            return None
        return self.probability < self.unsure_below

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The windows, neighbours of equal class joined; none without classes."""
        if not self.classes:
            return ()
        tops = [_top(window.probabilities) for window in self.windows]
        changes = [i for i, top in enumerate(tops) if i == 0 or tops[i - 1] != top]
        found, borders = [], self.borders
        for first, stop in pairwise([*changes, len(tops)]):
            own = [window.probabilities[tops[first]] for window in self.windows[first:stop]]
            found.append(
                Stretch(
                    start=borders[first],
                    end=borders[stop],
                    predicted=self.classes[tops[first]],
                    probability=sum(own) / len(own),
                    windows=(first, stop),
                )
            )
        return tuple(found)

    @property
    def borders(self) -> tuple[float, ...]:
        """Borders between the windows in seconds, including the beginning and the end."""
        inner = [(one.start + one.end + other.start + other.end) / 4 for one, other in pairwise(self.windows)]
        return (0.0, *inner, self.duration) if self.windows else ()

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        told: dict[str, Any] = {"file": self.file, "duration_s": self.duration, "unlike": self.unlike}
        if self.note is not None:
            told["note"] = self.note
        if self.trace is not None:
            means = self.trace.mean(axis=0).tolist()
            told["mean"] = dict(zip(self.dimensions, means, strict=True))
            told["frames_per_second"] = TRACE_RATE
            told["trace"] = dict(zip(self.dimensions, self.trace.T.tolist(), strict=True))
            return told
        if self.classes:
            told |= {
                "predicted": self.predicted,
                "probability": self.probability,
                "unsure": self.unsure,
            }
        told |= self._named(self.probabilities, self.values)
        if self.windows:
            told["windows"] = [
                {
                    "start_s": each.start,
                    "end_s": each.end,
                    **self._named(each.probabilities, each.values),
                }
                for each in self.windows
            ]
        if self.stretches:
            told["stretches"] = [
                {
                    "start_s": each.start,
                    "end_s": each.end,
                    "predicted": each.predicted,
                    "probability": each.probability,
                }
                for each in self.stretches
            ]
        return told

    def _named(self, probabilities: tuple[float, ...], values: tuple[float, ...]) -> dict[str, Any]:
        """Return probabilities by class and values by dimension, as far as there are any."""
        pairs = (("probabilities", self.classes, probabilities), ("values", self.dimensions, values))
        return {key: dict(zip(names, numbers, strict=True)) for key, names, numbers in pairs if numbers}


def _top(probabilities: tuple[float, ...]) -> int:
    """Return the most probable class; the first one if several are equally probable."""
    return max(range(len(probabilities)), key=probabilities.__getitem__)
