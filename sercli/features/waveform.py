"""Samples of the audio, or one value for each 40 ms of the samples.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, sections 4.1 and
4.1.1.
Open in the paper: whether the maximum of a frame is that of the signed samples. Here it is, as written;
``max-abs`` is the other reading.
Departures: none.
"""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from sercli.audio import SAMPLE_RATE, Samples
from sercli.features import Array, Feature
from sercli.features.shared import DurationConfig
from sercli.features.shared.graph import Place
from sercli.segments import Placement


class WaveformConfig(DurationConfig):
    """Settings of the waveform."""

    placement: Placement = "end"
    """Part of a longer utterance that is kept, and place of a shorter one in its padding: start, centre or
    end (the paper pads at the front)."""
    aggregate: Literal["none", "max", "max-abs", "rms"] = "none"
    """Value that represents the samples of a frame; none keeps all samples."""
    frame_ms: float = Field(40.0, gt=0, le=1000)
    """Length of a frame; frames do not overlap."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: single samples have no frames."""
        return super().idle() | ({"frame_ms": "aggregate=none"} if self.aggregate == "none" else {})

    @property
    def frame_length(self) -> int:
        """Samples for each value."""
        return 1 if self.aggregate == "none" else max(1, round(SAMPLE_RATE * self.frame_ms / 1000))


def count_frames(samples: int, config: WaveformConfig) -> int:
    """Return how many values an utterance has; a last partial frame is filled up with zeros."""
    return -(-config.length(samples) // config.frame_length)


def extract(samples: Samples, config: WaveformConfig, device: str = "cpu") -> Array:  # noqa: ARG001
    """Take an utterance's samples, or aggregate them.

    Args:
        samples: mono audio at 16 kHz, (samples,), full scale 1.0.
        config: settings.
        device: not used, because there is little to compute.

    Returns:
        (1, values).
    """
    placed = config.placed(samples)
    if config.aggregate == "none":
        return np.array(placed, dtype=np.float32)[None]
    size, frames = config.frame_length, -(-len(placed) // config.frame_length)
    whole = np.zeros(frames * size, np.float32)
    whole[: len(placed)] = placed
    rows = whole.reshape(frames, size)
    if config.aggregate == "rms":
        values = np.sqrt(np.square(rows, dtype=np.float64).mean(axis=1))
    else:
        values = (rows if config.aggregate == "max" else np.abs(rows)).max(axis=1)
    return np.asarray(values, dtype=np.float32)[None]


def span(samples: int, config: WaveformConfig) -> tuple[int, int]:
    """Return the first value that holds a part of the utterance, and the value after the last one."""
    placed = config.place(samples)
    first = placed.before // config.frame_length
    last = -(-(placed.before + placed.stop - placed.start) // config.frame_length)
    return first, max(first + 1, last)


class _Graph(nn.Module):
    def __init__(self, config: WaveformConfig) -> None:
        super().__init__()
        self.place, self.size, self.aggregate = Place(config), config.frame_length, config.aggregate

    def forward(self, x: Tensor) -> Tensor:
        x = self.place(x).unsqueeze(1)  # (batch, 1, samples)
        if self.aggregate == "none":
            return x
        x = torch.unflatten(F.pad(x, (0, -x.shape[2] % self.size)), 2, (-1, self.size))
        if self.aggregate == "rms":
            return x.square().mean(dim=3).sqrt()
        return (x if self.aggregate == "max" else x.abs()).amax(dim=3)


FEATURE = Feature(
    WaveformConfig,
    version=1,
    extract=extract,
    shape=lambda config: (1,),
    axes=("maps", "frames"),
    units=("amplitude",),
    source="Tang et al., EURASIP JASM 2021:18",
    count_frames=count_frames,
    frame_rate=lambda config: SAMPLE_RATE / config.frame_length,
    silence=lambda config: 0.0,
    span=span,
    graph=_Graph,
    local=True,
)
