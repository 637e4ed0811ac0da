"""Divisions from lists: two or three files, a table with a column of parts, or a folder of lists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sercli.audit import Division, ListedUtterance
from sercli.audit._file_names import complete_by_names
from sercli.audit._reading import Keep, ListReader, describe
from sercli.corpora import corpus_names, get_corpus
from sercli.errors import ManifestError, list_some
from sercli.manifest.column_choice import check_columns, choose_columns
from sercli.manifest.divisions import PartColumns, find_divisions, find_part_columns, part_of
from sercli.manifest.interop import recognise
from sercli.manifest.lengths import Lengths
from sercli.manifest.tables import read_table
from sercli.manifest.values import is_absent
from sercli.records import PARTS

_SHOWN = 5


def from_files(
    paths: Sequence[Path], audio_root: Path | None = None, columns: Mapping[str, str] | None = None
) -> tuple[Division, list[str]]:
    """Make a division of two or three lists; their names or their order (train, (dev,) test) give the parts.

    Args:
        paths: the lists.
        audio_root: folder that their files are relative to; each list's own if not given.
        columns: columns that the user names, by field.

    Returns:
        The division, and notes on the lists, a line each.

    Raises:
        ConfigError: a field does not exist.
        ManifestError: a list can't be read, or there are not two or three lists.
    """
    if not 2 <= len(paths) <= 3:
        raise ManifestError(f"{paths[0]}: a division needs two or three lists: train, (dev,) test")
    named = [part_of(path.stem) for path in paths]
    if None in named or len(set(named)) < len(named):
        named = list(PARTS) if len(paths) == 3 else ["train", "test"]
    reader = ListReader(audio_root, check_columns(columns or {}))
    by_part = {str(part): (path, None) for part, path in zip(named, paths, strict=True)}
    return _division(" + ".join(path.name for path in paths), by_part, reader)


def from_table(
    path: Path, audio_root: Path | None = None, columns: Mapping[str, str] | None = None
) -> tuple[list[Division], list[str]]:
    """Make the divisions of one table with a column of parts and, for several divisions, one of folds.

    Returns:
        The divisions, and notes on the table, a line each.

    Raises:
        ConfigError: a field does not exist.
        ManifestError: the table can't be read, or it does not divide its rows.
    """
    table = read_table(path)
    dividing = find_part_columns(table.columns)
    if dividing is None:
        raise ManifestError(
            f"{path}: a division needs two or three lists: train, (dev,) test; or one table with a column "
            "split, partition, subset, set or part that has train, dev or test in each row"
        )
    found: dict[str, set[str]] = {}
    for row in table.rows:
        try:
            fold, part = dividing.read(row.values)
        except ManifestError as error:
            raise ManifestError(f"{path.parent / row.place}: {error}, or give two or three lists") from None
        found.setdefault(fold, set()).add(part)
    reader = ListReader(audio_root, check_columns(columns or {}))
    divisions: list[Division] = []
    notes: list[str] = []
    for fold, named in found.items():
        name = f"{path.name}, fold {fold}" if fold else path.name
        lists = {part: (path, _rows_of(dividing, fold, part)) for part in PARTS if part in named}
        if len(lists) < 2:
            raise ManifestError(
                f"{path}: the column '{dividing.part}' of {name} names only {', '.join(lists)}"
            )
        division, read_notes = _division(name, lists, reader)
        divisions.append(division)
        notes += read_notes
    return divisions, [
        f"{path.name}: the column '{dividing.part}' divides the utterances",
        *dict.fromkeys(notes),
    ]


def _rows_of(dividing: PartColumns, fold: str, part: str) -> Keep:
    """Choose the rows of a part in a fold."""
    return lambda cells: dividing.read(cells) == (fold, part)


def from_folder(
    folder: Path, audio_root: Path | None = None, columns: Mapping[str, str] | None = None
) -> tuple[list[Division], list[str]]:
    """Find the divisions in a folder: files whose names differ only in train, dev and test.

    Returns:
        The divisions, and notes on the lists and on groups of files that were skipped, a line each.

    Raises:
        ConfigError: a field does not exist.
        ManifestError: there are none, or a list can't be read.
    """
    complete = find_divisions(folder.rglob("*"), folder)
    if not complete:
        raise ManifestError(
            f"{folder}: no lists that divide a corpus, such as train.json and test.json, "
            "or x_train_fold_1.jsonl and x_test_fold_1.jsonl"
        )
    reader = ListReader(audio_root, check_columns(columns or {}))
    divisions: list[Division] = []
    skipped: list[str] = []
    notes: list[str] = []
    for name, found in complete.items():
        try:
            lists = {part: (path, None) for part, path in found.items()}
            division, read_notes = _division(name, lists, reader)
        except ManifestError as error:
            skipped.append(f"skipped: {error}")
            continue
        divisions.append(division)
        notes += read_notes
    if not divisions:
        raise ManifestError(skipped[0].removeprefix("skipped: "))
    return divisions, skipped + notes


def _division(
    name: str, lists: Mapping[str, tuple[Path, Keep | None]], reader: ListReader
) -> tuple[Division, list[str]]:
    parts: dict[str, list[ListedUtterance]] = {}
    notes: list[str] = []
    for part, (path, keep) in lists.items():
        parts[part], read_notes = reader.read(path, keep)
        notes += read_notes
    parts, name_notes = complete_by_names(parts)
    notes += name_notes
    for part, (path, _) in lists.items():
        lengths = Lengths(path.name)
        listed = {id(item.utterance): item.utterance for item in parts[part]}
        hashed = reader.add_hashes(parts[part])
        for item, read in zip(parts[part], hashed, strict=True):
            if read.seconds is not None:
                stated = listed[id(item.utterance)]
                lengths.add(stated, replace(stated, duration=read.seconds))
        notes += [f"{note.place}: {describe(note)}" for note in lengths.notes()]
        parts[part] = hashed
    no_speaker = ""
    if any(is_absent(item.utterance.speaker) for items in parts.values() for item in items):
        no_speaker = _name_speakers([path for path, _ in lists.values()], reader.columns or {})
    return Division(name, parts, _shares(parts), no_speaker=no_speaker), notes


def _name_speakers(paths: Iterable[Path], columns: Mapping[str, str]) -> str:
    """Explain how to name the speakers in tables without a column of them; empty if there are none."""
    unread: dict[str, list[str]] = {}
    complete = False
    for path in dict.fromkeys(paths):
        # The reader of another tool's format does not take columns.
        if not path.is_file() or (path.suffix in (".json", ".jsonl") and recognise(path)):
            continue
        table = read_table(path)
        fields, _ = choose_columns(table, columns)
        complete |= "speaker" in fields
        if "file" in fields and "speaker" not in fields:
            dividing = find_part_columns(table.columns)
            known = {*fields.values(), "", *((dividing.part, dividing.fold) if dividing else ())}
            unread[path.name] = [column for column in table.columns if column not in known]
    if not unread:
        return ""
    name, others = next(iter(unread.items()))
    if not others:
        return f"add the speakers to {name} under the name speaker"
    which = f"'{others[0]}'" if len(others) == 1 else f"one of {list_some(others, _SHOWN)}"
    if complete:
        return f"if {which} in {name} names the speakers, rename the column to speaker"
    chosen = others[0] if len(others) == 1 else "COLUMN"
    return f"if {which} names the speakers, add --column speaker={chosen}"


def _shares(parts: Mapping[str, Iterable[ListedUtterance]]) -> dict[str, str]:
    """Return the reasons why parts of these lists' corpus share something in any division."""
    corpora = {item.utterance.corpus for items in parts.values() for item in items}
    known = corpora & set(corpus_names())
    if len(corpora) != 1 or not known:
        return {}
    return dict(get_corpus(known.pop()).shares)
