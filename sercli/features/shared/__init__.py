"""Shared parts of several kinds of features: settings, spectra, and spectra as torch modules."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from sercli.audio import SAMPLE_RATE, Samples
from sercli.features import FeatureConfig
from sercli.segments import Placement, Span, fit

LONGEST_S = 120.0
"""Longest length that utterances are padded to: IEMOCAP's longest has 34 s. Others are cut into segments."""
MOST_POINTS = 1 << 16
"""Most points of an FFT: four times the longest window. More only interpolate, and cost time and memory."""
MOST_FILTERS = 512
"""Most mel filters. Their bank has a column for each point of the FFT."""


class DurationConfig(FeatureConfig):
    """Whether utterances are cut or padded to one length, and how."""

    croppable: ClassVar[bool] = True

    duration_s: float | None = Field(None, gt=0, le=LONGEST_S)
    """Length in seconds to which an utterance is cropped or padded; null keeps its length."""
    placement: Placement = "centre"
    """Part of a longer utterance that is kept, and place of a shorter one in its padding: start, centre or
    end."""

    def idle(self) -> dict[str, str]:
        """Return the settings that change nothing: the placement, where no length is given."""
        return {"placement": "duration_s=null"} if self.duration_s is None else {}

    @property
    def crop_s(self) -> float | None:
        """Length in seconds to which utterances are cropped or padded; None if they keep their length."""
        return self.duration_s

    def uncropped(self) -> Self:
        """Return the same settings for utterances that keep their length."""
        return self.model_copy(update={"duration_s": None})

    def length(self, samples: int, sample_rate: int = SAMPLE_RATE) -> int:
        """Return how many samples an utterance has once it is cropped or padded."""
        return samples if self.duration_s is None else max(1, round(self.duration_s * sample_rate))

    def place(self, samples: int, sample_rate: int = SAMPLE_RATE) -> Span:
        """Return which samples are kept, and the silence around them."""
        return fit(samples, self.length(samples, sample_rate), self.placement)

    def placed(self, samples: Samples, sample_rate: int = SAMPLE_RATE) -> Samples:
        """Crop or pad samples, (samples,), to the length."""
        placed: Samples = self.place(len(samples), sample_rate).take(samples)
        return placed


class FramesConfig(FeatureConfig):
    """Frames, times in milliseconds."""

    window_ms: float = Field(25.0, gt=0, le=1000)
    """Length of a frame in milliseconds."""
    hop_ms: float = Field(10.0, ge=1, le=1000)
    """Milliseconds from the start of a frame to the start of the next one."""

    @property
    def win_length(self) -> int:
        """Window length in samples."""
        return round(SAMPLE_RATE * self.window_ms / 1000)

    @property
    def hop_length(self) -> int:
        """Hop in samples."""
        return round(SAMPLE_RATE * self.hop_ms / 1000)

    @property
    def look_ahead(self) -> int:
        """Samples of a frame that come after the start of the next frame."""
        return max(0, self.win_length - self.hop_length)

    @model_validator(mode="after")
    def _check_frames(self) -> Self:
        if self.hop_length < 1 or self.win_length < 2:
            raise ValueError(
                f"need a hop of a sample and a window of two or more, got {self.hop_length} "
                f"and {self.win_length} samples"
            )
        return self


class CroppedFramesConfig(FramesConfig, DurationConfig):
    """Frames of utterances that may be cut or padded to one length."""

    def span(self, samples: int, frames: int) -> tuple[int, int]:
        """Return the first of ``frames`` that holds any of an utterance, and the one after the last.

        This is at least one frame, even if the utterance is beyond or between frames.
        """
        placed = self.place(samples)
        first = -((self.win_length - 1 - placed.before) // self.hop_length)  # its end is beyond `before`
        last = -(-(placed.before + placed.stop - placed.start) // self.hop_length)
        first = min(max(0, first), frames - 1)
        return first, max(first + 1, min(last, frames))


class MelConfig(CroppedFramesConfig):
    """Frames, and the range of the mel filters."""

    f_min: float = 0.0
    """Lower edge of the lowest filter in hertz."""
    f_max: float = 8000.0
    """Upper edge of the highest filter in hertz."""

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        check_range(self.f_min, self.f_max, SAMPLE_RATE)
        return self


def check_range(f_min: float, f_max: float, sample_rate: int) -> None:
    """Refuse a range of mel filters that a sample rate does not hold.

    Raises:
        ValueError: the range is empty, or it goes below zero or above half the sample rate.
    """
    if not 0 <= f_min < f_max <= sample_rate / 2:
        raise ValueError(
            f"need 0 <= f_min < f_max <= {sample_rate / 2:g} Hz (half the sample rate), "
            f"got f_min={f_min:g}, f_max={f_max:g}"
        )
