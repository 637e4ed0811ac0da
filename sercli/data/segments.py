"""Cut utterances into segments as the papers do: windows with a hop, which may differ in train and test.

Cropping, padding and windows are those of `sercli.segments`. This module converts them to frames of a feature
and rows of a trace. The id of a segment contains the id of its utterance. Parts are divided by utterance, so
the segments of an utterance are always in the same part.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sercli import segments
from sercli.audio import SAMPLE_RATE, Samples
from sercli.corpora import Trace
from sercli.errors import ConfigError
from sercli.features import Array, Feature, FeatureConfig
from sercli.records import TRACE_RATE
from sercli.segments import Segment, SegmentConfig, Span, windows
from sercli.statistics import Statistics

# Limits of padding: a segment may be padded to this multiple of its frames, or to the second number of frames
# if that is more.
_MOST_FILLED, _FILLED = 4, 100


@dataclass(frozen=True, slots=True, eq=False)
class TraceCut:
    """The labels of a segment.

    Attributes:
        values: (rows, 2); beyond the end of the utterance, its last row is repeated.
        first: first row in the utterance's trace.
        valid: number of rows that belong to the utterance.
    """

    values: Trace
    first: int
    valid: int


@dataclass(frozen=True, slots=True)
class Segmenter:
    """Cut the features of utterances, and their traces.

    Attributes:
        config: settings of the segments.
        feature: kind of the features.
        settings: settings of the kind.
    """

    config: SegmentConfig
    feature: Feature
    settings: FeatureConfig

    def __post_init__(self) -> None:
        if self.config.size_s is not None and self.settings.crop_s is not None:
            raise ConfigError(
                "segments are cut from complete utterances: set duration_s of the features to null"
            )
        if self.config.size_s is not None and (self.config.frames or self._within) < self._within:
            raise ConfigError(
                f"segments.frames={self.config.frames}: a segment of {self.config.size_s:g} s has "
                f"{self._within} frames already, it can't be filled up to fewer"
            )
        if (self.config.frames or 0) > max(_FILLED, _MOST_FILLED * self._within):
            raise ConfigError(
                f"segments.frames={self.config.frames}: a segment of {self.config.size_s:g} s has "
                f"{self._within} frames, it is filled up to {_MOST_FILLED} times as many at most"
            )

    def cut(self, utterance: str, samples: int, frames: int, *, training: bool) -> list[Segment]:
        """List the segments of an utterance.

        Args:
            utterance: id of the utterance.
            samples: length of the utterance at 16 kHz.
            frames: frames of its features.
            training: whether the utterance is in the training part.

        Returns:
            At least one segment, with spans in frames.
        """
        if self.config.size_s is None:
            return [Segment(utterance, 0, Span(0, frames))]
        spans = []
        for window in self.windows(samples, training=training):
            first = int(window.start / SAMPLE_RATE * self.feature.frame_rate(self.settings) + 1e-6)
            stop = max(first, min(first + self._within, frames))
            spans.append(Span(first, stop, 0, (self.config.frames or self._within) - (stop - first)))
        return segments.cut(utterance, spans)

    def take(self, features: Array, segment: Segment) -> Array:
        """Cut a segment out of an utterance's features, (*shape, frames); missing frames become silence."""
        return segment.span.take(features, self.feature.silence(self.settings))

    def finish(self, segment: Array) -> Array:
        """Apply the kind's last step to a segment after it is standardised."""
        return self.feature.finish(segment, self.settings) if self.feature.finish else segment

    def cut_trace(self, trace: Trace, samples: int, *, training: bool) -> list[TraceCut]:
        """Cut the labels of each segment out of an utterance's trace.

        Args:
            trace: `TRACE_RATE` rows per second, (rows, 2).
            samples: length of the utterance at 16 kHz.
            training: whether the utterance is in the training part.
        """
        if self.config.size_s is None:
            return [TraceCut(trace, 0, len(trace))]
        rows = round(self.config.size_s * TRACE_RATE)
        cuts = []
        for window in self.windows(samples, training=training):
            first = int(window.start / SAMPLE_RATE * TRACE_RATE + 1e-6)
            held = np.minimum(np.arange(first, first + rows), len(trace) - 1)
            cuts.append(TraceCut(trace[held], first, max(0, min(rows, len(trace) - first))))
        return cuts

    def windows(self, samples: int, *, training: bool) -> list[Span]:
        """List the places of an utterance's segments in samples, in the order of `cut`."""
        if self.config.size_s is None:
            return [Span(0, samples)]
        hop = self.config.hop_s if training else self.config.test_hop_s or self.config.hop_s
        size = round(self.config.size_s * SAMPLE_RATE)
        return windows(samples, size, max(1, round(hop * SAMPLE_RATE)), self.config.tail)

    @property
    def _within(self) -> int:
        """Frames of a segment before it is padded."""
        size = self.config.size_s or 0.0
        if self.feature.frames_within is not None:
            return self.feature.frames_within(round(size * SAMPLE_RATE), self.settings)
        return max(1, round(size * self.feature.frame_rate(self.settings)))


@dataclass(frozen=True, slots=True, eq=False)
class Cut(Sequence[Array]):
    """The segments of a part, each cut out of the store when it is needed.

    Attributes:
        segmenter: object that cuts the segments.
        features: features of an utterance, by its id.
        segments: segments in order; those of an utterance are neighbours.
        own: statistics of each utterance by its id, if every utterance is standardised by its own.
    """

    segmenter: Segmenter
    features: Callable[[str], Array]
    segments: tuple[Segment, ...]
    own: Callable[[str], Statistics] | None = None

    def __len__(self) -> int:
        return len(self.segments)

    @property
    def lengths(self) -> list[int]:
        """Frames of each segment, which are known without a cut."""
        return [segment.span.length for segment in self.segments]

    def __getitem__(self, row: Any) -> Any:
        segment = self.segments[row]
        taken = self.segmenter.take(self.features(segment.utterance), segment)
        return taken if self.own is None else self.own(segment.utterance).apply(taken)

    def compute(self, row: int, samples: Samples) -> Array:
        """Compute a segment's features from given samples, (samples,), instead of reading stored features.

        The frames use only ``samples``: the part of a frame beyond them is silence.
        """
        utterance, segmenter = self.segments[row].utterance, self.segmenter
        features = segmenter.feature.extract(samples, segmenter.settings)
        first = segmenter.cut(utterance, len(samples), features.shape[-1], training=True)[0]
        taken = segmenter.take(features, first)
        return taken if self.own is None else self.own(utterance).apply(taken)


class Joined(Sequence[Array]):
    """The rows of several parts, in the order of the parts."""

    def __init__(self, parts: Sequence[Cut]) -> None:
        self.parts = tuple(parts)
        self.places = [(part, row) for part in self.parts for row in range(len(part))]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def lengths(self) -> list[int]:
        """Frames of each row."""
        return [length for part in self.parts for length in part.lengths]

    def __getitem__(self, row: Any) -> Any:
        part, place = self.places[row]
        return part[place]

    def compute(self, row: int, samples: Samples) -> Array:
        """Compute a row's features as its part does."""
        part, place = self.places[row]
        return part.compute(place, samples)
