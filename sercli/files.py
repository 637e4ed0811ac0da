"""Write files completely or not at all: into a temporary file beside the target, which then replaces it."""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.errors import SerError
from sercli.plain.json import to_json

ARCHIVES = frozenset({".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".7z", ".rar"})
"""Suffixes of archives and compressed files."""

_TEMPORARY = re.compile(r"\.(?P<target>.+)\.[a-z0-9_]{8}\.(?:tmp|old)", re.DOTALL)
# By folder and target: the temporary files that were there before this process wrote into the folder.
_left_behind: dict[Path, dict[str, list[Path]]] = {}


def sha256(path: Path) -> str:
    """Hash the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """Size and time of a file, which show without reading it that it has not changed."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """Take the stamp of a file."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)

    def to_list(self) -> list[int]:
        """Return it for a journal."""
        return [self.size, self.mtime_ns]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which replaces ``path`` when the body ends without an error.

    An interrupted or failed body leaves ``path`` as it was and no temporary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_behind(path)
    # The system applies the umask, so that the file has the permissions of any other new file.
    handle, temporary = _make_locked(
        path, lambda name: os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    )
    try:
        with naming(path, temporary):
            yield temporary
            temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path``, which replaces ``path`` when the body ends without an error.

    If ``path`` is a link, the folder that it points to is replaced. After an error the older folder is in
    its place again.
    """
    place = path.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_behind(place)

    def make(name: Path) -> int:
        name.mkdir()
        return os.open(name, os.O_RDONLY)

    handle, temporary = _make_locked(place, make)
    retired = temporary.with_suffix(".old")
    try:
        with naming(path, temporary):
            yield temporary
            if place.is_dir():
                place.rename(retired)
            temporary.rename(place)
        shutil.rmtree(retired, ignore_errors=True)
    except BaseException:
        if retired.exists() and not place.exists():
            retired.rename(place)
        elif not temporary.exists():  # the new folder is in its place already
            shutil.rmtree(retired, ignore_errors=True)
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        os.close(handle)


def _make_locked(path: Path, make: Callable[[Path], int]) -> tuple[int, Path]:
    """Make a temporary file or folder beside ``path`` and lock it while its handle is open.

    The lock shows other processes that this one still writes. The system releases it when the process
    ends, in whatever way, and respects it across the containers of a machine.

    Args:
        path: the target.
        make: creates a path that must not exist, and opens it.
    """
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with naming(path, temporary):
                handle = make(temporary)
        except FileExistsError:
            continue
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), temporary.stat()):
                return handle, temporary
        os.close(handle)  # another process removed it before it was locked


def _remove_left_behind(path: Path) -> None:
    """Remove the temporary files beside ``path`` of processes that were killed while they wrote it.

    A file that a living process writes is locked and stays. A folder that was set aside is put back if
    nothing has replaced it.
    """
    if path.parent not in _left_behind:
        found: dict[str, list[Path]] = {}
        try:
            names = os.listdir(path.parent)  # noqa: PTH208 (half the time, for folders of many files)
        except OSError:  # a folder that can be written but not read
            names = []
        for name in names:
            match = _TEMPORARY.fullmatch(name)
            if match:
                found.setdefault(match["target"], []).append(path.parent / name)
        _left_behind[path.parent] = found
    for left in _left_behind[path.parent].pop(path.name, []):
        _clear(left, path)


def sweep(folder: Path) -> None:
    """Remove the temporary files of killed processes from a folder that sercli alone writes.

    A file that a living process writes is locked and stays.
    """
    for place, folders, names in os.walk(folder):
        found = [match for name in (*folders, *names) if (match := _TEMPORARY.fullmatch(name))]
        folders[:] = [name for name in folders if not _TEMPORARY.fullmatch(name)]
        for match in found:
            _clear(Path(place, match[0]), Path(place, match["target"]))


def _clear(left: Path, path: Path) -> None:
    with suppress(OSError):
        if left.suffix == ".old":
            _put_back(left, path)
        else:
            _remove_unless_locked(left)


def _put_back(retired: Path, path: Path) -> None:
    temporary = retired.with_suffix(".tmp")
    if temporary.exists() and not _remove_unless_locked(temporary):
        return
    if path.exists():
        shutil.rmtree(retired)
    else:
        retired.rename(path)


def _remove_unless_locked(left: Path) -> bool:
    """Remove a temporary file or folder; return whether its process had ended."""
    handle = os.open(left, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(handle)


@contextmanager
def naming(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Add the path that was being written to a system's error that names none, or the temporary one."""
    try:
        yield
    except OSError as error:
        named = [str(each) for each in (error.filename, error.filename2) if each is not None]
        hidden = temporary is not None and any(Path(each).is_relative_to(temporary) for each in named)
        if error.errno is not None and (hidden or not named):
            error.filename, error.filename2 = str(path), None
        raise


def find_obstacle(path: Path) -> str | None:
    """Describe what is in the place of a folder or of one above it; ``None`` if the folder can be made."""
    # These functions of os.path, unlike those of Path, raise no error.
    first = next((each for each in (path, *path.parents) if os.path.lexists(each)), None)
    if first is None or os.path.isdir(first):  # noqa: PTH112
        return None
    return f"{first}: {'a link that leads to no folder' if first.is_symlink() else 'a file, not a folder'}"


def remove_folder(path: Path) -> None:
    """Delete a folder.

    Raises:
        SerError: it can't be deleted completely.
    """
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise SerError(
            f"{path}: can't be deleted completely ({error.strerror}); get permission to change it, and run "
            "the same command again"
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, completely or not at all."""
    write_text(path, to_json(value, indent=2, escaped=False) + "\n")


def free_bytes(path: Path) -> int:
    """Return the bytes that are free where a file or folder is, or will be made."""
    path = path.absolute()
    return shutil.disk_usage(next(each for each in (path, *path.parents) if each.exists())).free


def walk(folder: Path, unread: dict[Path, str] | None = None) -> Iterator[Path]:
    """Yield the files below a folder, except hidden ones; links to folders are followed, each folder once.

    A link to a folder above is not followed, because it would add files from outside the folder. Links come
    after all folders that are no links, so that a folder is read in its own place. A workspace below the
    folder is left out: it holds prepared copies of the recordings beside it.

    Args:
        folder: the folder.
        unread: receives the folders in which nothing is found, each with the reason.
    """
    unread = {} if unread is None else unread

    def note(error: OSError) -> None:
        unread[Path(error.filename)] = f"can't be opened: {error.strerror}"

    seen = {str(above) for above in folder.resolve().parents}
    starts = [folder]
    for start in starts:  # which grows by the links that are found
        for place, folders, names in os.walk(start, onerror=note):
            real = os.path.realpath(place)
            if real in seen:
                folders.clear()
                unread[Path(place)] = "leads to a folder above or to one that is read already; not followed"
                continue
            seen.add(real)
            if "corpora" in folders and Path(place) != folder and any(Path(place).glob("corpora/*/.lock")):
                folders.clear()
                unread[Path(place)] = "a workspace, which holds prepared copies; left out"
                continue
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            starts += [path for name in folders if (path := Path(place, name)).is_symlink()]
            visible = sorted(name for name in names if not name.startswith("."))
            if not folders and not visible:
                unread[Path(place)] = "an empty folder"
            yield from (Path(place, name) for name in visible)
