"""Take the recordings out of a dataset of Hugging Face: a folder of files with a list, as audiofolder.

A dataset is a Parquet file, a folder with Parquet files (a clone from the Hub has them in ``data``), or a
folder that ``save_to_disk`` wrote, with Arrow files.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sercli import files
from sercli.errors import CorpusError, ManifestError
from sercli.manifest.columnar import SUFFIXES, Shard, describe_shard, is_parquet, parquet_kind, read_shard
from sercli.manifest.columns import SPELLINGS, simplify
from sercli.plain.json import to_json
from sercli.preparation._unpack import Progress

METADATA = "metadata.jsonl"
_NUMBER = re.compile(r"-\d{5}-of-\d{5}.*$")
_LEVELS = 2
_BY_FIRST_BYTES = ((b"fLaC", ".flac"), (b"OggS", ".ogg"), (b"ID3", ".mp3"), (b"\xff\xfb", ".mp3"))


def find_shards(root: Path) -> list[Path]:
    """Return the files of a dataset whose recordings are inside, sorted; empty for anything else."""
    if root.is_file():
        found = [root] if root.stat().st_size > 12 and is_parquet(root) and not parquet_kind(root) else []
    else:
        patterns = ["/".join(["*"] * (level + 1)) for level in range(_LEVELS + 1)]
        found = sorted(
            path
            for pattern in patterns
            for path in root.glob(pattern)
            if path.suffix in SUFFIXES and path.is_file() and not path.name.startswith(("cache-", "."))
        )
        if any(path.suffix == ".arrow" for path in found) and not any(root.rglob("dataset_info.json")):
            return []
    return found if found and _holds_recordings(found[0]) else []


def _holds_recordings(path: Path) -> bool:
    try:
        return describe_shard(path).recordings is not None
    except ManifestError:
        return False


def unpack_dataset(root: Path, shards: Sequence[Path], folder: Path, progress: Progress) -> None:
    """Write each recording to a file, and the other columns to a list of them.

    Args:
        root: the dataset.
        shards: its files.
        folder: empty folder.
        progress: called with the written and all rows.

    Raises:
        CorpusError: a file is damaged, or a row has no recording.
    """
    try:
        described = [describe_shard(path) for path in shards]
        total, done = sum(shard.rows for shard in described), 0
        taken: set[str] = set()
        with files.replacing(folder / METADATA) as temporary, temporary.open("w", encoding="utf-8") as sink:
            for shard in described:
                part = _part(shard.path, root)
                for row in read_shard(shard, recordings=True):
                    done += 1
                    sink.write(
                        to_json(_write_row(shard, row, part, done, folder, taken), escaped=False) + "\n"
                    )
                    progress(done, total)
    except ManifestError as error:
        raise CorpusError(str(error)) from None


def _write_row(
    shard: Shard, row: dict[str, Any], part: str, number: int, folder: Path, taken: set[str]
) -> dict[str, Any]:
    """Write the recording of a row, and return the row with its name."""
    cell = row.pop(str(shard.recordings))
    content, given = cell["bytes"], cell["path"]
    if not content:
        raise CorpusError(f"{shard.path}: row {number} has no recording; its name is {given or 'not known'}")
    name = PurePosixPath(str(given or "").replace("\\", "/")).name.lstrip(".")
    stem, suffix = PurePosixPath(name).stem or f"{number:06}", PurePosixPath(name).suffix
    known = (own for first, own in _BY_FIRST_BYTES if content.startswith(first))
    suffix = suffix or next(known, ".wav")
    place = f"{part}/{stem}{suffix}"
    if place.casefold() in taken:
        place = f"{part}/{stem}-{number:06}{suffix}"
    taken.add(place.casefold())
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    # Columns with other names of the recording would be taken for the file.
    others = {
        f"dataset_{name}" if simplify(name) in SPELLINGS["file"] else name: value
        for name, value in row.items()
    }
    return {"file_name": place, "split": part} | others


def _part(path: Path, root: Path) -> str:
    """Return the part of a file: ``train`` of ``data/train-00000-of-00002.parquet``."""
    parents = path.relative_to(root).parts[:-1] if root.is_dir() else ()
    stem = _NUMBER.sub("", path.stem)
    own = [each for each in parents if each != "data"]
    return "/".join(own if path.suffix == ".arrow" and own else [*own, stem])
