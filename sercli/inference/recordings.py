"""Recordings as a network takes them: read, cut into windows, and their features.

Recordings are read as `sercli prepare` makes them, in full or window by window without holding all of one.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np

from sercli import audio
from sercli.acoustics import Acoustics, measure
from sercli.audio import LEAST_S, SAMPLE_RATE, Samples
from sercli.bundle import Bundle
from sercli.data import UtteranceDataset
from sercli.data.items import ComputedFeatures, unlabelled_item
from sercli.data.parts import make_dataset
from sercli.errors import ConfigError
from sercli.features import Array
from sercli.runs.features import FeatureChoice
from sercli.statistics import Statistics

PREPARED = 0
"""Key among sample rates for audio that is prepared as that of a corpus."""
WINDOW_S = 4.0
"""Length of a window where the bundle names none; IEMOCAP's mean utterance has 4.5 s, EMO-DB's 2.8 s."""
MOST_S = 3600.0
"""A longer window is refused as a typing error."""

# Length of the pieces that continuous labels are predicted in: that of RECOLA's recordings.
_TRACE_PIECE_S = 300.0

LOUDEST_S = 0.04
"""The level of a recording is that of its loudest stretch of this length, seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a recording, or all of it.

    Attributes:
        start: where it begins, seconds.
        audio: its samples by sample rate, (samples,); under `PREPARED` 16 kHz as prepared.
        after: the samples that follow it in the recording, as far as requested; by sample rate too.
        note: how the recording was scaled down to full scale; empty if it was not.
    """

    start: float
    audio: Mapping[int, Samples]
    after: Mapping[int, Samples] = field(default_factory=dict)
    note: str = ""

    @classmethod
    def of_samples(cls, start: float, samples: Samples, rates: Sequence[int]) -> "Piece":
        """Make a piece of sound that is in memory.

        Args:
            start: where it begins in the recording, seconds; it does not change the scores.
            samples: (samples,), mono, 16 kHz, floats with full scale 1.0.
            rates: sample rates that a model reads, from `rates_of`.

        Raises:
            ConfigError: the sound has channels, is empty, or has other values than finite floats of full
                scale 1.0.
        """
        audio.check_samples(samples)
        if not samples.size:
            raise ConfigError("sound without a sample; give some")
        sounds = {
            rate: audio.round_to_pcm16(samples)
            if rate == PREPARED
            else audio.resample(samples, SAMPLE_RATE, rate)
            for rate in rates
        }
        return cls(start, sounds)

    @property
    def samples(self) -> int:
        """Its length at 16 kHz."""
        rate, samples = next(iter(self.audio.items()))
        return round(len(samples) * SAMPLE_RATE / (rate or SAMPLE_RATE))

    @property
    def sound(self) -> Samples:
        """Its samples at 16 kHz, (samples,): as `sercli prepare` makes them, or nearly so."""
        if PREPARED in self.audio:
            return self.audio[PREPARED]
        rate, samples = next(iter(self.audio.items()))
        return audio.resample(samples, rate, SAMPLE_RATE)

    @property
    def silent(self) -> bool:
        """Whether it is digital silence, with dither or without."""
        return all(audio.is_silent(samples) for samples in self.audio.values())


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, or the part of a file that is meant; times in seconds.

    Attributes:
        path: the file.
        start: where the part begins; with the file if not given.
        end: where it ends; with the file if not given.
    """

    path: Path
    start: float | None = None
    end: float | None = None

    def cut(self, start: float, end: float) -> "Recording":
        """Return a part of this recording; the times count from its start."""
        begin = self.start or 0.0
        # Turns are rounded, and nothing beyond the end belongs to this recording.
        stop = begin + end if self.end is None else min(begin + end, self.end)
        return Recording(self.path, begin + start, stop)

    def header(self) -> audio.AudioFile:
        """Read the header, whose frames are those of the part.

        Raises:
            AudioError: it can't be read, or the file does not hold the part.
        """
        return audio.header(self.path, start=self.start, end=self.end)

    def stream(self, rate: int = SAMPLE_RATE) -> Iterator[Samples]:
        """Read it in blocks, (samples,) each.

        Raises:
            AudioError: it can't be read, or the file does not hold the part.
        """
        return audio.stream(self.path, rate, start=self.start, end=self.end)


def read_whole(recording: Recording, rates: Sequence[int]) -> Piece:
    """Read a complete recording at some sample rates.

    Raises:
        AudioError: it can't be read.
    """
    samples = {rate: np.concatenate(list(_blocks(recording, rate))) for rate in rates}
    return Piece(0.0, samples, note=audio.full_scale(recording.path).note)


