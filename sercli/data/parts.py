"""From utterances to data sets: one way for training, evaluation, other corpora, recordings and the page.

`Preprocessing` says how features become the input of a network, an `Item` stands for an utterance or a
recording, and a `Source` gives its features, from a store or as they were just computed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from sercli import audio
from sercli.audio import SAMPLE_RATE, Samples
from sercli.corpora import Trace
from sercli.data import UtteranceDataset
from sercli.data.augment import Augmenter
from sercli.data.segments import Cut, Joined, Segmenter
from sercli.errors import CorpusError, FeatureError
from sercli.features import Array
from sercli.records import TRACE_DIMENSIONS, TRACE_RATE, Utterance
from sercli.runs.config import RunConfig
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig
from sercli.statistics import Statistics, fit, fit_all
from sercli.store import FeatureStore


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessing:
    """How features become the input of a network.

    Attributes:
        features: by input of the network, the features it takes.
        segments: how utterances are cut.
        statistics: by input, mean and deviation of the training part.
    """

    features: Mapping[str, FeatureChoice]
    segments: SegmentConfig
    statistics: Mapping[str, Statistics]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """An utterance of a corpus, or a recording in the place of one.

    Attributes:
        id: different for each item of a data set.
        samples: length at 16 kHz.
        target: index of the class, or the labels by frame, (frames, dimensions).
    """

    id: str
    samples: int
    target: int | Trace


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
    """Features of a corpus's utterances, each read from the store when it is asked for."""

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


def make_items(
    utterances: Iterable[Utterance], labels: Mapping[str, str], classes: Sequence[str], folder: Path
) -> list[Item]:
    """Make the items of utterances with their labels: classes, or continuous labels where there are none.

    Args:
        utterances: utterances of a prepared corpus.
        labels: class by id.
        classes: in the order of the network's outputs; empty for continuous labels.
        folder: folder of the prepared corpus.

    Raises:
        CorpusError: continuous labels are missing or damaged.
    """
    return [
        Item(
            each.id,
            count_samples(each),
            classes.index(labels[each.id]) if classes else read_trace(folder, each),
        )
        for each in utterances
    ]


def unlabelled_item(name: str, samples: int, *, per_frame: bool) -> Item:
    """Make the item of an utterance or a recording whose labels are unknown.

    Args:
        name: id of the item.
        samples: length at 16 kHz.
        per_frame: whether the network gives values by frame; otherwise a class.
    """
    frames = count_trace_frames(samples / SAMPLE_RATE)
    return Item(name, samples, np.zeros((frames, len(TRACE_DIMENSIONS)), np.float32) if per_frame else 0)


def count_trace_frames(seconds: float) -> int:
    """Return the number of values by frame that a recording has, at least one."""
    return max(1, round(seconds * TRACE_RATE))


def make_dataset(
    preprocessing: Preprocessing,
    items: Sequence[Item],
    sources: Mapping[str, Source],
    *,
    training: bool = False,
) -> UtteranceDataset:
    """Cut and standardise items.

    Args:
        preprocessing: how.
        items: utterances or recordings.
        sources: features by input of the network.
        training: whether segments have the hop of the training part.
    """
    cuts = {
        name: _cut(choice, preprocessing.segments, items, sources[name], training=training)
        for name, choice in preprocessing.features.items()
    }
    return _join(preprocessing, items, cuts, cuts, training=training)


def make_training_dataset(
    config: RunConfig,
    statistics: Mapping[str, Statistics],
    items: Sequence[Item],
    sources: Mapping[str, Source],
    variants: Mapping[str, Source],
    audio_files: Mapping[str, Path],
    seed: int,
) -> UtteranceDataset:
    """Cut and standardise a training part, augmented as the run's settings say.

    Args:
        config: settings of the run.
        statistics: of the training part, by input of the network.
        items: utterances of the training part.
        sources: features by input of the network.
        variants: features by variant, where utterances are trained in several.
        audio_files: prepared audio by id, for augmentations that change it.
        seed: seed of the augmentations.
    """
    preprocessing = Preprocessing(config.features, config.segments, statistics)
    cuts = {
        name: _cut(choice, config.segments, items, sources[name], training=True)
        for name, choice in config.features.items()
    }
    rows: dict[str, Cut | Joined] = dict(cuts)
    drawn: list[Mapping[str, Cut | Joined]] = [rows]
    if config.variants:
        (name,) = cuts
        parts = [
            _cut(choice, config.segments, items, variants[variant], training=True)
            for variant, choice in config.variants.items()
        ]
        rows = {name: parts[0] if config.draws_variant else Joined(parts)}
        drawn = [{name: part} for part in parts] if config.draws_variant else [rows]
    augmenter = None
    if config.augmentations:
        first = next(iter(cuts.values()))
        augmenter = Augmenter(
            list(config.augmentations.values()),
            seed,
            {name: choice.feature.silence(choice.config) for name, choice in config.features.items()},
            drawn,
            lambda row: _read_segment(first, row % len(first), audio_files),
        )
    return _join(preprocessing, items, cuts, rows, augmenter, training=True)


