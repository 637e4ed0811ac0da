"""Find speech in recordings: a detector scores short frames, and the scores become turns.

One file per detector, which defines ``DETECTOR``. The rules that make turns of scores are the same for all
detectors: see `VoiceConfig`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from sercli import registry
from sercli.audio import LEAST_S, SAMPLE_RATE, Samples
from sercli.config import Config
from sercli.records import Turn
from sercli.voice._turns import find_turns

Scores = np.ndarray[tuple[int], np.dtype[np.float32]]
"""How much each frame is like speech, from 0 to 1, (frames,)."""


class VoiceConfig(Config):
    """How speech is found and cut into turns; times in seconds."""

    detector: str = "energy"
    """Detector that scores the frames: energy is built in, silero needs sercli[vad]."""
    threshold: float = Field(0.5, gt=0.15, lt=1)
    """Score from which on a frame is speech; speech ends when the score falls 0.15 below it."""
    least_s: float = Field(0.25, ge=LEAST_S, le=10)
    """Least length of the speech in a turn, without its pauses; a shorter turn is left out."""
    most_s: float = Field(15.0, ge=2, le=60)
    """Greatest length of a turn; a longer one is cut where its score is lowest."""
    gap_s: float = Field(0.5, ge=0, le=10)
    """Length of a pause below which the speech before and after it is one turn."""
    pad_s: float = Field(0.1, ge=0, le=0.5)
    """Length that is added before and after a turn, at most half of the pause there."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.detector not in detector_names():
            raise ValueError(f"detector={self.detector}: use one of {', '.join(detector_names())}")
        return self


@dataclass(frozen=True, slots=True)
class Detector:
    """A way to find speech.

    Attributes:
        hop: samples at 16 kHz from one frame to the next one.
        score: function from the blocks of a recording (samples at 16 kHz, of any length) to `Scores`. It
            keeps nothing of the recording but the scores, so memory stays bounded.
        require: function that raises `ConfigError` if the detector is not installed.
    """

    hop: int
    score: Callable[[Iterable[Samples]], Scores]
    require: Callable[[], Any] = lambda: None


def detector_names() -> list[str]:
    """List the detectors."""
    return registry.names(__name__)


def get_detector(name: str) -> Detector:
    """Return a detector by name.

    Raises:
        UnknownNameError: there is no detector of that name.
    """
    return registry.load(__name__, name, "DETECTOR", Detector)


def find_speech(blocks: Iterable[Samples], config: VoiceConfig) -> tuple[Turn, ...]:
    """Find the turns of a recording, in order; they do not overlap.

    Args:
        blocks: its samples at 16 kHz, as `sercli.audio.stream` yields them.
        config: how.

    Raises:
        ConfigError: the detector is not installed.
        AudioError: the recording can't be read.
    """
    detector = get_detector(config.detector)
    detector.require()
    counted = _Counted(blocks)
    scores = detector.score(counted)
    spans = find_turns(
        scores,
        detector.hop / SAMPLE_RATE,
        counted.samples / SAMPLE_RATE,
        threshold=config.threshold,
        least_s=config.least_s,
        most_s=config.most_s,
        gap_s=config.gap_s,
        pad_s=config.pad_s,
    )
    return tuple(Turn(round(start, 3), round(end, 3)) for start, end in spans)


class _Counted:
    """Blocks, and the number of samples that were in them."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks, self.samples = blocks, 0

    def __iter__(self) -> Iterator[Samples]:
        for block in self._blocks:
            self.samples += len(block)
            yield block
