"""Read audio files as mono float32 at a sample rate; no other module opens audio."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr

from sercli.audio import _ffmpeg
from sercli.audio._containers import is_encoded
from sercli.audio._decoder import OpenFile, read_block
from sercli.audio._opening import HIGHEST_RATE, LOWEST_RATE, as_audio_error, opened
from sercli.audio._scale import SampleScale, Scales, can_exceed, choose_scale
from sercli.audio.kinds import (
    FOREIGN_SUFFIXES,
    MEDIA_SUFFIXES,
    SUFFIXES,
    count_others,
    describe_left_out,
    left_out_beside,
    recordings,
)
from sercli.audio.samples import (
    Channels,
    Samples,
    check_samples,
    from_pcm16,
    hash_samples,
    is_silent,
    mix,
    resample,
    round_to_pcm16,
    write_pcm16,
)
from sercli.errors import AudioError

__all__ = [
    "BEYOND_S",
    "FOREIGN_SUFFIXES",
    "HIGHEST_RATE",
    "LEAST_S",
    "LOWEST_RATE",
    "MEDIA_SUFFIXES",
    "SAMPLE_RATE",
    "SUFFIXES",
    "AudioFile",
    "Samples",
    "check_samples",
    "count_others",
    "decode",
    "describe_left_out",
    "envelope",
    "forget",
    "from_pcm16",
    "full_scale",
    "has_ffmpeg",
    "hash_samples",
    "header",
    "is_encoded",
    "is_prepared",
    "is_silent",
    "left_out_beside",
    "nothing_in",
    "read",
    "recordings",
    "resample",
    "round_to_pcm16",
    "stream",
    "too_short",
    "write_pcm16",
]

SAMPLE_RATE = 16_000
LEAST_S = 0.1
"""A shorter recording holds no speech."""
BEYOND_S = 0.05
"""A part of a recording may end so much after the recording, because lists round times."""
# Samples, of all channels, that are read at once to find a file's scale.
_AT_ONCE = 1 << 22
# Times beyond so many times the length of a recording are probably in another unit than seconds.
_OTHER_UNIT = 10
_CANCEL = "holds nothing after its channels are averaged, because they cancel each other; take one of them"
_scales = Scales()


@dataclass(frozen=True, slots=True)
class AudioFile:
    """The header of a file, and how its samples were changed.

    Attributes:
        sample_rate: hertz.
        channels: number of channels.
        frames: samples per channel.
        subtype: sample format as libsndfile names it, for example ``PCM_16``.
        note: how samples beyond full scale were scaled down; empty if there were none.
        cancels: whether the channels nearly cancel each other, so that their mean holds little of them.
        foreign: whether ffmpeg decoded the file, because libsndfile does not read its format.
    """

    sample_rate: int
    channels: int
    frames: int
    subtype: str
    note: str = ""
    cancels: bool = False
    foreign: bool = False


def read(path: Path | str, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Read a complete file, average its channels and resample it (soxr VHQ).

    Returns:
        Samples, (samples,), within full scale, which is 1.0.

    Raises:
        AudioError: the file is missing, not audio, empty, cut short, or holds values that are not finite.
    """
    samples, header = decode(path)
    return resample(samples, header.sample_rate, sample_rate)


def decode(
    path: Path | str, start: float | None = None, end: float | None = None, content: bytes | None = None
) -> tuple[Samples, AudioFile]:
    """Read a file at its own sample rate and average its channels.

    Args:
        path: the file.
        start: seconds where reading starts; the beginning if not given.
        end: seconds where reading ends; the end if not given. It may be up to 50 ms beyond the end of the
            file, because lists round times.
        content: the file's bytes, if they were read already.

    Raises:
        AudioError: the file is missing, not audio, empty, cut short, holds values that are not finite, or
            does not reach from ``start`` to ``end``.
    """
    path = Path(path)
    with opened(path, content) as file:
        header = _header(file)
        first, last = _span(header, start, end)
        complete = first == 0 and last == header.frames
        # All parts of a file are divided by the same number.
        scale = SampleScale() if complete or not can_exceed(file.subtype) else full_scale(path)
        samples = read_block(file, last - first, first)
        if complete and can_exceed(file.subtype):
            scale = choose_scale([samples])
        mono, channels = mix(samples, scale), Channels()
        channels.add(samples, mono, scale)
        return mono, replace(header, note=scale.note, cancels=channels.cancel)


def has_ffmpeg() -> bool:
    """Return whether ffmpeg is found, which decodes formats that libsndfile does not read."""
    return _ffmpeg.is_installed()


def forget(path: Path) -> None:
    """Delete what is kept of a file to read it again: its sound as ffmpeg decoded it."""
    _ffmpeg.forget(path)


def header(
    path: Path, most_s: float | None = None, *, start: float | None = None, end: float | None = None
) -> AudioFile:
    """Read a file's header; with ``start`` or ``end`` (as in `decode`), the frames are those of this part.

    Args:
        path: the file.
        most_s: length in seconds beyond which the caller refuses the file and then calls `forget`. A format
            that has to be decoded to find its length is decoded up to a second beyond it.
        start: seconds where the part starts.
        end: seconds where the part ends.

    Raises:
        AudioError: the file is missing, not audio, empty, shorter than its header states, or does not reach
            from ``start`` to ``end``.
    """
    with opened(path, most_s=most_s) as file:
        found = _header(file)
        first, last = _span(found, start, end)
        return replace(found, frames=last - first)


