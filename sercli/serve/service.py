"""The service itself: its model, limits and queue, and what it is doing at the moment."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sercli
from sercli import audio
from sercli.bundle import Bundle, describe_outputs
from sercli.errors import AudioError, ConfigError, RunError
from sercli.inference import NO_SCORES
from sercli.inference.live import LiveStream, stream_of
from sercli.inference.predict import Predictor
from sercli.inference.prediction import Prediction
from sercli.inference.steadiness import Steadiness
from sercli.processor import count_cores
from sercli.records import Problem
from sercli.serve.metrics import Metrics
from sercli.serve.options import Options
from sercli.serve.queue import PredictionQueue
from sercli.serve.refusals import RefusalError, busy, ending
from sercli.web.limits import Limits, TooLongError, without_path
from sercli.web.loaded import LoadedModel, intended_use

RECORDING = "the recording"
"""Name of a recording in answers: it has none of its own."""

_STORED = 10  # recordings of the largest size that may be stored at once, complete or not
_DECODED_BYTES = 48_000 * 2 * 4 * 60  # of a minute that ffmpeg decodes, stereo at 48 kHz
_WAITING = 2  # recordings of the greatest length that may wait at once
_READERS = 2  # threads that read headers, for which ffmpeg decodes the recording


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the service.

    Attributes:
        limits: limits on recordings, and on the length of a stream.
        places: recordings that may wait or be processed at once.
        streams: streams at once.
        token: secret that each request has to show; none is needed if ``None``.
        local: the only host name that is answered, besides addresses of this machine; any if ``None``.
    """

    limits: Limits = field(default_factory=Limits)
    places: int = 32
    streams: int = 8
    token: str | None = None
    local: str | None = None

    @property
    def stored_bytes(self) -> int:
        """Bytes of uploads that may be stored at once."""
        return _STORED * self.limits.size

    @property
    def memory(self) -> int:
        """Bytes that the folder of uploads may come to hold, decoded ones included."""
        decoded = int((_WAITING + _READERS) * self.limits.minutes * _DECODED_BYTES)
        return 2 * self.stored_bytes + decoded  # twice, because a form is copied


