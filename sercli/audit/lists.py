"""Divisions from lists: two or three files, a table with a column of parts, or a folder of lists."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sercli import audio, files
from sercli.audit import PARTS, Division, Item
from sercli.audit._file_names import complete_by_names
from sercli.corpora import corpus_names, get_corpus
from sercli.errors import AudioError, ManifestError, list_some
from sercli.manifest.divisions import find_divisions, fold_column, part_column, part_of
from sercli.manifest.interop import read_list, recognise
from sercli.manifest.lengths import Lengths, without_foreign_times
from sercli.manifest.listing import check_columns, choose_columns
from sercli.manifest.recordings import Found, Missing, Recordings, describe_renamed
from sercli.manifest.tables import read_table
from sercli.manifest.text import binary_kind
from sercli.manifest.values import is_absent
from sercli.processor import count_cores
from sercli.records import Note, Problem, Utterance

_SHOWN = 5

Keep = Callable[[Mapping[str, Any]], bool]
"""Returns whether to read a row of a table, from its cells."""


@dataclass(frozen=True, slots=True)
class ListReader:
    """Reads lists.

    Attributes:
        audio_root: folder that their files are relative to; each list's own if not given.
        columns: columns that the user names, by field.
    """

    audio_root: Path | None = None
    columns: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Check the folder.

        Raises:
            ManifestError: it is not a folder.
        """
        if self.audio_root is not None and not self.audio_root.is_dir():
            kind = binary_kind(self.audio_root) if self.audio_root.is_file() else None
            fact = kind or "no such folder; --audio-root names the folder of the audio files"
            raise ManifestError(f"{self.audio_root}: {fact}")

    def read(self, path: Path, keep: Keep | None = None) -> tuple[list[Item], list[str]]:
        """Read a list, or the rows to keep; return the items and notes for the user.

        Raises:
            ManifestError: the list can't be read, or a line of it.
        """
        listed: list[Utterance] = []
        notes: list[str] = []
        for found in read_list(path, self.columns, keep):
            if isinstance(found, Utterance):
                listed.append(found)
            elif isinstance(found, Note) or found.harmless:
                notes.append(f"{path.name}: {_describe(found)}")
            else:
                raise ManifestError(f"{found.place}: {found.fact}; correct the list")
        if not listed:
            raise ManifestError(f"{path}: lists no utterance")
        base = self.audio_root or (path if path.is_dir() else path.parent)
        found_files = Recordings(base).find(each.file for each in listed)
        found_notes = describe_renamed(found_files, "")
        placed = [replace(each, file=_name_there(each.file, found_files[each.file])) for each in listed]
        placed, times = without_foreign_times(placed, base, path.name)
        notes += [f"{path.name}: {_describe(note)}" for note in (*found_notes, *([times] if times else []))]
        items = []
        for each in placed:
            file = base / each.file
            items.append(Item(each, each.speaker, str(file) if file.is_file() else None))
        return items, notes


def _name_there(name: str, answer: Found | Missing) -> str:
    return answer.file if isinstance(answer, Found) else name.replace("\\", "/")


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
    column = part_column(table.columns)
    if column is None:
        raise ManifestError(
            f"{path}: a division needs two or three lists: train, (dev,) test; or one table with a column "
            "split, partition, subset, set or part that has train, dev or test in each row"
        )
    folds = fold_column(table.columns)
    found: dict[str, set[str]] = {}
    for row in table.rows:
        stated = _cell(row.values, column)
        part = part_of(stated)
        if part is None:
            raise ManifestError(
                f"{path.parent / row.place}: {column} '{stated}' is none of {', '.join(PARTS)}; correct the "
                "table, or give two or three lists"
            )
        found.setdefault(_cell(row.values, folds), set()).add(part)
    reader = ListReader(audio_root, check_columns(columns or {}))
    divisions: list[Division] = []
    notes: list[str] = []
    for fold, named in found.items():
        name = f"{path.name}, fold {fold}" if fold else path.name
        lists = {part: (path, _rows_of(folds, fold, column, part)) for part in PARTS if part in named}
        if len(lists) < 2:
            raise ManifestError(f"{path}: the column '{column}' of {name} names only {', '.join(lists)}")
        division, read_notes = _division(name, lists, reader)
        divisions.append(division)
        notes += read_notes
    return divisions, [f"{path.name}: the column '{column}' divides the utterances", *dict.fromkeys(notes)]


def _rows_of(folds: str | None, fold: str, column: str, part: str) -> Keep:
    """Choose the rows of a part in a fold, by the columns of folds, if there is one, and of parts."""

    def keep(values: Mapping[str, Any]) -> bool:
        return _cell(values, folds) == fold and part_of(_cell(values, column)) == part

    return keep


def _cell(values: Mapping[str, Any], column: str | None) -> str:
    value = None if column is None else values.get(column)
    return "" if value is None else str(value)


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
    parts: dict[str, list[Item]] = {}
    notes: list[str] = []
    for part, (path, keep) in lists.items():
        parts[part], read_notes = reader.read(path, keep)
        notes += read_notes
    parts, name_notes = complete_by_names(parts)
    notes += name_notes
    for part, (path, _) in lists.items():
        lengths = Lengths(path.name)
        listed = {id(item.utterance): item.utterance for item in parts[part]}
        hashed = _hash_audio(parts[part])
        for item, read in zip(parts[part], hashed, strict=True):
            if read.seconds is not None:
                stated = listed[id(item.utterance)]
                lengths.add(stated, replace(stated, duration=read.seconds))
        notes += [f"{note.place}: {_describe(note)}" for note in lengths.notes()]
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
            known = {*fields.values(), part_column(table.columns), fold_column(table.columns), ""}
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


def _describe(problem: Problem) -> str:
    return f"{problem.title}: {problem.fact}" if isinstance(problem, Note) else problem.fact


def _hash_audio(items: list[Item]) -> list[Item]:
    """Add the hashes of items whose audio exists; a file that can't be read gets none."""

    def add_hash(item: Item) -> Item:
        if item.utterance.sha256 or item.path is None:
            return item
        path = Path(item.path)
        try:
            samples, header = audio.decode(path, item.utterance.start, item.utterance.end)
            content = files.sha256(path)
        except (AudioError, OSError):
            return item
        hashed = replace(item.utterance, sha256=audio.hash_samples(samples), source_sha256=content)
        return replace(item, utterance=hashed, seconds=len(samples) / header.sample_rate)

    with ThreadPoolExecutor(count_cores()) as pool:
        return list(pool.map(add_hash, items))


def _shares(parts: Mapping[str, Iterable[Item]]) -> dict[str, str]:
    """Return the reasons why parts of these lists' corpus share something in any division."""
    corpora = {item.utterance.corpus for items in parts.values() for item in items}
    known = corpora & set(corpus_names())
    if len(corpora) != 1 or not known:
        return {}
    return dict(get_corpus(known.pop()).shares)
