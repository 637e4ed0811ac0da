"""Acoustic functionals and low-level descriptors of openSMILE.

Source: Eyben et al., The Geneva Minimalistic Acoustic Parameter Set (GeMAPS), IEEE Transactions on Affective
    Computing 7(2), 2016; Schuller et al., The INTERSPEECH 2016 Computational Paralinguistics Challenge,
    Interspeech 2016; computed by the package ``opensmile``.
Open in the paper: none; the package states the sets.
Departures: none.
"""

import threading
from typing import Any, Literal

import numpy as np

from sercli.audio import SAMPLE_RATE, Samples
from sercli.errors import ConfigError
from sercli.features import Array, Feature, FeatureConfig

LICENCE = "openSMILE is free for research, teaching and private use; commercial products need a licence"
"""Terms of the library, in one sentence."""

_INSTALL = f"openSMILE's features need 'opensmile': pip install 'sercli[opensmile]' ({LICENCE})"
# The longest window has 60 ms; a shorter recording is filled up with silence.
_LEAST = 960

# Functionals and low-level descriptors of each set.
_SIZES = {"eGeMAPSv02": (88, 25), "ComParE_2016": (6373, 65), "GeMAPSv01b": (62, 18)}

# The library's objects are not shared between threads.
_OWN = threading.local()


class OpenSmileConfig(FeatureConfig):
    """Settings of openSMILE."""

    set: Literal["eGeMAPSv02", "ComParE_2016", "GeMAPSv01b"] = "eGeMAPSv02"
    """Set of features."""
    level: Literal["functionals", "lld"] = "functionals"
    """One vector for an utterance (functionals), or low-level descriptors, 100 a second (lld)."""

    @property
    def pooled(self) -> bool:
        """Whether there is one frame for a complete utterance."""
        return self.level == "functionals"

    @property
    def terms(self) -> str:
        """Terms of the library, for a card."""
        return f"The features need openSMILE: {LICENCE}"

    @property
    def size(self) -> int:
        """Number of values of a frame."""
        functionals, descriptors = _SIZES[self.set]
        return functionals if self.pooled else descriptors


def extract(samples: Samples, config: OpenSmileConfig, device: str = "cpu") -> Array:  # noqa: ARG001
    """Compute the features of an utterance.

    Args:
        samples: mono audio at 16 kHz, (samples,), full scale 1.0.
        config: settings.
        device: not used; the library computes on the CPU.

    Returns:
        (1, values, frames); one frame of functionals.

    Raises:
        ConfigError: the library is not installed.
    """
    samples = np.pad(samples, (0, max(0, _LEAST - len(samples))))
    table = _smile(config).process_signal(np.ascontiguousarray(samples), SAMPLE_RATE)
    return np.ascontiguousarray(table.to_numpy(np.float32).T[None])  # (1, values, frames)


def count_frames(samples: int, config: OpenSmileConfig) -> int:
    """Return how many frames an utterance has: one of functionals, else 100 a second."""
    return 1 if config.pooled else (max(samples, _LEAST) - _LEAST) // 160 + 2


def _smile(config: OpenSmileConfig) -> Any:
    """Return this thread's object of the library for some settings."""
    made: dict[tuple[str, str], Any] = _OWN.__dict__.setdefault("made", {})
    key = (config.set, config.level)
    if key not in made:
        try:
            import opensmile
        except ImportError:
            raise ConfigError(_INSTALL) from None
        level = (
            opensmile.FeatureLevel.Functionals
            if config.pooled
            else opensmile.FeatureLevel.LowLevelDescriptors
        )
        made[key] = opensmile.Smile(getattr(opensmile.FeatureSet, config.set), level)
    return made[key]


FEATURE = Feature(
    OpenSmileConfig,
    version=1,
    extract=extract,
    shape=lambda config: (1, config.size),
    axes=("layers", "values", "frames"),
    source="Eyben et al., IEEE Transactions on Affective Computing 7(2), 2016",
    count_frames=count_frames,
    frame_rate=lambda config: 1.0 if config.pooled else 100.0,
    silence=lambda config: 0.0,
    extra="opensmile",
)
