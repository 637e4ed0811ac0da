"""Write files that appear whole or not at all: beside the target first, then renamed over it."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sercli.plain.json import to_json

# Read once: asking for it means setting it, which threads must not do side by side.
_UMASK = os.umask(0)
os.umask(_UMASK)

_TEMPORARY = re.compile(r"\.(?P<target>.+)\.[a-z0-9_]{8}\.(?:tmp|old)", re.DOTALL)
# By folder and target what was there before this process wrote into the folder.
_litter: dict[Path, dict[str, list[Path]]] = {}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on leaving without an error it takes its place.

    An interrupted or failed body leaves ``path`` as it was and no temporary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    handle, name = _held(lambda: tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; the finished file gets the permissions of a plain one.
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        name_place(error, path)
        raise
    finally:
        os.close(handle)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path``; on leaving without an error it takes its place.

    Where ``path`` is a link, the folder that it leads to is replaced. Whatever goes wrong, the older
    folder is there again in the end.
    """
    place = path.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    _sweep(place)

    def make() -> tuple[int, str]:
        name = tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent)
        return os.open(name, os.O_RDONLY), name

    handle, name = _held(make)
    temporary = Path(name)
    retired = temporary.with_suffix(".old")
    try:
        yield temporary
        temporary.chmod(0o777 & ~_UMASK)
        if place.is_dir():
            place.rename(retired)
        temporary.rename(place)
        shutil.rmtree(retired, ignore_errors=True)
    except BaseException as error:
        if retired.exists() and not place.exists():
            retired.rename(place)
        elif not temporary.exists():  # the new folder is in its place already
            shutil.rmtree(retired, ignore_errors=True)
        shutil.rmtree(temporary, ignore_errors=True)
        name_place(error, path)
        raise
    finally:
        os.close(handle)


def _held(make: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    """Make a temporary file or folder and lock it for as long as its handle is open.

    The lock tells others that its command lives. The system releases it when the command ends, however
    it ends, and knows it in all containers of a machine.
    """
    while True:
        handle, name = make()
        with suppress(OSError):  # a file system that knows no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(name)):  # noqa: PTH116
                return handle, name
        os.close(handle)  # swept before it was locked


def _sweep(path: Path) -> None:
    """Remove what killed commands left beside ``path`` on their way to write it.

    What a living command writes is locked and stays. A folder that was put aside is put back where
    nothing has taken its place.
    """
    if path.parent not in _litter:
        found: dict[str, list[Path]] = {}
        try:
            names = os.listdir(path.parent)  # noqa: PTH208 (half the time, for folders of many files)
        except OSError:  # a folder that can be written only
            names = []
        for name in names:
            match = _TEMPORARY.fullmatch(name)
            if match:
                found.setdefault(match["target"], []).append(path.parent / name)
        _litter[path.parent] = found
    for left in _litter[path.parent].pop(path.name, []):
        _clear(left, path)


def sweep(folder: Path) -> None:
    """Remove what killed commands left anywhere below a folder that holds nothing but ours.

    What a living command writes is locked and stays.
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
            _remove_unless_held(left)


def _put_back(left: Path, path: Path) -> None:
    beside = left.with_suffix(".tmp")
    if beside.exists() and not _remove_unless_held(beside):
        return
    if path.exists():
        shutil.rmtree(left)
    else:
        left.rename(path)


def _remove_unless_held(left: Path) -> bool:
    """Remove a temporary file or folder; return whether its command is dead."""
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


def name_place(error: BaseException, path: Path) -> None:
    """Say in a system's error, which a failed write leaves without a place, what was being written."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is None:
        error.filename = str(path)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all."""
    write_text(path, to_json(value, indent=2, escaped=False) + "\n")


def walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without hidden ones; links to folders are followed, each folder once.

    A link to a folder above is not followed: it would bring in files from beside the folder.
    """
    seen = {str(above) for above in folder.resolve().parents}
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))
