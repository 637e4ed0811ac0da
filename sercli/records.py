"""The small immutable records that cross the layers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

Task = Literal["classification", "regression"]
"""A class an utterance, or values by frame."""

TRACE_RATE = 25
"""Continuous labels a second."""

TRACE_DIMENSIONS = ("arousal", "valence")
"""What continuous labels say, in the order of a trace's columns."""

_BY_ROW = ("ids", "speakers", "genders", "folds", "seeds")  # of predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One utterance of a corpus: where its audio lies, who speaks, and what the raters heard.

    Text is absent (``None``) where the corpus has none. Speakers and sessions are text, always:
    ``"03"`` never becomes 3.

    Attributes:
        id: unique over all corpora, ``corpus/name``.
        corpus: name of the corpus.
        file: audio file. From a corpus reader: relative to the corpus as distributed; in a
            prepared corpus: relative to its folder in the workspace.
        source: the file as distributed, kept when ``file`` names the prepared one.
        source_sha256: hash of that file's bytes.
        sha256: hash of the prepared samples (mono float32, little-endian), so that a header or a
            container never makes equal audio look different.
        duration: seconds of the prepared audio.
        sample_rate: hertz of the prepared audio.
        start: seconds from the start of the source recording, where the utterance is cut from one.
        end: likewise, its end.
        speaker: who speaks, unique within the corpus.
        gender: ``female``, ``male``, or another word of the corpus's in small letters, such as ``child``.
        session: recording session.
        dialog: conversation within a session.
        style: ``improvised`` or ``scripted``.
        text_id: which text is spoken: a sentence, or the play that a line is of.
        transcript: the words.
        emotion_raw: the label as the corpus spells it.
        emotion: the label as an English noun of `sercli.labels`.
        intensity: strength of the emotion, as the corpus grades it.
        valence: mean rating, on the corpus's scale.
        arousal: likewise (activation).
        dominance: likewise.
        trace: file of the continuous labels, relative as ``file``. In a prepared corpus: a NumPy
            array of arousal and valence, float32, (frames, 2), `TRACE_RATE` rows a second.
        trace_method: how the gold standard of the trace was got, and any shift in time.
        trace_sha256: hash of the array's values.
        raters: the single raters' judgements, as the corpus gives them.
    """

    id: str
    corpus: str
    file: str
    source: str | None = None
    source_sha256: str | None = None
    sha256: str = ""
    duration: float = 0.0
    sample_rate: int = 0
    start: float | None = None
    end: float | None = None
    speaker: str | None = None
    gender: str | None = None
    session: str | None = None
    dialog: str | None = None
    style: str | None = None
    text_id: str | None = None
    transcript: str | None = None
    emotion_raw: str | None = None
    emotion: str | None = None
    intensity: str | None = None
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None
    trace: str | None = None
    trace_method: str | None = None
    trace_sha256: str | None = None
    raters: tuple[Mapping[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a corpus that does not end the reading of the rest.

    Attributes:
        place: the file, relative to the corpus as distributed.
        fact: what is wrong with it.
        harmless: whether nothing is lost by it (a second copy, say), so that it is only mentioned.
    """

    place: str
    fact: str
    harmless: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.fact}"


@dataclass(frozen=True, slots=True)
class Note(Problem):
    """A decision of a reader that the user should look at: nothing is wrong and nothing is lost.

    Attributes:
        title: what it is about, in a word or two.
    """

    harmless: bool = True
    title: str = "note"

    def __str__(self) -> str:
        return f"{self.place}: {self.title}: {self.fact}"


@dataclass(frozen=True, slots=True)
class Fold:
    """One division of a corpus's utterances: ids, in manifest order, no id in two parts.

    ``dev`` is empty where a protocol has no development part.
    """

    name: str
    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]


def rows_of(utterances: Iterable[Utterance], fold: str, seed: int) -> dict[str, Any]:
    """Give what both kinds of predictions hold of each row, all said by one network.

    Args:
        utterances: a row each.
        fold: name of the fold whose model it is.
        seed: of that model.
    """
    rows = [(each.id, each.speaker, each.gender, fold, seed) for each in utterances]
    return dict(zip(_BY_ROW, zip(*rows, strict=True) if rows else ((),) * len(_BY_ROW), strict=True))


def join_rows(parts: "Sequence[Predictions] | Sequence[TracePredictions]") -> dict[str, Any]:
    """Put what `rows_of` gives, of several predictions, under one another."""
    return {name: tuple(value for part in parts for value in getattr(part, name)) for name in _BY_ROW}


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a classifier said of utterances, row by row: the test parts of one or more folds and seeds.

    Attributes:
        classes: class names, in the order of the columns of ``probabilities``.
        ids: utterance ids, (rows,).
        target: index of the true class, (rows,), integers.
        probabilities: one row an utterance, (rows, classes), each summing to one.
        speakers: speaker of each row, ``None`` where unknown.
        genders: likewise.
        folds: name of the fold whose model predicted the row.
        seeds: seed of that model.
    """

    classes: tuple[str, ...]
    ids: tuple[str, ...]
    target: np.ndarray[tuple[int], np.dtype[np.int64]]
    probabilities: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    speakers: tuple[str | None, ...]
    genders: tuple[str | None, ...]
    folds: tuple[str, ...]
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: Sequence[int]) -> "Predictions":
        """Keep some rows, in the order given."""
        kept = {name: tuple(getattr(self, name)[row] for row in rows) for name in _BY_ROW}
        target, probabilities = self.target[list(rows)], self.probabilities[list(rows)]
        return replace(self, target=target, probabilities=probabilities, **kept)

    @property
    def predicted(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Index of the most probable class, (rows,)."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class TracePredictions:
    """What a regressor said of recordings, frame by frame: the test parts of one or more folds and seeds.

    Attributes:
        dimensions: names of the columns of ``target`` and ``predicted``.
        ids: utterance ids, one a recording.
        target: gold standard of each recording, (frames, dimensions), `TRACE_RATE` frames a second.
        predicted: likewise, what was said.
        speakers: speaker of each recording, ``None`` where unknown.
        genders: likewise.
        folds: name of the fold whose model predicted the recording.
        seeds: seed of that model.
    """

    dimensions: tuple[str, ...]
    ids: tuple[str, ...]
    target: tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], ...]
    predicted: tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], ...]
    speakers: tuple[str | None, ...]
    genders: tuple[str | None, ...]
    folds: tuple[str, ...]
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: Sequence[int]) -> "TracePredictions":
        """Keep some recordings, in the order given."""
        kept = ("target", "predicted", *_BY_ROW)
        return replace(self, **{name: tuple(getattr(self, name)[row] for row in rows) for name in kept})