def stream(
    path: Path,
    sample_rate: int = SAMPLE_RATE,
    block_s: float = 30.0,
    *,
    start: float | None = None,
    end: float | None = None,
) -> Iterator[Samples]:
    """Read a file, or the part from ``start`` to ``end``, in blocks of some seconds.

    The samples together are those that `decode` and `resample` return.

    Raises:
        AudioError: as `decode`, or the channels cancel each other; damage is reported when its block is
            reached, and channels that cancel after the last block.
    """
    channels = Channels()
    with opened(path) as file:
        found = _header(file)
        begin, stop = _span(found, start, end)
        resampler = soxr.ResampleStream(found.sample_rate, sample_rate, 1, "float32", quality="VHQ")
        size = max(1, round(block_s * found.sample_rate))
        at_once = stop - begin == found.frames <= size
        scale = SampleScale() if at_once or not can_exceed(file.subtype) else full_scale(path)
        for first in range(begin, stop, size):
            count = min(size, stop - first)
            samples = read_block(file, count, first)
            if at_once:
                scale = choose_scale([samples]) if can_exceed(file.subtype) else scale
                _scales.keep(path, scale)
            block = mix(samples, scale)
            channels.add(samples, block, scale)
            if found.sample_rate != sample_rate:
                block = resampler.resample_chunk(block, last=first + count == stop)
            yield block
        if channels.cancel:
            raise AudioError(_CANCEL)


def envelope(path: Path, parts: int) -> tuple[Samples, Samples]:
    """Return the least and the greatest sample of equal parts of a file, (parts,) each.

    Raises:
        AudioError: as `read`.
    """
    found = header(path)
    edges = np.linspace(0, found.frames, min(parts, found.frames) + 1).astype(np.int64)
    lowest = np.full(len(edges) - 1, np.inf, np.float32)
    highest = -lowest
    first = 0
    for block in stream(path, found.sample_rate):
        own = np.flatnonzero((edges[:-1] < first + len(block)) & (edges[1:] > first))  # parts in the block
        starts = np.maximum(edges[own] - first, 0)
        lowest[own] = np.minimum(lowest[own], np.minimum.reduceat(block, starts))
        highest[own] = np.maximum(highest[own], np.maximum.reduceat(block, starts))
        first += len(block)
    return lowest, highest


def full_scale(path: Path) -> SampleScale:
    """Find how a file is scaled down to full scale; in formats that can exceed it, all samples are read.

    Raises:
        AudioError: as `read`.
    """
    with as_audio_error(path):
        known = _scales.find(path)
    if known is None:
        with opened(path) as file:
            size = _AT_ONCE // file.channels
            starts = range(0, file.frames, size) if can_exceed(file.subtype) else ()
            known = choose_scale(read_block(file, min(size, file.frames - at), at) for at in starts)
            _scales.keep(path, known)
    return known


def too_short(frames: int, sample_rate: int) -> str | None:
    """Explain why a recording is too short to hold speech; ``None`` if it is long enough."""
    seconds = frames / sample_rate
    if frames >= int(LEAST_S * sample_rate):  # a tenth of a second may not be a whole number of samples
        return None
    length = f"{frames} sample{'s' * (frames != 1)}, {seconds:.3g} s"
    return f"holds nothing: {length}; a recording of less than {LEAST_S:g} s is too short to hold speech"


def nothing_in(samples: Samples, header: AudioFile) -> str | None:
    """Explain why a recording holds no sound; ``None`` if it holds some.

    Args:
        samples: (samples,), at the file's own rate.
        header: as `decode` returned it with the samples.
    """
    if short := too_short(len(samples), header.sample_rate):
        return short
    if header.cancels:
        return _CANCEL
    if is_silent(samples):
        return "holds nothing but silence"
    return None


def is_prepared(path: Path) -> bool:
    """Return whether a file already is mono at `SAMPLE_RATE` and within full scale.

    Raises:
        AudioError: the file can't be read.
    """
    with opened(path) as file:
        if file.foreign or file.channels != 1 or file.samplerate != SAMPLE_RATE:
            return False
        exceeds = can_exceed(file.subtype)
    return not exceeds or full_scale(path).divisor == 1


def _header(file: OpenFile) -> AudioFile:
    return AudioFile(file.samplerate, file.channels, file.frames, file.subtype, foreign=file.foreign)


def _span(header: AudioFile, start: float | None, end: float | None) -> tuple[int, int]:
    """Return the first sample to read and the one after the last."""
    if header.frames == 0:
        raise AudioError("holds no audio (0 samples)")
    rate = header.sample_rate
    first = round((start or 0.0) * rate)
    last = header.frames if end is None else round(end * rate)
    if not 0 <= first < last or last > header.frames + BEYOND_S * rate:
        length = header.frames / rate
        span = f"{start or 0:g} to {length if end is None else end:g} s"
        if end is not None and end <= (start or 0.0):
            raise AudioError(f"can't cut out {span}; the end must be after the start")
        remedy = ""
        if max(start or 0.0, end or 0.0) > _OTHER_UNIT * length:
            remedy = "; write the times in seconds, not in milliseconds or samples"
        raise AudioError(f"can't cut out {span}; it is {length:g} s long{remedy}")
    return first, min(last, header.frames)
