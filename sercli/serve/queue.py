"""The queue of recordings that wait for the network: bounded, in order, several at once where they fit."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from sercli import audio
from sercli.inference.predict import Predictor
from sercli.inference.prediction import Prediction
from sercli.records import Problem
from sercli.serve.options import Options
from sercli.serve.refusals import busy, ending

# Recordings that are predicted in one call, and their length: more would let the first of them wait.
_TOGETHER = 8
_TOGETHER_S = 60.0
_KEPT = 8  # predictors with options that were used last
_FADING = 0.8  # weight of what was measured before, at each call of the network


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A recording that waits.

    Attributes:
        path: the recording.
        seconds: its length.
        options: options of its request.
        answer: receives the prediction, or why there is none.
    """

    path: Path
    seconds: float
    options: Options
    answer: asyncio.Future[Prediction | Problem]


class PredictionQueue:
    """Predicts recordings in one thread, in the order in which they arrived.

    Neighbours in the queue with the same options are predicted in one call, so that their features are
    computed on all cores, and short ones go through the network in batches.

    All methods are called in the event loop.

    Attributes:
        places: recordings that may wait or be processed at once.
        most_s: seconds of recordings that may wait or be processed at once, if there are several.
    """

    def __init__(self, predictor: Predictor, places: int, most_s: float) -> None:
        """Make an empty queue.

        Args:
            predictor: predicts recordings without options.
            places: see the class.
            most_s: see the class.
        """
        self.places, self.most_s = places, most_s
        self._predictors: OrderedDict[Options, Predictor] = OrderedDict({Options(): predictor})
        self._jobs: deque[Job] = deque()
        self._applied: list[Job] = []
        self._filled = asyncio.Event()
        self._taken = 0
        self._seconds = 0.0
        # Seconds of recordings that were predicted lately, and of computing for them.
        self._predicted_s = self._computed_s = 0.0

    @property
    def taken(self) -> int:
        """Number of recordings that wait or are processed."""
        return self._taken

    @property
    def wait_s(self) -> float:
        """Estimated seconds until all that waits is answered; 0 before any speed was measured."""
        return self._seconds * self._computed_s / self._predicted_s if self._predicted_s else 0.0

    def measure(self, seconds: float, computed_s: float) -> None:
        """Note how long a call of the network took, for `wait_s`.

        Args:
            seconds: length of its recordings.
            computed_s: seconds of computing.
        """
        self._predicted_s = _FADING * self._predicted_s + seconds
        self._computed_s = _FADING * self._computed_s + computed_s

    def predictor(self, options: Options) -> Predictor:
        """Return the predictor for some options.

        Raises:
            ConfigError: the options do not fit each other or the model.
            RefusalError: they need too much computing.
        """
        if options not in self._predictors:
            self._predictors[options] = options.apply_to(self._predictors[Options()])
            if len(self._predictors) > _KEPT:
                oldest = next(each for each in self._predictors if each not in (Options(), options))
                del self._predictors[oldest]
        self._predictors.move_to_end(options)
        return self._predictors[options]

    def check_room(self) -> None:
        """Refuse a recording, before it is received, if there is no place.

        Raises:
            RefusalError: there is none.
        """
        if self._taken >= self.places:
            raise busy(f"{self._taken} recordings wait, and the limit is {self.places}", self.wait_s)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for a recording that was received.

        Raises:
            RefusalError: there is none.
        """
        self.check_room()
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def predict(self, path: Path, seconds: float, options: Options) -> Prediction | Problem:
        """Wait for the prediction; a recording whose caller no longer waits is left out.

        Raises:
            RefusalError: the recordings that wait are too long together.
        """
        if self._seconds and self._seconds + seconds > self.most_s:
            limit = f"the limit for all that wait is {self.most_s / 60:g} minutes"
            raise busy(
                f"the recordings that wait are {self._seconds / 60:.1f} minutes long; {limit}", self.wait_s
            )
        job = Job(path, seconds, options, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._filled.set()
        self._seconds += seconds
        try:
            return await job.answer
        finally:
            self._seconds -= seconds

    def abandon(self) -> None:
        """Refuse all recordings that wait or are processed, because the service ends."""
        for job in [*self._jobs, *self._applied]:
            _settle(job, ending())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Process the queue until the context ends."""
        # A new thread would take the number of threads that any thread of the process has set last.
        pool = ThreadPoolExecutor(
            1, "predict", initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),)
        )
        task = asyncio.create_task(self._run(pool))
        try:
            yield
        finally:
            task.cancel()
            pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, pool: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._filled.wait()
            jobs = self._applied = self._next()
            if not jobs:
                self._filled.clear()
                continue
            begun = time.monotonic()
            predictor = self.predictor(jobs[0].options)
            done = loop.run_in_executor(pool, _apply, loop, predictor, jobs)
            await asyncio.wait({done})
            if (error := done.exception()) is not None:
                for job in jobs:
                    _settle(job, error)
            self.measure(sum(job.seconds for job in jobs), time.monotonic() - begun)

    def _next(self) -> list[Job]:
        """Take the next recordings that are predicted together."""
        jobs: list[Job] = []
        seconds = 0.0
        while self._jobs and len(jobs) < _TOGETHER:
            job = self._jobs[0]
            fits = not jobs or (job.options == jobs[0].options and seconds + job.seconds <= _TOGETHER_S)
            if not fits:
                break
            self._jobs.popleft()
            if not job.answer.done():  # else its caller has left
                jobs.append(job)
                seconds += job.seconds
        return jobs


def _apply(loop: asyncio.AbstractEventLoop, predictor: Predictor, jobs: Sequence[Job]) -> None:
    """Predict recordings, and report each as soon as it is done."""
    found = predictor.predict([job.path for job in jobs])
    for job, each in zip(jobs, found, strict=True):
        audio.forget(job.path)  # also if its caller has left meanwhile
        loop.call_soon_threadsafe(_settle, job, each)


def _settle(job: Job, found: Prediction | Problem | BaseException) -> None:
    """Answer a recording, unless this was done or its caller has left."""
    if job.answer.done():
        return
    if isinstance(found, BaseException):
        job.answer.set_exception(found)
    else:
        job.answer.set_result(found)
