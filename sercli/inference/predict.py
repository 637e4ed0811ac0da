"""Apply a trained network to recordings: any number, of any format, rate and length.

A recording is processed in the same way as an utterance in `sercli prepare`, `features` and `eval`, so that
the probabilities are those of ``predictions.csv``. A recording longer than `WHOLE_S` is predicted window by
window, each window as a separate recording: no network was trained on such lengths, and memory stays
bounded.
"""

import copy
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, groupby, islice, pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from sercli import audio
from sercli.audio import LEAST_S
from sercli.bundle import Bundle
from sercli.data.batches import split
from sercli.data.parts import LEAST_OF_GROUP, GroupStatistics
from sercli.devices import number_format
from sercli.errors import ConfigError, SerError
from sercli.inference import Scores, score_there
from sercli.inference._joining import join_pieces
from sercli.inference._waiting import (
    ITEM_S,
    Computed,
    Extract,
    Part,
    Piecework,
    Result,
    ahead,
    finish,
    gather,
)
from sercli.inference.prediction import Prediction
from sercli.inference.recordings import (
    Piece,
    PieceFeatures,
    Recording,
    choose_window,
    dataset_of,
    extract,
    look_ahead,
    looked_at,
    rates_of,
    read_pieces,
    read_whole,
)
from sercli.manifest.turns import fit_turns
from sercli.models.layers.folding import fold_normalisation
from sercli.processor import count_cores
from sercli.records import Problem, Turn
from sercli.runs.training import Precision
from sercli.statistics import Statistics
from sercli.store.compute import threads

WHOLE_S = 60.0
"""Largest length of a recording that is predicted as one utterance; the longest in IEMOCAP has 34 s."""
# Recordings at once.
_ON_CPU, _ELSEWHERE = 4, 32
# Batches that recordings are sorted by length for.
_BATCHES = 4

_MORE_RECORDINGS = (
    "give more recordings or turns of them, or, if all recordings are of one speaker (--same-speaker) or of "
    "one corpus, earlier ones with --enrol"
)
_NAME_SPEAKER = "name the speaker with --same-speaker or --speaker-column"
Turns = Callable[[Recording], Sequence[Turn]]
"""Finds the turns of a recording; their times count from its start."""


