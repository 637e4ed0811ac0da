"""Represent utterances and recordings as items of a data set: length, label and source of the features."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from sercli.audio import SAMPLE_RATE
from sercli.corpora import Trace
from sercli.errors import CorpusError
from sercli.features import Array
from sercli.raters import votes
from sercli.records import TRACE_DIMENSIONS, TRACE_RATE, Utterance
from sercli.runs.features import FeatureChoice
from sercli.schemes import Selection
from sercli.store import FeatureStore


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """An utterance of a corpus, or a recording in place of an utterance.

    Attributes:
        id: different for each item of a data set.
        samples: length at 16 kHz.
        target: index of the class, zero without classes; or the labels by frame, (frames, dimensions).
        speaker: who speaks; None if unknown.
        values: value of each dimension, for dimensions of utterances.
        votes: share of the raters' votes for each class, for soft labels.
        raters: for each rater, the indices of the classes that this rater named; None if the labels are not
            from votes.
    """

    id: str
    samples: int
    target: int | Trace
    speaker: str | None = None
    values: tuple[float, ...] = ()
    votes: tuple[float, ...] = ()
    raters: tuple[tuple[int, ...], ...] | None = None

    @property
    def corpus(self) -> str:
        """The corpus of an utterance, which its id begins with; all recordings are of one, without a name."""
        return self.id.partition("/")[0] if "/" in self.id else ""


class Source(Protocol):
    """Features of items, by their ids."""

    def __getitem__(self, name: str, /) -> Array:
        """Return the features of an item, (*shape, frames), not standardised."""
        ...

    def count_frames(self, name: str, /) -> int:
        """Return the number of frames of an item."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class StoredFeatures:
    """Features of a corpus's utterances, read from the store when they are needed."""

    store: FeatureStore
    utterances: Mapping[str, Utterance]

    def __getitem__(self, name: str, /) -> Array:
        return self.store[self.store.key(self.utterances[name])]

    def count_frames(self, name: str, /) -> int:
        """Return the number of frames, without reading the features."""
        return self.store.frames(self.store.key(self.utterances[name]))


class ComputedFeatures(dict[str, Array]):
    """Features in memory, by id."""

    def count_frames(self, name: str, /) -> int:
        """Return the number of frames."""
        frames: int = self[name].shape[-1]
        return frames


def open_features(
    choices: Mapping[str, FeatureChoice], folder: Path, utterances: Mapping[str, Utterance]
) -> dict[str, StoredFeatures]:
    """Open stored features, by the names of the choices.

    Args:
        choices: the features, by input of the network or by variant.
        folder: folder of the stores.
        utterances: the corpus, by id.
    """
    return {name: StoredFeatures(each.open_store(folder), utterances) for name, each in choices.items()}


def count_samples(utterance: Utterance) -> int:
    """Return the length of an utterance's prepared audio."""
    return round(utterance.duration * utterance.sample_rate)


def read_trace(folder: Path, utterance: Utterance) -> Trace:
    """Read the continuous labels of an utterance, (frames, dimensions).

    Args:
        folder: folder of the prepared corpus.
        utterance: an utterance that has such labels.

    Raises:
        CorpusError: they are missing or damaged.
    """
    path = folder / str(utterance.trace)
    try:
        values: Trace = np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        raise CorpusError(f"{path}: missing or damaged; run `sercli prepare` again") from None
    return values


def make_items(utterances: Iterable[Utterance], selection: Selection, folder: Path) -> list[Item]:
    """Make the items of utterances with their labels.

    Args:
        utterances: utterances of a prepared corpus.
        selection: their classes or values, as a scheme selects them.
        folder: folder of the prepared corpus.

    Raises:
        CorpusError: continuous labels are missing or damaged.
    """
    classes = {name: number for number, name in enumerate(selection.classes)}
    return [
        Item(
            each.id,
            count_samples(each),
            read_trace(folder, each)
            if selection.outputs.per_frame
            else classes.get(selection.labels[each.id], 0),
            each.speaker,
            selection.values.get(each.id, ()),
            _count_votes(selection, each.id),
            selection.raters.get(each.id) if selection.raters else None,
        )
        for each in utterances
    ]


def _count_votes(selection: Selection, name: str) -> tuple[float, ...]:
    """Return the share of the votes for each class, if a network learns it."""
    if not selection.soft:
        return ()
    return tuple(votes(selection.raters[name], len(selection.classes)).tolist())


def unlabelled_item(name: str, samples: int, *, per_frame: bool, speaker: str | None = None) -> Item:
    """Make the item of an utterance or a recording whose labels are unknown.

    Args:
        name: id of the item.
        samples: length at 16 kHz.
        per_frame: whether the network predicts values by frame; otherwise it predicts the utterance.
        speaker: who speaks; None if unknown.
    """
    frames = count_trace_frames(samples / SAMPLE_RATE)
    target = np.zeros((frames, len(TRACE_DIMENSIONS)), np.float32) if per_frame else 0
    return Item(name, samples, target, speaker)


def count_trace_frames(seconds: float) -> int:
    """Return the number of values by frame that a recording has, at least one."""
    return max(1, round(seconds * TRACE_RATE))
