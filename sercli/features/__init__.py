"""Compute time-frequency images from waveforms: one file for each kind of feature."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor, nn

from sercli import registry
from sercli.config import Config, require_settings
from sercli.encoders import EncoderSource

Array = np.ndarray[Any, np.dtype[np.float32]]


class FeatureConfig(Config):
    """Settings of a kind of feature, and the answers that the rest of the package needs from them.

    A kind overrides the properties whose default does not fit.
    """

    croppable: ClassVar[bool] = False
    """Whether the setting ``duration_s`` crops or pads utterances to one length."""
    same_uncut: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Settings that have several values with the same effect on utterances that are not cut into segments,
    with these values."""

    @property
    def crop_s(self) -> float | None:
        """Length in seconds to which utterances are cropped or padded; None if they keep their length."""
        return None

    @property
    def original_rate(self) -> int | None:
        """Sample rate at which the recording as distributed is read; None if the prepared audio is read."""
        return None

    @property
    def pooled(self) -> bool:
        """Whether there is one frame for a complete utterance, so that its features can't be cut."""
        return False

    @property
    def layer_numbers(self) -> tuple[int, ...]:
        """Numbers of the layers of an encoder that are the first axis of the features; empty if it is not."""
        return ()

    @property
    def source(self) -> EncoderSource | None:
        """The pretrained encoder that the features are computed with; None if they need none."""
        return None

    def with_encoder(self, model: str) -> Self:  # noqa: ARG002
        """Return the same settings with another name or folder of the encoder, if they need one."""
        return self

    @property
    def terms(self) -> str:
        """Terms of what the features are computed with, for a card; empty if there are none."""
        return ""

    def pinned(self) -> Self:
        """Return the same settings with facts of the files that the features need, if they need any."""
        return self

    def require(self) -> None:
        """Make sure that the files that the features need are on this machine, before any recording is read.

        Raises:
            ConfigError: a library is missing.
            FeatureError: files are missing and can't be downloaded, or are not the ones that are needed.
        """

    def described(self) -> Self:
        """Return settings with a known shape, for lists: no file is read or downloaded for them."""
        return self

    @property
    def ready(self) -> bool:
        """Whether the files that the features need are on this machine."""
        return True

    @property
    def look_ahead(self) -> int:
        """Samples of a frame that come after the start of the next frame."""
        return 0

    @property
    def least_samples(self) -> int:
        """Length in samples of the shortest recording that an exported graph takes."""
        return 1

    @property
    def most_samples(self) -> int | None:
        """Length in samples of the longest recording that an exported graph takes; None for any length."""
        return None

    def uncropped(self) -> Self:
        """Return the same settings for utterances that keep their length."""
        return self


@dataclass(frozen=True, slots=True)
class Feature:
    """A kind of feature.

    Attributes:
        config: its settings.
        version: increased when the code, not the settings, changes the numbers.
        extract: from samples, (samples,), settings and a device's name to (*shape, frames), float32.
        extract_several: the same for a list of samples, for kinds that are faster for several recordings at
            once on a GPU; equal to `extract` but for rounding.
        shape: from settings to the shape without frames.
        axes: names of the axes, frames last.
        source: where it is described.
        count_frames: from a number of samples and settings to the number of frames.
        frame_rate: from settings to frames a second.
        silence: from settings to the value of digital silence, with which segments are padded; a
            number, or (*shape, 1).
        frames_within: from a number of samples and settings to the number of complete frames within
            them, where `count_frames` counts more.
        span: for kinds that pad: from a number of samples and settings to the first frame that holds
            a part of the utterance and the frame after the last one.
        empty: from settings to the values that are the same for any audio, (*shape, 1).
        finish: from a segment, (*shape, frames), already standardised, and settings to the input of a
            network, for kinds that change each segment.
        graph: from settings to a torch module that computes the same as `extract`, from (batch, samples)
            to (batch, *shape, frames), and can be exported; it refuses settings that can't be exported.
        finish_graph: the same as `finish`, for torch tensors with a batch.
        units: unit of the values of each map, for pictures.
        slopes: whether the features hold slopes in time, such as deltas.
        needs: from settings to the statistics that they require; None if any are possible.
        variants: settings by name that a paper compares.
        shows_level: from settings to whether the features of a louder utterance differ.
        extra: extra of the package that installs what the kind needs; empty if it needs nothing more. The
            value of silence of such a kind is a convention, not what the library gives.
        local: whether each frame depends only on its own samples and a few after them, so that the kind can
            follow a stream.

    Raises:
        ConfigError: the settings are of another kind.
    """

    config: type[FeatureConfig]
    version: int
    extract: Callable[..., Array]
    shape: Callable[[Any], tuple[int, ...]]
    axes: tuple[str, ...]
    source: str
    count_frames: Callable[[int, Any], int]
    frame_rate: Callable[[Any], float]
    silence: Callable[[Any], "float | Array"]
    frames_within: Callable[[int, Any], int] | None = None
    span: Callable[[int, Any], tuple[int, int]] | None = None
    empty: Callable[[Any], "np.ndarray[Any, np.dtype[np.bool_]]"] | None = None
    finish: Callable[[Array, Any], Array] | None = None
    graph: Callable[[Any], nn.Module] | None = None
    finish_graph: Callable[[Tensor, Any], Tensor] | None = None
    units: tuple[str, ...] = ()
    extract_several: Callable[..., list[Array]] | None = None
    slopes: bool = False
    needs: Callable[[Any], str | None] = lambda config: None
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shows_level: Callable[[Any], bool] = lambda config: True
    extra: str = ""
    local: bool = False

    def __post_init__(self) -> None:
        require_settings("config", self.config, FeatureConfig)


def feature_names() -> list[str]:
    """List the kinds of features."""
    return registry.names(__name__)


def get_feature(name: str) -> Feature:
    """Return a kind of feature by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return registry.load(__name__, name, "FEATURE", Feature)
