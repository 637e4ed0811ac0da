"""Open a corpus that is distributed in one file: an archive or dataset becomes a folder in the workspace.

The folder is ``downloads/NAME/ARCHIVE``, as for a download, and beside it ``ARCHIVE.json`` records the
archive, so that it is unpacked once. A prepared corpus does not need the folder any more.
"""

import re
from pathlib import Path

from sercli import files
from sercli.plain.json import from_json
from sercli.preparation._dataset import METADATA, find_shards, unpack_dataset
from sercli.preparation._unpack import Archive, Progress, can_unpack, unpack
from sercli.records import Note

_SUFFIXES = re.compile(r"\.(?:zip|tar|tgz|tbz2?|txz|gz|bz2|xz)$", re.IGNORECASE)


def is_packed(root: Path | None, *, takes_file: bool) -> bool:
    """Return whether a corpus is given as a file that can be unpacked.

    Args:
        root: the given path.
        takes_file: whether the corpus is read from a list; then it may be a dataset with recordings inside.
    """
    if root is None or not root.exists():
        return False
    return bool(find_shards(root)) if takes_file else can_unpack(root)


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
    """Unpack an archive or a dataset unless that was done before.

    Args:
        root: the archive, or the file or folder of a dataset.
        folder: folder for unpacked archives of the corpus.
        progress: called with the written and all bytes or rows.

    Returns:
        The folder of its contents, or the list of them, and a note.

    Raises:
        CorpusError: it is damaged, or can't be unpacked safely.
    """
    shards = find_shards(root)
    stamps = [
        [str(each.resolve()), each.stat().st_size, each.stat().st_mtime_ns] for each in shards or [root]
    ]
    target = folder / stem_of(root)
    record = folder / f"{target.name}.json"
    if not (target.is_dir() and _read_record(record) == stamps):
        record.unlink(missing_ok=True)
        with files.replacing_folder(target) as temporary:
            if shards:
                unpack_dataset(root, shards, temporary, progress)
            else:
                unpack(Archive.at(root), temporary, progress)
        files.write_json(record, stamps)
    note = Note(".", f"unpacked in {target}, which may be removed after the preparation", title="archive")
    return target / METADATA if shards else target, note


def _read_record(path: Path) -> object:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
