"""The folder that uploads lie in until they are answered: private, swept, and gone at the end."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sercli.errors import AudioError

IDLE_S = 10.0
"""While nothing is answered, an upload older than this is one that nobody waits for: it is deleted."""
LEFT_S = 3600.0
"""Likewise while something is answered, which others may be waiting behind."""

_SWEEP_S = 2.0


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of a folder: nothing else is ever read, or deleted, as one.

    A request names its upload by the path on the server, and may name any path.

    Attributes:
        folder: where they lie, resolved.
    """

    folder: Path

    @contextmanager
    def taken(self, name: Path | str) -> Iterator[Path]:
        """Give an upload a path of its own, and delete it at the end; anything else is left alone.

        Gradio puts what two visitors send at one path if it is the same: the other's is left alone then.

        Raises:
            AudioError: it is gone, or was none ever.
        """
        path = self.locate(name)
        own = self.folder / f"{uuid4().hex}{path.suffix}"
        try:
            os.link(path, own)
            own.touch()  # or it is swept while it waits
        except OSError:
            raise AudioError("the recording is not there any more; send it again") from None
        try:
            yield own
        finally:
            with suppress(OSError):  # gone; or another upload lies there too
                if path.samefile(own):
                    path.unlink()
                    if path.parent != self.folder:
                        path.parent.rmdir()
            own.unlink(missing_ok=True)

    def size(self) -> int:
        """Count the bytes of all uploads."""
        total = 0
        for path in self.folder.rglob("*"):
            with suppress(OSError):  # gone meanwhile
                total += path.lstat().st_size
        return total

    def locate(self, name: Path | str) -> Path:
        """Return the resolved path that an upload has, or had.

        Raises:
            AudioError: it lies elsewhere.
        """
        try:
            path = Path(name).resolve()
        except (OSError, ValueError, RuntimeError):  # no name of a file at all
            path = Path()
        if not path.is_relative_to(self.folder):
            raise AudioError("that is no recording that was sent; send it again")
        return path


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a temporary folder that only its owner can read, and have Gradio use it; delete it at the end.

    Gradio looks for its folder when it is imported: enter before.
    """
    folder = Path(tempfile.mkdtemp(prefix="sercli-demo-")).resolve()
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if before is None:
            del os.environ["GRADIO_TEMP_DIR"]
        else:
            os.environ["GRADIO_TEMP_DIR"] = before


@contextmanager
def sweeping(folder: Path, idle_s: Callable[[], float]) -> Iterator[None]:
    """Meanwhile delete what nobody waits for any more.

    Args:
        folder: of uploads.
        idle_s: says for how long nothing has been answered.
    """
    done = threading.Event()

    def work() -> None:
        while not done.wait(_SWEEP_S):
            sweep(folder, IDLE_S if idle_s() > IDLE_S else LEFT_S)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def sweep(folder: Path, age_s: float) -> None:
    """Delete files below a folder that have not changed for so long, and folders that are empty as long."""
    latest = time.time() - age_s
    for path in sorted(folder.rglob("*"), reverse=True):  # what lies in a folder before the folder
        with suppress(OSError):  # gone meanwhile, or not empty
            if path.lstat().st_mtime <= latest:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