class Service:
    """One model that answers recordings and streams.

    Attributes:
        model: the model.
        settings: settings.
        folder: folder that stores recordings until they are answered.
        metrics: counts requests.
        queue: recordings that wait for the network.
        stopping: set when the service accepts nothing new.
        working: number of requests that are being received or answered.
        stored: bytes of uploads that are stored.
    """

    def __init__(self, model: LoadedModel, settings: Settings, folder: Path) -> None:
        """Prepare the service.

        Raises:
            ConfigError: the model can't predict a single recording.
        """
        predictor = model.predictor
        if predictor.needs_several:
            raise ConfigError(
                f"{model.path}: the model compares the recordings of a person or corpus, but a request has "
                "one recording; use `sercli predict`, or a model with other statistics"
            )
        self.model, self.settings, self.folder = model, settings, folder
        self.metrics = Metrics({"version": sercli.__version__, "model": model.name})
        self.queue = PredictionQueue(predictor, settings.places, 60 * _WAITING * settings.limits.minutes)
        self.stopping = asyncio.Event()
        self.working = self.stored = self._streams = 0
        # A network on a GPU is not the one that follows streams, on the CPU, step by step.
        on_cpu = predictor.device.type == "cpu"
        self._streamed = predictor if on_cpu else Predictor(Bundle.load(model.path))
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="read")
        # Several threads for one frame or window wait for each other on a busy machine.
        self._followers = ThreadPoolExecutor(
            count_cores(), "follow", initializer=torch.set_num_threads, initargs=(1,)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests until the context ends."""
        async with self.queue.running():
            try:
                yield
            finally:
                for pool in (self._readers, self._followers):
                    pool.shutdown(wait=False, cancel_futures=True)

    @property
    def idle(self) -> bool:
        """Whether there is nothing that would have to be finished first."""
        return not self.working and not self._streams

    def warm_up(self) -> None:
        """Predict a second of noise, so that the first request does not wait for work that is done once.

        The second time measures the speed, from which the waiting time of the first refusals is estimated.
        """
        path = self.folder / "noise.wav"
        noise = np.random.default_rng(0).normal(0, 0.05, audio.SAMPLE_RATE).astype(np.float32)
        audio.write_pcm16(path, noise, audio.SAMPLE_RATE)
        try:
            for _ in range(2):
                begun = time.monotonic()
                list(self.model.predictor.predict([path]))
            self.queue.measure(1.0, time.monotonic() - begun)
        finally:
            path.unlink()

    def check_open(self) -> None:
        """Refuse a new request if the service ends.

        Raises:
            RefusalError: it does.
        """
        if self.stopping.is_set():
            raise ending()

    def check_options(self, options: Options) -> None:
        """Refuse options that do not fit each other or the model.

        Raises:
            RefusalError: they do not.
        """
        try:
            self.queue.predictor(options)
        except ConfigError as error:
            raise RefusalError(422, str(error), "options") from None

    async def predict(self, path: Path, options: Options) -> Prediction:
        """Predict a recording that was received and has a place.

        Raises:
            RefusalError: it is not audio, is too long or too short, or can't be predicted.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        reading = self._readers.submit(self.settings.limits.check, path)
        try:
            seconds = await asyncio.wrap_future(reading)
            options.check_length(seconds)
            found = await self.queue.predict(path, seconds, options)
        except TooLongError as error:
            raise _refusal(422, path, str(error), "too_long") from None
        except AudioError as error:
            raise _refusal(400, path, str(error)) from None
        finally:
            # At once, or when the thread has decoded a recording whose caller has left.
            reading.add_done_callback(lambda _: audio.forget(path))
        if isinstance(found, Problem):
            if found.fact == NO_SCORES:
                raise _refusal(500, path, found.fact, "no_scores")
            raise _refusal(422, path, found.fact, "not_predictable")
        self.metrics.count_prediction(loop.time() - begun, found.duration)
        return replace(found, file=RECORDING)

    @contextmanager
    def stream(self, steadiness: Steadiness) -> Iterator[LiveStream]:
        """Begin to follow a speaker; ``steadiness`` decides what is shown.

        Raises:
            RefusalError: there are too many streams, or the service ends.
        """
        self.check_open()
        if self._streams >= self.settings.streams:
            raise busy(f"{self._streams} streams are open, and the limit is {self.settings.streams}")
        self._streams += 1
        try:
            yield stream_of(self._streamed, steadiness=steadiness)
        finally:
            self._streams -= 1

    async def follow(self, stream: LiveStream, samples: audio.Samples | None) -> Sequence[dict[str, Any]]:
        """Return the steps that a block of samples completes, or that end the stream if there is none.

        Raises:
            RefusalError: the network gives no finite scores.
        """
        loop = asyncio.get_running_loop()
        try:
            if samples is None:
                steps = await loop.run_in_executor(self._followers, stream.finish)
            else:
                steps = await loop.run_in_executor(self._followers, stream.feed, samples)
                self.metrics.streamed_s += len(samples) / audio.SAMPLE_RATE
        except RunError as error:
            raise RefusalError(500, str(error), "no_scores") from None
        return [step.to_dict(stream.names) for step in steps]

    def describe(self) -> dict[str, Any]:
        """Return the facts about the model and the limits, ready for JSON."""
        model, limits = self.model, self.settings.limits
        predictor, outputs = model.predictor, model.predictor.bundle.outputs
        card = model.path / "README.md"
        return {
            "name": model.name,
            "architecture": predictor.bundle.arch,
            "predicts": describe_outputs(predictor.bundle),
            "classes": list(outputs.classes),
            "dimensions": list(outputs.dimensions),
            "values_per_frame": outputs.per_frame,
            "unsure_below": predictor.unsure_below,
            "window_s": predictor.window_s,
            "hop_s": predictor.hop_s,
            "facts": dict(model.facts),
            "warning": model.notice,
            "terms": intended_use(),
            "card": card.read_text("utf-8", "replace") if card.is_file() else None,
            "limits": {"mb": limits.mb, "minutes": limits.minutes, "queue": self.settings.places},
            "version": sercli.__version__,
        }

    def gauges(self) -> dict[str, tuple[str, float]]:
        """Return the present values that `Metrics.render` takes."""
        return {
            "queue_recordings": ("Recordings that wait or are processed.", self.queue.taken),
            "queue_places": ("Recordings that may wait or be processed.", self.queue.places),
            "stored_bytes": ("Bytes of recordings that are stored until they are answered.", self.stored),
            "streams": ("Open streams.", self._streams),
            "ready": ("Whether new requests are accepted.", not self.stopping.is_set()),
        }


def _refusal(status: int, path: Path, fact: str, kind: str = "") -> RefusalError:
    return RefusalError(status, f"{RECORDING}: {without_path(path, fact, RECORDING)}", kind)
