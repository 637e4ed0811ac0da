"""Apply a trained network to recordings: any number, of any format, rate and length.

A recording is processed in the same way as an utterance in `sercli prepare`, `features` and `eval`, so that
the probabilities are those of ``predictions.csv``. A recording longer than `WHOLE_S` is predicted window by
window, each window as a separate recording: no network was trained on such lengths, and memory stays
bounded.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from sercli import audio
from sercli.acoustics import Usual, join
from sercli.audio import LEAST_S
from sercli.bundle import Bundle
from sercli.data.items import count_trace_frames
from sercli.data.parts import GroupStatistics
from sercli.errors import ConfigError, SerError
from sercli.inference import NO_SCORES, Scores, score
from sercli.inference.prediction import Prediction, Window
from sercli.inference.recordings import (
    Piece,
    PieceFeatures,
    choose_window,
    dataset_of,
    extract,
    look_ahead,
    looked_at,
    rates_of,
    read_pieces,
    read_whole,
)
from sercli.records import Problem
from sercli.statistics import Statistics
from sercli.store.compute import threads

WHOLE_S = 60.0
"""Largest length of a recording that is predicted as one utterance; the longest in IEMOCAP has 34 s."""
QUIET_DB = -70.0
"""Level of the loudest 40 ms below which a recording counts as unlike any training part: speech there has
five bits of sixteen. Of 342 recordings of EMO-DB the quietest has -15 dB, of 1260 of RAVDESS -55 dB."""

# Seconds of speech that a batch may hold for each item of --batch-size, padding included.
_ITEM_S = 4.0
# Recordings at once.
_ON_CPU, _ELSEWHERE = 4, 32
# Batches that recordings are sorted by length for.
_BATCHES = 4

# How much audio, and how many pieces a thread, may be under way: enough to keep all threads busy, little
# enough that memory stays bounded.
_AHEAD_S = 600.0
_MORE_RECORDINGS = "give more recordings of them, or earlier ones with --enrol"
_AHEAD = 64

_Found = tuple[PieceFeatures, Scores]
_Extract = Callable[[], PieceFeatures | Problem]


@dataclass(frozen=True, slots=True)
class _Piecework:
    """A piece of a recording whose features are needed.

    Attributes:
        number: of the recording.
        file: the recording.
        seconds: length of the piece; zero where there is none to work on.
        cut: whether it is one of the recording's windows.
    """

    number: int
    file: str
    seconds: float = 0.0
    cut: bool = False


class Predictor:
    """Applies a bundle to recordings.

    ``unlike`` of a prediction depends on the samples alone, so it means the same for any network. Digital
    silence is marked, and a level of the loudest 40 ms below `QUIET_DB`, where there is almost only the noise
    of a converter. If the bundle has the usual acoustics of its training part, a recording beyond them is
    marked too; see `sercli.acoustics`. A recording that is not marked may still be unlike: in its language,
    in the age of the speaker, in the way of speaking.
    """

    def __init__(
        self,
        bundle: Bundle | Path | str,
        *,
        device: torch.device | str = "cpu",
        batch_size: int | None = None,
        unsure_below: float | None = None,
        timeline: bool | None = None,
        window_s: float | None = None,
        hop_s: float | None = None,
    ) -> None:
        """Load a bundle, unless it is one already.

        Args:
            bundle: the bundle, or its folder.
            device: where the network is applied; features are computed on the CPU.
            batch_size: utterances or segments of about four seconds that the network processes at once; if
                not given, 4 on a CPU, whose caches hold no more, else 32.
            unsure_below: the least probability that counts as sure; if not given, the bundle's, if it
                has one.
            timeline: whether recordings are cut into windows; if not given, those beyond `WHOLE_S`.
                Continuous labels are a timeline always.
            window_s: length of a window; if not given, that of the segments or utterances that the
                network was trained on, or four seconds where it takes any.
            hop_s: from one window's start to the next one's; if not given, that of the network's
                segments in test, else half a window.

        Raises:
            RunError: the bundle can't be read.
            FeatureError: the encoder that the features need can't be found or downloaded.
            ConfigError: the window is longer than the input of the network, or does not fit the hop or the
                bundle; another number is out of its range; or a library of the features is missing.
        """
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.load(Path(bundle))
        for choice in self.bundle.inputs.values():
            choice.config.require()  # once, and not as a problem of each recording
        self.device, self.timeline = torch.device(device), timeline
        usual = _ON_CPU if self.device.type == "cpu" else _ELSEWHERE
        self.batch_size = usual if batch_size is None else batch_size
        if self.batch_size < 1:
            raise ConfigError(f"batch_size={batch_size}: use 1 or more")
        known = self.bundle.facts.get("threshold")
        if unsure_below is None and isinstance(known, int | float):
            unsure_below = float(known)
        if unsure_below is not None and not 0 <= unsure_below <= 1:
            raise ConfigError(f"unsure_below={unsure_below:g}: use a probability from 0 to 1")
        self.unsure_below = unsure_below
        if timeline is False and (window_s is not None or hop_s is not None):
            raise ConfigError("a window or hop without a timeline: leave one of them out")
        self.window_s, self.hop_s = choose_window(self.bundle, window_s, hop_s)
        self._rates = rates_of(self.bundle)
        # Windows of classes are recordings of their own; pieces of continuous labels are parts of one.
        self._after_s = look_ahead(self.bundle) if self.bundle.outputs.per_frame else 0.0
        self._groups: dict[str, dict[str, Statistics]] = {}

    @property
    def needs_speakers(self) -> bool:
        """Whether the features are standardised per speaker, so that the speakers must be known."""
        return any(choice.group == "speaker" for choice in self.bundle.inputs.values())

    @property
    def needs_several(self) -> bool:
        """Whether recordings are standardised by their common statistics, so that they must be enrolled."""
        return any(choice.group is not None for choice in self.bundle.inputs.values())

    def enrol(self, recordings: Iterable[tuple[Path | str, str | None]]) -> list[Problem]:
        """Compute the statistics of speakers, or of a corpus, from recordings; emotions need not be known.

        For a model that standardises per corpus, all recordings are of one corpus.

        Args:
            recordings: recordings with their speakers; of each speaker all recordings, or enough of them.

        Returns:
            The recordings that can't be read, which are left out.

        Raises:
            ConfigError: the model standardises neither per speaker nor per corpus.
            FeatureError: a recording has no speaker, or there are fewer recordings (or windows of them) of a
                speaker or corpus than `LEAST_OF_GROUP`.
        """
        if not self.needs_several:
            raise ConfigError("the model standardises neither per speaker nor per corpus; enrol nothing")
        listed = [(Path(path), speaker) for path, speaker in recordings]
        collected = GroupStatistics(self.bundle.preprocessing)
        problems = []
        with threads() as pool:
            for task, part in _ahead(pool, self._tasks(path for path, _ in listed)):
                if isinstance(part, PieceFeatures):
                    name = f"{task.file} at {part.start:g} s"
                    collected.add(name, part.features, part.samples, listed[task.number][1])
                else:
                    problems.append(part)
        unread = f"; {len(problems)} can't be used: {problems[0]}" if problems else ""
        for name, found in collected.finish(_MORE_RECORDINGS + unread).items():
            self._groups.setdefault(name, {}).update(found)
        return problems

    def predict(
        self, paths: Iterable[Path | str], speakers: Sequence[str | None] | None = None
    ) -> Iterator[Prediction | Problem]:
        """Yield the prediction for each recording, or a problem if it can't be read, in the order given.

        Features are computed in threads, ahead of the network.

        Args:
            paths: the recordings.
            speakers: who speaks in each, for a model that standardises per speaker; see `enrol`.

        Raises:
            ConfigError: the model needs speakers, and none are given.
            FeatureError: a speaker, or any recording of the corpus, was not enrolled.
        """
        if self.needs_speakers and speakers is None:
            raise ConfigError(
                "the model standardises per speaker, so it needs several recordings of each speaker; name "
                "the speakers with --same-speaker or --speaker-column"
            )
        with threads() as pool:
            done = self._scored(_ahead(pool, self._tasks(Path(path) for path in paths)), speakers)
            for _, found in groupby(done, key=lambda item: item[0].number):
                tasks, told = zip(*found, strict=True)
                problem = next((each for each in told if isinstance(each, Problem)), None)
                yield problem or self._join(tasks[0].file, told, cut=tasks[0].cut)

    def _tasks(self, paths: Iterable[Path]) -> Iterator[tuple[_Piecework, _Extract]]:
        """List what is to be done; long recordings are decoded on the way, short ones in the threads."""
        for number, path in enumerate(paths):
            try:
                header = audio.header(path)
                seconds = header.frames / header.sample_rate
                if short := audio.too_short(header.frames, header.sample_rate):
                    problem = Problem(str(path), short)
                    yield _Piecework(number, str(path)), partial(_same, problem)
                elif (size := self._size(seconds)) is None:
                    yield _Piecework(number, str(path), seconds), partial(self._extract, path)
                else:
                    pieces = read_pieces(
                        path,
                        self._rates,
                        *size,
                        align=not self.bundle.outputs.per_frame,
                        after_s=self._after_s,
                        least_s=LEAST_S,
                    )
                    for piece in pieces:
                        length = piece.samples / audio.SAMPLE_RATE
                        task = _Piecework(number, str(path), length, cut=True)
                        yield task, partial(self._extract, path, piece)
            except (SerError, MemoryError) as error:
                yield _Piecework(number, str(path)), partial(_problem, str(path), error)

    def _size(self, seconds: float) -> tuple[float, float] | None:
        """Return window and hop of a recording of that length; none if it is predicted as one utterance."""
        if not self.bundle.classes:
            return self.window_s, self.hop_s
        cut = seconds > WHOLE_S if self.timeline is None else self.timeline
        return (self.window_s, self.hop_s) if cut else None

    def _extract(self, path: Path, piece: Piece | None = None) -> PieceFeatures | Problem:
        """Compute the features of a piece of a recording, or of the recording itself."""
        try:
            return extract(self.bundle, piece or read_whole(path, self._rates))
        except (SerError, MemoryError) as error:
            return _problem(str(path), error)

    def _scored(
        self,
        computed: Iterator[tuple[_Piecework, PieceFeatures | Problem]],
        speakers: Sequence[str | None] | None,
    ) -> Iterator[tuple[_Piecework, _Found | Problem]]:
        """Apply the network to what is computed, as much at once as a few batches take."""
        waiting: list[tuple[_Piecework, PieceFeatures | Problem]] = []
        seconds = 0.0
        for task, part in computed:
            if speakers is not None and isinstance(part, PieceFeatures):
                part = replace(part, speaker=speakers[task.number])  # noqa: PLW2901
            waiting.append((task, part))
            seconds += task.seconds
            if len(waiting) >= _BATCHES * self.batch_size or seconds >= _BATCHES * _ITEM_S * self.batch_size:
                yield from self._score(waiting)
                waiting, seconds = [], 0.0
        yield from self._score(waiting)

    def _score(
        self, waiting: Sequence[tuple[_Piecework, PieceFeatures | Problem]]
    ) -> Iterator[tuple[_Piecework, _Found | Problem]]:
        # Parts go together only with those of nearly their length, so that padding is bounded.
        buckets: dict[int, list[int]] = {}
        for i, (_, part) in enumerate(waiting):
            if isinstance(part, PieceFeatures):
                buckets.setdefault(int(np.log2(max(part.seconds, 1e-3))), []).append(i)
        found: dict[int, Scores] = {}
        for rows in buckets.values():
            parts = [part for part in (waiting[i][1] for i in rows) if isinstance(part, PieceFeatures)]
            found.update(zip(rows, self._apply(parts), strict=True))
        for i, (task, part) in enumerate(waiting):
            if isinstance(part, Problem):
                yield task, part
            elif not np.isfinite(found[i]).all():
                yield task, Problem(task.file, NO_SCORES)
            else:  # without its features: a recording's parts are kept until its last one is here
                yield task, (replace(part, features={}), found[i])

    def _apply(self, parts: Sequence[PieceFeatures]) -> list[Scores]:
        """Give each part's numbers, (1, outputs), or values by frame, (frames, dimensions)."""
        bundle = self.bundle
        longest = looked_at(bundle) or max(part.seconds for part in parts)
        size = max(1, min(self.batch_size, int(_ITEM_S * self.batch_size / longest)))
        return score(
            bundle.network, dataset_of(bundle, parts, self._groups), bundle.outputs, size, self.device
        )

    def _join(self, file: str, found: Sequence[_Found], *, cut: bool) -> Prediction:
        """Join the predictions for the pieces of a recording."""
        parts = [part for part, _ in found]
        values = np.concatenate([each for _, each in found])
        duration = round(max(part.end for part in parts), 6)
        note = next((part.note for part in parts if part.note), None)
        said = Prediction(file, duration, unlike=_unlike(parts, self.bundle.usual), note=note)
        outputs, count = self.bundle.outputs, len(self.bundle.classes)
        said = replace(said, dimensions=outputs.dimensions)
        if outputs.per_frame:
            return replace(said, trace=values[: count_trace_frames(duration)])
        windows = (
            Window(round(part.start, 6), round(part.end, 6), tuple(row[:count]), tuple(row[count:]))
            for part, row in zip(parts, values.tolist(), strict=True)
        )
        means = values.mean(axis=0).tolist()
        return replace(
            said,
            classes=self.bundle.classes,
            probabilities=tuple(means[:count]),
            values=tuple(means[count:]),
            unsure_below=self.unsure_below,
            windows=tuple(windows) if cut else (),
        )


