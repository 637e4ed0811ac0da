"""Unpack an archive: completely, inside its folder, and only if its size is plausible."""

import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from sercli import files
from sercli.audio.kinds import HEAD_BYTES, Sort, recognise
from sercli.errors import CorpusError

BY_HAND = "download and unpack it by hand and give that folder"

# Archives compress recordings to a half, seldom to a tenth. An archive that grows more is an attack.
_MAX_GROWTH = 50
_MAX_BYTES = 10 * 10**9
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError),
    *(EOFError, NotImplementedError, ValueError),
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip or tar archive; tar may be compressed with gzip, bzip2 or xz.

    Attributes:
        path: the file.
        name: its name in messages: its path, or the address that it was downloaded from.
        by_hand: advice if it is not unpacked.
        again: advice if it is incomplete.
        most: largest size of all members together, in bytes.
    """

    path: Path
    name: str
    by_hand: str = BY_HAND
    again: str = "run again to fetch it"
    most: int = _MAX_BYTES

    @classmethod
    def at(cls, path: Path) -> "Archive":
        """Return an archive of the user."""
        return cls(
            path, str(path), "unpack it by hand and give that folder", "copy it again", files.free_bytes(path)
        )


@dataclass(frozen=True, slots=True)
class _Member:
    """A file of an archive that is open."""

    name: str
    size: int
    fault: str
    open: Callable[[], IO[bytes] | None]


def archive_kind(path: Path) -> str | None:
    """Name the kind of an archive; ``None`` for other files."""
    if zipfile.is_zipfile(path):
        return "a zip archive"
    with path.open("rb") as file:
        kind = recognise(file.read(HEAD_BYTES))
    if kind is not None and kind.sort in (Sort.ZIP, Sort.ARCHIVE):
        return kind.name
    return "a tar archive" if tarfile.is_tarfile(path) else None


def can_unpack(path: Path) -> bool:
    """Return whether a file is an archive that `unpack` reads, complete or not."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            if file.read(4) == b"PK\x03\x04":
                return True
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except (OSError, *_BROKEN):
        return False


def unpack(archive: Archive, folder: Path, progress: Progress = lambda done, total: None) -> None:
    """Unpack an archive into an empty folder, without the files that macOS adds.

    Args:
        archive: the archive.
        folder: folder for the contents; the caller removes it if this function fails.
        progress: called with the written and all bytes.

    Raises:
        CorpusError: the archive is damaged; a member would be outside the folder, is a link or is encrypted;
            or all members together would fill the disk.
    """
    is_tar = not zipfile.is_zipfile(archive.path) and tarfile.is_tarfile(archive.path)
    kind, listing = ("tar", _tar_members) if is_tar else ("zip", _zip_members)
    try:
        with listing(archive.path) as members:
            found = list(members)
            places = [_inside(member, archive) for member in found]
            size = sum(member.size for member in found)
            if size > min(archive.most, _MAX_GROWTH * archive.path.stat().st_size):
                fact = f"would unpack to {size} bytes, more than a corpus has or the disk has free"
                raise CorpusError(f"{archive.name}: {fact}; {archive.by_hand}")
            done = 0
            for place, member in zip(places, found, strict=True):
                source = None if _is_litter(place) else member.open()
                if source is not None:
                    path = folder / place
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with source, path.open("wb") as sink:
                        shutil.copyfileobj(source, sink)
                done += member.size
                progress(done, size)
    except _BROKEN as error:
        fact = f"not a complete {kind} archive ({' '.join(str(error).split())})"
        raise CorpusError(f"{archive.name}: {fact}; {archive.again}") from None


@contextmanager
def _zip_members(path: Path) -> Iterator[Iterator[_Member]]:
    with zipfile.ZipFile(path) as opened:

        def member(info: zipfile.ZipInfo) -> _Member:
            fault = "is a link" if stat.S_ISLNK(info.external_attr >> 16) else ""
            fault = fault or ("is encrypted" if info.flag_bits & 1 else "")
            return _Member(
                info.filename, info.file_size, fault, lambda: None if info.is_dir() else opened.open(info)
            )

        yield map(member, opened.infolist())


@contextmanager
def _tar_members(path: Path) -> Iterator[Iterator[_Member]]:
    # All headers are read before a file is written; a compressed archive is therefore read twice.
    with tarfile.open(path) as opened:

        def member(info: tarfile.TarInfo) -> _Member:
            plain = info.isreg() or info.isdir()
            fault = "" if plain else "is a link" if info.islnk() or info.issym() else "is no file"
            return _Member(
                info.name, info.size, fault, lambda: opened.extractfile(info) if info.isreg() else None
            )

        yield map(member, opened.getmembers())


def _inside(member: _Member, archive: Archive) -> PurePosixPath:
    """Return the path of a member, relative to the folder; refuse a path that could be outside."""
    name = member.name.replace("\\", "/")
    place = PurePosixPath(name)
    fact = member.fault
    if place.is_absolute() or ".." in place.parts or re.match("[A-Za-z]:", name):
        fact = "would be written outside its folder"
    if not fact:
        return place
    raise CorpusError(
        f"{archive.name}: its member {member.name!r} {fact}; nothing was unpacked, {archive.by_hand}"
    )


def _is_litter(place: PurePosixPath) -> bool:
    """Return whether a file is one that macOS adds to archives."""
    return "__MACOSX" in place.parts or place.name.startswith("._") or place.name == ".DS_Store"
