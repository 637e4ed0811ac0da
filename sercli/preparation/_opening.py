"""Open a corpus that is distributed in one file: an archive becomes a folder in the workspace.

The folder is ``downloads/NAME/ARCHIVE``, as for a download, and beside it ``ARCHIVE.json`` records the
archive, so that it is unpacked once. A prepared corpus does not need the folder any more.
"""

import re
from pathlib import Path

from sercli import files
from sercli.plain.json import from_json
from sercli.preparation._unpack import Archive, Progress, can_unpack, unpack
from sercli.records import Note

_SUFFIXES = re.compile(r"\.(?:zip|tar|tgz|tbz2?|txz|gz|bz2|xz)$", re.IGNORECASE)


def is_packed(root: Path | None) -> bool:
    """Return whether a corpus is given as an archive that can be unpacked."""
    return root is not None and can_unpack(root)


def has_suffix(path: Path) -> bool:
    """Return whether a file is named as an archive."""
    return _SUFFIXES.search(path.name) is not None


def stem_of(path: Path) -> str:
    """Return the name of a file or folder without the suffixes of archives, or without its last suffix."""
    name = path.name
    while (shorter := _SUFFIXES.sub("", name)) != name and shorter:
        name = shorter
    return name if name != path.name else path.stem


def open_packed(root: Path, folder: Path, progress: Progress) -> tuple[Path, Note]:
    """Unpack an archive unless that was done before.

    Args:
        root: the archive.
        folder: folder for unpacked archives of the corpus.
        progress: called with the written and all bytes.

    Returns:
        The folder of its contents, and a note.

    Raises:
        CorpusError: it is damaged, or can't be unpacked safely.
    """
    state = root.stat()
    made_of = {"archive": str(root.resolve()), "size": state.st_size, "mtime_ns": state.st_mtime_ns}
    target = folder / stem_of(root)
    record = folder / f"{target.name}.json"
    fact = f"unpacked in {target}, which may be removed after the preparation"
    if not (target.is_dir() and _read_record(record) == made_of):
        record.unlink(missing_ok=True)
        with files.replacing_folder(target) as temporary:
            unpack(Archive.at(root), temporary, progress)
        files.write_json(record, made_of)
    return target, Note(".", fact, title="archive")


def _read_record(path: Path) -> object:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