def _ahead(
    pool: ThreadPoolExecutor, tasks: Iterable[tuple[_Piecework, _Extract]]
) -> Iterator[tuple[_Piecework, PieceFeatures | Problem]]:
    """Do the tasks in threads, and yield them in order, so much ahead that all threads are busy."""
    waiting: deque[tuple[_Piecework, Future[PieceFeatures | Problem]]] = deque()
    seconds = 0.0
    for task, work in tasks:
        waiting.append((task, pool.submit(work)))
        seconds += task.seconds
        while waiting and (seconds > _AHEAD_S or len(waiting) > _AHEAD * (os.cpu_count() or 1)):
            first, future = waiting.popleft()
            seconds -= first.seconds
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()


def _unlike(parts: Sequence[PieceFeatures], usual: Usual | None) -> str | None:
    """Describe how a recording differs from the training part, if this can be detected; see `Predictor`."""
    if all(part.silent for part in parts):
        return "unlike the training corpus: only silence (a constant value, or noise of the last bit)"
    level = max(part.level_db for part in parts)
    if level < QUIET_DB:
        loudest = f"its loudest 40 ms are at {level:.0f} dB of full scale"
        return f"unlike the training corpus: almost silent, {loudest}"
    measured = join([part.acoustics for part in parts])
    if usual is None or measured is None:
        return None
    difference = usual.describe_difference(measured)
    return difference and f"unlike the training corpus: {difference}"


def _same(problem: Problem) -> Problem:
    return problem


def _problem(file: str, error: SerError | MemoryError) -> Problem:
    if isinstance(error, MemoryError):
        return Problem(
            file, "too long for the memory that is free; leave --no-timeline out, or cut it into parts"
        )
    return Problem(file, str(error).removeprefix(f"{file}: "))
