"""Divisions from lists: two or three files, or a folder of them as other toolkits keep them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sercli.audit import PARTS, Division, Item
from sercli.audit.audio import hash_audio
from sercli.corpora import corpus_names, get_corpus
from sercli.errors import ManifestError
from sercli.manifest.interop import read_list
from sercli.records import Problem, Utterance

# A part's name within a file's name, as toolkits write it.
_PART = re.compile(r"(?<![a-z])(train|trn|valid(?:ation)?|val|dev|test|tst|eval)(?![a-z])", re.IGNORECASE)
_MEANS = {"trn": "train", "valid": "dev", "validation": "dev", "val": "dev", "tst": "test", "eval": "test"}
Reader = Callable[[str], Utterance | None]

_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".txt")


def from_files(paths: Sequence[Path], audio_root: Path | None = None) -> Division:
    """Make a division of two or three lists: parts by their names, else train, (dev,) test in order.

    Raises:
        ManifestError: a list can't be read, or the lists are not two or three parts.
    """
    if not 2 <= len(paths) <= 3:
        raise ManifestError(f"{paths[0]}: a division needs two or three lists: train, (dev,) test")
    named = [_part(path) for path in paths]
    if None in named or len(set(named)) < len(named):
        named = list(PARTS) if len(paths) == 3 else ["train", "test"]
    parts = {str(part): _items(path, audio_root) for part, path in zip(named, paths, strict=True)}
    return Division(" + ".join(path.name for path in paths), parts, _shares(parts))


def from_folder(folder: Path, audio_root: Path | None = None) -> tuple[list[Division], list[str]]:
    """Find the divisions of a folder: files whose names differ in train, dev and test only.

    Returns:
        The divisions, and a line for each group of files that is passed over.

    Raises:
        ManifestError: there are none, or a list can't be read.
    """
    groups: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in sorted(folder.rglob("*")):
        part = _part(path)
        if part and path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
            groups.setdefault((path.parent, _PART.sub("*", path.stem)), {})
            known = groups[path.parent, _PART.sub("*", path.stem)]
            # The same list in several formats counts once, the first of the suffixes before others.
            if part not in known or _rank(path) < _rank(known[part]):
                known[part] = path
    whole = {key: found for key, found in groups.items() if len(found) > 1}
    if not whole:
        raise ManifestError(
            f"{folder}: no lists that divide a corpus, such as train.json and test.json, "
            "or x_train_fold_1.jsonl and x_test_fold_1.jsonl"
        )
    divisions, passed_over = [], []
    for (parent, _), found in whole.items():
        try:
            parts = {part: _items(found[part], audio_root) for part in PARTS if part in found}
        except ManifestError as error:
            passed_over.append(str(error))
            continue
        first = next(iter(found.values()))
        place = parent.relative_to(folder).as_posix()
        name = f"{place}/{_PART.sub('*', first.name)}".removeprefix("./")
        divisions.append(Division(name, parts, _shares(parts)))
    if not divisions:
        raise ManifestError(passed_over[0])
    return divisions, passed_over


def _part(path: Path) -> str | None:
    found = _PART.findall(path.stem)
    return _MEANS.get(found[-1].lower(), found[-1].lower()) if found else None


def _rank(path: Path) -> int:
    return _SUFFIXES.index(path.suffix.lower())


def _items(path: Path, audio_root: Path | None) -> list[Item]:
    items, readers = [], [read for name in corpus_names() if (read := get_corpus(name).from_name)]
    for found in read_list(path):
        if isinstance(found, Problem):
            raise ManifestError(f"{found.place}: {found.fact}; mend the list")
        place = (audio_root or path.parent) / found.file
        items.append(_recognised(found, str(place) if place.is_file() else None, readers))
    if not items:
        raise ManifestError(f"{path}: lists no utterance")
    return hash_audio(items)


def _recognised(listed: Utterance, path: str | None, readers: Sequence[Reader]) -> Item:
    """Complete an utterance by what its file's name says, which is believed more than the list."""
    stem = Path(listed.file).stem
    for read in readers:
        known = read(stem)
        if known is not None:
            kept = ("sha256", "source_sha256", "start", "end", "duration", "transcript")
            told: dict[str, Any] = {name: getattr(listed, name) for name in kept} | {
                "source": listed.source or listed.file,
                "emotion": listed.emotion or known.emotion,
                "emotion_raw": listed.emotion_raw or known.emotion_raw,
            }
            return Item(replace(known, file=listed.file, **told), listed.speaker, path)
    # Without a corpus's own ids the file says which utterance it is, in whatever list.
    cut = "" if listed.start is None else f"#{listed.start!r}-{listed.end!r}"
    place = str(Path(path).resolve()) if path else listed.file
    return Item(replace(listed, id=f"{place}{cut}"), listed.speaker, path)


def _shares(parts: Mapping[str, Iterable[Item]]) -> dict[str, str]:
    """Return what the corpora of these lists share however they are divided."""
    corpora = {item.utterance.corpus for items in parts.values() for item in items}
    known = corpora & set(corpus_names())
    if len(corpora) != 1 or not known:
        return {}
    return dict(get_corpus(known.pop()).shares)
