"""Answer with the models while a visitor speaks."""

import struct
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import soxr

from sercli import audio
from sercli.audio import SAMPLE_RATE, Samples
from sercli.demo.answers import Responder
from sercli.errors import AudioError, RunError
from sercli.inference.live import stream_of
from sercli.inference.steadiness import Step
from sercli.tasks import Outputs
from sercli.web.loaded import LoadedModel

_STEP_S = 0.45  # of speech between two answers; browsers send a tenth or half a second, about, at a time
_TURN_S = 0.3  # wait for the networks, which the explanation of another answer leaves as often as this
_CHUNK_S = 10.0  # longest chunk
_CHUNK_BYTES = 2_000_000
_RATES, _CHANNELS = range(8000, 192_001), (1, 2)
_WAITING_S = 60.0  # longest speech that is kept while the networks are busy
_PAUSE_S = 3.0  # after this time without a chunk, a new session begins
_SHOWN_S = 30.0  # of the lines
_WIDTH, _HEIGHT = 300.0, 60.0  # of the box of a line
_DEVIATIONS = 3.0  # from the mean of the training part to the ends of the box


@dataclass(frozen=True, slots=True)
class Line:
    """A dimension in the last half minute.

    Attributes:
        name: its name.
        value: its present value, averaged over the last seconds; none in silence.
        low: value at the bottom of the box, 300 by 60, in which the line is drawn.
        high: value at the top.
        parts: points of the line, interrupted where there is silence.
    """

    name: str
    value: float | None
    low: float
    high: float
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LiveAnswer:
    """The present answer of a model.

    Attributes:
        model: the model.
        note: the time that the answer is about, or the reason why there is none.
        step: the last step of its stream; none if there is no answer.
        lines: its dimensions.
    """

    model: LoadedModel
    note: str
    step: Step | None = None
    lines: tuple[Line, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that the model predicts."""
        return self.model.predictor.bundle.outputs.classes

    @property
    def probability(self) -> float | None:
        """Probability of the class that is shown, averaged over the last seconds; none without a class."""
        if self.step is None or self.step.shown is None:
            return None
        return self.step.smoothed[self.classes.index(self.step.shown)]

    @property
    def unsure(self) -> bool:
        """Whether this probability is below the threshold of the model; never without a threshold."""
        least = self.model.predictor.unsure_below
        return least is not None and self.probability is not None and self.probability < least


class Live:
    """Follows one speaker with each model."""

    def __init__(self, responder: Responder) -> None:
        """Begin a session with the models of a responder."""
        self.responder = responder
        self._last = time.monotonic()
        self._begin(SAMPLE_RATE)

    def feed(self, samples: Samples, rate: int) -> list[LiveAnswer] | None:
        """Take the next samples, (samples,), and return the answers; ``None`` if there are no new ones.

        There are no new answers either while the networks are busy; the next ones include these samples.
        """
        now = time.monotonic()
        if rate != self._rate or now - self._last > _PAUSE_S or self._waiting_s > _WAITING_S:
            self._begin(rate)
        self._new.append(self._resampler.resample_chunk(samples))
        try:
            return self._answer() if self._waiting_s >= _STEP_S else None
        finally:
            self._last = time.monotonic()  # the time of answering is not a pause

    @property
    def _waiting_s(self) -> float:
        return sum(map(len, self._new)) / SAMPLE_RATE

    def _begin(self, rate: int) -> None:
        self._rate = rate
        self._new: list[Samples] = []
        self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, "float32", quality="VHQ")
        self._followers = [_Follower(each) for each in self.responder.models]

    def _answer(self) -> list[LiveAnswer] | None:
        with self.responder.applying(_TURN_S) as held:
            if not held:
                return None
            samples, self._new = np.concatenate(self._new), []
            fresh = [each.add(samples) for each in self._followers]
        return [each.answer for each in self._followers] if any(fresh) else None


class _Follower:
    """Follows the speaker with one model, if it can.

    Attributes:
        answer: the present answer.
    """

    def __init__(self, model: LoadedModel) -> None:
        self.model = model
        if model.predictor.needs_several:
            self.answer = LiveAnswer(
                model,
                "this model can't answer live: it needs several recordings. Use the Several recordings tab "
                "instead",
            )
        else:
            self._begin()

    def _begin(self) -> None:
        self.answer = LiveAnswer(self.model, "no answer yet")
        self._stream = stream_of(self.model.predictor)
        self._steps: deque[Step] = deque()  # of the last half minute

    def add(self, samples: Samples) -> bool:
        """Take samples, (samples,), 16 kHz; return whether there is an answer to show."""
        if self.model.predictor.needs_several:
            return True
        try:
            steps = self._stream.feed(samples, at_end=True)
        except RunError as error:
            self._begin()
            self.answer = LiveAnswer(self.model, f"no answer: {error}")
            return True
        if not steps:
            return False
        step = steps[-1]
        self._steps.extend(steps)
        while self._steps[0].end < step.end - _SHOWN_S:
            self._steps.popleft()
        self.answer = LiveAnswer(self.model, self._describe(step), step, tuple(self._lines(step)))
        return True

    def _describe(self, step: Step) -> str:
        if step.silent:
            return "no emotion is given before a second of sound has come"
        seen = "for each 40 ms" if self._stream.by_frame else f"from the last {step.end - step.start:.1f} s"
        return f"predicted {seen}; the values are averaged over about a second"

    def _lines(self, step: Step) -> Iterator[Line]:
        outputs = self.model.predictor.bundle.outputs
        ends = _ends(outputs)
        for place, name in enumerate(outputs.dimensions, len(outputs.classes)):
            low, high = ends[place - len(outputs.classes)]
            parts = [
                _points(((each.end - step.end, each.smoothed[place]) for each in run), low, high)
                for has_speech, run in groupby(self._steps, lambda each: bool(each.smoothed))
                if has_speech
            ]
            yield Line(name, step.smoothed[place] if step.smoothed else None, low, high, tuple(parts))


def _ends(outputs: Outputs) -> list[tuple[float, float]]:
    """Return the values at the bottom and the top of the box of each dimension.

    Continuous labels reach from -1 to 1; other values may have any scale.
    """
    if not outputs.means:
        return [(-1.0, 1.0) for _ in outputs.dimensions]
    return [
        (mean - _DEVIATIONS * deviation, mean + _DEVIATIONS * deviation)
        for mean, deviation in zip(outputs.means, outputs.deviations, strict=True)
    ]


def _points(values: Iterable[tuple[float, float]], low: float, high: float) -> str:
    """Return the points of a line from times before now, seconds, and values; the newest is at the right."""
    x, y = np.array(list(values)).T
    x = _WIDTH * (1 + x / _SHOWN_S)
    y = _HEIGHT * (1 - np.clip((y - low) / (high - low), 0, 1))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def read_chunk(path: Path) -> tuple[Samples, int]:
    """Read a chunk of a microphone's stream, whose header does not state its true length.

    Only the format that browsers send is decoded: PCM16 after a header of 44 bytes, at most ten seconds.

    Returns:
        Samples, (samples,), and their rate.

    Raises:
        AudioError: it has another format.
    """
    with path.open("rb") as file:
        content = file.read(_CHUNK_BYTES + 1)
    size = len(content) - 44
    if not 0 < size <= _CHUNK_BYTES - 44:
        raise AudioError(f"{path}: not a chunk of a stream; record again")
    riff, wave, length, code, channels, rate, bits, data = struct.unpack("<4s4x8sIHHI6xH4s4x", content[:44])
    if (riff, wave, length, code, bits, data) != (b"RIFF", b"WAVEfmt ", 16, 1, 16, b"data"):
        raise AudioError(f"{path}: not a chunk of a stream, which is PCM16; record again")
    if channels not in _CHANNELS or rate not in _RATES or size > _CHUNK_S * rate * channels * 2:
        raise AudioError(f"{path}: not a chunk of a stream of 8 to 192 kHz; record again")
    content = content[:40] + struct.pack("<I", size) + content[44:]
    samples, _ = audio.decode(path, content=content)
    return samples, rate
