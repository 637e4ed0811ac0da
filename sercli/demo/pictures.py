"""Pictures of an answer: the answer over time, and an explanation or, without classes, the spectrogram."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from sercli.audio import SAMPLE_RATE
from sercli.bundle import Bundle
from sercli.data import UtteranceDataset
from sercli.features.shared import spectra
from sercli.figures import insight as drawings
from sercli.figures import to_data_uri
from sercli.figures.features import spectrogram
from sercli.figures.timeline import Traced, class_timeline, traces, value_timeline
from sercli.inference import Scores
from sercli.inference.attention_maps import AttentionMap, map_attention
from sercli.inference.insight import channel_weights
from sercli.inference.occlusion import MEANING, Explanation, explain
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
_UTTERANCE = Utterance(id="recording", corpus="recording", file="recording")


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

    @classmethod
    def of(cls, bundle: Bundle, piece: Piece) -> "_OnePiece":
        """Compute the features of a piece."""
        return cls(
            bundle=bundle,
            utterances=(_UTTERANCE,),
            corpus=_UTTERANCE.corpus,
            folder=Path(),
            sources={},
            preprocessing=bundle.preprocessing,
            part=extract(bundle, piece),
        )

    def dataset(self, utterances: Sequence[Utterance]) -> UtteranceDataset:
        return dataset_of(self.bundle, [self.part for _ in utterances])


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """The piece of a recording that is drawn.

    Attributes:
        piece: the piece.
        when: its place in words.
        start: where it begins in the recording, seconds.
        predicted: the class to explain; none without classes.
    """

    piece: Piece
    when: str
    start: float
    predicted: str | None = None


def draw(
    predictor: Predictor,
    path: Path,
    prediction: Prediction,
    within_s: float,
    turn: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> tuple[Picture, ...]:
    """Draw the pictures of an answer; a recording without speech has none.

    If the recording was cut into windows or turns, the one with the highest probability of the predicted
    class is explained: by the attention of the network if it has attention maps, else by occlusion. If it is
    long and has no classes, its first minute is drawn.

    Args:
        predictor: applied the model.
        path: the recording.
        prediction: the answer.
        within_s: seconds of computing that are available for an explanation by occlusion.
        turn: makes a context in which the model is applied and pictures are drawn; see
            `sercli.inference.occlusion.explain` for it and for ``within_s``.

    Raises:
        AudioError: the recording is gone, or can't be read.
    """
    if prediction.by_turn and not prediction.windows:
        return ()
    with turn():
        shown = _choose(predictor, path, prediction)
        course = tuple(_draw_course(prediction))
        if shown.predicted is None:
            caption = f"{shown.when}. Networks without classes are not explained."
            return (*course, _draw_spectrogram(shown.piece, caption))
        own = prediction.classes.index(shown.predicted)
        stored = _OnePiece.of(predictor.bundle, shown.piece)
        attention = map_attention(stored, _UTTERANCE, own)
        if not isinstance(attention, str):
            return (*course, _draw_attention(attention, shown))
    explanation = explain(predictor, shown.piece.sound, own, within_s=within_s, turn=turn)
    with turn():
        return (*course, _draw_occlusion(explanation, shown), *_draw_channels(stored, own, shown))


def _draw_course(prediction: Prediction) -> Iterator[Picture]:
    """Draw the answer over time, if it has parts."""
    if prediction.trace is not None:
        yield _draw_trace(prediction.trace, prediction.dimensions)
    elif prediction.windows and prediction.classes:
        yield _draw_windows(prediction)
    elif prediction.windows:
        yield _draw_values(prediction)


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


def _choose(predictor: Predictor, path: Path, prediction: Prediction) -> _Shown:
    """Read the piece to draw."""
    recording, rates, predicted = Recording(path), rates_of(predictor.bundle), prediction.predicted
    if predicted is None and prediction.duration > WHOLE_S:
        first = next(read_pieces(recording, rates, WHOLE_S, WHOLE_S, align=False))
        return _Shown(first, f"The first {WHOLE_S:.0f} s", 0.0)
    if predicted is None or not prediction.windows:
        return _Shown(read_whole(recording, rates), "The whole recording", 0.0, predicted)
    own = prediction.classes.index(predicted)
    best = max(range(len(prediction.windows)), key=lambda i: prediction.windows[i].probabilities[own])
    window = prediction.windows[best]
    if prediction.by_turn:
        noun, piece = "spoken part", read_whole(recording.cut(window.start, window.end), rates)
    else:
        pieces = read_pieces(recording, rates, predictor.window_s, predictor.hop_s, align=True)
        noun, piece = "window", next(islice(pieces, best, None))
    span = f"{window.start:.1f} to {window.end:.1f} s"
    when = f"{span}, the {noun} with the highest probability of {predicted}"
    return _Shown(piece, when, window.start, predicted)


def _draw_attention(found: AttentionMap, shown: _Shown) -> Picture:
    overlay = drawings.Overlay("", found.features, found.attention, found.frame_rate)
    figure = drawings.attention_maps([overlay], found.meaning, found.neutral)
    colours = "Red: this place counts more than others; blue: less." if found.neutral else _colours(shown)
    caption = f"{shown.when}, the network's input. {colours} {drawings.WARNING}"
    return Picture("Attention", caption, _address(figure, 3.2, shown.start))


def _draw_occlusion(found: Explanation, shown: _Shown) -> Picture:
    overlay = drawings.Overlay("", found.spectrogram, found.effect, found.frame_rate, found.ticks)
    figure = drawings.attention_maps([overlay], MEANING, 0.0)
    places = "; ".join(found.describe(start=shown.start))
    strongest = (
        f"Strongest evidence for {shown.predicted}, with the {MEANING}: {places}."
        if places
        else f"No single place is evidence for {shown.predicted}."
    )
    caption = f"{shown.when}. {strongest} {_colours(shown)} {drawings.WARNING}"
    return Picture("Explanation", caption, _address(figure, 3.2, shown.start))


def _colours(shown: _Shown) -> str:
    return f"Red: this place is evidence for {shown.predicted}; blue: against it."


def _draw_channels(stored: _OnePiece, own: int, shown: _Shown) -> Iterator[Picture]:
    """Draw the last channel attention, if the network has any."""
    weights = channel_weights(stored, [own])
    if not isinstance(weights, str):
        last = max(weights)
        figure = drawings.channel_weights({last: weights[last][[own]]}, [stored.bundle.classes[own]])
        caption = f"{shown.when}: weight of each channel in the last channel attention."
        yield Picture("Channel weights", caption, _address(figure))


def _draw_spectrogram(piece: Piece, caption: str) -> Picture:
    wave = torch.from_numpy(np.ascontiguousarray(piece.sound))
    frames = spectra.frame(wave, _WINDOW, _HOP, "every")
    magnitudes = spectra.magnitudes(frames, spectra.window("hamming", _WINDOW), _POINTS, _POINTS // 2 + 1)
    figure = spectrogram(magnitudes.T.numpy(), SAMPLE_RATE / _HOP, SAMPLE_RATE / 2)
    return Picture("Spectrogram", caption, _address(figure))