class Predictor:
    """Applies a bundle to recordings.

    ``unlike`` of a prediction depends on the samples alone, so it means the same for any network. Digital
    silence is marked, and a level of the loudest 40 ms below -70 dB of full scale, where there is almost only
    the noise of a converter. If the bundle has the usual acoustics of its training part, a recording beyond
    them is marked too; see `sercli.acoustics`. A recording that is not marked may still be unlike: in its
    language, in the age of the speaker, in the way of speaking.
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
        precision: Precision = "32-true",
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
            precision: number format of the network; ``bf16-mixed`` is faster on devices that multiply bf16,
                and changes the probabilities.

        Raises:
            RunError: the bundle can't be read.
            FeatureError: the encoder that the features need can't be found or downloaded.
            ConfigError: the window is longer than the input of the network, or does not fit the hop or the
                bundle; another number is out of its range; or a library of the features is missing.
        """
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.load(Path(bundle))
        for choice in self.bundle.inputs.values():
            choice.config.require()  # once, and not as a problem of each recording
        self.device = torch.device(device)
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
        self._set_windows(timeline, window_s, hop_s)
        self._network = fold_normalisation(self.bundle.network).to(self.device).eval()
        self.precision = precision
        self._number = number_format(precision)
        self._rates = rates_of(self.bundle)
        # Windows of classes are recordings of their own; pieces of continuous labels are parts of one.
        self._after_s = look_ahead(self.bundle) if self.bundle.outputs.per_frame else 0.0
        self._groups: dict[str, dict[str, Statistics]] = {}
        self._few: dict[str | None, int] = {}

    def with_windows(
        self, timeline: bool | None = None, window_s: float | None = None, hop_s: float | None = None
    ) -> "Predictor":
        """Return a predictor with other windows that shares the network, and has nobody enrolled.

        Arguments and errors are those of the constructor.
        """
        other = copy.copy(self)
        other._groups, other._few = {}, {}
        other._set_windows(timeline, window_s, hop_s)
        return other

    def _set_windows(self, timeline: bool | None, window_s: float | None, hop_s: float | None) -> None:
        if timeline is False and (window_s is not None or hop_s is not None):
            raise ConfigError("a window or hop without a timeline: leave one of them out")
        self.timeline = timeline
        self.window_s, self.hop_s = choose_window(self.bundle, window_s, hop_s)

    @property
    def needs_speakers(self) -> bool:
        """Whether the features are standardised per speaker, so that the speakers must be known."""
        return any(choice.group == "speaker" for choice in self.bundle.inputs.values())

    @property
    def needs_several(self) -> bool:
        """Whether recordings are standardised by their common statistics, so that they must be enrolled."""
        return any(choice.group is not None for choice in self.bundle.inputs.values())

    @property
    def enrolled(self) -> bool:
        """Whether statistics of a speaker or corpus are known; see `enrol`."""
        return bool(self._groups)

    def enrol(
        self, recordings: Iterable[tuple[Recording | Path | str, str | None]], turns: Turns | None = None
    ) -> list[Problem]:
        """Compute the statistics of speakers, or of a corpus, from recordings; emotions need not be known.

        For a model that standardises per corpus, all recordings are of one corpus. Recordings (or turns)
        without a speaker, and those of a speaker of whom there are fewer than `LEAST_OF_GROUP`, are left out;
        `predict` then reports them.

        Args:
            recordings: recordings with their speakers; of each speaker all recordings, or enough of them.
            turns: finds the turns of a recording, if only these are used; see `predict`.

        Returns:
            The recordings that can't be read, which are left out.

        Raises:
            ConfigError: the model standardises neither per speaker nor per corpus.
            FeatureError: no recording has a speaker, or there are fewer recordings (or windows of them) of
                each speaker, or of the corpus, than `LEAST_OF_GROUP`.
        """
        if not self.needs_several:
            raise ConfigError("the model standardises neither per speaker nor per corpus; enrol nothing")
        listed = list(recordings)
        speakers = [speaker for _, speaker in listed]
        collected = GroupStatistics(self.bundle.preprocessing)
        problems = []
        with threads() as pool:
            for task, part in ahead(pool, self._tasks((each for each, _ in listed), speakers, turns)):
                if isinstance(part, PieceFeatures):
                    name = f"{task.file} at {(task.recording.start or 0.0) + part.start:g} s"
                    collected.add(name, part.features, part.samples, task.group)
                elif part is not None:
                    problems.append(part)
        unread = f"; {len(problems)} can't be used: {problems[0]}" if problems else ""
        few = collected.leave_out()
        for name, found in collected.finish(_MORE_RECORDINGS + unread, _NAME_SPEAKER).items():
            self._groups.setdefault(name, {}).update(found)
        known = {name for found in self._groups.values() for name in found}
        self._few = {name: count for name, count in (self._few | few).items() if name not in known}
        return problems

    def predict(
        self,
        recordings: Iterable[Recording | Path | str] | Recording | Path | str,
        speakers: Sequence[str | None] | None = None,
        turns: Turns | None = None,
    ) -> Iterator[Prediction | Problem]:
        """Yield the prediction for each recording, or a problem if it can't be read, in the order given.

        Features are computed in threads, ahead of the network.

        Args:
            recordings: files, or parts of files, or one of these; see `score` for samples in memory.
            speakers: who speaks in each, for a model that standardises per speaker; see `enrol`.
            turns: finds the turns of a recording. The turns are then predicted in place of the recording,
                each as an utterance of its own, or in equal parts if it is longer than `WHOLE_S`. A turn
                without a speaker has that of the recording. `sercli.manifest.turns.fit_turns` cuts turns at
                the end of the recording; the note of the prediction reports it.

        Raises:
            ConfigError: the model needs speakers, and none are given; there are more or fewer speakers than
                recordings; the model gives values by frame, and turns are given; or a recording is no path.
            FeatureError: a speaker, or any recording of the corpus, was not enrolled.
        """
        if turns is not None and self.bundle.outputs.per_frame:
            raise ConfigError("the model gives values by frame, of the complete recording; it takes no turns")
        if self.needs_speakers and speakers is None and turns is None:
            raise ConfigError(
                "the model standardises per speaker, so it needs several recordings of each speaker; name "
                "the speakers with --same-speaker or --speaker-column"
            )
        if isinstance(recordings, Recording | Path | str):
            recordings = [recordings]
        if speakers:
            recordings = list(recordings)
            _check_speakers(speakers, len(recordings))
        listed = self._tasks(recordings, speakers, turns, self._few)
        first = list(islice(listed, count_cores()))
        with threads(len(first)) as pool:
            done = self._scored(pool, chain(first, listed))
            for _, found in groupby(done, key=lambda item: item[0].number):
                tasks, results = zip(*found, strict=True)
                problem = next((each for each in results if isinstance(each, Problem)), None)
                if problem is not None:
                    yield problem
                    continue
                scored = [each for each in results if each is not None]
                yield join_pieces(self.bundle, tasks, scored, self.unsure_below)

    def score(self, pieces: Sequence[Piece], speaker: str | None = None) -> list[Scores]:
        """Apply the model to pieces of sound that are in memory, each as a recording of its own.

        `Piece.of_samples` makes a piece of an array of samples.

        Args:
            pieces: at least one; their features are held at the same time.
            speaker: who speaks, for a model that standardises per speaker; see `enrol`.

        Returns:
            Of each piece, probabilities and values, (1, outputs), or values by frame, (frames, dimensions);
            they may be NaN.

        Raises:
            ConfigError: there is no piece, or one piece in place of a list.
            FeatureError: the speaker, or any recording of the corpus, was not enrolled.
        """
        if isinstance(pieces, Piece) or not pieces:
            raise ConfigError("score takes a list with at least one Piece")
        return self._apply([replace(extract(self.bundle, piece), speaker=speaker) for piece in pieces])

    def _tasks(
        self,
        recordings: Iterable[Recording | Path | str],
        speakers: Sequence[str | None] | None,
        turns: Turns | None,
        few: Mapping[str | None, int] = MappingProxyType({}),
    ) -> Iterator[tuple[Piecework, Extract]]:
        """List what is to be done; long recordings are decoded on the way, short ones in the threads.

        Recordings and turns of speakers in ``few``, which counts their utterances, are left out.
        """
        for number, each in enumerate(recordings):
            recording = _recording(each)
            speaker = speakers[number] if speakers else None
            own = Piecework(number, recording, speaker=speaker, group=speaker)
            try:
                header = recording.header()
                seconds = header.frames / header.sample_rate
                if short := audio.too_short(header.frames, header.sample_rate):
                    yield own, partial(_same, Problem(own.file, short))
                elif turns is not None:
                    found, note = fit_turns(turns(recording), seconds)
                    yield from self._turns(replace(own, whole_s=seconds, note=note), found, few)
                elif speaker in few:
                    yield own, partial(_same, Problem(own.file, _lacking(speaker, few[speaker])))
                elif (size := self._size(seconds)) is None:
                    yield replace(own, seconds=seconds), partial(self._extract, recording)
                else:
                    pieces = read_pieces(
                        recording,
                        self._rates,
                        *size,
                        align=not self.bundle.outputs.per_frame,
                        after_s=self._after_s,
                        least_s=LEAST_S,
                    )
                    for piece in pieces:
                        length = piece.samples / audio.SAMPLE_RATE
                        yield replace(own, seconds=length, cut=True), partial(self._extract, recording, piece)
            except (SerError, MemoryError) as error:
                yield own, partial(_problem, own.file, error)

    def _turns(
        self, own: Piecework, turns: Sequence[Turn], few: Mapping[str | None, int]
    ) -> Iterator[tuple[Piecework, Extract]]:
        """List the turns of a recording; a long one in equal parts. They are read in the threads."""
        if not turns:
            yield own, partial(_same, None)
        named = [(turn, own.of_turn(turn)) for turn in turns]
        if left := [(turn, each.group) for turn, each in named if each.group in few]:
            turn, group = left[0]
            fact = _lacking(group, few[group])
            if len(left) == len(turns):
                yield own, partial(_same, Problem(own.file, fact))
            first = f"turns are left out: {len(left)}, first {turn.start:g} to {turn.end:g} s: {fact}"
            named = [
                (turn, replace(each, note="; ".join(filter(None, (own.note, first)))))
                for turn, each in named
                if each.group not in few
            ]
        for turn, each in named:
            count = max(1, math.ceil((turn.end - turn.start) / WHOLE_S))
            edges = np.linspace(turn.start, turn.end, count + 1).tolist()
            for start, end in pairwise(edges):
                read = partial(self._extract, own.recording.cut(start, end), start=start)
                yield replace(each, seconds=end - start), read

    def _size(self, seconds: float) -> tuple[float, float] | None:
        """Return window and hop of a recording of that length; none if it is predicted as one utterance."""
        if not self.bundle.classes:
            return self.window_s, self.hop_s
        cut = seconds > WHOLE_S if self.timeline is None else self.timeline
        return (self.window_s, self.hop_s) if cut else None

    def _extract(
        self, recording: Recording, piece: Piece | None = None, start: float = 0.0
    ) -> PieceFeatures | Problem:
        """Compute the features of a piece of a recording, or of all of it, as a piece from ``start`` on."""
        try:
            piece = piece or replace(read_whole(recording, self._rates), start=start)
            return extract(self.bundle, piece)
        except (SerError, MemoryError) as error:
            return _problem(str(recording.path), error)

    def _scored(
        self,
        pool: ThreadPoolExecutor,
        tasks: Iterable[tuple[Piecework, Extract]],
    ) -> Iterator[tuple[Piecework, Result]]:
        """Apply the network to what is computed, some batches ahead, so that all threads are busy."""
        submitted: deque[Iterator[tuple[Piecework, Result]]] = deque()
        for waiting in gather(ahead(pool, tasks), _BATCHES * self.batch_size):
            submitted.append(self._score(pool, waiting))
            if len(submitted) > count_cores():
                yield from submitted.popleft()
        for found in submitted:
            yield from found

    def _score(
        self, pool: ThreadPoolExecutor, waiting: Sequence[Computed]
    ) -> Iterator[tuple[Piecework, Result]]:
        """Begin to apply the network to parts, batch by batch; the iterator waits for the scores."""
        found: dict[int, tuple[Callable[[], list[Scores]], int]] = {}
        for rows in self._batches([part for _, part in waiting]):
            parts = [part for part in (waiting[i][1] for i in rows) if isinstance(part, PieceFeatures)]
            scores = self._begin(pool, parts)
            found.update((i, (scores, place)) for place, i in enumerate(rows))
        return finish(waiting, found)

    def _begin(self, pool: ThreadPoolExecutor, parts: Sequence[PieceFeatures]) -> Callable[[], list[Scores]]:
        """Apply the network in a thread; on another device than a CPU at once, one batch after the other."""
        if self.device.type == "cpu":
            return pool.submit(self._apply, parts).result
        scores = self._apply(parts)
        return lambda: scores

    def _batches(self, parts: Sequence[Part]) -> Iterator[list[int]]:
        """Divide parts, by number, into batches of similar length, so that padding is bounded."""
        buckets: dict[int, list[int]] = {}
        for i, part in enumerate(parts):
            if isinstance(part, PieceFeatures):
                buckets.setdefault(int(np.log2(max(part.seconds, 1e-3))), []).append(i)
        for rows in buckets.values():
            seconds = {i: part.seconds for i in rows if isinstance(part := parts[i], PieceFeatures)}
            rows.sort(key=seconds.__getitem__)
            yield from split(rows, self._size_of_batch(max(seconds.values())))

    def _size_of_batch(self, seconds: float) -> int:
        """Return how many parts of that length, or segments of them, are a batch."""
        longest = looked_at(self.bundle) or seconds
        return max(1, min(self.batch_size, int(ITEM_S * self.batch_size / longest)))

    def _apply(self, parts: Sequence[PieceFeatures]) -> list[Scores]:
        """Give each part's numbers, (1, outputs), or values by frame, (frames, dimensions)."""
        size = self._size_of_batch(max(part.seconds for part in parts))
        dataset = dataset_of(self.bundle, parts, self._groups)
        return score_there(self._network, dataset, self.bundle.outputs, size, self.device, self._number)


