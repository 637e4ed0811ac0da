"""Write files that appear whole or not at all: beside the target first, then renamed over it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sercli.plain.json import to_json

# Read once: asking for it means setting it, which threads must not do side by side.
_UMASK = os.umask(0)
os.umask(_UMASK)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on leaving without an error it takes its place.

    An interrupted or failed body leaves ``path`` as it was and no temporary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
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


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path``; on leaving without an error it takes its place.

    Where ``path`` is a link, the folder that it leads to is replaced. Whatever goes wrong, the older
    folder is there again in the end.
    """
    place = path.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent))
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
