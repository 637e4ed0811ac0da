"""Read a file as mono float32 at a sample rate; nothing else opens audio."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from sercli.audio._blocks import OpenFile, Samples, cancels, is_silent, mix, read_block, scale_of
from sercli.audio._containers import examine
from sercli.audio._kinds import describe
from sercli.audio._quiet import without_remarks
from sercli.audio._scale import Scale, Scales, can_exceed, choose_scale
from sercli.errors import AudioError

__all__ = [
    "FOREIGN_SUFFIXES",
    "HIGHEST_RATE",
    "LEAST_S",
    "LOWEST_RATE",
    "SAMPLE_RATE",
    "SUFFIXES",
    "AudioFile",
    "Samples",
    "decode",
    "full_scale",
    "hash_samples",
    "header",
    "is_prepared",
    "is_silent",
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
SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".w64", ".caf"}
    | {".aifc", ".bwf", ".mp2", ".nist", ".oga", ".rf64", ".snd", ".sph", ".wave"}
)
"""Names of files that are read."""
# As libsndfile names them: those whose header is checked against the file. Of the others one that is cut
# short looks complete.
_CONTAINERS = frozenset(
    {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "FLAC", "OGG", "MP3", "MPEG"}
)
FOREIGN_SUFFIXES = frozenset(
    {".m4a", ".m4b", ".mp4", ".aac", ".3gp", ".3g2", ".mov", ".amr", ".awb", ".wma", ".asf", ".wmv", ".webm"}
    | {".weba", ".mka", ".mkv", ".avi", ".ape", ".wv", ".tta", ".mpc", ".ac3", ".dts", ".spx", ".shn", ".ra"}
    | {".rm", ".dss", ".ds2", ".silk", ".raw", ".pcm", ".gsm", ".vox", ".voc", ".8svx", ".svx", ".sf", ".avr"}
    | {".paf", ".pvf", ".sds", ".wve", ".dsf", ".dff"}
)
"""Names of recordings that are not read: they are named, never passed over."""
LEAST_S = 0.1
"""A recording shorter than this holds no speech."""
LOWEST_RATE, HIGHEST_RATE = 2_000, 768_000
"""Sample rates that are taken. Below, less than 1 kHz is left of a voice; no converter reaches beyond."""

# Samples, of all channels, that are looked at together to find a file's scale.
_AT_ONCE = 1 << 22
_scales = Scales()


@dataclass(frozen=True, slots=True)
class AudioFile:
    """What a file's header says, and what was done to its samples.

    Attributes:
        sample_rate: hertz.
        channels: number of channels.
        frames: samples per channel.
        subtype: sample format as libsndfile names it, for example ``PCM_16``.
        note: how samples beyond full scale were brought within it; empty where none were.
        cancels: whether the channels all but cancel each other, so that their mean holds little of them.
    """

    sample_rate: int
    channels: int
    frames: int
    subtype: str
    note: str = ""
    cancels: bool = False


def read(path: Path, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Read a file whole, average its channels and resample it (soxr VHQ).

    Returns:
        Samples, (samples,), within full scale, which is 1.0.

    Raises:
        AudioError: the file is missing, not audio, empty, cut short, or holds values that are no numbers.
    """
    samples, header = decode(path)
    return resample(samples, header.sample_rate, sample_rate)


def decode(
    path: Path, start: float | None = None, end: float | None = None, content: bytes | None = None
) -> tuple[Samples, AudioFile]:
    """Read a file at its own sample rate and average its channels.

    Args:
        path: the file.
        start: seconds from which to read; from the beginning if not given.
        end: seconds up to which; up to the end if not given. It may lie 50 ms beyond the end, which
            is how far rounded times can stray.
        content: the file's bytes, where they are at hand.

    Raises:
        AudioError: the file is missing, not audio, empty, cut short, holds values that are no numbers,
            or does not reach from ``start`` to ``end``.
    """
    with _opened(path, content) as file:
        header = _header(file)
        first, last = _span(header, start, end)
        whole = first == 0 and last == header.frames
        # All parts of a file are divided by the same number.
        scale = Scale() if whole or not can_exceed(file.subtype) else full_scale(path)
        samples = read_block(file, last - first, first)
        if whole:
            scale = scale_of(file, samples)
        mono = mix(samples, scale)
        return mono, replace(header, note=scale.note, cancels=cancels(samples, mono, scale))


