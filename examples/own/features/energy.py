"""Energy of each frame: one value, the natural log of its root mean square.

Source: made up for the documentation.
"""

import numpy as np
from pydantic import Field

from sercli.audio import SAMPLE_RATE, Samples
from sercli.features import Array, Feature, FeatureConfig

_LEAST = 1e-5  # far below a bit of 16-bit audio


class EnergyConfig(FeatureConfig):
    """Settings of the energy."""

    frame_ms: float = Field(20.0, ge=1, le=1000)
    """Length of a frame in milliseconds; frames do not overlap."""

    @property
    def frame(self) -> int:
        """Length of a frame in samples."""
        return round(SAMPLE_RATE * self.frame_ms / 1000)


def count_frames(samples: int, config: EnergyConfig) -> int:
    """Return how many frames an utterance has; the last one may be shorter."""
    return -(-samples // config.frame)


def extract(samples: Samples, config: EnergyConfig, device: str = "cpu") -> Array:  # noqa: ARG001
    """Compute the energy of an utterance, (samples,), 16 kHz, full scale 1.0: (1, 1, frames), float32."""
    frames = np.zeros((count_frames(len(samples), config), config.frame))
    frames.flat[: len(samples)] = samples
    levels = np.sqrt(np.square(frames).mean(axis=1)) + _LEAST  # (frames,)
    return np.log(levels).astype(np.float32)[None, None]


FEATURE = Feature(
    EnergyConfig,
    version=1,  # in a clone, increase it whenever a change of this file changes the values
    extract=extract,
    shape=lambda config: (1, 1),  # without frames
    axes=("maps", "values", "frames"),
    source="made up for the documentation",
    count_frames=count_frames,
    frame_rate=lambda config: SAMPLE_RATE / config.frame,
    silence=lambda config: float(np.log(_LEAST)),
    units=("log level (nats)",),
)