def _recording(given: Recording | Path | str) -> Recording:
    """Return a recording as it is given, or that of a path.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(given, Recording):
        return given
    try:
        return Recording(Path(given))
    except TypeError:
        kind = type(given).__name__
        raise ConfigError(
            f"a recording is a path or a Recording, not of type {kind}; for samples in memory, use score"
        ) from None


def _check_speakers(speakers: Sequence[str | None], count: int) -> None:
    """Refuse speakers that are not one for each recording.

    Raises:
        ConfigError: there are more or fewer of them, or they are a single text.
    """
    if isinstance(speakers, str):
        raise ConfigError(f"speakers='{speakers}': give a list with the speaker of each recording")
    if len(speakers) != count:
        raise ConfigError(
            f"recordings: {count}, speakers: {len(speakers)}; give the speaker of each recording"
        )


def _lacking(speaker: str | None, count: int) -> str:
    """Describe why a speaker can't be standardised, and the remedy."""
    if speaker is None:
        return f"no speaker is known, and the model standardises per speaker; {_NAME_SPEAKER}"
    return (
        f"the model standardises per speaker, which needs {LEAST_OF_GROUP} utterances or more, and {speaker} "
        f"has {count}; {_MORE_RECORDINGS}"
    )


def _same(part: Problem | None) -> Problem | None:
    return part


def _problem(file: str, error: SerError | MemoryError) -> Problem:
    if isinstance(error, MemoryError):
        return Problem(
            file, "too long for the memory that is free; leave --no-timeline out, or cut it into parts"
        )
    return Problem(file, str(error).removeprefix(f"{file}: "))
