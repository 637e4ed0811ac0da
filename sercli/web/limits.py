"""Limits on recordings that are sent to a server, and the private folder that stores them meanwhile."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sercli import audio
from sercli.errors import AudioError, ConfigError

FORMATS = "wav, flac, mp3, ogg, opus and aiff"
"""Formats that are named to a visitor who sends another one."""


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

    def check(self, path: Path) -> None:
        """Refuse a recording whose size or header exceeds the limits, before it is decoded.

        Raises:
            AudioError: it can't be read, is too large or too long.
        """
        size = path.stat().st_size
        if size > self.size:
            raise AudioError(f"{path}: {size / 1e6:.1f} MB; the limit is {self.mb:g} MB")
        header = audio.header(path)
        minutes = header.frames / header.sample_rate / 60
        if minutes > self.minutes:
            raise AudioError(
                f"{path}: {minutes:.1f} minutes long; the limit is {self.minutes:g}; send a part of it"
            )

    def check_several(self, paths: Sequence[Path]) -> None:
        """Refuse recordings that exceed the limits, each by itself or all together.

        Raises:
            AudioError: as `check`; or they are too long together.
        """
        minutes = 0.0
        for path in paths:
            self.check(path)
            header = audio.header(path)
            minutes += header.frames / header.sample_rate / 60
        if minutes > self.minutes:
            raise AudioError(
                f"{minutes:.1f} minutes in all; the limit is {self.minutes:g}; send fewer recordings"
            )


def explain(path: Path, error: Exception | str) -> str:
    """Explain an error of a recording without the name that the file has on the server."""
    fact = str(error).removeprefix(f"{path}: ").replace(str(path), "the file")
    if "not readable as audio" in fact:
        return f"The file can't be read as audio. Possible formats: {FORMATS}."
    return f"{fact[0].upper()}{fact[1:]}."


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a temporary folder that only its owner can read; delete it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sercli-demo-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
