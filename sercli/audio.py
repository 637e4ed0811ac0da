"""Read a file as mono float32 at a sample rate; nothing else opens audio."""

import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from sercli.errors import AudioError

Samples = np.ndarray[tuple[int], np.dtype[np.float32]]

SAMPLE_RATE = 16_000
SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".w64", ".caf"})


@dataclass(frozen=True, slots=True)
class AudioFile:
    """What a file's header says.

    Attributes:
        sample_rate: hertz.
        channels: number of channels.
        frames: samples per channel.
        subtype: sample format as libsndfile names it, for example ``PCM_16``.
    """

    sample_rate: int
    channels: int
    frames: int
    subtype: str


def read(path: Path, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Read a file whole, average its channels and resample it (soxr VHQ).

    Returns:
        Samples, (samples,), full scale 1.0.

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
    with _refusing(path), path.open("rb") if content is None else BytesIO(content) as source:
        _refuse_damaged(path, source)
        # libsndfile reads a file by its name faster than through Python.
        with soundfile.SoundFile(os.fsencode(path) if content is None else source) as file:
            header = _header(file)
            first, last = _span(path, header, start, end)
            file.seek(first)
            return _mono(path, file, last - first, first), header


def header(path: Path) -> AudioFile:
    """Read a file's header.

    Raises:
        AudioError: the file is missing, not audio, empty, or cut short as its header says.
    """
    with _refusing(path), path.open("rb") as source:
        _refuse_damaged(path, source)
        with soundfile.SoundFile(os.fsencode(path)) as file:
            found = _header(file)
    _span(path, found, None, None)
    return found


def stream(path: Path, sample_rate: int = SAMPLE_RATE, block_s: float = 30.0) -> Iterator[Samples]:
    """Read a file in blocks of some seconds, whose samples together are those that `read` gives.

    Raises:
        AudioError: as `read`; a damage is told when its block is reached.
    """
    with _refusing(path), path.open("rb") as source:
        _refuse_damaged(path, source)
        with soundfile.SoundFile(os.fsencode(path)) as file:
            found = _header(file)
            _span(path, found, None, None)
            resampler = soxr.ResampleStream(found.sample_rate, sample_rate, 1, "float32", quality="VHQ")
            size = max(1, round(block_s * found.sample_rate))
            for first in range(0, found.frames, size):
                count = min(size, found.frames - first)
                block = _mono(path, file, count, first)
                if found.sample_rate != sample_rate:
                    block = resampler.resample_chunk(block, last=first + count == found.frames)
                yield block


def _header(file: soundfile.SoundFile) -> AudioFile:
    return AudioFile(file.samplerate, file.channels, file.frames, file.subtype)


def _mono(path: Path, file: soundfile.SoundFile, count: int, first: int) -> Samples:
    """Read the next samples, averaging the channels; ``first`` is where they lie."""
    # PCM16 read as integers is twice as fast and, divided by 2^15, exactly what float32 gives.
    if file.subtype == "PCM_16":
        samples = file.read(count, dtype="int16", always_2d=True) * np.float32(1 / 32768)
    else:
        samples = file.read(count, dtype="float32", always_2d=True)
    if len(samples) < count:
        missing = f"{first + len(samples)} of {file.frames} samples"
        raise AudioError(f"{path}: cut short, {missing}; copy it again")
    mono = samples[:, 0] if file.channels == 1 else samples.mean(axis=1)
    if not np.isfinite(mono.sum(dtype=np.float64)):
        raise AudioError(f"{path}: holds values that are no numbers (NaN or infinity)")
    return np.ascontiguousarray(mono, dtype=np.float32)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one line that names it."""
    try:
        yield
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: not readable as audio ({error.error_string.rstrip('.')})") from None
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file") from None
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:  # a name that no file can have
        raise AudioError(f"{path}: can't be read ({error})") from None


def is_prepared(path: Path) -> bool:
    """Tell from a file's header whether it is mono at `SAMPLE_RATE` already.

    Raises:
        AudioError: it can't be read.
    """
    with _refusing(path), soundfile.SoundFile(os.fsencode(path)) as file:
        return bool(file.channels == 1 and file.samplerate == SAMPLE_RATE)


def _span(path: Path, header: AudioFile, start: float | None, end: float | None) -> tuple[int, int]:
    """Return the first sample to read and the one after the last."""
    if header.frames == 0:
        raise AudioError(f"{path}: holds no audio (0 samples)")
    rate = header.sample_rate
    first = round((start or 0.0) * rate)
    last = header.frames if end is None else round(end * rate)
    if not 0 <= first < last or last > header.frames + rate // 20:
        length = header.frames / rate
        span = f"{start or 0:g} to {length if end is None else end:g} s"
        raise AudioError(f"{path}: can't cut out {span}; it is {length:g} s long")
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


def _refuse_damaged(path: Path, file: BinaryIO) -> None:
    """Raise if a file is empty, or a wav file that ends before its data chunk does.

    The latter libsndfile passes over in silence. A data chunk of length 0 or 2^32 - 1 is what programs
    leave that write to a pipe: no length known.
    """
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise AudioError(f"{path}: the file is empty (0 bytes); copy it again")
    file.seek(0)
    is_wav = file.read(4) == b"RIFF" and file.read(8)[4:] == b"WAVE"
    for name, length in _riff_chunks(file) if is_wav else ():
        if name == b"data":
            missing = file.tell() + length - size
            if 0 < length < 0xFFFFFFFF and missing > 0:
                raise AudioError(f"{path}: cut short, {missing} of {length} bytes missing; copy it again")
            break
    else:
        if is_wav:
            raise AudioError(f"{path}: cut short before its audio begins; copy it again")
    file.seek(0)


def _riff_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield name and length of each chunk of a RIFF file; the file then stands at its content."""
    position = 12
    while True:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        name, length = struct.unpack("<4sI", header)
        yield name, length
        position += 8 + length + length % 2  # chunks are padded to even lengths
