"""What lies where in a corpus as distributed, which many hands have unpacked and copied."""

import os
from collections.abc import Callable, Collection
from pathlib import Path

from sercli.records import Problem


def list_names(folder: Path, suffixes: Collection[str] = ()) -> list[str]:
    """List a folder, sorted, without what is hidden (``._a.txt``); nothing if it can't be listed."""
    try:
        found = sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208
    except OSError:
        return []
    return [name for name in found if Path(name).suffix.lower() in suffixes] if suffixes else found


def place_of(path: Path, root: Path) -> str:
    """Say where a file lies, relative to the corpus."""
    return path.relative_to(root).as_posix()


def find_base(root: Path, holds: Callable[[Path], bool]) -> Path | Problem | None:
    """Find the folder that holds a corpus: ``root`` itself or its only sub-folder that does.

    Returns:
        The folder, ``None`` if there is none, or a problem if there are several.
    """
    if holds(root):
        return root
    bases = [name for name in list_names(root) if holds(root / name)]
    if len(bases) > 1:
        return Problem(".", f"more than one copy of the corpus ({', '.join(bases)}); give the folder of one")
    return root / bases[0] if bases else None