def read_pieces(
    recording: Recording,
    rates: Sequence[int],
    size_s: float,
    hop_s: float,
    *,
    align: bool,
    after_s: float = 0.0,
    least_s: float = 0.0,
) -> Iterator[Piece]:
    """Read a recording window by window; at least one, shorter where the recording is.

    Args:
        recording: the recording.
        rates: at which sample rates.
        size_s: of a window, seconds.
        hop_s: from one window's start to the next one's, at most ``size_s``.
        align: whether the last window ends with the recording and is as long as the others; else it
            begins a hop after the one before it, and is what is left.
        after_s: how much of what follows a window goes with it, as far as the recording reaches.
        least_s: what is left and shorter than this belongs to the window before it, if it is not aligned.

    Raises:
        AudioError: it can't be read.
    """
    cut = [
        _windows(_blocks(recording, rate), rate or SAMPLE_RATE, size_s, hop_s, after_s, least_s, align=align)
        for rate in rates
    ]
    for found in zip(*cut, strict=False):  # a window that is a sample short at one rate only is left out
        starts, own, after = zip(*found, strict=True)
        sounds, following = dict(zip(rates, own, strict=True)), dict(zip(rates, after, strict=True))
        yield Piece(starts[0], sounds, following, audio.full_scale(recording.path).note)


def _blocks(recording: Recording, rate: int) -> Iterator[Samples]:
    """Read a recording in blocks, rounded to 16 bits where `sercli prepare` would convert it."""
    if rate != PREPARED:
        yield from recording.stream(rate)
        return
    blocks = recording.stream()
    first = next(blocks)  # of a short recording it tells how all is scaled
    # A part is always converted; only a complete file may be copied.
    as_it_is = recording == Recording(recording.path) and audio.is_prepared(recording.path)
    for block in chain((first,), blocks):
        yield block if as_it_is else audio.round_to_pcm16(block)


def _windows(
    blocks: Iterator[Samples],
    rate: int,
    size_s: float,
    hop_s: float,
    after_s: float,
    least_s: float,
    *,
    align: bool,
) -> Iterator[tuple[float, Samples, Samples]]:
    """Cut windows out of a stream of samples; yield where each begins, seconds, it, and what follows it."""
    size, hop = max(1, round(size_s * rate)), max(1, round(hop_s * rate))
    after, least = math.ceil(after_s * rate), 0 if align else math.ceil(least_s * rate)
    held = np.zeros(0, np.float32)
    first = start = 0  # of what is held, and of the next window, in samples
    for block in chain(blocks, (None,)):
        if block is not None:
            held = np.concatenate([held, block])
        # Only at the end of the recording a window need not know what follows it.
        reach = size + max(after, least) if block is not None else size
        while start + reach <= first + len(held):
            begin = start - first
            left = len(held) - begin - size
            if block is None and 0 < left < least:
                yield start / rate, held[begin:], held[:0]
                return
            yield start / rate, held[begin:][:size], held[begin + size :][:after]
            start += hop
        done = max(0, min(start, first + len(held) - size) - first)  # the last window may reach back
        held, first = held[done:], first + done
    end = first + len(held)
    if start == 0:
        yield 0.0, held, held[:0]
    elif start - hop + size < end:
        start = end - size if align else start
        yield start / rate, held[start - first :], held[:0]


@dataclass(frozen=True, slots=True, eq=False)
class PieceFeatures:
    """The features of a piece of a recording.

    Attributes:
        start: where it begins, seconds.
        samples: its length at 16 kHz.
        features: by input of the network, (*shape, frames), not standardised.
        silent: whether it is digital silence.
        note: how the recording was scaled down to full scale; empty if it was not.
        level_db: of its loudest 40 ms, as recorded, decibels of full scale; zero where it is not known.
        acoustics: measurements of its prepared audio; none if the bundle has nothing to compare them with.
        speaker: who speaks, if the features are standardised per speaker.
    """

    start: float
    samples: int
    features: Mapping[str, Array]
    silent: bool
    note: str = ""
    level_db: float = 0.0
    acoustics: Acoustics | None = None
    speaker: str | None = None

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
    return max([0, *reach]) / SAMPLE_RATE


