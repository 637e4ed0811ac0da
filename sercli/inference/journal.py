"""Keep the results of a long prediction until all of them are there, so that a killed one can be resumed."""

import fcntl
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sercli import files
from sercli.config import digest
from sercli.errors import ConfigError
from sercli.plain.json import from_json, to_json


class Journal:
    """The file ``NAME.part`` beside the file that results are written to.

    Each result is one line of JSON, which is written as soon as it is known: the number of the recording, its
    size and time of change, and its lines of the output. Once all results are known, `finish` writes the file
    itself, complete or not at all, and removes the journal. A recording that changed since, or that had no
    result because it could not be read, is not done. A line that a killed process did not complete is
    removed. The memory that a journal needs does not grow with the results.
    """

    def __init__(self, target: Path, recordings: Sequence[Path], described: Any) -> None:
        """Open the journal of a file, or begin one.

        Args:
            target: file that the results are for.
            recordings: what is predicted, in the order of the output.
            described: model, options and recordings, ready for JSON; the results of a journal are used only
                if it was begun with the same.

        Raises:
            ConfigError: the journal was begun with something else, or another process is writing it.
        """
        self.target, self.place = target, target.with_name(target.name + ".part")
        self._recordings = recordings
        self._begin = {"predictions_of": digest(described, 64)}
        self._starts: dict[int, int] = {}  # by number of the recording: where its line begins
        self.place.parent.mkdir(parents=True, exist_ok=True)
        with files.naming(target, self.place):
            self._file = os.fdopen(os.open(self.place, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            self._lock()
            self._read()
        except BaseException:
            self._file.close()
            raise

    @property
    def done(self) -> frozenset[int]:
        """Numbers of the recordings whose results are known."""
        return frozenset(self._starts)

    def add(self, number: int, lines: Iterable[str]) -> None:
        """Write the lines of a recording."""
        with files.naming(self.target):
            if not self._file.tell():
                self._file.write(f"{to_json(self._begin)}\n".encode())
            start = self._file.tell()
            entry = {"number": number, "file": stamp(self._recordings[number]), "lines": list(lines)}
            self._file.write(f"{to_json(entry)}\n".encode())
            self._file.flush()
        self._starts[number] = start

    def finish(self, header: str | None) -> None:
        """Write the file: a header, and the lines of all recordings in their order."""
        with files.replacing(self.target) as temporary, temporary.open("w", encoding="utf-8") as file:
            if header is not None:
                file.write(f"{header}\n")
            for number in sorted(self._starts):
                self._file.seek(self._starts[number])
                file.writelines(f"{line}\n" for line in from_json(self._file.readline().decode())["lines"])
        self.place.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._starts:  # nothing is lost
            self.place.unlink(missing_ok=True)
        with files.naming(self.target):  # a full disk may hold back the last line
            self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"{self.place}: another process is writing it; wait for its end, or name another file with "
                "--out"
            ) from None

    def _read(self) -> None:
        """Find the results that are there, and go to the end of the last complete one."""
        begin = f"{to_json(self._begin)}\n".encode()
        first = self._file.readline()
        if first != begin and begin.startswith(first):  # new, or killed within the first line
            self._file.seek(0)
            self._file.truncate()
            return
        if first != begin:
            raise ConfigError(
                f"{self.place}: holds predictions of another model, of other options or of other recordings, "
                "or recordings have changed that all predictions depend on; repeat that command to complete "
                "them, remove the file, or name another file with --out"
            )
        while True:
            start = self._file.tell()
            entry = _parse(self._file.readline())
            if entry is None:
                break
            number = entry["number"]
            if entry["file"] == stamp(self._recordings[number]):
                self._starts[number] = start
        self._file.seek(start)
        self._file.truncate()


def _parse(line: bytes) -> Any:
    """Read a line; ``None`` if it is not complete."""
    if line.endswith(b"\n"):
        with suppress(ValueError):
            return from_json(line.decode())
    return None


def stamp(path: Path) -> list[int] | None:
    """Return size and time of change of a file; ``None`` if it is missing."""
    try:
        return files.Stamp.of(path).to_list()
    except OSError:
        return None
