"""Make data sets from utterances: one way for training, evaluation, other corpora, recordings and the page.

`Preprocessing` defines the steps from features to the input of a network. An `Item` is an utterance or a
recording. A `Source` returns its features, from a store or newly computed.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from sercli import audio
from sercli.audio import Samples
from sercli.data import UtteranceDataset
from sercli.data.augment import Augmenter
from sercli.data.items import Item, Source
from sercli.data.segments import Cut, Joined, Segmenter
from sercli.errors import FeatureError
from sercli.features import Array
from sercli.runs.config import RunConfig
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig
from sercli.statistics import RunningMoments, Statistics, fit, fit_all

LEAST_OF_SPEAKER = 2
"""Fewest utterances of a speaker in a part that is standardised per speaker."""


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessing:
    """Steps from features to the input of a network.

    Attributes:
        features: features by input of the network.
        segments: settings of the segments of utterances.
        statistics: mean and deviation of the training part, by input.
        speakers: statistics of known speakers, by input and speaker, for features standardised per speaker.
    """

    features: Mapping[str, FeatureChoice]
    segments: SegmentConfig
    statistics: Mapping[str, Statistics]
    speakers: Mapping[str, Mapping[str, Statistics]] = field(default_factory=dict)


def make_dataset(
    preprocessing: Preprocessing,
    items: Sequence[Item],
    sources: Mapping[str, Source],
    *,
    training: bool = False,
) -> UtteranceDataset:
    """Cut and standardise items.

    Args:
        preprocessing: settings of both steps.
        items: utterances or recordings.
        sources: features by input of the network.
        training: whether segments have the hop of the training part.
    """
    preprocessing = with_speakers(preprocessing, items, sources)
    cuts = {
        name: _cut(preprocessing, name, choice, items, sources[name], training=training)
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
    """Cut and standardise a training part, with the augmentations of the run's settings.

    Args:
        config: settings of the run.
        statistics: statistics of the training part, by input of the network.
        items: utterances of the training part.
        sources: features by input of the network.
        variants: features by variant, if utterances are trained in several variants.
        audio_files: prepared audio by id, for augmentations that change it.
        seed: seed of the augmentations.
    """
    preprocessing = with_speakers(Preprocessing(config.features, config.segments, statistics), items, sources)
    cuts = {
        name: _cut(preprocessing, name, choice, items, sources[name], training=True)
        for name, choice in config.features.items()
    }
    rows: dict[str, Cut | Joined] = dict(cuts)
    drawn: list[Mapping[str, Cut | Joined]] = [rows]
    if config.variants:
        (name,) = cuts
        parts = [
            _cut(preprocessing, name, choice, items, variants[variant], training=True)
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
        variants: features by variant; if there are any, the statistics cover all of them together.
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
    """Return whether no item's features change over time, so that there is nothing to learn."""
    name, choice = first
    if choice.config.pooled:  # nothing shows how they change
        return False
    return not any(
        np.ptp(choice.unpadded(sources[name][item.id], item.samples), axis=-1).any() for item in items
    )


def with_speakers(
    preprocessing: Preprocessing, items: Sequence[Item], sources: Mapping[str, Source]
) -> Preprocessing:
    """Add the statistics of the speakers of some items, for inputs that are standardised per speaker.

    Args:
        preprocessing: how features become the input of a network.
        items: all items of these speakers.
        sources: features by input of the network.

    Raises:
        FeatureError: an item has no speaker, or a speaker has too few items.
    """
    collected = SpeakerStatistics(preprocessing)
    if not collected.choices or preprocessing.speakers:
        return preprocessing
    for item in items:
        features = {name: sources[name][item.id] for name in collected.choices}
        collected.add(item.id, features, item.samples, item.speaker)
    return replace(preprocessing, speakers=collected.finish())


_OTHER_STATISTICS = "leave them out, or set features.statistics=per-bin, which needs no speakers"


