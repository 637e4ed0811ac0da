"""Uploaded recordings: the folder that stores them until they are answered."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sercli import audio
from sercli.errors import AudioError

IDLE_S = 10.0
"""Age limit of uploads while nothing is being answered; nobody waits for an older one, so it is deleted."""
LEFT_S = 3600.0
"""Age limit of uploads while a recording is being answered, since other visitors may be waiting."""

PARTIAL_S = 30.0
"""Age limit of a file that an upload is being written to; a pause of a third of it ends the upload."""

_PARTIAL = "tmp" + 8 * "?"  # name of such a file
_SWEEP_S = 2.0


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads in a folder: no file outside it is ever read or deleted as one.

    A request names its upload by the path on the server, and can name any path.

    Attributes:
        folder: where they are stored, resolved.
    """

    folder: Path

    @contextmanager
    def taken(self, name: Path | str) -> Iterator[Path]:
        """Give an upload a path of its own, and delete it at the end; other files are left alone.

        Gradio stores equal uploads of two visitors at one path: the other one is left alone then.

        Raises:
            AudioError: it is gone, or never was an upload.
        """
        path = self.locate(name)
        own = self.folder / f"{uuid4().hex}{path.suffix}"
        try:
            os.link(path, own)
            own.touch()  # so that it is not swept while it waits
        except OSError:
            raise AudioError("the recording no longer exists on the server; send it again") from None
        try:
            yield own
        finally:
            with suppress(OSError):  # gone; or another upload has the same path
                if path.samefile(own):
                    path.unlink()
                    if path.parent != self.folder:
                        path.parent.rmdir()
            audio.forget(own)
            own.unlink(missing_ok=True)

    def size(self) -> int:
        """Count the bytes of all uploads."""
        total = 0
        # Unlike a pattern of pathlib, this passes over a folder that is gone meanwhile.
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):  # gone meanwhile
                    total += Path(folder, name).lstat().st_size
        return total

    def locate(self, name: Path | str) -> Path:
        """Return the resolved path that an upload has, or had.

        Raises:
            AudioError: the path is outside the folder.
        """
        try:
            path = Path(name).resolve()
        except (OSError, ValueError, RuntimeError):  # a name that no file can have
            path = Path()
        if not path.is_relative_to(self.folder):
            raise AudioError("this is not a recording that was sent to the page; send it again")
        return path


@contextmanager
def sweeping(folder: Path, idle_s: Callable[[], float]) -> Iterator[None]:
    """Delete uploads that no visitor waits for, in a thread, until the context ends.

    Args:
        folder: folder of the uploads.
        idle_s: returns the seconds since a recording was last answered.
    """
    done = threading.Event()

    def work() -> None:
        while not done.wait(_SWEEP_S):
            sweep(folder, IDLE_S if idle_s() > IDLE_S else LEFT_S)
            sweep(folder, PARTIAL_S, _PARTIAL)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def sweep(folder: Path, age_s: float, pattern: str = "**/*") -> None:
    """Delete files, and then empty folders, below a folder if they are older than a given age."""
    latest = time.time() - age_s
    paths: list[Path] = []
    with suppress(FileNotFoundError):  # a folder is gone meanwhile; the next sweep sees the rest
        paths += sorted(folder.glob(pattern), reverse=True)  # the content of a folder before the folder
    for path in paths:
        with suppress(OSError):  # gone meanwhile, or not empty
            if path.lstat().st_mtime <= latest:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
