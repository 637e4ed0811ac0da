"""From pieces of recordings to what a network is fed with, as in the test part of a fold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sercli.audio import SAMPLE_RATE, Samples
from sercli.bundle import Bundle
from sercli.data import UtteranceDataset
from sercli.data.segments import Cut, Segmenter
from sercli.features import Array
from sercli.inference._decoding import PREPARED, Piece
from sercli.records import TRACE_DIMENSIONS, TRACE_RATE
from sercli.runs.features import FeatureChoice
from sercli.statistics import Statistics, fit

_LOUDEST_S = 0.04
# Statistics that say how far the training part spreads.
_SPREAD = frozenset({"scalar", "per-map", "per-bin"})


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The features of a piece of a recording.

    Attributes:
        start: where it begins, seconds.
        samples: its length at 16 kHz.
        features: by input of the network, (*shape, frames), not standardised.
        distance: mean square of the standardised features, which is one over the training part; none
            where the bundle does not say how far that spreads.
        silent: whether it is digital silence.
        note: what was done to bring the recording within full scale; empty where nothing was.
        level_db: of its loudest 40 ms, as recorded, decibels of full scale; zero where it is not known.
    """

    start: float
    samples: int
    features: Mapping[str, Array]
    distance: float | None
    silent: bool
    note: str = ""
    level_db: float = 0.0

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.samples / SAMPLE_RATE

    @property
    def end(self) -> float:
        """Where it ends, seconds."""
        return self.start + self.seconds


def rates_of(bundle: Bundle) -> list[int]:
    """List the sample rates at which a bundle's features read a recording."""
    return list(dict.fromkeys(_rate(choice) for choice in bundle.inputs.values()))


def look_ahead(bundle: Bundle) -> float:
    """Return how far the window of a frame reaches beyond the next frame's start, at most, seconds."""
    configs = [choice.config for choice in bundle.inputs.values()]
    reach = [
        each.look_ahead
        for each in configs
        if each.crop_s is None  # else a piece is cropped as it is
    ]
    return max(0, 0, *reach) / SAMPLE_RATE


def extract(bundle: Bundle, piece: Piece) -> Part:
    """Compute the features of a piece, rounded as a feature store keeps them.

    What follows the piece is seen by the windows of its last frames, and has no frame of its own.
    """
    features = {}
    for name, choice in bundle.inputs.items():
        rate = _rate(choice)
        samples, after = piece.audio[rate], piece.after.get(rate)
        if after is not None and len(after):
            share = len(samples) / (rate or SAMPLE_RATE) * choice.feature.frame_rate(choice.config)
            kept = math.ceil(share - 1e-6)
            array = choice.feature.extract(np.concatenate([samples, after]), choice.config)[..., :kept]
        else:
            array = choice.feature.extract(samples, choice.config)
        features[name] = array.astype(np.dtype(choice.number)).astype(np.float32, copy=False)
    distance = _distance(bundle, features, piece.samples)
    rate, samples = next(iter(piece.audio.items()))
    level = _level_db(samples, round(_LOUDEST_S * (rate or SAMPLE_RATE)))
    return Part(piece.start, piece.samples, features, distance, piece.silent, piece.note, level)


def dataset_of(bundle: Bundle, parts: Sequence[Part], rows: Sequence[int] | None = None) -> UtteranceDataset:
    """Cut and standardise parts as the utterances of a test part are, each an utterance of its own.

    Args:
        bundle: how.
        parts: what is cut, each with features for every input.
        rows: how many values by frame each part has; as long as it is if not given.
    """
    cuts = {name: _cut(choice, parts, bundle, name) for name, choice in bundle.inputs.items()}
    first = next(iter(cuts.values()))
    rows = [count_rows(part.seconds) for part in parts] if rows is None else rows
    blanks = [np.zeros((count, len(TRACE_DIMENSIONS)), np.float32) for count in rows]
    traces = [
        cut
        for part, blank in zip(parts, blanks, strict=True)
        for cut in first.segmenter.cut_trace(blank, part.samples, training=False)
    ]
    return UtteranceDataset(
        cuts,
        {name: fit([], "none") if cut.own else bundle.statistics[name] for name, cut in cuts.items()},
        [0] * len(first) if bundle.classes else traces,
        [segment.utterance for segment in first.segments],
        {name: cut.segmenter.finish for name, cut in cuts.items()},
        first.lengths,
    )


def count_rows(seconds: float) -> int:
    """Return how many values by frame a recording has, at least one."""
    return max(1, round(seconds * TRACE_RATE))


def _rate(choice: FeatureChoice) -> int:
    config = choice.config
    return PREPARED if config.original_rate is None else config.original_rate


def _cut(choice: FeatureChoice, parts: Sequence[Part], bundle: Bundle, name: str) -> Cut:
    segmenter = Segmenter(bundle.segments, choice.feature, choice.config)
    segments = [
        segment
        for number, part in enumerate(parts)
        for segment in segmenter.cut(str(number), part.samples, part.features[name].shape[-1], training=False)
    ]
    own = partial(_own_statistics, choice, parts, name) if choice.statistics == "per-utterance" else None
    return Cut(segmenter, lambda number: parts[int(number)].features[name], tuple(segments), own)


def _own_statistics(choice: FeatureChoice, parts: Sequence[Part], name: str, number: str) -> Statistics:
    part = parts[int(number)]
    return choice.own_statistics(part.features[name], part.samples)


def _level_db(samples: Samples, frame: int) -> float:
    """Return the root mean square of the loudest of frames of so many samples, decibels of full scale."""
    starts = np.arange(0, max(1, len(samples)), frame)
    squares = np.square(samples, dtype=np.float64)
    powers = np.add.reduceat(squares, starts) / frame if len(samples) else np.zeros(1)
    return float(10 * np.log10(max(powers.max(), 1e-20)))


def _distance(bundle: Bundle, features: Mapping[str, Array], samples: int) -> float | None:
    found = []
    for name, choice in bundle.inputs.items():
        if choice.statistics not in _SPREAD:
            continue
        standard = bundle.statistics[name].apply(choice.unpadded(features[name], samples))
        squares = np.square(standard, dtype=np.float64)
        held = True if choice.empty is None else ~choice.empty
        found.append(float(squares.mean(dtype=np.float64, where=held)))
    return sum(found) / len(found) if found else None
