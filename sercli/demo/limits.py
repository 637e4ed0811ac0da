"""What the page takes, and in what words it refuses the rest."""

from dataclasses import dataclass
from pathlib import Path

from sercli import audio
from sercli.errors import AudioError, ConfigError

TAKEN = "wav, flac, mp3, ogg, opus and aiff"
"""Formats that are named to who sends another one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a recording is taken.

    Attributes:
        mb: size of the file, megabytes of 10^6 bytes.
        minutes: length of the recording, and of a live session.
    """

    mb: float = 100.0
    minutes: float = 30.0

    def __post_init__(self) -> None:
        for name, value in (("mb", self.mb), ("minutes", self.minutes)):
            if not 0 < value < 1e6:
                raise ConfigError(f"max {name} {value:g}: take more than 0")

    @property
    def size(self) -> int:
        """Bytes that a file may have."""
        return int(self.mb * 1e6)

    def check(self, path: Path) -> None:
        """Refuse a recording by what its size and header say, before it is decoded.

        Raises:
            AudioError: it can't be read, is too large or too long.
        """
        size = path.stat().st_size
        if size > self.size:
            raise AudioError(f"{path}: {size / 1e6:.1f} MB, at most {self.mb:g} MB are taken")
        header = audio.header(path)
        minutes = header.frames / header.sample_rate / 60
        if minutes > self.minutes:
            raise AudioError(
                f"{path}: {minutes:.1f} minutes long, at most {self.minutes:g} are taken; send a part of it"
            )


def explain(path: Path, error: Exception | str) -> str:
    """Say what is wrong with a recording without the name that it has on the server."""
    fact = str(error).removeprefix(f"{path}: ").replace(str(path), "the file")
    if "not readable as audio" in fact:
        return f"This is not audio that can be read. {TAKEN} are taken."
    return f"{fact[0].upper()}{fact[1:]}."
