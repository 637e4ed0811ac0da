import asyncio
from pathlib import Path

import pytest

from sercli.inference.prediction import Prediction
from sercli.serve.options import Options
from sercli.serve.queue import PredictionQueue
from sercli.serve.refusals import RefusalError


class Recorder:
    """Stands for a predictor; remembers the recordings of each call."""

    def __init__(self):
        self.calls = []

    def predict(self, paths):
        self.calls.append([path.name for path in paths])
        return [Prediction(path.name, 1.0) for path in paths]


def run(jobs, *, leave=()):
    """Put jobs (name, seconds, options) into the queue at once; return the calls and the answers."""

    async def work():
        predictor = Recorder()
        queue = PredictionQueue(predictor, 99, 1e9)
        for _, _, options in jobs:
            queue._predictors[options] = predictor
        async with queue.running():
            tasks = [
                asyncio.ensure_future(queue.predict(Path(name), seconds, options))
                for name, seconds, options in jobs
            ]
            await asyncio.sleep(0)
            for number in leave:
                tasks[number].cancel()
            answers = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        return predictor.calls, answers

    return asyncio.run(work())


def test_neighbours_with_equal_options_go_together():
    cut = Options(timeline=True)
    calls, answers = run([("a", 3, Options()), ("b", 3, Options()), ("c", 3, cut), ("d", 3, Options())])
    assert calls == [["a", "b"], ["c"], ["d"]]
    assert [each.file for each in answers] == ["a", "b", "c", "d"]


def test_a_long_recording_goes_alone_and_no_call_is_too_long():
    calls, _ = run([("a", 300, Options()), *[(str(i), 25, Options()) for i in range(4)]])
    assert calls == [["a"], ["0", "1"], ["2", "3"]]
    calls, _ = run([(str(i), 1, Options()) for i in range(20)])
    assert list(map(len, calls)) == [8, 8, 4]


def test_who_has_left_is_left_out():
    calls, _ = run([("a", 1, Options()), ("b", 1, Options()), ("c", 1, Options())], leave=[1])
    assert calls == [["a", "c"]]


def test_the_length_of_all_that_waits_is_bounded_but_one_always_fits():
    async def work():
        queue = PredictionQueue(Recorder(), 99, 12.0)
        first = asyncio.ensure_future(queue.predict(Path("a"), 100.0, Options()))
        await asyncio.sleep(0)
        queue.measure(10.0, 0.5)
        limit = r"are 1\.7 minutes long; the limit for all that wait is 0\.2 minutes; try again in 5 s"
        with pytest.raises(RefusalError, match=limit) as caught:
            await queue.predict(Path("b"), 1.0, Options())
        assert (caught.value.status, caught.value.headers) == (429, {"retry-after": "5"})
        async with queue.running():
            return await asyncio.wait_for(first, 5)

    assert asyncio.run(work()).file == "a"


def test_places_are_held_and_given_back():
    async def work():
        queue = PredictionQueue(Recorder(), 1, 10.0)
        with queue.place(), pytest.raises(RefusalError), queue.place():
            pass
        with queue.place():
            return queue.taken

    assert asyncio.run(work()) == 1


def test_predictors_of_options_are_kept_but_not_all(models):
    async def work():
        queue = PredictionQueue(models["classes"].predictor, 1, 10.0)
        made = queue.predictor(Options(timeline=True, window_s=1.0))
        assert queue.predictor(Options(timeline=True, window_s=1.0)) is made
        for i in range(20):
            queue.predictor(Options(timeline=True, window_s=1.0 + i / 10))
        assert queue.predictor(Options()) is models["classes"].predictor
        return len(queue._predictors)

    assert asyncio.run(work()) == 8
