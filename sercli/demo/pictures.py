"""Pictures of an answer: where the network attended, the spectrogram, what is said over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sercli.audio import SAMPLE_RATE, resample
from sercli.bundle import Bundle
from sercli.data import UtteranceDataset
from sercli.features import get_feature
from sercli.figures import insight as drawings
from sercli.figures import to_data_uri
from sercli.figures.spectrogram import spectrogram
from sercli.figures.timeline import class_timeline, trace_timeline
from sercli.inference import Traces
from sercli.inference._decoding import Piece, read_pieces, read_whole
from sercli.inference._parts import Part, dataset_of, extract, rates_of
from sercli.inference.attention_maps import map_attention
from sercli.inference.insight import channel_weights
from sercli.inference.predict import WHOLE_S, Predictor
from sercli.inference.prediction import Prediction
from sercli.inference.stored import Stored
from sercli.records import TRACE_RATE, Utterance

# Whole up to 8 kHz, and even: made to be looked at, not for a network.
_SPECTROGRAM = {"window_ms": 25.0, "n_fft": 512, "bins": 257, "map": "none", "mu": 0.0}
_WIDTH = 4.6  # inches: small, so that letters stay large on a phone
_NAMED = 20  # stretches of a timeline that are told in words


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on the page.

    Attributes:
        title: above it.
        says: what it shows, in words, also for who can't see it.
        address: the picture, as a ``data:`` address.
    """

    title: str
    says: str
    address: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Heard(Stored):
    """A piece of a recording in the place of utterances of a prepared corpus."""

    part: Part

    def dataset(self, utterances: Sequence[Utterance], rows: Sequence[int] | None = None) -> UtteranceDataset:
        return dataset_of(self.bundle, [self.part for _ in utterances], rows)


def draw(predictor: Predictor, path: Path, said: Prediction) -> Iterator[Picture]:
    """Draw what there is to see of an answer.

    Of a recording that was cut into windows the window is looked into that says its class most clearly;
    of a long one with continuous labels the first minute.

    Raises:
        AudioError: the recording is gone, or can't be read.
    """
    if said.trace is not None:
        yield _draw_trace(said.trace, said.dimensions)
    elif said.windows:
        yield _draw_windows(said)
    piece, when, start = _choose(predictor, path, said)
    if said.predicted is None:
        yield _draw_spectrogram(piece, f"{when}. A network of continuous labels has no attention to show.")
    else:
        yield from _look_into(predictor.bundle, piece, when, start, said.classes, said.predicted)


def _address(figure: Figure, height: float | None = None, start: float = 0.0) -> str:
    """Write a figure, whose seconds count from where the piece starts in its recording."""
    for image in (each for axes in figure.axes if start for each in axes.images):
        left, right, bottom, top = image.get_extent()
        image.set_extent((left + start, right + start, bottom, top))
    figure.set_size_inches(_WIDTH, height or figure.get_figheight())
    return to_data_uri(figure, "png")


def _draw_trace(trace: Traces, dimensions: Sequence[str]) -> Picture:
    spans = [
        f"{name} {values.mean():.2f} on average, from {values.min():.2f} to {values.max():.2f}"
        for name, values in zip(dimensions, trace.T, strict=True)
    ]
    figure = trace_timeline(trace, TRACE_RATE, dimensions)
    return Picture("Over time", "; ".join(spans), _address(figure))


def _draw_windows(said: Prediction) -> Picture:
    values = np.array([window.probabilities for window in said.windows])
    spans = [f"{each.start:.1f} to {each.end:.1f} s {each.predicted}" for each in said.stretches]
    more = f"; and {len(spans) - _NAMED} more" if len(spans) > _NAMED else ""
    figure = class_timeline(said.borders, values, said.classes)
    return Picture("Over time", "; ".join(spans[:_NAMED]) + more, _address(figure))


def _choose(predictor: Predictor, path: Path, said: Prediction) -> tuple[Piece, str, float]:
    """Read the piece that is looked into, and say which it is and where it starts, in seconds."""
    rates = rates_of(predictor.bundle)
    if said.predicted is not None and said.windows:
        own = said.classes.index(said.predicted)
        best = max(range(len(said.windows)), key=lambda i: said.windows[i].probabilities[own])
        window = said.windows[best]
        pieces = read_pieces(path, rates, predictor.window_s, predictor.hop_s, align=True)
        when = f"{window.start:.1f} to {window.end:.1f} s, the window that says {said.predicted} most clearly"
        return next(islice(pieces, best, None)), when, window.start
    if said.duration > WHOLE_S:
        first = next(read_pieces(path, rates, WHOLE_S, WHOLE_S, align=False))
        return first, f"The first {WHOLE_S:.0f} s", 0.0
    return read_whole(path, rates), "The whole recording", 0.0


def _look_into(
    bundle: Bundle, piece: Piece, when: str, start: float, classes: Sequence[str], predicted: str
) -> Iterator[Picture]:
    own, utterance = classes.index(predicted), Utterance(id="heard", corpus="heard", file="heard")
    heard = _Heard(bundle=bundle, utterances=(utterance,), folder=Path(), part=extract(bundle, piece))
    found = map_attention(heard, utterance, own)
    if found is not None:
        overlay = drawings.Overlay("", found.features, found.attention, found.frame_rate)
        figure = drawings.attention_maps([overlay], found.meaning, found.neutral)
        says = (
            f"{when}, as the network sees it. Red: this place counts more than others; blue: less."
            if found.neutral
            else f"{when}, as the network sees it. Red: this place speaks for {predicted}; blue: against it."
        )
        yield Picture("Where it attended", says, _address(figure, 3.2, start))
        return
    yield _draw_spectrogram(piece, f"{when}. {bundle.arch} has no attention to places of it to show.", start)
    weights = channel_weights(heard, [own])
    if weights:
        last = max(weights)
        figure = drawings.channel_weights({last: weights[last][[own]]}, [predicted])
        says = f"{when}: how much the last channel attention lets through of each channel."
        yield Picture("Weights of its channels", says, _address(figure))


def _draw_spectrogram(piece: Piece, says: str, start: float = 0.0) -> Picture:
    rate, samples = next(iter(piece.audio.items()))
    feature = get_feature("spectrogram")
    config = feature.config(**_SPECTROGRAM)
    magnitudes = feature.extract(resample(samples, rate or SAMPLE_RATE, SAMPLE_RATE), config)[0]
    figure = spectrogram(magnitudes, feature.frame_rate(config), SAMPLE_RATE / 2)
    return Picture("Spectrogram", says, _address(figure, start=start))