def fit_statistics(
    config: RunConfig,
    items: Sequence[Item],
    sources: Mapping[str, Source],
    variants: Mapping[str, Source],
    place: str,
) -> dict[str, Statistics]:
    """Compute the statistics of a training part without its padding, by input of the network.

    Args:
        config: settings of the run.
        items: utterances of the training part.
        sources: features by input of the network.
        variants: features by variant; where there are any, the statistics are of all of them together.
        place: name of the part, for messages.

    Raises:
        FeatureError: features are missing in a store, or the training part is silent.
    """
    if _are_silent(next(iter(config.features.items())), items, sources):
        raise FeatureError(
            f"{place}: all {len(items)} recordings of the training part are silent; listen to some, and "
            "prepare the corpus again from recordings that hold speech"
        )
    several = [(choice, variants[name]) for name, choice in config.variants.items()]
    fitted = {}
    for name, choice in config.features.items():
        arrays = (
            (each.unpadded(source[item.id], item.samples), each.empty)
            for each, source in several or [(choice, sources[name])]
            for item in items
        )
        fitted[name] = fit_all(arrays, choice.statistics)
    return fitted


def _are_silent(
    first: tuple[str, FeatureChoice], items: Sequence[Item], sources: Mapping[str, Source]
) -> bool:
    """Return whether no item's features change over time: there is nothing to learn then."""
    name, choice = first
    return not any(
        np.ptp(choice.unpadded(sources[name][item.id], item.samples), axis=-1).any() for item in items
    )


def _cut(
    choice: FeatureChoice, segments: SegmentConfig, items: Sequence[Item], source: Source, *, training: bool
) -> Cut:
    """Cut the features of items into segments, without reading them yet."""
    segmenter = Segmenter(segments, choice.feature, choice.config)
    samples = {item.id: item.samples for item in items}
    found = [
        segment
        for name, length in samples.items()
        for segment in segmenter.cut(name, length, source.count_frames(name), training=training)
    ]
    own = None
    if choice.statistics == "per-utterance":
        own = cache(lambda name: choice.own_statistics(source[name], samples[name]))
    return Cut(segmenter, source.__getitem__, tuple(found), own)


def _join(
    preprocessing: Preprocessing,
    items: Sequence[Item],
    cuts: Mapping[str, Cut],
    rows: Mapping[str, Cut | Joined],
    augmenter: Augmenter | None = None,
    *,
    training: bool,
) -> UtteranceDataset:
    """Give rows their labels; of rows in several variants, those of the first variant come first."""
    first, inputs = next(iter(cuts.values())), next(iter(rows.values()))
    ids = [segment.utterance for segment in first.segments]
    classes = {item.id: item.target for item in items if isinstance(item.target, int)}
    traces = [
        cut
        for item in items
        if not isinstance(item.target, int)
        for cut in first.segmenter.cut_trace(item.target, item.samples, training=training)
    ]
    times = len(inputs) // len(first)
    return UtteranceDataset(
        rows,
        # Segments with statistics of their own utterance are standardised already.
        {name: fit([], "none") if cut.own else preprocessing.statistics[name] for name, cut in cuts.items()},
        traces * times if traces else [classes[name] for name in ids] * times,
        ids * times,
        {name: cut.segmenter.finish for name, cut in cuts.items()},
        inputs.lengths,
        augmenter,
    )


def _read_segment(cut: Cut, row: int, audio_files: Mapping[str, Path]) -> Samples:
    """Read the audio of a training segment, (samples,), 16 kHz.

    Raises:
        AudioError: it can't be read.
    """
    segment = cut.segments[row]
    samples = audio.read(audio_files[segment.utterance])
    window = cut.segmenter.windows(len(samples), training=True)[segment.number]
    return samples[window.start : window.stop]
