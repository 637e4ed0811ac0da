"""Describe how a recording sounds by a few numbers, and mark one that is beyond those of a training part.

The numbers are measured on the prepared audio (mono, 16 kHz), not on the features of a network, so that they
mean the same for any network. They find a foreign level, band, background or kind of sound. They do not find
another language, another way of speaking, or speech that is played backwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from sercli.audio import SAMPLE_RATE, Samples

# Samples in a frame, without overlap: 25 ms.
_FRAME = SAMPLE_RATE // 40
_FFT = 512
# Frames, and windows of a recording, that are further below the loudest ones hold no speech, decibels.
_ACTIVE_DB = 30.0
# A power that no 16-bit recording has, so that digital silence has a level.
_LEAST_POWER = 1e-12
# Smallest and largest frequency of the band in which tones are distinguished from noise, hertz.
_BAND_LOW, _BAND_HIGH = 300.0, 4000.0
# Edges of the bands whose changes are measured, hertz.
_BANDS = (0.0, 300.0, 600.0, 1200.0, 2000.0, 3000.0, 4000.0)
# Share of the peak from which on a sample counts as clipped.
_CLIPPED = 0.99

LEAST_RECORDINGS = 20
"""Fewer recordings do not show what is usual."""
TAIL = 0.001
"""Share of the training recordings that may lie beyond each limit, before the margin."""
MARGIN = 0.25
"""Margin beyond each limit, as a share of the distance between both limits."""
_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Acoustics:
    """Measurements of a recording; active frames are those at most 30 dB below its loudest frames.

    Attributes:
        level: mean power of the active frames, decibels of full scale.
        contrast: from the quietest tenth of the frames to the loudest twentieth, decibels. Where somebody
            speaks with pauses, it shows how far the background is below the speech.
        active: share of active frames, percent.
        low: share of the power below 300 Hz, decibels.
        high: share of the power above 4 kHz, decibels.
        flatness: geometric over arithmetic mean of the power spectrum from 300 Hz to 4 kHz, mean over the
            active frames, decibels: near -2.5 for white noise, very low for tones.
        change: mean change of the power of six bands below 4 kHz from one active frame to the next, decibels.
        crest: from the level to the peak, decibels.
        clipped: share of the active samples that are within 1 % of the peak, percent.
    """

    level: float
    contrast: float
    active: float
    low: float
    high: float
    flatness: float
    change: float
    crest: float
    clipped: float


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a measurement is judged.

    Attributes:
        unit: of its value.
        below: what a recording is that lies below the limits; none if that is usual.
        above: likewise, above.
        least: smallest margin, in the unit.
    """

    unit: str
    below: str | None
    above: str | None
    least: float


_KINDS: Mapping[str, _Kind] = {
    "level": _Kind("dB", "quieter", "louder", 3.0),
    "contrast": _Kind("dB", "less difference between speech and background", None, 3.0),
    "active": _Kind("%", "more silence, so less sound", None, 5.0),
    "low": _Kind("dB", "less sound below 300 Hz", "more sound below 300 Hz", 2.0),
    "high": _Kind("dB", "less sound above 4 kHz", "more sound above 4 kHz", 2.0),
    "flatness": _Kind("dB", "more like a tone than speech", "more like noise than speech", 1.0),
    "change": _Kind("dB", "a steadier sound", "a less steady sound", 0.5),
    "crest": _Kind("dB", "flatter peaks", "higher peaks", 1.5),
    "clipped": _Kind("%", None, "more clipped samples", 0.5),
}


