"""The small immutable records that cross the layers."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sercli.errors import RunError

TRACE_RATE = 25
"""Continuous labels a second."""

TRACE_DIMENSIONS = ("arousal", "valence")
"""Names of the continuous labels, in the order of the columns of a trace."""

_BY_ROW = ("ids", "speakers", "genders", "folds", "seeds")  # of predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One utterance of a corpus: where its audio is, who speaks, and how raters judged it.

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
        emotion: the label: an English noun of `sercli.labels`, or another word as the corpus spells it.
        intensity: strength of the emotion, as the corpus grades it.
        part: part of the division that the corpus was released with: ``train``, ``dev``, ``test``, or a
            further test part such as ``test2``.
        valence: mean rating, on the corpus's scale.
        arousal: likewise (activation).
        dominance: likewise.
        ratings: likewise, of further dimensions by name.
        trace: file of the continuous labels, relative as ``file``. In a prepared corpus: a NumPy
            array of arousal and valence, float32, (frames, 2), `TRACE_RATE` rows a second.
        trace_method: how the gold standard of the trace was got, and any shift in time.
        trace_sha256: hash of the array's values.
        raters: the judgement of each rater: a mapping with ``rater`` (name), and as far as the corpus has
            them ``emotions`` (list of the labels that this rater gave, as `sercli.labels.to_label` reads
            them), ``valence``, ``arousal``, ``dominance`` and ``comment``. ``self`` is true if the speaker is
            the rater. Only mappings with ``emotions`` are votes; `sercli.raters` reads them.
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
    part: str | None = None
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None
    ratings: Mapping[str, float] | None = None
    trace: str | None = None
    trace_method: str | None = None
    trace_sha256: str | None = None
    raters: tuple[Mapping[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A part of a recording in which a person speaks.

    Attributes:
        start: where it begins, seconds.
        end: where it ends.
        speaker: who speaks; none if this is not known.
        place: list, and line if known, that has the turn; empty if the turn was found in the recording.
    """

    start: float
    end: float
    speaker: str | None = None
    place: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a corpus that does not end the reading of the rest.

    Attributes:
        place: the file, relative to the corpus as distributed.
        fact: what is wrong with it.
        harmless: whether nothing is lost by it (a second copy, say), so that it is only noted.
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