def check_speakers(speakers: Mapping[str, str | None], remedy: str = _OTHER_STATISTICS) -> None:
    """Refuse utterances that can't be standardised per speaker.

    Args:
        speakers: speaker by utterance; None if unknown.
        remedy: what to do if a speaker has too few utterances.

    Raises:
        FeatureError: a speaker is unknown, or has fewer utterances than `LEAST_OF_SPEAKER`.
    """
    counted = Counter(speaker for speaker in speakers.values() if speaker is not None)
    unknown = [name for name, speaker in speakers.items() if speaker is None]
    if unknown:
        raise FeatureError(
            f"features.statistics=per-speaker: {len(unknown)} utterances have no speaker, for example "
            f"{unknown[0]}; name their speakers, or set features.statistics=per-bin, which needs none"
        )
    few = sorted(speaker for speaker, count in counted.items() if count < LEAST_OF_SPEAKER)
    if few:
        raise FeatureError(
            f"features.statistics=per-speaker: {len(few)} of {len(counted)} speakers have fewer than "
            f"{LEAST_OF_SPEAKER} utterances, for example {few[0]}; {remedy}"
        )


class SpeakerStatistics:
    """Collects the statistics of speakers, utterance by utterance, for features standardised per speaker."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        """Begin without speakers; ``preprocessing`` says how features become the input of a network."""
        self.preprocessing = preprocessing
        self.choices = {
            name: choice
            for name, choice in preprocessing.features.items()
            if choice.statistics == "per-speaker"
        }
        self.speakers: dict[str, str | None] = {}
        self.moments: dict[tuple[str, str], RunningMoments] = {}

    def add(self, name: str, features: Mapping[str, Array], samples: int, speaker: str | None) -> None:
        """Take in an utterance.

        Args:
            name: its name, for messages.
            features: by input, (*shape, frames), not standardised.
            samples: its length at 16 kHz.
            speaker: who speaks; None if unknown.
        """
        self.speakers[name] = speaker
        for key, choice in self.choices.items():
            moments = self.moments.setdefault((key, str(speaker)), RunningMoments("per-speaker"))
            moments.add(choice.unpadded(features[key], samples), choice.empty)

    def finish(self, remedy: str = _OTHER_STATISTICS) -> dict[str, dict[str, Statistics]]:
        """Return the statistics by input and speaker.

        Args:
            remedy: what to do if a speaker has too few utterances.

        Raises:
            FeatureError: an utterance has no speaker, or a speaker has too few utterances.
        """
        if self.choices:
            check_speakers(self.speakers, remedy)
        found: dict[str, dict[str, Statistics]] = {name: {} for name in self.choices}
        for (name, speaker), moments in self.moments.items():
            training = self.preprocessing.statistics[name]
            found[name][speaker] = moments.statistics().with_floor(training)
        return found


def _cut(
    preprocessing: Preprocessing,
    name: str,
    choice: FeatureChoice,
    items: Sequence[Item],
    source: Source,
    *,
    training: bool,
) -> Cut:
    """Cut the features of items for an input of the network into segments, without reading them yet."""
    segmenter = Segmenter(preprocessing.segments, choice.feature, choice.config)
    samples = {item.id: item.samples for item in items}
    found = [
        segment
        for each, length in samples.items()
        for segment in segmenter.cut(each, length, source.count_frames(each), training=training)
    ]
    own: Callable[[str], Statistics] | None = None
    if choice.statistics == "per-utterance":
        own = cache(lambda each: choice.own_statistics(source[each], samples[each]))
    elif choice.statistics == "per-speaker":
        known = preprocessing.speakers[name]
        absent = [str(item.speaker) for item in items if item.speaker not in known]
        if absent:
            raise FeatureError(f"speaker '{absent[0]}' has no statistics; enrol recordings of this speaker")
        own = {item.id: known[str(item.speaker)] for item in items}.__getitem__
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
    """Add labels to rows; if rows have several variants, those of the first variant come first."""
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
    by_id = {item.id: item for item in items}
    values, votes = (
        [getattr(by_id[name], field) for name in ids] * times if getattr(items[0], field) else ()
        for field in ("values", "votes")
    )
    return UtteranceDataset(
        rows,
        # Segments that use the statistics of their own utterance are already standardised.
        {name: fit([], "none") if cut.own else preprocessing.statistics[name] for name, cut in cuts.items()},
        traces * times if traces else [classes[name] for name in ids] * times,
        ids * times,
        {name: cut.segmenter.finish for name, cut in cuts.items()},
        inputs.lengths,
        augmenter,
        values,
        votes,
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
