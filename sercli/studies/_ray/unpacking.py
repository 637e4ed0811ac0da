"""What was sent to this machine: unpacked once, whoever asks for it.

A workspace is here a folder of links to what was unpacked, with runs of its own.
"""

import getpass
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Protocol

from filelock import FileLock

from sercli import files
from sercli.config import digest
from sercli.errors import RunError
from sercli.workspace import Workspace


class Piece(Protocol):
    """A part of a parcel, as it is sent."""

    @property
    def size(self) -> int:
        """Bytes, about."""

    def unpack(self, root: Path) -> None:
        """Write it below a workspace's folder."""


def node_folder() -> Path:
    """Return, and make, the folder of a machine that parcels lie in: the user's own, for temporary files.

    Raises:
        RunError: it belongs to somebody else.
    """
    folder = Path(tempfile.gettempdir()) / f"sercli-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RunError(f"{folder}: belongs to somebody else; set TMPDIR to another folder before `ray start`")
    return folder


def unpack(parcel: str, sent: Iterable[Iterable[Piece]]) -> None:
    """Unpack the parcel of that digest, whole or not at all, unless it is there.

    Args:
        parcel: its digest.
        sent: what `chunks` gives; not looked at where another process has unpacked it meanwhile.
    """
    place = _place(parcel)
    place.parent.mkdir(exist_ok=True)
    with FileLock(place.with_suffix(".lock")):
        if place.exists():
            return
        for left in place.parent.glob(f".{place.name}.*"):  # by a process that was killed
            rmtree(left, ignore_errors=True)
        with files.replacing_folder(place) as root:
            for chunk in sent:
                for piece in chunk:
                    piece.unpack(root)


def lay_out(parcels: Mapping[str, str]) -> Workspace:
    """Return the workspace of these parcels, each by its place; they must be unpacked."""
    root = node_folder() / "workspaces" / digest(dict(parcels))
    for place, parcel in parcels.items():
        link = root / place
        link.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            link.symlink_to(_place(parcel) / place, target_is_directory=True)
    return Workspace(root)


def _place(parcel: str) -> Path:
    return node_folder() / "parcels" / parcel
