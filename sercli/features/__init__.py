"""From a waveform to a time-frequency image: one file per kind of feature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sercli import registry
from sercli.audio import Samples
from sercli.config import Config

Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Feature:
    """A kind of feature.

    Attributes:
        config: its settings.
        version: raised when the code, not the settings, changes the numbers.
        extract: from samples, (samples,), and settings to (*shape, frames), float32.
        shape: from settings to the shape without frames.
        axes: names of the axes, frames last.
        source: where it is described.
    """

    config: type[Config]
    version: int
    extract: Callable[[Samples, Any], Array]
    shape: Callable[[Any], tuple[int, ...]]
    axes: tuple[str, ...]
    source: str


def feature_names() -> list[str]:
    """List the kinds of features."""
    return registry.names(__name__)


def get_feature(name: str) -> Feature:
    """Return a kind of feature by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return registry.load(__name__, name, "FEATURE", Feature)
