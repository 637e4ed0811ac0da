"""Find lists that divide a corpus: files whose names differ only in train, dev and test, or a table.

EmoBox, s3prl, SpeechBrain and nkululeko write such files, as ``x_train_fold_1.jsonl`` and
``x_test_fold_1.jsonl``, or ``train.json``, ``valid.json`` and ``test.json``.
A table may have the part of each row in a column.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli.errors import ManifestError
from sercli.labels import PART_SPELLINGS
from sercli.manifest.columns import simplify
from sercli.records import PARTS

# The name of a part within the name of a file or in a cell, as toolkits write it.
_PART = re.compile(rf"(?<![a-z])({'|'.join(PART_SPELLINGS)})(?![a-z])", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_PART_COLUMNS = ("split", "partition", "part", "subset", "set", "splitset")
_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet")


def part_of(name: str) -> str | None:
    """Return the part, train, dev or test, in the name of a file without suffix or in a cell of a table."""
    found = _PART.findall(name)
    return PART_SPELLINGS[found[-1].lower()] if found else None


@dataclass(frozen=True, slots=True)
class PartColumns:
    """The columns of a table that divide its rows.

    Attributes:
        part: the column of the part.
        fold: the column of the fold; ``None`` if there is one fold only.
    """

    part: str
    fold: str | None = None

    def read(self, cells: Mapping[str, Any]) -> tuple[str, str]:
        """Return the fold of a row, empty without a column of folds, and its part: train, dev or test.

        Raises:
            ManifestError: the cell names no part (the message has no place).
        """
        stated = _text(cells, self.part)
        part = part_of(stated)
        if part is None:
            raise ManifestError(f"{self.part} '{stated}' is none of {', '.join(PARTS)}; correct the table")
        return _text(cells, self.fold), part


def find_part_columns(columns: Iterable[str]) -> PartColumns | None:
    """Return the columns of a table that divide its rows; ``None`` if no column has the name of the part."""
    named = {simplify(name): name for name in columns}
    part = next((named[name] for name in _PART_COLUMNS if name in named), None)
    return None if part is None else PartColumns(part, named.get("fold"))


def _text(cells: Mapping[str, Any], column: str | None) -> str:
    value = None if column is None else cells.get(column)
    return "" if value is None else str(value)


def find_divisions(
    paths: Iterable[Path], folder: Path, *, by_number: bool = True
) -> dict[str, dict[str, Path]]:
    """Group lists by their names without the part.

    Args:
        paths: files; those that are not lists of a part are left out.
        folder: folder that the names are relative to.
        by_number: whether ``fold_2`` is before ``fold_10``; otherwise names are sorted as texts.

    Returns:
        Path by part (train, dev, test, in this order), by name of the group, as ``fold_1/x_*_fold_1.jsonl``.
        A group has two parts or more. Without such files, the metadata of an audiofolder's folders.
    """
    listed = sorted(paths)
    if by_number:
        listed.sort(key=lambda path: [_NUMBER.sub(_pad, part) for part in path.parts])
    found = _group({path: path for path in listed}, folder)
    return found or _group({path: path.parent for path in listed if path.stem == "metadata"}, folder)


def _pad(number: re.Match[str]) -> str:
    return number[0].zfill(20)


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
