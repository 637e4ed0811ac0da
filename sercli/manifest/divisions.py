"""Find lists that divide a corpus: files whose names differ only in train, dev and test, or a table.

EmoBox, s3prl, SpeechBrain and nkululeko write such files, as ``x_train_fold_1.jsonl`` and
``x_test_fold_1.jsonl``, or ``train.json``, ``valid.json`` and ``test.json``.
A table may have the part of each row in a column.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sercli.manifest.columns import simplify

PARTS = ("train", "dev", "test")

_MEANS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("dev", "development", "valid", "validation", "val"), "dev"),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation"), "test"),
}
# The name of a part within the name of a file or in a cell, as toolkits write it.
_PART = re.compile(rf"(?<![a-z])({'|'.join(_MEANS)})(?![a-z])", re.IGNORECASE)
_PART_COLUMNS = ("split", "partition", "part", "subset", "set")
_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet")


def part_of(name: str) -> str | None:
    """Return the part, train, dev or test, in the name of a file without suffix or in a cell of a table."""
    found = _PART.findall(name)
    return _MEANS[found[-1].lower()] if found else None


def part_column(columns: Iterable[str]) -> str | None:
    """Return the column of a table that names the part of each row."""
    named = {simplify(name): name for name in columns}
    return next((named[name] for name in _PART_COLUMNS if name in named), None)


def fold_column(columns: Iterable[str]) -> str | None:
    """Return the column of a table that names the fold of each row."""
    return next((name for name in columns if simplify(name) == "fold"), None)


def find_divisions(paths: Iterable[Path], folder: Path) -> dict[str, dict[str, Path]]:
    """Group lists by their names without the part.

    Args:
        paths: files; those that are not lists of a part are left out.
        folder: folder that the names are relative to.

    Returns:
        Path by part (train, dev, test, in this order), by name of the group, as ``fold_1/x_*_fold_1.jsonl``.
        A group has two parts or more. Without such files, the metadata of an audiofolder's folders.
    """
    listed = sorted(paths)
    found = _group({path: path for path in listed}, folder)
    return found or _group({path: path.parent for path in listed if path.stem == "metadata"}, folder)


def _group(named: Mapping[Path, Path], folder: Path) -> dict[str, dict[str, Path]]:
    """Group lists.

    Args:
        named: by list, the path that has the part in its name: the list itself, or its folder.
        folder: as above.
    """
    groups: dict[tuple[Path, str], dict[str, Path]] = {}
    for path, own in named.items():
        part = part_of(own.stem)
        if part and _is_list(path):
            known = groups.setdefault((own.parent, _PART.sub("*", own.stem)), {})
            # The same list in several formats counts once; the first suffix wins.
            if part not in known or _rank(path) < _rank(known[part]):
                known[part] = path
    found = {}
    for (parent, _), by_part in groups.items():
        if len(by_part) < 2:
            continue
        first = next(iter(by_part.values())).relative_to(parent)
        place = parent.relative_to(folder).as_posix()
        name = f"{place}/{_PART.sub('*', first.as_posix())}".removeprefix("./")
        found[name] = {part: by_part[part] for part in PARTS if part in by_part}
    return found


def _is_list(path: Path) -> bool:
    """Return whether a path is a list by its suffix, or a folder of Kaldi."""
    if path.name.startswith("."):
        return False
    return path.suffix.lower() in _SUFFIXES or (path / "wav.scp").is_file()


def _rank(path: Path) -> int:
    suffix = path.suffix.lower()
    return _SUFFIXES.index(suffix) if suffix in _SUFFIXES else len(_SUFFIXES)
