"""Which seconds and bands of a recording a model reacts to: its score with one place made quieter.

The sound itself is changed, before any feature is computed, so that every model can be explained in the same
way: networks of spectrograms or of waveforms, encoders, functionals. Gradients would end at features that are
computed outside torch, and their values have no band and no second.

Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2; here
over the cells of a time-frequency plane.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sercli.audio import SAMPLE_RATE, Samples
from sercli.errors import ConfigError, RunError
from sercli.features.shared.spectra import from_mel, to_mel
from sercli.inference import NO_SCORES, Scores
from sercli.inference.predict import Predictor
from sercli.inference.recordings import Piece, rates_of
from sercli.processor import count_cores
from sercli.store.compute import threads

Map = NDArray[np.float64]

MEANING = "fall of the log-odds if this place is quieter"
"""What a value of an explanation means."""
LOWERED_DB = 30.0
"""How much quieter a place is made. Less hardly hides it; complete silence is in no training part."""

_PATCH_S, _MOST_PATCHES, _LEAST_PATCHES = 0.25, 16, 4
_BANDS = (6, 4, 3, 2)  # of equal width in mel, from 0 Hz to half the sample rate; six if there is time
_ROWS = 48
_FFT, _HOP = 512, 128
_AT_ONCE = 8  # copies of the recording
_TURN_S = 0.25  # of computing, after which others may use the network


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Which places of a recording changed the score of a class.

    Attributes:
        log_odds: natural logarithm of the probability of the class, divided by that of all others.
        cells: by how much the log-odds fall if a cell is quieter, (bands, patches); positive values are
            evidence for the class, negative ones against it.
        seconds: borders of the patches, (patches + 1,).
        hertz: borders of the bands, (bands + 1,).
        spectrogram: level of the sound in decibels, (rows, frames); rows have equal width on the mel scale.
        frame_rate: frames per second.
    """

    log_odds: float
    cells: Map
    seconds: Map
    hertz: Map
    spectrogram: Map
    frame_rate: float

    @property
    def effect(self) -> Map:
        """The cells, each repeated over the rows and frames that it covers, (rows, frames)."""
        rows, frames = self.spectrogram.shape
        times = np.arange(frames) / self.frame_rate
        patches = np.clip(np.searchsorted(self.seconds, times, "right") - 1, 0, len(self.seconds) - 2)
        spread: Map = np.repeat(self.cells, rows // len(self.cells), axis=0)[:, patches]
        return spread

    @property
    def ticks(self) -> dict[float, str]:
        """Frequencies at the borders of the bands, as text by row."""
        rows = len(self.spectrogram) // len(self.cells)
        return {float(rows * i): f"{value:.0f}" for i, value in enumerate(self.hertz)}

    def describe(self, count: int = 3, start: float = 0.0) -> list[str]:
        """Name the cells with the strongest evidence for the class.

        Args:
            count: how many cells at most.
            start: where the sound begins in its recording, seconds, from whose start the times are counted.
        """
        borders = start + self.seconds
        order = np.argsort(-self.cells, axis=None)[:count]
        places = zip(*np.unravel_index(order, self.cells.shape), strict=True)
        return [
            f"{borders[patch]:.2f} to {borders[patch + 1]:.2f} s, "
            f"{self.hertz[band]:.0f} to {self.hertz[band + 1]:.0f} Hz ({self.cells[band, patch]:.2f})"
            for band, patch in places
            if self.cells[band, patch] > 0
        ]


def explain(
    predictor: Predictor,
    samples: Samples,
    target: int,
    speaker: str | None = None,
    *,
    within_s: float = math.inf,
    turn: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Explanation:
    """Explain the score of a class for a recording.

    Args:
        predictor: applies the model, once for each cell.
        samples: the recording, 16 kHz, full scale 1.0, (samples,); it is predicted as one utterance.
        target: index of the class.
        speaker: who speaks, for a model that standardises per speaker; see `Predictor.enrol`.
        within_s: seconds of computing that are available. If the time that the model takes for the recording
            is too long for cells of the usual size, the cells are larger: two bands and four patches at
            least.
        turn: makes a context in which the model is applied; it is left after a fraction of a second, or
            after the model was applied once on each core, and entered again, so that others can use the
            network in between.

    Raises:
        ConfigError: the model has no classes.
        RunError: the network gives no finite scores.
    """
    if not predictor.bundle.classes:
        raise ConfigError("an explanation by occlusion is for classes, but this bundle predicts none")
    with turn():
        begun = time.perf_counter()
        (own,) = log_odds(predictor, [samples], target, speaker)
        taken = time.perf_counter() - begun
    shape = _shape(len(samples), within_s / taken)
    cells = np.eye(math.prod(shape), dtype=bool).reshape(-1, *shape)
    cores = count_cores()
    size = max(cores, min(_AT_ONCE * cores, round(_TURN_S / taken)))
    odds = []
    for first in range(0, len(cells), size):
        with turn():
            sounds = [make_quieter(samples, each) for each in cells[first : first + size]]
            odds.append(log_odds(predictor, sounds, target, speaker))
    seconds, hertz = _borders(len(samples), shape)
    return Explanation(
        log_odds=float(own),
        cells=(own - np.concatenate(odds)).reshape(shape),
        seconds=seconds,
        hertz=hertz,
        spectrogram=_draw(_analyse(samples)),
        frame_rate=SAMPLE_RATE / _HOP,
    )


def make_quieter(samples: Samples, cells: NDArray[np.bool_]) -> Samples:
    """Make some cells of a recording quieter by `LOWERED_DB`.

    Args:
        samples: the recording, 16 kHz, (samples,).
        cells: which cells, (bands, patches), as `Explanation.cells` has them.
    """
    spectrum = _analyse(samples)
    seconds, hertz = _borders(len(samples), cells.shape)
    patch = _place(np.arange(spectrum.shape[1]) * _HOP / SAMPLE_RATE, seconds)
    band = _place(np.arange(spectrum.shape[0]) * SAMPLE_RATE / _FFT, hertz)
    inside = torch.from_numpy(cells[band][:, patch])  # (bins, frames)
    changed = torch.where(inside, spectrum * 10 ** (-LOWERED_DB / 20), spectrum)
    sound: Samples = torch.istft(
        changed, _FFT, _HOP, window=torch.hann_window(_FFT), length=len(samples)
    ).numpy()
    return sound


def log_odds(
    predictor: Predictor, sounds: Sequence[Samples], target: int, speaker: str | None = None
) -> NDArray[np.float64]:
    """Return the log-odds of a class for each sound, (sounds,).

    Raises:
        RunError: the network gives no finite scores.
    """
    rates = rates_of(predictor.bundle)
    workers = min(len(sounds), count_cores()) if predictor.device.type == "cpu" else 1
    size = min(_AT_ONCE, math.ceil(len(sounds) / workers))

    def score(first: int) -> list[Scores]:
        pieces = [Piece.of_samples(0.0, each, rates) for each in sounds[first : first + size]]
        return predictor.score(pieces, speaker)

    with threads(workers) as pool:
        found = [each for scores in pool.map(score, range(0, len(sounds), size)) for each in scores]
    probabilities = np.concatenate(found)[:, : len(predictor.bundle.classes)]
    if not np.isfinite(probabilities).all():
        raise RunError(NO_SCORES)
    tiny = np.finfo(np.float64).tiny
    own = np.maximum(probabilities[:, target], tiny)
    others = np.maximum(np.delete(probabilities, target, axis=1).sum(axis=1), tiny)
    odds: NDArray[np.float64] = np.log(own) - np.log(others)
    return odds


def _shape(length: int, most: float) -> tuple[int, int]:
    """Return the numbers of bands and patches of a recording of so many samples.

    If there may only be ``most`` cells, patches are longer first, and then there are fewer bands.
    """
    usual = min(_MOST_PATCHES, max(1, round(length / SAMPLE_RATE / _PATCH_S)))
    least = min(usual, _LEAST_PATCHES)
    bands = next((each for each in _BANDS if each * least <= most), _BANDS[-1])
    return bands, max(least, int(min(usual, most // bands)))


def _borders(length: int, shape: tuple[int, ...]) -> tuple[Map, Map]:
    """Return the borders of the cells, (bands, patches), of so many samples, in seconds and in hertz."""
    bands, patches = shape
    seconds = np.linspace(0, length / SAMPLE_RATE, patches + 1)
    return seconds, from_mel(np.linspace(0, to_mel(SAMPLE_RATE / 2), bands + 1))


def _analyse(samples: Samples) -> Tensor:
    """Return the short-time spectrum, (bins, frames)."""
    wave = torch.from_numpy(np.ascontiguousarray(samples))
    return torch.stft(
        wave, _FFT, _HOP, window=torch.hann_window(_FFT), pad_mode="constant", return_complex=True
    )


def _place(values: Map, borders: Map) -> NDArray[np.int64]:
    """Return between which borders each value is; the first and last places also hold what is beyond."""
    return np.clip(np.searchsorted(borders, values, "right") - 1, 0, len(borders) - 2)


def _draw(spectrum: Tensor) -> Map:
    """Return levels in decibels, (rows, frames), at frequencies of equal distance on the mel scale."""
    levels = 20 * np.log10(np.maximum(spectrum.abs().numpy().astype(np.float64), 1e-5))
    centres = from_mel((np.arange(_ROWS) + 0.5) / _ROWS * to_mel(SAMPLE_RATE / 2))
    bins = np.arange(len(levels)) * SAMPLE_RATE / _FFT
    return np.stack([np.interp(centres, bins, frame) for frame in levels.T], axis=1)
