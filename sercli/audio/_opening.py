"""Open an audio file, and refuse one that is not complete."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import soundfile

from sercli.audio import _ffmpeg
from sercli.audio._containers import examine
from sercli.audio._decoder import OpenFile, silenced
from sercli.audio.kinds import HEAD_BYTES, describe, is_foreign
from sercli.errors import AudioError

LOWEST_RATE, HIGHEST_RATE = 2_000, 768_000
"""Sample rates that are accepted. Below, less than 1 kHz of a voice is left; no converter goes beyond."""

# As libsndfile names them: containers whose header is checked against the file. In others a file that was
# cut short looks complete.
_CONTAINERS = frozenset(
    {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "FLAC", "OGG", "MP3", "MPEG"}
)


@contextmanager
def opened(path: Path, content: bytes | None = None, most_s: float | None = None) -> Iterator[OpenFile]:
    """Open a file that is as long as its header states; an error becomes one line that names the file."""
    with as_audio_error(path):
        if content is None and not stat.S_ISREG(path.stat().st_mode):
            raise AudioError("a folder, pipe or device, not a file")
        with ExitStack() as stack:
            source: BinaryIO = path.open("rb") if content is None else BytesIO(content)
            stack.enter_context(source)
            file = _open(source, path.suffix.lower(), stack)
            if file is None:
                source = stack.enter_context(_ffmpeg.open_decoded(path, content, most_s))
                file = _open(source, ".wav", stack)
                if file is None:
                    raise AudioError("ffmpeg can't decode it; convert it to wav")
                file.foreign = True
            yield file


@contextmanager
def as_audio_error(path: Path) -> Iterator[None]:
    """Turn any error of reading a file into one line that names it."""
    try:
        yield
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file") from None
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror or error}") from None
    except MemoryError:
        raise AudioError(f"{path}: too long for the free memory; cut it into parts") from None
    except ValueError as error:  # a name that no file can have
        raise AudioError(f"{path}: can't be read ({error})") from None


def _open(source: BinaryIO, suffix: str, stack: ExitStack) -> OpenFile | None:
    """Open a stream until the stack is closed; ``None`` for a recording that only ffmpeg decodes.

    Raises:
        AudioError: it can't be read (the message has no place).
    """
    size = source.seek(0, os.SEEK_END)
    if size == 0:
        raise AudioError("the file is empty (0 bytes); copy it again")
    found = examine(source, size, suffix)
    if found.rate is not None:
        _check_rate(found.rate)
    given: BinaryIO | int = source
    if found.content is not None:
        given = BytesIO(found.content)
    elif isinstance(source, BytesIO):
        source.seek(0)
    else:
        # libsndfile reads a file itself faster than through Python. It gets no name, because for some
        # suffixes it would read text as samples without a header.
        given = source.fileno()
        os.lseek(given, 0, os.SEEK_SET)
    try:
        with silenced if found.mpeg else nullcontext():
            file = OpenFile(given, closefd=False)
    except soundfile.LibsndfileError as error:
        source.seek(0)
        head = source.read(HEAD_BYTES)
        if is_foreign(head) and _ffmpeg.is_installed():
            return None
        reason = error.error_string.removeprefix("Error : ").rstrip(".")
        unknown = f"its header is damaged or of no known kind ({reason}); copy it again, or convert it to wav"
        raise AudioError(f"not readable as audio: {describe(head, suffix) or unknown}") from None
    stack.enter_context(file)
    _check_rate(file.samplerate)
    if file.format not in _CONTAINERS:
        raise AudioError(
            f"{file.format_info}: sercli can't detect whether such a file was cut short, so it does not read "
            "it; convert it, for example with `ffmpeg -i FILE FILE.wav`"
        )
    return file


def _check_rate(rate: float) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(
            f"its header claims a sample rate of {rate:.10g} Hz; use {LOWEST_RATE} to {HIGHEST_RATE} Hz: "
            "lower rates keep no speech, and higher ones come from a damaged header"
        )
