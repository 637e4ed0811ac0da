"""Follow speech with any model while it arrives: frame by frame, or the last window every half second.

A network that only looks back gives a step for each frame of 40 ms (`sercli.inference.streaming`). Every
other network is applied again and again to the last window, so that its scores are those of the same window
of a recording. Both kinds give steps, and one rule decides which class is shown.
"""

import copy
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from sercli.audio import LEAST_S, SAMPLE_RATE, Samples, check_samples
from sercli.bundle import Bundle
from sercli.errors import ConfigError, RunError
from sercli.inference import NO_SCORES
from sercli.inference.predict import Predictor
from sercli.inference.recordings import (
    LOUDEST_S,
    WINDOW_S,
    Piece,
    choose_window,
    level_db,
    looked_at,
    rates_of,
)
from sercli.inference.steadiness import Steadied, Steadiness, Step
from sercli.inference.streaming import FRAME, Frame, Stream
from sercli.records import TRACE_RATE

HOP_S = 0.5
"""Time from one step to the next for networks that look at windows."""
FIRST_S = 1.0
"""Length of sound before the first class, at the beginning and after each silence: less says little."""
SPEAKER = "the speaker"
"""Name under which the one speaker of a stream is enrolled."""

# So many steps in a row must take longer than the hop before it grows: one can be delayed by anything.
_SLOW_STEPS = 3
# Share of the hop that the computing of a step may take after the hop has grown.
_BUSY = 0.8
_LONGEST_HOP_S = 10.0


class _Source(Protocol):
    """Where the steps of a stream come from."""

    window_s: float

    @property
    def hop_s(self) -> float: ...

    @property
    def latency_s(self) -> float: ...

    def feed(self, samples: Samples, *, at_end: bool) -> list[Step]: ...

    def finish(self) -> list[Step]: ...


class LiveStream:
    """Follows one speaker with a model; made by `stream_of`.

    Attributes:
        names: what the values of a step are.
        classes: names of the classes; none where the model gives dimensions only.
    """

    def __init__(self, bundle: Bundle, source: _Source, steadiness: Steadiness) -> None:
        """Begin a stream."""
        self.names, self.classes = bundle.outputs.names, bundle.outputs.classes
        self._source, self._steadied = source, Steadied(self.classes, steadiness)

    @property
    def by_frame(self) -> bool:
        """Whether there is a step for each frame of 40 ms, from a network that only looks back."""
        return isinstance(self._source, _Frames)

    @property
    def window_s(self) -> float:
        """Length of a window."""
        return self._source.window_s

    @property
    def hop_s(self) -> float:
        """Time from one step to the next; it grows while the computer is too slow for windows."""
        return self._source.hop_s

    @property
    def latency_s(self) -> float:
        """Longest delay from a sample to the step that includes it, without computing time."""
        return self._source.latency_s

    def feed(self, samples: Samples, *, at_end: bool = False) -> list[Step]:
        """Take the next block, return the steps that it completes.

        Args:
            samples: the block, (samples,), 16 kHz, full scale 1.0.
            at_end: whether a network that looks at windows is applied once, to the window that ends with the
                block, in place of once for each hop: for a caller that shows only the present answer, and
                may have waited for the network for many hops.

        Raises:
            ConfigError: the block has channels, or other values than finite floats.
            RunError: the network gives no finite scores.
        """
        check_samples(samples)
        return [self._steadied.add(step) for step in self._source.feed(samples, at_end=at_end)]

    def finish(self) -> list[Step]:
        """End the stream with a step for the rest, if any; then begin a new stream."""
        steps = [self._steadied.add(step) for step in self._source.finish()]
        self._steadied.reset()
        return steps


