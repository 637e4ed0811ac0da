"""Unpack a downloaded archive: completely, inside its folder, and only if its size is plausible."""

import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from sercli.audio.kinds import Sort, recognise
from sercli.errors import CorpusError

BY_HAND = "download and unpack it by hand and give that folder"

# Archives compress recordings to a half, seldom to a tenth. An archive that grows more is an attack.
_MAX_GROWTH = 50
_MAX_BYTES = 10 * 10**9
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)


def archive_kind(path: Path) -> str | None:
    """Name the kind of an archive; ``None`` for other files."""
    if zipfile.is_zipfile(path):
        return "a zip archive"
    with path.open("rb") as file:
        kind = recognise(file.read(1024))
    if kind is not None and kind.sort in (Sort.ZIP, Sort.ARCHIVE):
        return kind.name
    return "a tar archive" if tarfile.is_tarfile(path) else None


def unpack(archive: Path, folder: Path, url: str) -> None:
    """Unpack a zip archive into an empty folder, without the files that macOS adds.

    Args:
        archive: the file.
        folder: folder for the contents; the caller removes it if this function fails.
        url: address of the archive, for messages.

    Raises:
        CorpusError: the archive is damaged; a member would be outside the folder, is a link or is encrypted;
            or all members together would fill the disk.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [(_inside(info, url), info) for info in opened.infolist()]
            size = sum(info.file_size for _, info in members)
            if size > min(_MAX_BYTES, _MAX_GROWTH * archive.stat().st_size):
                raise CorpusError(f"{url}: would unpack to {size} bytes, which no corpus does; {BY_HAND}")
            for place, info in members:
                if info.is_dir() or _is_litter(place):
                    continue
                path = folder / place
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(info) as source, path.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    except _BROKEN as error:
        raise CorpusError(
            f"{url}: not a complete zip archive ({' '.join(str(error).split())}); run again to fetch it"
        ) from None


def _inside(info: zipfile.ZipInfo, url: str) -> PurePosixPath:
    """Return the path of a member, relative to the folder; refuse a path that could be outside."""
    name = info.filename.replace("\\", "/")
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or re.match("[A-Za-z]:", name):
        fact = "would be written outside its folder"
    elif stat.S_ISLNK(info.external_attr >> 16):
        fact = "is a link"
    elif info.flag_bits & 1:
        fact = "is encrypted"
    else:
        return place
    raise CorpusError(f"{url}: its member {info.filename!r} {fact}; nothing was unpacked, {BY_HAND}")


def _is_litter(place: PurePosixPath) -> bool:
    """Return whether a file is one that macOS adds to archives."""
    return "__MACOSX" in place.parts or place.name.startswith("._") or place.name == ".DS_Store"
