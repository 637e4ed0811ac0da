"""What the models say while somebody speaks."""

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
from sercli.demo.answers import Listener
from sercli.demo.limits import explain
from sercli.demo.loaded import Loaded
from sercli.errors import AudioError, ConfigError, RunError
from sercli.inference.prediction import Prediction
from sercli.inference.streaming import Stream
from sercli.records import TRACE_RATE, Problem

STEP_S = 0.5
"""From one answer to the next, at least."""
LEAST_S = 1.0
"""What must be heard before there is a first answer."""

_CHUNK_S = 10.0  # longest that is taken; browsers send half a second
_CHUNK_BYTES = 2_000_000
_RATES, _CHANNELS = range(8000, 192_001), (1, 2)
_WAITING_S = 60.0  # kept for networks that are busy
_PAUSE_S = 3.0  # without sound for so long: somebody began anew
_SHOWN = 30 * TRACE_RATE  # frames of a trace that are shown
_WIDTH, _HEIGHT = 300.0, 60.0  # of the drawn trace


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a model says just now.

    Attributes:
        loaded: the model.
        note: of what it is said, or why nothing is.
        said: classes of the last seconds.
        values: continuous labels of the last second, by name.
        lines: likewise of the last half minute, as points of a line in a box of 300 by 60.
    """

    loaded: Loaded
    note: str
    said: Prediction | None = None
    values: tuple[tuple[str, float], ...] = ()
    lines: tuple[tuple[str, str], ...] = ()


class Live:
    """Follows one speaker.

    Networks of classes are applied to the last seconds, as many as a window has; those of continuous
    labels carry their state where they look back only.
    """

    def __init__(self, listener: Listener) -> None:
        """Begin.

        Args:
            listener: whose models are applied; the last seconds lie among its uploads meanwhile.
        """
        self.listener = listener
        self._followers = [_follow(each) for each in listener.loaded]
        self._window_s = max([LEAST_S, *(f.window_s for f in self._followers if isinstance(f, _Window))])
        self._last = time.monotonic()
        self._begin(0)

    def feed(self, samples: Samples, rate: int) -> list[Heard] | None:
        """Take the next samples, (samples,); return what is said, or none if it is too soon.

        Nor is anything said while the networks are busy with something else: it is made good later.
        """
        now = time.monotonic()
        if rate != self._rate or now - self._last > _PAUSE_S or self._waiting_s > _WAITING_S:
            self._begin(rate)
        try:
            return self._feed(samples)
        finally:
            self._last = time.monotonic()  # what comes while it answers is no pause

    def _feed(self, samples: Samples) -> list[Heard] | None:
        self._new.append(samples)
        waiting = self._waiting_s
        if waiting < STEP_S or self._seconds + waiting < LEAST_S:
            return None
        if not self.listener.busy.acquire(blocking=False):
            return None
        try:
            return self._answer()
        finally:
            self.listener.last = time.monotonic()
            self.listener.busy.release()

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

    def _answer(self) -> list[Heard]:
        new = np.concatenate(self._new)
        self._new = []
        self._seconds += len(new) / self._rate
        self._held = np.concatenate([self._held, new])[-round(self._window_s * self._rate) :]
        resampled = self._resampler.resample_chunk(new)
        handle, name = tempfile.mkstemp(suffix=".wav", dir=self.listener.uploads.folder)
        os.close(handle)
        path = Path(name)
        try:
            return [each.answer(self._held, self._rate, resampled, path) for each in self._followers]
        finally:
            path.unlink(missing_ok=True)


class _Window:
    """Applies a network to the last seconds, as to a recording of its own."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.window_s = loaded, loaded.predictor.window_s

    def begin(self) -> None:
        pass

    def answer(self, held: Samples, rate: int, new: Samples, path: Path) -> Heard:  # noqa: ARG002
        last = held[-round(self.window_s * rate) :]
        audio.write_pcm16(path, last, rate)
        (said,) = self.loaded.predictor.predict([path])
        if isinstance(said, Problem):
            return Heard(self.loaded, explain(path, said.fact))
        return Heard(self.loaded, f"the last {len(last) / rate:.1f} s", said)


class _Causal:
    """Lets a network that looks back only follow."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.stream = loaded, Stream(loaded.predictor.bundle)
        self.rows: list[tuple[float, ...]] = []

    def begin(self) -> None:
        self.stream.finish()
        self.rows = []

    def answer(self, held: Samples, rate: int, new: Samples, path: Path) -> Heard:  # noqa: ARG002
        try:
            frames = self.stream.feed(new)
        except RunError as error:
            return Heard(self.loaded, f"No answer: {error}.")
        self.rows = [*self.rows, *(frame.values for frame in frames)][-_SHOWN:]
        if not self.rows:
            return Heard(self.loaded, "nothing yet")
        trace = np.array(self.rows)  # (frames, dimensions)
        means = trace[-TRACE_RATE:].mean(axis=0).tolist()
        names = self.stream.names
        return Heard(
            self.loaded,
            f"the last second; the lines show the last {len(trace) / TRACE_RATE:.0f} s",
            values=tuple(zip(names, means, strict=True)),
            lines=tuple((name, _line(values)) for name, values in zip(names, trace.T, strict=True)),
        )


class _Silent:
    """Says why a network can't follow."""

    def __init__(self, loaded: Loaded, why: str) -> None:
        self.loaded, self.why = loaded, why

    def begin(self) -> None:
        pass

    def answer(self, held: Samples, rate: int, new: Samples, path: Path) -> Heard:  # noqa: ARG002
        return Heard(self.loaded, f"It can't follow: {self.why}. Record first, then it answers.")


def _follow(loaded: Loaded) -> _Window | _Causal | _Silent:
    if loaded.predictor.bundle.classes:
        return _Window(loaded)
    try:
        return _Causal(loaded)
    except ConfigError as error:
        return _Silent(loaded, str(error))


def read_chunk(path: Path) -> tuple[Samples, int]:
    """Read a chunk of a microphone's stream, whose header counts bytes as if the whole were known.

    Only what browsers send is decoded, PCM16 behind a header of 44 bytes, and at most ten seconds.

    Returns:
        Samples, (samples,), and their rate.

    Raises:
        AudioError: it is no such chunk.
    """
    with path.open("rb") as file:
        content = file.read(_CHUNK_BYTES + 1)
    size = len(content) - 44
    if not 0 < size <= _CHUNK_BYTES - 44:
        raise AudioError(f"{path}: not a chunk of a stream; record anew")
    riff, wave, length, code, channels, rate, bits, data = struct.unpack("<4s4x8sIHHI6xH4s4x", content[:44])
    if (riff, wave, length, code, bits, data) != (b"RIFF", b"WAVEfmt ", 16, 1, 16, b"data"):
        raise AudioError(f"{path}: not a chunk of a stream, which is PCM16; record anew")
    if channels not in _CHANNELS or rate not in _RATES or size > _CHUNK_S * rate * channels * 2:
        raise AudioError(f"{path}: not a chunk of a stream of 8 to 192 kHz; record anew")
    content = content[:40] + struct.pack("<I", size) + content[44:]
    samples, _ = audio.decode(path, content=content)
    return samples, rate


def _line(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Return points of a line, from -1 at the bottom to 1 on top, the newest at the right."""
    last = len(values) - 1
    x = _WIDTH * (1 - (last - np.arange(len(values))) / (_SHOWN - 1))
    y = _HEIGHT / 2 * (1 - np.clip(values, -1, 1))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
