"""Pictures of an answer: the network's attention, the spectrogram, the answer over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from sercli.audio import SAMPLE_RATE, resample
from sercli.bundle import Bundle
from sercli.data import UtteranceDataset
from sercli.features.shared import spectra
from sercli.figures import insight as drawings
from sercli.figures import to_data_uri
from sercli.figures.features import spectrogram
from sercli.figures.timeline import Traced, class_timeline, traces, value_timeline
from sercli.inference import Scores
from sercli.inference.attention_maps import map_attention
from sercli.inference.insight import channel_weights
from sercli.inference.predict import WHOLE_S, Predictor
from sercli.inference.prediction import Prediction
from sercli.inference.recordings import (
    Piece,
    PieceFeatures,
    Recording,
    dataset_of,
    extract,
    rates_of,
    read_pieces,
    read_whole,
)
from sercli.inference.stored import Stored
from sercli.records import Utterance

# Of the spectrogram, in samples at 16 kHz: complete up to 8 kHz, for the eye and not for a network.
_WINDOW, _HOP, _POINTS = 400, 160, 512
_WIDTH = 4.6  # inches; small, so that letters stay large on a phone
_NAMED = 20  # stretches of a timeline that the caption lists


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on the page.

    Attributes:
        title: heading.
        caption: description in words, also for visitors who can't see it.
        address: the picture, as a ``data:`` address.
    """

    title: str
    caption: str
    address: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _OnePiece(Stored):
    """A piece of a recording in place of the utterances of a prepared corpus."""

    part: PieceFeatures

    def dataset(self, utterances: Sequence[Utterance]) -> UtteranceDataset:
        return dataset_of(self.bundle, [self.part for _ in utterances])


def draw(predictor: Predictor, path: Path, prediction: Prediction) -> Iterator[Picture]:
    """Draw the pictures of an answer.

    If the recording was cut into windows, attention is drawn for the window with the highest probability
    of the predicted class. If it is long and has continuous labels, its first minute is drawn.

    Raises:
        AudioError: the recording is gone, or can't be read.
    """
    if prediction.trace is not None:
        yield _draw_trace(prediction.trace, prediction.dimensions)
    elif prediction.windows and prediction.classes:
        yield _draw_windows(prediction)
    elif prediction.windows:
        yield _draw_values(prediction)
    piece, when, start = _choose(predictor, path, prediction)
    if prediction.predicted is None:
        yield _draw_spectrogram(piece, f"{when}. Networks without classes have no attention maps.")
    else:
        yield from _look_into(predictor.bundle, piece, when, start, prediction.classes, prediction.predicted)


def _address(figure: Figure, height: float | None = None, start: float = 0.0) -> str:
    """Encode a figure; its time axis begins at ``start``, the start of the piece in its recording."""
    for image in (each for axes in figure.axes if start for each in axes.images):
        left, right, bottom, top = image.get_extent()
        image.set_extent((left + start, right + start, bottom, top))
    figure.set_size_inches(_WIDTH, height or figure.get_figheight())
    return to_data_uri(figure, "png")


def _draw_trace(trace: Scores, dimensions: Sequence[str]) -> Picture:
    spans = [
        f"{name} {values.mean():.2f} on average, from {values.min():.2f} to {values.max():.2f}"
        for name, values in zip(dimensions, trace.T, strict=True)
    ]
    figure = traces([Traced(None, trace)], dimensions)
    return Picture("Over time", "; ".join(spans), _address(figure))


def _draw_windows(prediction: Prediction) -> Picture:
    values = np.array([window.probabilities for window in prediction.windows])
    spans = [f"{each.start:.1f} to {each.end:.1f} s {each.predicted}" for each in prediction.stretches]
    more = f"; and {len(spans) - _NAMED} more" if len(spans) > _NAMED else ""
    figure = class_timeline(prediction.spans, values, prediction.classes, prediction.duration)
    return Picture("Over time", "; ".join(spans[:_NAMED]) + more, _address(figure))


def _draw_values(prediction: Prediction) -> Picture:
    values = np.array([window.values for window in prediction.windows])  # (windows, dimensions)
    spans = [
        f"{name} from {own.min():.2f} to {own.max():.2f}"
        for name, own in zip(prediction.dimensions, values.T, strict=True)
    ]
    figure = value_timeline(prediction.spans, values, prediction.dimensions, prediction.duration)
    return Picture("Over time", "; ".join(spans), _address(figure))


def _choose(predictor: Predictor, path: Path, prediction: Prediction) -> tuple[Piece, str, float]:
    """Read the piece to draw; return it with its description and its start in seconds."""
    rates = rates_of(predictor.bundle)
    if prediction.predicted is not None and prediction.windows:
        own = prediction.classes.index(prediction.predicted)
        best = max(range(len(prediction.windows)), key=lambda i: prediction.windows[i].probabilities[own])
        window = prediction.windows[best]
        pieces = read_pieces(Recording(path), rates, predictor.window_s, predictor.hop_s, align=True)
        span = f"{window.start:.1f} to {window.end:.1f} s"
        when = f"{span}, the window with the highest probability of {prediction.predicted}"
        return next(islice(pieces, best, None)), when, window.start
    if prediction.duration > WHOLE_S:
        first = next(read_pieces(Recording(path), rates, WHOLE_S, WHOLE_S, align=False))
        return first, f"The first {WHOLE_S:.0f} s", 0.0
    return read_whole(Recording(path), rates), "The whole recording", 0.0


def _look_into(
    bundle: Bundle, piece: Piece, when: str, start: float, classes: Sequence[str], predicted: str
) -> Iterator[Picture]:
    own, utterance = classes.index(predicted), Utterance(id="recording", corpus="recording", file="recording")
    stored = _OnePiece(
        bundle=bundle,
        utterances=(utterance,),
        corpus=utterance.corpus,
        folder=Path(),
        sources={},
        preprocessing=bundle.preprocessing,
        part=extract(bundle, piece),
    )
    found = map_attention(stored, utterance, own)
    if not isinstance(found, str):
        overlay = drawings.Overlay("", found.features, found.attention, found.frame_rate)
        figure = drawings.attention_maps([overlay], found.meaning, found.neutral)
        colours = (
            "Red: this place counts more than others; blue: less."
            if found.neutral
            else f"Red: this place is evidence for {predicted}; blue: against it."
        )
        caption = f"{when}, the network's input. {colours}"
        yield Picture("Attention", caption, _address(figure, 3.2, start))
        return
    yield _draw_spectrogram(piece, f"{when}. {bundle.arch} has no attention maps.", start)
    weights = channel_weights(stored, [own])
    if not isinstance(weights, str):
        last = max(weights)
        figure = drawings.channel_weights({last: weights[last][[own]]}, [predicted])
        caption = f"{when}: weight of each channel in the last channel attention."
        yield Picture("Channel weights", caption, _address(figure))


def _draw_spectrogram(piece: Piece, caption: str, start: float = 0.0) -> Picture:
    rate, samples = next(iter(piece.audio.items()))
    wave = torch.from_numpy(np.ascontiguousarray(resample(samples, rate or SAMPLE_RATE, SAMPLE_RATE)))
    frames = spectra.frame(wave, _WINDOW, _HOP, "every")
    magnitudes = spectra.magnitudes(frames, spectra.window("hamming", _WINDOW), _POINTS, _POINTS // 2 + 1)
    figure = spectrogram(magnitudes.T.numpy(), SAMPLE_RATE / _HOP, SAMPLE_RATE / 2)
    return Picture("Spectrogram", caption, _address(figure, start=start))