def stream_of(
    model: Predictor | Bundle | Path | str,
    hop_s: float | None = None,
    steadiness: Steadiness | None = None,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> LiveStream:
    """Return a stream for any model.

    Args:
        model: predictor, which decides the length of windows and the device, and whose enrolment is used; or
            a bundle, or its folder.
        hop_s: seconds from one step to the next for networks that look at windows; `HOP_S`, or the length of
            a shorter window, if not given.
        steadiness: how calmly the answer is shown.
        clock: measures the seconds of computing, which let the hop grow.

    Raises:
        RunError: the bundle can't be read.
        ConfigError: the hop is too short, or too long for the window; or the network answers by frame, and a
            hop or window is given; or the model needs an enrolment.
    """
    predictor = model if isinstance(model, Predictor) else Predictor(model)
    bundle, steadiness = predictor.bundle, steadiness or Steadiness()
    source: _Source
    frames = _frames_of(predictor)
    if frames is None:
        source = _Windows(predictor, hop_s, steadiness.silence_db, clock)
        return LiveStream(bundle, source, steadiness)
    usual, _ = choose_window(bundle, None, None)
    for name, given in (("hop_s", hop_s is not None), ("window_s", predictor.window_s != usual)):
        if given:
            raise ConfigError(f"{name}: this network answers for each frame of 40 ms; leave it out")
    return LiveStream(bundle, _Frames(frames, steadiness.silence_db), steadiness)


def _frames_of(predictor: Predictor) -> Stream | None:
    """Return the stream of a network that only looks back; none if the model needs windows."""
    bundle = predictor.bundle
    if predictor.device.type != "cpu":  # for one frame the way to another device takes longer than the work
        bundle = replace(bundle, network=copy.deepcopy(bundle.network).cpu())
    try:
        return Stream(bundle)
    except ConfigError:
        return None


class _Frames:
    """The frames of a network that only looks back, as steps."""

    def __init__(self, stream: Stream, silence_db: float) -> None:
        self.stream, self.silence_db = stream, silence_db
        self.least_s = FIRST_S if stream.bundle.classes else 0.0  # a continuous label is of this frame alone
        self.hop_s = FRAME / SAMPLE_RATE
        self.window_s, self.latency_s = stream.window_s, stream.latency_s
        self._begin()

    def _begin(self) -> None:
        self._rest: Samples = np.zeros(0, np.float32)
        self._levels: deque[float] = deque()  # of the frames that are not answered yet
        self._last: deque[float] = deque(maxlen=round(FIRST_S / self.hop_s))
        self._onset: float | None = None  # where the sound began

    def feed(self, samples: Samples, *, at_end: bool) -> list[Step]:  # noqa: ARG002  # frames are steps always
        held = np.concatenate([self._rest, samples])
        frames = held[: len(held) // FRAME * FRAME].reshape(-1, FRAME)
        self._levels.extend(level_db(frame, FRAME) for frame in frames)
        self._rest = held[frames.size :]
        return self._steps(self.stream.feed(samples))

    def finish(self) -> list[Step]:
        if len(self._rest):
            self._levels.append(level_db(self._rest, FRAME))
        steps = self._steps(self.stream.finish())
        self._begin()
        return steps

    def _steps(self, frames: Sequence[Frame]) -> list[Step]:
        steps = []
        for frame in frames:
            self._last.append(self._levels.popleft())
            if max(self._last) < self.silence_db:
                self._onset = None
            elif self._onset is None:
                self._onset = frame.start
            # A sum of times such as 0.04 s may be a rounding error too short.
            silent = self._onset is None or frame.end - self._onset < self.least_s - 1e-6
            steps.append(Step(frame.start, frame.end, frame.values, frame.last, silent))
        return steps


class _Windows:
    """The last window of a stream, predicted at each hop.

    Steps are placed so that full windows begin at multiples of the hop, as those of a timeline. The first
    steps, and those after silence, look at less than a window.
    """

    def __init__(
        self, predictor: Predictor, hop_s: float | None, silence_db: float, clock: Callable[[], float]
    ) -> None:
        if predictor.needs_several and not predictor.enrolled:
            raise ConfigError(
                "the model standardises per speaker or per corpus, so a stream needs recordings of the same "
                "speaker or corpus; name them with --enrol"
            )
        self.predictor, self.silence_db, self.clock = predictor, silence_db, clock
        per_frame = predictor.bundle.outputs.per_frame
        self.window_s = (looked_at(predictor.bundle) or WINDOW_S) if per_frame else predictor.window_s
        hop_s = min(HOP_S, self.window_s) if hop_s is None else hop_s
        if not LEAST_S <= hop_s <= self.window_s:
            raise ConfigError(
                f"hop_s={hop_s:g}: use {LEAST_S:g} s up to the length of a window, {self.window_s:g} s"
            )
        self._least_hop = round(hop_s * SAMPLE_RATE)
        self._window = round(self.window_s * SAMPLE_RATE)
        self._rates = rates_of(predictor.bundle)
        self._hop = self._least_hop
        self._slow: list[float] = []
        self._begin()

    @property
    def hop_s(self) -> float:
        return self._hop / SAMPLE_RATE

    @property
    def latency_s(self) -> float:
        return self.hop_s

    def _begin(self) -> None:
        self._held: Samples = np.zeros(0, np.float32)
        self._first = 0  # of what is held, in samples
        self._answered = 0  # end of the last step
        self._onset: int | None = None  # where the sound began, in samples
        before = max(0, self._window - round(FIRST_S * SAMPLE_RATE)) // self._hop
        self._next = self._window - before * self._hop  # end of the next step

    def feed(self, samples: Samples, *, at_end: bool) -> list[Step]:
        self._held = np.concatenate([self._held, samples.astype(np.float32, copy=False)])
        if at_end:
            self._next = max(round(FIRST_S * SAMPLE_RATE), self._first + len(self._held))
        steps = []
        while self._first + len(self._held) >= self._next:
            steps.append(self._step(self._next))
            self._next += self._hop
            self._forget(self._answered - self._window)  # the last step may come at any time from here on
        return steps

    def finish(self) -> list[Step]:
        end = self._first + len(self._held)
        new = end - max(self._answered, self._first)
        steps = []
        if new > 0 and len(self._held) >= round(LEAST_S * SAMPLE_RATE):
            self._forget(end - self._window)
            steps.append(self._step(end, least_s=0.0))
        self._begin()
        return steps

    def _forget(self, start: int) -> None:
        """Forget the samples before a place."""
        if start > self._first:
            self._held, self._first = self._held[start - self._first :], start

    def _step(self, end: int, least_s: float = FIRST_S) -> Step:
        """Answer the window that ends at a place, if there is sound of at least ``least_s`` since silence."""
        start = max(self._first, end - self._window)
        samples = self._held[start - self._first : end - self._first]
        self._answered = end
        begin, stop = start / SAMPLE_RATE, end / SAMPLE_RATE
        judged = max(round(FIRST_S * SAMPLE_RATE), self._hop)
        if level_db(samples[-judged:], round(LOUDEST_S * SAMPLE_RATE)) < self.silence_db:
            # What came before the silence is not mixed with what comes after it.
            self._forget(end - (judged - self._hop))
            self._onset = None
            return Step(begin, stop, (), last=True, silent=True)
        if self._onset is None:
            self._onset = start + self._find_sound(samples)
        if end - self._onset < round(least_s * SAMPLE_RATE):
            return Step(begin, stop, (), last=True, silent=True)
        begun = self.clock()
        values = self._score(begin, samples)
        self._adapt(self.clock() - begun)
        return Step(begin, stop, values, last=True)

    def _find_sound(self, samples: Samples) -> int:
        """Return where the first part of 40 ms begins that is not silence; zero if there is none."""
        size = round(LOUDEST_S * SAMPLE_RATE)
        firsts = range(0, len(samples), size)
        loud = (first for first in firsts if level_db(samples[first : first + size], size) >= self.silence_db)
        return next(loud, 0)

    def _score(self, start: float, samples: Samples) -> tuple[float, ...]:
        speaker = SPEAKER if self.predictor.needs_speakers else None
        (scores,) = self.predictor.score([Piece.of_samples(start, samples, self._rates)], speaker)
        if not np.isfinite(scores).all():
            raise RunError(f"at {start:.2f} s: {NO_SCORES}")
        # The frames of continuous labels before the last hop were part of earlier steps.
        rows = scores[-max(1, round(self.hop_s * TRACE_RATE)) :]
        return tuple(rows.mean(axis=0).tolist())

    def _adapt(self, seconds: float) -> None:
        """Let the hop grow, in multiples of the first one, if step after step takes longer than it."""
        self._slow = [*self._slow, seconds][-_SLOW_STEPS:]
        if len(self._slow) == _SLOW_STEPS and min(self._slow) > self.hop_s:
            needed = math.ceil(max(self._slow) / _BUSY * SAMPLE_RATE / self._least_hop) * self._least_hop
            most = max(self._hop, min(self._window, round(_LONGEST_HOP_S * SAMPLE_RATE)))
            self._hop, self._slow = min(needed, most), []