def extract(bundle: Bundle, piece: Piece) -> PieceFeatures:
    """Compute the features of a piece, rounded as a feature store keeps them.

    What follows the piece is seen by the windows of its last frames, and has no frame of its own.
    """
    features = {}
    for name, choice in bundle.inputs.items():
        rate = _rate(choice)
        samples, after = piece.audio[rate], piece.after.get(rate)
        if after is not None and len(after):
            share = len(samples) / (rate or SAMPLE_RATE) * choice.frame_rate
            kept = math.ceil(share - 1e-6)
            array = choice.feature.extract(np.concatenate([samples, after]), choice.config)[..., :kept]
        else:
            array = choice.feature.extract(samples, choice.config)
        features[name] = array.astype(np.dtype(choice.number)).astype(np.float32, copy=False)
    rate, samples = next(iter(piece.audio.items()))
    level = level_db(samples, round(LOUDEST_S * (rate or SAMPLE_RATE)))
    acoustics = measure(piece.sound) if bundle.usual else None
    return PieceFeatures(
        piece.start, piece.samples, features, piece.silent, piece.note, level_db=level, acoustics=acoustics
    )


def dataset_of(
    bundle: Bundle,
    parts: Sequence[PieceFeatures],
    groups: Mapping[str, Mapping[str, Statistics]] | None = None,
) -> UtteranceDataset:
    """Cut and standardise parts as the utterances of a test part are, each as an utterance of its own.

    Args:
        bundle: decides how.
        parts: features of recordings or of their windows.
        groups: by input and name, the statistics of speakers or of these recordings, for features that are
            standardised per speaker or per corpus.
    """
    items = [
        unlabelled_item(str(number), part.samples, per_frame=bundle.outputs.per_frame, speaker=part.speaker)
        for number, part in enumerate(parts)
    ]
    sources = {
        name: ComputedFeatures(
            {item.id: part.features[name] for item, part in zip(items, parts, strict=True)}
        )
        for name in bundle.inputs
    }
    return make_dataset(replace(bundle.preprocessing, groups=groups or {}), items, sources)


def _rate(choice: FeatureChoice) -> int:
    config = choice.config
    return PREPARED if config.original_rate is None else config.original_rate


def level_db(samples: Samples, frame: int) -> float:
    """Return the root mean square of the loudest of frames of so many samples, decibels of full scale."""
    starts = np.arange(0, max(1, len(samples)), frame)
    squares = np.square(samples, dtype=np.float64)
    powers = np.add.reduceat(squares, starts) / frame if len(samples) else np.zeros(1)
    return float(10 * np.log10(max(powers.max(), 1e-20)))


def choose_window(bundle: Bundle, window_s: float | None, hop_s: float | None) -> tuple[float, float]:
    """Choose length and hop of windows in seconds.

    Args:
        bundle: what is applied.
        window_s: the requested length.
        hop_s: the requested hop.

    Raises:
        ConfigError: they do not fit each other or the bundle.
    """
    for name, value in (("window_s", window_s), ("hop_s", hop_s)):
        if value is not None and not LEAST_S <= value <= MOST_S:
            raise ConfigError(f"{name}={value:g}: use {LEAST_S:g} to {MOST_S:g} s")
        if value is not None and bundle.outputs.per_frame:
            raise ConfigError(f"{name}: the network gives values by frame, 25 a second; leave it out")
    segments = bundle.segments
    test_hop = segments.test_hop_s or segments.hop_s
    if bundle.outputs.per_frame:
        # Whole hops, so that the pieces' segments are those of the whole recording.
        size = _TRACE_PIECE_S if segments.size_s is None else max(1, _TRACE_PIECE_S // test_hop) * test_hop
        return size, size
    seen = None if segments.size_s else looked_at(bundle)
    if window_s is not None and seen is not None and window_s > seen:
        raise ConfigError(
            f"window_s={window_s:g}: the network uses {seen:g} s and would ignore the rest; "
            f"take {seen:g} or less"
        )
    size = window_s or looked_at(bundle) or WINDOW_S
    hop = hop_s or (test_hop if segments.size_s and window_s is None else size / 2)
    if hop > size:
        raise ConfigError(f"hop_s={hop:g}: longer than a window of {size:g} s, which would leave gaps")
    return size, hop


def looked_at(bundle: Bundle) -> float | None:
    """Return the length in seconds of one input of a network: of a segment, or of the cropped utterance.

    None if it takes utterances of any length.
    """
    if bundle.segments.size_s is not None:
        return bundle.segments.size_s
    durations = [choice.config.crop_s for choice in bundle.inputs.values()]
    return min((each for each in durations if each is not None), default=None)
