"""The steps of a stream of answers, and which class is shown at each: one rule for all networks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sercli.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Step:
    """The answer at one moment of a stream.

    Attributes:
        start: where the speech that was looked at begins, seconds since the beginning of the stream.
        end: where it ends.
        values: class probabilities and values of dimensions, in the order of the stream's names; none where a
            network that looks at windows was not applied because there was silence.
        last: whether a window ends here. A classifier that answers frame by frame was trained to predict
            this frame; the other frames have a shorter past.
        silent: whether there is nothing to answer: the last second, at least, is silence, or the sound after
            silence began less than `FIRST_S` ago (not of continuous labels by frame).
        shown: the class that is shown, which changes less often than the most probable class; none in
            silence and without classes.
        smoothed: the values, averaged over the last seconds; none in silence.
    """

    start: float
    end: float
    values: tuple[float, ...]
    last: bool
    silent: bool = False
    shown: str | None = None
    smoothed: tuple[float, ...] = ()

    def to_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """Return it ready for JSON.

        Args:
            names: of the values, as those of the stream.
        """
        row = {"start_s": self.start, "end_s": self.end, "window_end": self.last}
        values = dict(zip(names, self.values, strict=True)) if self.values else dict.fromkeys(names)
        smoothed = dict(zip(names, self.smoothed, strict=True)) if self.smoothed else None
        return row | values | {"silent": self.silent, "shown": self.shown, "smoothed": smoothed}


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How calmly a stream is shown.

    The first step shows its most probable class. After that, the shown class changes to another class that is
    the most probable one

    - at once, if its probability is above that of the shown class by ``margin`` or more;
    - if it has been the most probable one in all steps of the last ``hold_s`` seconds.

    Of a classifier that answers frame by frame, only the last frame of each window counts. In silence there
    is no class, and after it the next step shows its most probable class.

    Attributes:
        margin: lead in probability that changes the shown class at once.
        hold_s: seconds of a smaller lead that change it.
        smooth_s: time constant in seconds of the exponential average of the values; zero does not average.
        silence_db: a step is silence if no 40 ms of the last second are louder, decibels of full scale.
            The quietest recording of RAVDESS reaches -55 dB.
    """

    margin: float = 0.3
    hold_s: float = 1.5
    smooth_s: float = 1.0
    silence_db: float = -60.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ConfigError: one is out of its range.
        """
        if not 0 <= self.margin <= 1:
            raise ConfigError(f"margin={self.margin:g}: use a difference of probabilities from 0 to 1")
        for name, value in (("hold_s", self.hold_s), ("smooth_s", self.smooth_s)):
            if not 0 <= value <= 60:
                raise ConfigError(f"{name}={value:g}: use 0 to 60 s")
        if not -200 <= self.silence_db <= 0:
            raise ConfigError(f"silence_db={self.silence_db:g}: use -200 to 0 dB")


class Steadied:
    """Decides what is shown, step by step; see `Steadiness`."""

    def __init__(self, classes: Sequence[str], steadiness: Steadiness) -> None:
        """Begin with nothing shown."""
        self.classes, self.steadiness = tuple(classes), steadiness
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        self._shown: int | None = None
        self._leader: int | None = None
        self._led_s = 0.0
        self._end: float | None = None
        self._decided: float | None = None
        self._smoothed: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None

    def add(self, step: Step) -> Step:
        """Return a step with the class to show and the smoothed values."""
        if step.silent:
            self.reset()
            return step
        if step.values:
            self._smooth(step)
        if self.classes and step.last and step.values:
            self._decide(step)
        elif self.classes and self._shown is None and step.values:
            self._shown = int(np.argmax(step.values[: len(self.classes)]))
        return replace(
            step,
            shown=None if self._shown is None else self.classes[self._shown],
            smoothed=() if self._smoothed is None else tuple(self._smoothed.tolist()),
        )

    def _smooth(self, step: Step) -> None:
        values = np.array(step.values)
        if self._smoothed is None or self._end is None or not self.steadiness.smooth_s:
            self._smoothed = values
        else:
            kept = math.exp(-(step.end - self._end) / self.steadiness.smooth_s)
            self._smoothed = kept * self._smoothed + (1 - kept) * values
        self._end = step.end

    def _decide(self, step: Step) -> None:
        probabilities = step.values[: len(self.classes)]
        top = int(np.argmax(probabilities))
        passed = 0.0 if self._decided is None else step.end - self._decided
        self._decided = step.end
        self._led_s = self._led_s + passed if top == self._leader else passed
        self._leader = top
        lead = 1.0 if self._shown is None else probabilities[top] - probabilities[self._shown]
        # A sum of times such as 0.1 s may be a rounding error too short.
        if lead >= self.steadiness.margin or self._led_s >= self.steadiness.hold_s - 1e-6:
            self._shown = top