def header(path: Path) -> AudioFile:
    """Read a file's header.

    Raises:
        AudioError: the file is missing, not audio, empty, or cut short as its header says.
    """
    with _opened(path) as file:
        found = _header(file)
        _span(found, None, None)
        return found


def stream(path: Path, sample_rate: int = SAMPLE_RATE, block_s: float = 30.0) -> Iterator[Samples]:
    """Read a file in blocks of some seconds, whose samples together are those that `read` gives.

    Raises:
        AudioError: as `read`; a damage is reported when its block is reached.
    """
    with _opened(path) as file:
        found = _header(file)
        _span(found, None, None)
        resampler = soxr.ResampleStream(found.sample_rate, sample_rate, 1, "float32", quality="VHQ")
        size = max(1, round(block_s * found.sample_rate))
        scale = full_scale(path) if found.frames > size and can_exceed(file.subtype) else Scale()
        for first in range(0, found.frames, size):
            count = min(size, found.frames - first)
            samples = read_block(file, count, first)
            if count == found.frames:
                scale = scale_of(file, samples)
                _scales.keep(path, scale)
            block = mix(samples, scale)
            if found.sample_rate != sample_rate:
                block = resampler.resample_chunk(block, last=first + count == found.frames)
            yield block


def full_scale(path: Path) -> Scale:
    """Find how a file is brought within full scale; of formats that can exceed it all samples are read.

    Raises:
        AudioError: as `read`.
    """
    with _refusing(path):
        known = _scales.find(path)
    if known is None:
        with _opened(path) as file:
            size = _AT_ONCE // file.channels
            starts = range(0, file.frames, size) if can_exceed(file.subtype) else ()
            known = choose_scale(read_block(file, min(size, file.frames - at), at) for at in starts)
            _scales.keep(path, known)
    return known


def recordings(paths: Iterable[Path]) -> list[Path]:
    """Choose the files that are recordings by their names, sorted, leaving out hidden ones (``._a.wav``).

    One in a format that is not read is among them, so that it is named, unless the same recording is
    there in a format that is read.
    """
    shown = [path for path in paths if not path.name.startswith(".")]
    taken = [path for path in shown if path.suffix.lower() in SUFFIXES]
    there = {path.with_suffix("") for path in taken}
    foreign = (path for path in shown if path.suffix.lower() in FOREIGN_SUFFIXES)
    return sorted(taken + [path for path in foreign if path.with_suffix("") not in there])


def too_short(frames: int, sample_rate: int) -> str | None:
    """Say why a recording is too short to hold speech; none where it is not."""
    seconds = frames / sample_rate
    if seconds >= LEAST_S:
        return None
    counted = f"{frames} sample{'s' * (frames != 1)}, {seconds:.3g} s"
    return f"holds nothing: {counted}; a recording of less than {LEAST_S:g} s is too short to hold speech"


def nothing_in(samples: Samples, header: AudioFile) -> str | None:
    """Say why a recording holds nothing; none where it does not.

    Args:
        samples: (samples,), at the file's own rate.
        header: what `decode` gave with them.
    """
    if short := too_short(len(samples), header.sample_rate):
        return short
    if header.cancels:
        return "holds nothing once mixed: its channels cancel each other; take one of them"
    if is_silent(samples):
        return "holds nothing but silence"
    return None


def is_prepared(path: Path) -> bool:
    """Tell whether a file is mono at `SAMPLE_RATE` and within full scale already.

    Raises:
        AudioError: it can't be read.
    """
    with _opened(path) as file:
        if file.channels != 1 or file.samplerate != SAMPLE_RATE:
            return False
        exceeds = can_exceed(file.subtype)
    return not exceeds or full_scale(path).divisor == 1


