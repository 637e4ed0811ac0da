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
from sercli.runs.features import FeatureChoice, Group
from sercli.segments import SegmentConfig
from sercli.statistics import RunningMoments, Statistics, fit, fit_all

LEAST_OF_GROUP = 2
"""Fewest utterances of a speaker or corpus in a part that is standardised by its own statistics."""


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessing:
    """Steps from features to the input of a network.

    Attributes:
        features: features by input of the network.
        segments: settings of the segments of utterances.
        statistics: mean and deviation of the training part, by input.
        groups: statistics of known speakers or corpora, by input and name, for features standardised per
            speaker or per corpus.
    """

    features: Mapping[str, FeatureChoice]
    segments: SegmentConfig
    statistics: Mapping[str, Statistics]
    groups: Mapping[str, Mapping[str, Statistics]] = field(default_factory=dict)


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
    preprocessing = with_groups(preprocessing, items, sources)
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
    preprocessing = with_groups(Preprocessing(config.features, config.segments, statistics), items, sources)
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
            config.augmentations,
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


def with_groups(
    preprocessing: Preprocessing, items: Sequence[Item], sources: Mapping[str, Source]
) -> Preprocessing:
    """Add the statistics of some items' speakers or corpora, for inputs that are standardised by these.

    Args:
        preprocessing: how features become the input of a network.
        items: all items of these speakers and corpora.
        sources: features by input of the network.

    Raises:
        FeatureError: an item has no speaker, or a speaker or corpus has too few items.
    """
    collected = GroupStatistics(preprocessing)
    if not collected.choices or preprocessing.groups:
        return preprocessing
    for item in items:
        features = {name: sources[name][item.id] for name in collected.choices}
        collected.add(item.id, features, item.samples, item.speaker, item.corpus)
    return replace(preprocessing, groups=collected.finish())


_NAME_THEM = "name their speakers, or set features.statistics=per-bin, which needs none"
_OTHER_STATISTICS = "leave them out, or set features.statistics=per-bin, which is of the training part"


def _check_groups(kind: Group, groups: Mapping[str, str | None], remedy: str, name_them: str) -> None:
    """Refuse utterances that can't be standardised by the statistics of their speakers or corpora.

    Args:
        kind: which of the two.
        groups: speaker or corpus by utterance; None if unknown.
        remedy: what to do if one has too few utterances.
        name_them: what to do if a speaker is unknown.

    Raises:
        FeatureError: a speaker is unknown, or one of them has fewer utterances than `LEAST_OF_GROUP`.
    """
    counted = Counter(name for name in groups.values() if name is not None)
    unknown = [name for name, group in groups.items() if group is None]
    if unknown:
        raise FeatureError(
            f"features.statistics=per-speaker: {len(unknown)} utterances have no speaker, for example "
            f"{unknown[0]}; {name_them}"
        )
    few = sorted(name for name, count in counted.items() if count < LEAST_OF_GROUP)
    if few:
        several = {"speaker": "speakers", "corpus": "corpora"}[kind]
        example = f", for example {few[0]}" if few[0] else ""
        raise FeatureError(
            f"features.statistics=per-{kind}: {len(few)} of {len(counted)} {several} have fewer than "
            f"{LEAST_OF_GROUP} utterances{example}; {remedy}"
        )


class GroupStatistics:
    """Collects the statistics of speakers and corpora, utterance by utterance.

    For features standardised per speaker or per corpus.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        """Begin with none; ``preprocessing`` says how features become the input of a network."""
        self.preprocessing = preprocessing
        self.choices = {
            name: choice.group for name, choice in preprocessing.features.items() if choice.group is not None
        }
        self.members: dict[Group, dict[str, str | None]] = {kind: {} for kind in self.choices.values()}
        self.moments: dict[tuple[str, str], RunningMoments] = {}

    def add(
        self, name: str, features: Mapping[str, Array], samples: int, speaker: str | None, corpus: str = ""
    ) -> None:
        """Take in an utterance.

        Args:
            name: its name, for messages.
            features: by input, (*shape, frames), not standardised.
            samples: its length at 16 kHz.
            speaker: who speaks; None if unknown.
            corpus: its corpus; all recordings that are of none are taken as one.
        """
        groups = {"speaker": speaker, "corpus": corpus}
        for kind, members in self.members.items():
            members[name] = groups[kind]
        for key, kind in self.choices.items():
            if groups[kind] is None:
                continue
            choice = self.preprocessing.features[key]
            moments = self.moments.setdefault((key, str(groups[kind])), RunningMoments("per-bin"))
            moments.add(choice.unpadded(features[key], samples), choice.empty)

    def leave_out(self) -> dict[str | None, int]:
        """Leave out the speakers that have too few utterances, and the utterances without a speaker.

        If nothing would be left, nothing is left out, and `finish` refuses it.

        Returns:
            Number of utterances by the speakers that are left out; None is the unknown speaker.
        """
        members = self.members.get("speaker", {})
        counted = Counter(members.values())
        few = {name: count for name, count in counted.items() if name is None or count < LEAST_OF_GROUP}
        if len(few) == len(counted):
            return {}
        self.members["speaker"] = {name: speaker for name, speaker in members.items() if speaker not in few}
        for name, kind in self.choices.items():
            for speaker in few if kind == "speaker" else ():
                self.moments.pop((name, str(speaker)), None)
        return few

    def finish(
        self, remedy: str = _OTHER_STATISTICS, name_them: str = _NAME_THEM
    ) -> dict[str, dict[str, Statistics]]:
        """Return the statistics by input and name of the speaker or corpus.

        Args:
            remedy: what to do if a speaker or corpus has too few utterances.
            name_them: what to do if a speaker is unknown.

        Raises:
            FeatureError: an utterance has no speaker, or a speaker or corpus has too few utterances.
        """
        for kind, members in self.members.items():
            _check_groups(kind, members, remedy, name_them)
        found: dict[str, dict[str, Statistics]] = {name: {} for name in self.choices}
        for (name, group), moments in self.moments.items():
            training = self.preprocessing.statistics[name]
            found[name][group] = moments.statistics().with_floor(training)
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
    elif choice.group is not None:
        known = preprocessing.groups.get(name, {})
        groups = {item.id: str(getattr(item, choice.group)) for item in items}
        absent = [group for group in groups.values() if group not in known]
        if absent:
            raise FeatureError(
                f"{choice.group} '{absent[0]}' has no statistics; enrol recordings of this {choice.group}"
            )
        own = {each: known[group] for each, group in groups.items()}.__getitem__
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
