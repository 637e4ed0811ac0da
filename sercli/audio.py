"""Read a file as mono float32 at a sample rate; nothing else opens audio."""

import hashlib
import os
import struct
from collections.abc import Iterator
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
    try:
        with path.open("rb") if content is None else BytesIO(content) as source:
            size = source.seek(0, os.SEEK_END)
            if size == 0:
                raise AudioError(f"{path}: the file is empty (0 bytes); copy it again")
            _refuse_cut_wav(path, source, size)
            source.seek(0)
            # libsndfile reads a file by its name faster than through Python.
            with soundfile.SoundFile(path if content is None else source) as file:
                header = AudioFile(file.samplerate, file.channels, file.frames, file.subtype)
                first, last = _span(path, header, start, end)
                file.seek(first)
                count = last - first
                # PCM16 read as integers is twice as fast and, divided by 2^15, exactly what float32 gives.
                if header.subtype == "PCM_16":
                    integers = file.read(count, dtype="int16", always_2d=True)
                    samples = integers * np.float32(1 / 32768)
                else:
                    samples = file.read(count, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: not readable as audio ({error.error_string.rstrip('.')})") from None
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file") from None
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror or error}") from None
    if len(samples) < count:
        missing = f"{first + len(samples)} of {header.frames} samples"
        raise AudioError(f"{path}: cut short, {missing}; copy it again")
    mono = samples[:, 0] if header.channels == 1 else samples.mean(axis=1)
    if not np.isfinite(mono.sum(dtype=np.float64)):
        raise AudioError(f"{path}: holds values that are no numbers (NaN or infinity)")
    return np.ascontiguousarray(mono, dtype=np.float32), header


def is_prepared(path: Path) -> bool:
    """Tell from a file's header whether it is mono at `SAMPLE_RATE` already.

    Raises:
        AudioError: it can't be read.
    """
    try:
        header = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError):
        raise AudioError(f"{path}: not readable as audio") from None
    return bool(header.channels == 1 and header.samplerate == SAMPLE_RATE)


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
    # libsndfile scales floats by 32767; reading divides by 32768. Our own rounding keeps both the same.
    integers = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)
    encoded = BytesIO()  # libsndfile can't say that a disk is full
    soundfile.write(encoded, integers, sample_rate, subtype="PCM_16", format="WAV")
    path.write_bytes(encoded.getvalue())
    return np.asarray(integers * np.float32(1 / 32768), dtype=np.float32)


def hash_samples(samples: Samples) -> str:
    """Hash the samples (float32, little-endian): headers and containers do not count."""
    return hashlib.sha256(samples.astype("<f4", copy=False).tobytes()).hexdigest()


def _refuse_cut_wav(path: Path, file: BinaryIO, size: int) -> None:
    """Raise if a wav file ends before its data chunk does, which libsndfile passes over in silence.

    A data chunk of length 0 or 2^32 - 1 is what programs leave that write to a pipe: no length known.
    """
    file.seek(0)
    if file.read(4) != b"RIFF" or file.read(8)[4:] != b"WAVE":
        return
    for name, length in _riff_chunks(file):
        if name == b"data":
            missing = file.tell() + length - size
            if 0 < length < 0xFFFFFFFF and missing > 0:
                raise AudioError(f"{path}: cut short, {missing} of {length} bytes missing; copy it again")
            return
    raise AudioError(f"{path}: cut short before its audio begins; copy it again")


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