@contextmanager
def _opened(path: Path, content: bytes | None = None) -> Iterator[OpenFile]:
    """Open a file that is as long as its header says; what goes wrong becomes one line that names it."""
    with _refusing(path):
        if content is None and not stat.S_ISREG(path.stat().st_mode):
            raise AudioError("a folder, pipe or device, and no file")
        with path.open("rb") if content is None else BytesIO(content) as source:
            size = source.seek(0, os.SEEK_END)
            if size == 0:
                raise AudioError("the file is empty (0 bytes); copy it again")
            found = examine(source, size, path.suffix.lower())
            if found.rate is not None:
                _check_rate(found.rate)
            given: BinaryIO | int = source
            if found.content is not None:
                given = BytesIO(found.content)
            elif content is None:
                # libsndfile reads a file itself faster than through Python. It gets no name, from whose
                # suffix it would take text for samples without a header.
                given = source.fileno()
                os.lseek(given, 0, os.SEEK_SET)
            else:
                source.seek(0)
            try:
                with without_remarks if found.mpeg else nullcontext():
                    file = OpenFile(given, closefd=False)
            except soundfile.LibsndfileError as error:
                source.seek(0)
                said = describe(source.read(1024), path.suffix.lower())
                raise AudioError(f"not readable as audio: {said or error.error_string.rstrip('.')}") from None
            with file:
                _check_rate(file.samplerate)
                if file.format not in _CONTAINERS:
                    raise AudioError(
                        f"{file.format_info}: a file of this kind can be cut short without a sign of it, "
                        "so it is not read; convert it, as with `ffmpeg -i FILE FILE.wav`"
                    )
                yield file


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one line that names it."""
    try:
        yield
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file") from None
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror or error}") from None
    except MemoryError:
        raise AudioError(f"{path}: too long for the memory that is free; cut it into parts") from None
    except ValueError as error:  # a name that no file can have
        raise AudioError(f"{path}: can't be read ({error})") from None


def _check_rate(rate: float) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(
            f"its header claims a sample rate of {rate:.10g} Hz; take {LOWEST_RATE} to {HIGHEST_RATE} Hz: "
            "lower ones keep no speech, higher ones are a damaged header"
        )


def _header(file: OpenFile) -> AudioFile:
    return AudioFile(file.samplerate, file.channels, file.frames, file.subtype)


def _span(header: AudioFile, start: float | None, end: float | None) -> tuple[int, int]:
    """Return the first sample to read and the one after the last."""
    if header.frames == 0:
        raise AudioError("holds no audio (0 samples)")
    rate = header.sample_rate
    first = round((start or 0.0) * rate)
    last = header.frames if end is None else round(end * rate)
    if not 0 <= first < last or last > header.frames + rate // 20:
        length = header.frames / rate
        span = f"{start or 0:g} to {length if end is None else end:g} s"
        raise AudioError(f"can't cut out {span}; it is {length:g} s long")
    return first, min(last, header.frames)


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Change the sample rate (soxr VHQ); equal rates return the samples as they are."""
    if from_rate == to_rate:
        return samples
    resampled: Samples = soxr.resample(samples, from_rate, to_rate, quality="VHQ").astype(
        np.float32, copy=False
    )
    return resampled


def write_pcm16(path: Path, samples: Samples, sample_rate: int) -> Samples:
    """Write a 16-bit wav file; values beyond full scale are clipped.

    Returns:
        The samples as `read` will give them: rounded to 16 bits, (samples,).
    """
    rounded = round_to_pcm16(samples)
    integers = (rounded * np.float32(32768)).astype(np.int16)
    encoded = BytesIO()  # libsndfile can't say that a disk is full
    soundfile.write(encoded, integers, sample_rate, subtype="PCM_16", format="WAV")
    path.write_bytes(encoded.getvalue())
    return rounded


def round_to_pcm16(samples: Samples) -> Samples:
    """Round samples to those that a 16-bit file holds, clipped at full scale."""
    # libsndfile scales floats by 32767; reading divides by 32768. Our own rounding keeps both the same.
    integers = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)
    return np.asarray(integers * np.float32(1 / 32768), dtype=np.float32)


def hash_samples(samples: Samples) -> str:
    """Hash the samples (float32, little-endian): headers and containers do not count."""
    return hashlib.sha256(samples.astype("<f4", copy=False).tobytes()).hexdigest()
