"""Limits on recordings that are sent to a server, and the private folder that stores them meanwhile."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sercli import audio
from sercli.errors import AudioError, ConfigError

_MEMORY = Path("/dev/shm")  # noqa: S108  # a private folder is made in it


class TooLongError(AudioError):
    """A recording that is longer than the limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on a recording.

    Attributes:
        mb: size of the file, megabytes of 10^6 bytes.
        minutes: length of the recording, and of a live session.
    """

    mb: float = 100.0
    minutes: float = 30.0

    def __post_init__(self) -> None:
        for name, value in (("mb", self.mb), ("minutes", self.minutes)):
            if not 0 < value < 1e6:
                raise ConfigError(f"max {name} {value:g}: use a number above 0")

    @property
    def size(self) -> int:
        """Largest file, bytes."""
        return int(self.mb * 1e6)

    def check(self, path: Path) -> float:
        """Refuse a recording whose size or header exceeds the limits, before it is decoded.

        Returns:
            Its length in seconds.

        Raises:
            AudioError: it can't be read, or is too large.
            TooLongError: it is too long.
        """
        size = path.stat().st_size
        if size > self.size:
            raise AudioError(f"{path}: {size / 1e6:.1f} MB; the limit is {self.mb:g} MB")
        header = audio.header(path, most_s=60 * self.minutes)
        if header.frames / header.sample_rate > 60 * self.minutes:
            audio.forget(path)
            raise TooLongError(
                f"{path}: longer than the limit of {self.minutes:g} minutes; send a part of it"
            )
        return header.frames / header.sample_rate

    def check_several(self, paths: Sequence[Path]) -> None:
        """Refuse recordings that exceed the limits, each by itself or all together.

        Raises:
            AudioError: as `check`; or they are too long together.
        """
        minutes = sum(map(self.check, paths)) / 60
        if minutes > self.minutes:
            raise AudioError(
                f"{minutes:.1f} minutes in all; the limit is {self.minutes:g}; send fewer recordings"
            )


def formats() -> str:
    """List the formats that visitors may send, for a sentence."""
    phones = ", m4a and webm" if audio.has_ffmpeg() else ""
    return f"wav, flac, mp3, ogg, opus{',' if phones else ' and'} aiff{phones}"


def explain(path: Path, error: Exception | str) -> str:
    """Explain an error of a recording to a visitor, without the name that the file has on the server."""
    fact = without_path(path, error, "the file")
    if "not readable as audio" in fact:
        return f"The file can't be read as audio. Possible formats: {formats()}."
    return f"{fact[0].upper()}{fact[1:]}."


def without_path(path: Path, error: Exception | str, name: str) -> str:
    """Return the text of an error of a recording without the name that the file has on the server.

    Args:
        path: the file.
        error: an error that may name it.
        name: what it is called instead, within the text.
    """
    return str(error).removeprefix(f"{path}: ").replace(str(path), name)


@contextmanager
def private_folder(program: str = "demo", memory: int | None = None) -> Iterator[Path]:
    """Make a temporary folder that only its owner can read; delete it at the end.

    Args:
        program: part of the folder's name.
        memory: bytes that the folder may come to hold; if the system's file system in memory has room for
            them, the folder is there. Not tried if not given.
    """
    place = _MEMORY if memory is not None and _free(_MEMORY) >= memory else None
    folder = Path(tempfile.mkdtemp(prefix=f"sercli-{program}-", dir=place)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free(place: Path) -> int:
    """Return the free bytes of a file system; zero if nothing can be written there."""
    return shutil.disk_usage(place).free if os.access(place, os.W_OK | os.X_OK) else 0
