"""Answer with the models while a visitor speaks."""

import os
import struct
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from sercli import audio
from sercli.audio import SAMPLE_RATE, Samples
from sercli.demo.answers import Responder
from sercli.errors import AudioError, ConfigError, RunError
from sercli.inference.prediction import Prediction
from sercli.inference.streaming import Stream
from sercli.records import TRACE_RATE, Problem
from sercli.web.limits import explain
from sercli.web.loaded import LoadedModel

STEP_S = 0.5
"""Shortest time between two answers."""
FIRST_S = 1.0
"""Length of speech before the first answer."""

_CHUNK_S = 10.0  # longest chunk; browsers send half a second
_CHUNK_BYTES = 2_000_000
_RATES, _CHANNELS = range(8000, 192_001), (1, 2)
_WAITING_S = 60.0  # longest speech that is kept while the networks are busy
_PAUSE_S = 3.0  # after this time without a chunk, a new session begins
_SHOWN = 30 * TRACE_RATE  # frames of a trace that are shown
_WIDTH, _HEIGHT = 300.0, 60.0  # of the drawn trace


@dataclass(frozen=True, slots=True, eq=False)
class LiveAnswer:
    """The present answer of a model.

    Attributes:
        model: the model.
        note: the time that the answer is about, or the reason why there is none.
        prediction: classes of the last seconds.
        values: continuous labels of the last second, by name.
        lines: continuous labels of the last half minute, as points of a line in a box of 300 by 60.
    """

    model: LoadedModel
    note: str
    prediction: Prediction | None = None
    values: tuple[tuple[str, float], ...] = ()
    lines: tuple[tuple[str, str], ...] = ()


class Live:
    """Follows one speaker.

    Networks of classes are applied to the last seconds, as many as a window has. Networks of continuous
    labels that only look back keep their state between chunks.
    """

    def __init__(self, responder: Responder) -> None:
        """Begin a session.

        Args:
            responder: its models are applied; the last seconds are stored among its uploads meanwhile.
        """
        self.responder = responder
        self._followers = [_follow(each) for each in responder.models]
        self._window_s = max([FIRST_S, *(f.window_s for f in self._followers if isinstance(f, _Window))])
        self._last = time.monotonic()
        self._begin(0)

    def feed(self, samples: Samples, rate: int) -> list[LiveAnswer] | None:
        """Take the next samples, (samples,), and return the answers; ``None`` if it is too soon for new ones.

        There are no new answers either while the networks are busy; the next ones include these samples.
        """
        now = time.monotonic()
        if rate != self._rate or now - self._last > _PAUSE_S or self._waiting_s > _WAITING_S:
            self._begin(rate)
        try:
            return self._feed(samples)
        finally:
            self._last = time.monotonic()  # the time of answering is not a pause

    def _feed(self, samples: Samples) -> list[LiveAnswer] | None:
        self._new.append(samples)
        waiting = self._waiting_s
        if waiting < STEP_S or self._seconds + waiting < FIRST_S:
            return None
        if not self.responder.busy.acquire(blocking=False):
            return None
        try:
            return self._answer()
        finally:
            self.responder.last = time.monotonic()
            self.responder.busy.release()

    @property
    def _waiting_s(self) -> float:
        return sum(map(len, self._new)) / (self._rate or 1)

    def _begin(self, rate: int) -> None:
        self._rate, self._seconds = rate, 0.0
        self._new: list[Samples] = []
        self._held: Samples = np.zeros(0, np.float32)
        self._resampler = soxr.ResampleStream(rate or SAMPLE_RATE, SAMPLE_RATE, 1, "float32", quality="VHQ")
        for each in self._followers:
            each.begin()

    def _answer(self) -> list[LiveAnswer]:
        new = np.concatenate(self._new)
        self._new = []
        self._seconds += len(new) / self._rate
        self._held = np.concatenate([self._held, new])[-round(self._window_s * self._rate) :]
        resampled = self._resampler.resample_chunk(new)
        handle, name = tempfile.mkstemp(suffix=".wav", dir=self.responder.uploads.folder)
        os.close(handle)
        path = Path(name)
        try:
            return [each.answer(self._held, self._rate, resampled, path) for each in self._followers]
        finally:
            path.unlink(missing_ok=True)


class _Window:
    """Applies a network to the last seconds as to a recording."""

    def __init__(self, model: LoadedModel) -> None:
        self.model, self.window_s = model, model.predictor.window_s

    def begin(self) -> None:
        pass

    def answer(self, held: Samples, rate: int, new: Samples, path: Path) -> LiveAnswer:  # noqa: ARG002
        last = held[-round(self.window_s * rate) :]
        audio.write_pcm16(path, last, rate)
        (prediction,) = self.model.predictor.predict([path])
        if isinstance(prediction, Problem):
            return LiveAnswer(self.model, explain(path, prediction.fact))
        return LiveAnswer(self.model, f"the last {len(last) / rate:.1f} s", prediction)


class _Causal:
    """Applies a network that only looks back to each new chunk."""

    def __init__(self, model: LoadedModel) -> None:
        self.model, self.stream = model, Stream(model.predictor.bundle)
        self.rows: list[tuple[float, ...]] = []

    def begin(self) -> None:
        self.stream.finish()
        self.rows = []

    def answer(self, held: Samples, rate: int, new: Samples, path: Path) -> LiveAnswer:  # noqa: ARG002
        try:
            frames = self.stream.feed(new)
        except RunError as error:
            return LiveAnswer(self.model, f"No answer: {error}.")
        self.rows = [*self.rows, *(frame.values for frame in frames)][-_SHOWN:]
        if not self.rows:
            return LiveAnswer(self.model, "no answer yet")
        trace = np.array(self.rows)  # (frames, dimensions)
        means = trace[-TRACE_RATE:].mean(axis=0).tolist()
        names = self.stream.names
        return LiveAnswer(
            self.model,
            f"the last second; the lines show the last {len(trace) / TRACE_RATE:.0f} s",
            values=tuple(zip(names, means, strict=True)),
            lines=tuple((name, _line(values)) for name, values in zip(names, trace.T, strict=True)),
        )


class _Unable:
    """Explains why a network can't follow."""

    def __init__(self, model: LoadedModel, reason: str, tab: str = "Record") -> None:
        self.model, self.reason, self.tab = model, reason, tab

    def begin(self) -> None:
        pass

    def answer(self, held: Samples, rate: int, new: Samples, path: Path) -> LiveAnswer:  # noqa: ARG002
        return LiveAnswer(
            self.model, f"This model can't answer live: {self.reason}. Use the {self.tab} tab instead."
        )


def _follow(model: LoadedModel) -> _Window | _Causal | _Unable:
    if model.predictor.needs_several:
        return _Unable(model, "it needs several recordings", "Several recordings")
    if not model.predictor.bundle.outputs.per_frame:
        return _Window(model)
    try:
        return _Causal(model)
    except ConfigError as error:
        return _Unable(model, str(error))


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


def _line(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Return points of a line, from -1 at the bottom to 1 at the top, the newest at the right."""
    last = len(values) - 1
    x = _WIDTH * (1 - (last - np.arange(len(values))) / (_SHOWN - 1))
    y = _HEIGHT / 2 * (1 - np.clip(values, -1, 1))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
