"""The pieces of recordings that wait for the network: their features are computed in threads, ahead of it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from sercli.inference import NO_SCORES, Scores
from sercli.inference.recordings import PieceFeatures, Recording
from sercli.processor import count_cores
from sercli.records import Problem, Turn

ITEM_S = 4.0
"""Seconds of speech that a batch may hold for each item of the batch size, padding included."""

# How much audio, and how many pieces a thread, may be under way: enough to keep all threads busy, little
# enough that memory stays bounded.
_AHEAD_S = 600.0
_AHEAD = 64


Found = tuple[PieceFeatures, Scores]
# None is the part of a recording without a turn.
Part = PieceFeatures | Problem | None
Computed = tuple["Piecework", Part]
Result = Found | Problem | None
Extract = Callable[[], Part]


@dataclass(frozen=True, slots=True)
class Piecework:
    """A piece of a recording whose features are needed.

    Attributes:
        number: of the recording.
        recording: the recording.
        seconds: length of the piece; zero where there is none to work on.
        cut: whether it is one of the recording's windows.
        speaker: who speaks; none if this is not known.
        group: name of the speaker for the standardisation. A list of turns numbers the speakers of each
            recording anew, so there it contains the recording.
        whole_s: length of the recording, if the piece is one of its turns.
        note: how the turns were made to fit the recording; empty if they fit.
    """

    number: int
    recording: Recording
    seconds: float = 0.0
    cut: bool = False
    speaker: str | None = None
    group: str | None = None
    whole_s: float | None = None
    note: str = ""

    @property
    def file(self) -> str:
        """The file of the recording."""
        return str(self.recording.path)

    def of_turn(self, turn: Turn) -> "Piecework":
        """Return this work for a turn: with the turn's speaker, if it has one."""
        if turn.speaker is None:
            return self
        return replace(self, speaker=turn.speaker, group=f"{turn.speaker} in {self.file}")


def ahead(pool: ThreadPoolExecutor, tasks: Iterable[tuple[Piecework, Extract]]) -> Iterator[Computed]:
    """Do the tasks in threads, and yield them in order, so much ahead that all threads are busy."""
    waiting: deque[tuple[Piecework, Future[Part]]] = deque()
    seconds = 0.0
    for task, work in tasks:
        waiting.append((task, pool.submit(work)))
        seconds += task.seconds
        while waiting and (seconds > _AHEAD_S or len(waiting) > _AHEAD * count_cores()):
            first, future = waiting.popleft()
            seconds -= first.seconds
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()


def gather(computed: Iterable[Computed], most: int) -> Iterator[list[Computed]]:
    """Collect the parts that are sorted by length together: a number, or what takes as long as it."""
    waiting: list[Computed] = []
    seconds = 0.0
    for task, part in computed:
        if task.group is not None and isinstance(part, PieceFeatures):
            part = replace(part, speaker=task.group)  # noqa: PLW2901
        waiting.append((task, part))
        seconds += task.seconds
        if len(waiting) >= most or seconds >= ITEM_S * most:
            yield waiting
            waiting, seconds = [], 0.0
    if waiting:
        yield waiting


def finish(
    waiting: Sequence[Computed], found: Mapping[int, tuple[Callable[[], list[Scores]], int]]
) -> Iterator[tuple[Piecework, Result]]:
    """Yield the parts with their scores.

    Args:
        waiting: the parts.
        found: by number of the part, a function that waits for its batch, and its place there.
    """
    for i, (task, part) in enumerate(waiting):
        if not isinstance(part, PieceFeatures):
            yield task, part
            continue
        wait, place = found[i]
        scores = wait()[place]
        if not np.isfinite(scores).all():
            yield task, Problem(task.file, NO_SCORES)
        else:  # without its features: a recording's parts are kept until its last one is here
            yield task, (replace(part, features={}), scores)