PARTS = ("train", "dev", "test")
"""The parts of a fold."""


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
    """Return the fields that all `Predictions` have, for rows which one network predicted.

    Args:
        utterances: one for each row.
        fold: name of the fold whose model it is.
        seed: of that model.
    """
    rows = [(each.id, each.speaker, each.gender, fold, seed) for each in utterances]
    return dict(zip(_BY_ROW, zip(*rows, strict=True) if rows else ((),) * len(_BY_ROW), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions(ABC):
    """What networks predicted, one row for each utterance: the test parts of one or more folds and seeds.

    Attributes:
        ids: utterance ids, (rows,).
        target: label of each row, as the subclass has it.
        speakers: speaker of each row, ``None`` where unknown.
        genders: likewise.
        folds: name of the fold whose model predicted the row.
        seeds: seed of that model.
    """

    columns: ClassVar[tuple[str, ...]] = (*_BY_ROW, "target")
    """Names of the fields that have an entry for each row."""

    ids: tuple[str, ...]
    target: Any
    speakers: tuple[str | None, ...]
    genders: tuple[str | None, ...]
    folds: tuple[str, ...]
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        """Turn lists into tuples and unknown speakers of pandas (NaN) into ``None``.

        Raises:
            RunError: there is not one speaker, gender, fold and seed for each id.
        """
        for name in _BY_ROW:
            values = tuple(
                None if isinstance(each, float) and isnan(each) else each for each in getattr(self, name)
            )
            object.__setattr__(self, name, values)
            if len(values) != len(self.ids):
                raise RunError(f"{len(self.ids)} ids, but {len(values)} {name}; give one for each id")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """Names of what is predicted: classes or dimensions."""

    @property
    @abstractmethod
    def noun(self) -> str:
        """What a row is called: ``utterance`` or ``recording``."""

    @property
    @abstractmethod
    def finite(self) -> NDArray[np.bool_]:
        """Whether all numbers predicted for each row are finite, (rows,)."""

    @property
    def units(self) -> list[tuple[str, int]]:
        """Fold and seed of each row: the network that predicted it."""
        return list(zip(self.folds, self.seeds, strict=True))

    @property
    def known_speakers(self) -> list[str]:
        """Names of the speakers, sorted, without unknown ones."""
        return sorted({name for name in self.speakers if name is not None})

    def select(self, rows: Sequence[int]) -> Self:
        """Keep some rows, in the order given."""
        return replace(self, **{name: _take(getattr(self, name), rows) for name in self.columns})


AnyPredictions = TypeVar("AnyPredictions", bound=Predictions)


def pool(parts: Sequence[AnyPredictions]) -> AnyPredictions:
    """Put the predictions of several folds and seeds under one another.

    Raises:
        RunError: there are none, or they are not of the same classes or dimensions.
    """
    if not parts:
        raise RunError("no predictions to pool; test at least one fold")
    first = parts[0]
    for part in parts:
        if type(part) is not type(first) or part.outputs != first.outputs:
            both = f"{', '.join(first.outputs)}; {', '.join(part.outputs)}"
            raise RunError(
                f"can't pool predictions of different classes or dimensions ({both}); pool runs of one scheme"
            )
    return replace(first, **{name: _join([getattr(part, name) for part in parts]) for name in first.columns})


def _take(column: Any, rows: Sequence[int]) -> Any:
    if column is None:
        return None
    if isinstance(column, Predictions):
        return column.select(rows)
    if isinstance(column, np.ndarray):
        return column[list(rows)]
    return tuple(column[row] for row in rows)


def _join(columns: Sequence[Any]) -> Any:
    if any(column is None for column in columns):
        return None  # a part without the column leaves no column for all rows
    if isinstance(columns[0], Predictions):
        return pool(columns)
    if isinstance(columns[0], np.ndarray):
        return np.concatenate(columns)
    return tuple(value for column in columns for value in column)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassPredictions(Predictions):
    """What a classifier predicted.

    Attributes:
        classes: class names, in the order of the columns of ``probabilities``.
        target: index of the true class, (rows,), integers.
        probabilities: (rows, classes), each row summing to one.
        raters: for each row and each rater, the indices of the classes that this rater named, one or more; no
            raters if they are not known. ``None`` if the labels are not from votes.
        values: predicted values of dimensions of the same rows, if the network gives both.
    """

    columns: ClassVar[tuple[str, ...]] = (*_BY_ROW, "target", "probabilities", "raters", "values")

    classes: tuple[str, ...]
    target: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    raters: tuple[tuple[tuple[int, ...], ...], ...] | None = None
    values: "ValuePredictions | None" = None

    def __post_init__(self) -> None:
        """Turn lists into arrays and tuples."""
        Predictions.__post_init__(self)
        object.__setattr__(self, "classes", tuple(self.classes))
        for name in ("target", "probabilities"):
            object.__setattr__(self, name, np.asarray(getattr(self, name)))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The classes, and the dimensions if there are any."""
        return self.classes if self.values is None else (*self.classes, *self.values.dimensions)

    @property
    def noun(self) -> str:
        """What a row is called."""
        return "utterance"

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Whether all probabilities of each row are finite, (rows,)."""
        return np.asarray(np.isfinite(self.probabilities).all(axis=1))

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Index of the most probable class, (rows,)."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValuePredictions(Predictions):
    """What a regressor predicted: values of dimensions, for each frame of a recording or for an utterance.

    Attributes:
        dimensions: names of the columns of ``target`` and ``predicted``.
        target: gold standard of each row, (frames, dimensions), `TRACE_RATE` frames a second, or
            (1, dimensions) of an utterance.
        predicted: likewise, what the network gave.
        per_frame: whether the values are of frames.
    """

    columns: ClassVar[tuple[str, ...]] = (*_BY_ROW, "target", "predicted")

    dimensions: tuple[str, ...]
    target: tuple[NDArray[np.float64], ...]
    predicted: tuple[NDArray[np.float64], ...]
    per_frame: bool = True

    def __post_init__(self) -> None:
        """Turn lists into tuples."""
        Predictions.__post_init__(self)
        object.__setattr__(self, "dimensions", tuple(self.dimensions))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The dimensions."""
        return self.dimensions

    @property
    def noun(self) -> str:
        """What a row is called."""
        return "recording" if self.per_frame else "utterance"

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Whether all values predicted for each row are finite, (rows,)."""
        return np.array([np.isfinite(values).all() for values in self.predicted], dtype=np.bool_)