def measure(samples: Samples) -> Acoustics | None:
    """Measure a recording.

    Args:
        samples: mono at 16 kHz, full scale 1.0, (samples,).

    Returns:
        The measurements; ``None`` if it is digital silence or shorter than two frames.
    """
    count = len(samples) // _FRAME
    peak = float(np.abs(samples).max(initial=0.0))
    if count < 2 or peak == 0.0:
        return None
    frames = samples[: count * _FRAME].reshape(count, _FRAME).astype(np.float64)  # (frames, samples)
    powers = np.square(frames).mean(axis=1)
    levels = _db(powers)
    loudest = float(np.percentile(levels, 95))
    active = levels >= loudest - _ACTIVE_DB
    level = float(_db(powers[active].mean()))
    spectra = np.abs(np.fft.rfft(frames[active] * np.hanning(_FRAME), _FFT)) ** 2  # (active, bins)
    spectra += _FRAME * _LEAST_POWER
    hertz = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)
    mean = spectra.mean(axis=0)
    band = spectra[:, (hertz >= _BAND_LOW) & (hertz < _BAND_HIGH)]
    edges = np.searchsorted(hertz, _BANDS)
    bands = _db(np.add.reduceat(spectra[:, : edges[-1]], edges[:-1], axis=1))  # (active, bands)
    return Acoustics(
        level=level,
        contrast=loudest - float(np.percentile(levels, 10)),
        active=100 * float(active.mean()),
        low=float(_db(mean[hertz < _BAND_LOW].sum() / mean.sum())),
        high=float(_db(mean[hertz >= _BAND_HIGH].sum() / mean.sum())),
        flatness=float((_db(band).mean(axis=1) - _db(band.mean(axis=1))).mean()),
        change=float(np.abs(np.diff(bands, axis=0)).mean()) if len(bands) > 1 else 0.0,
        crest=float(_db(peak**2)) - level,
        clipped=100 * float((np.abs(frames[active]) >= _CLIPPED * peak).mean()),
    )


def join(parts: Sequence[Acoustics | None]) -> Acoustics | None:
    """Describe a recording by its windows: the median over those that are not much quieter than the loudest.

    ``None`` if no window has measurements.
    """
    known = [part for part in parts if part is not None]
    if not known:
        return None
    loudest = max(part.level for part in known)
    loud = [part for part in known if part.level >= loudest - _ACTIVE_DB]
    return Acoustics(*np.median([list(asdict(part).values()) for part in loud], axis=0).tolist())


@dataclass(frozen=True, slots=True)
class Usual:
    """The limits that nearly all recordings of a training part are within.

    Attributes:
        limits: lowest and highest usual value of each measurement, without the margin.
        count: number of recordings that were measured.
    """

    limits: Mapping[str, tuple[float, float]]
    count: int

    @classmethod
    def of(cls, recordings: Sequence[Acoustics]) -> "Usual | None":
        """Find the limits of recordings; ``None`` if there are fewer than `LEAST_RECORDINGS`."""
        if len(recordings) < LEAST_RECORDINGS:
            return None
        values = np.array([list(asdict(each).values()) for each in recordings])  # (recordings, measurements)
        lows, highs = np.quantile(values, [TAIL, 1 - TAIL], axis=0).tolist()
        names = [field.name for field in fields(Acoustics)]
        limits = {name: (low, high) for name, low, high in zip(names, lows, highs, strict=True)}
        return cls(limits, len(recordings))

    def describe_difference(self, recording: Acoustics, margin: float = MARGIN) -> str | None:
        """Describe how a recording is beyond the limits and their margin; ``None`` if it is not.

        The text names the two measurements that are furthest beyond.
        """
        found: list[tuple[float, str]] = []
        for name, value in asdict(recording).items():
            kind, (low, high) = _KINDS[name], self.limits[name]
            extra = max(margin * (high - low), kind.least)
            below, above = low - extra - value, value - high - extra
            word = kind.below if below > 0 else kind.above if above > 0 else None
            if word is not None:
                usual = f"{low:.0f} to {high:.0f}" if high - low >= 1 else f"{low:.2g} to {high:.2g}"
                fact = f"{word} ({value:.0f} {kind.unit}, the training recordings have {usual} {kind.unit})"
                found.append((max(below, above) / extra, fact))
        found.sort(reverse=True)
        return "; ".join(fact for _, fact in found[:_SHOWN]) or None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return {"count": self.count, "limits": {name: list(pair) for name, pair in self.limits.items()}}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Usual":
        """Read what `to_dict` returned.

        Raises:
            ValueError: the measurements are not those of `Acoustics`, or a limit is not a finite number.
        """
        try:
            limits = {name: (float(low), float(high)) for name, (low, high) in plain["limits"].items()}
        except (TypeError, ValueError):
            limits = {}
        if limits.keys() != _KINDS.keys() or not np.isfinite(list(limits.values())).all():
            raise ValueError(
                "the usual acoustics of the training part are not complete: limits must have two finite "
                f"numbers for each of {', '.join(_KINDS)}"
            )
        return cls(limits, int(plain["count"]))


def _db(power: Any) -> Any:
    return 10 * np.log10(np.maximum(power, _LEAST_POWER))
