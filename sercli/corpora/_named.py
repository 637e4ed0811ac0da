"""Read corpora whose recordings are recognised by their names, in whatever folders a copy has them.

Copies of one corpus differ: all recordings in one folder, or in folders by speaker, emotion or part, or the
complete tree a second time within itself. The name of a recording is the same in all of them.
"""

import csv
import filecmp
import io
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from sercli.audio import FOREIGN_SUFFIXES, recordings
from sercli.corpora import list_names, place_of
from sercli.files import walk
from sercli.records import Problem, Utterance

Row = TypeVar("Row")
_OF_RECORDINGS = ("wav", "wavs", "audio")  # names of folders within any corpus
_COMPARED = 20  # copies in a folder that are compared with the used recordings


def stem_of(path: Path) -> str:
    """Return a file's name without its suffix, accents composed."""
    return unicodedata.normalize("NFC", path.stem)


def read_named(
    root: Path,
    from_name: Callable[[str], Utterance | None],
    example: str,
    name_of: Callable[[Path], str] = stem_of,
    words: Mapping[str, str] | None = None,
    leaves_out: Callable[[Path], str | None] = lambda path: None,
    inner: Sequence[str] | None = None,
    *,
    strict: bool = False,
) -> Iterator[Utterance | Problem]:
    """Yield the recordings below a folder, sorted by id, each id once; then the problems.

    A foreign name is left out and noted: a recording with a wrong name is missing in the counts. A folder of
    foreign names alone belongs to something else; its names are only counted. Of several files with one id,
    the first is used: wav before other formats, then the one in fewer folders.

    Args:
        root: folder of the corpus, or one above.
        from_name: function from a name to the facts in it; ``None`` for a foreign name.
        example: what a name should be, for messages: ``a CREMA-D file name such as ...``.
        name_of: function from a file, with all folders above it, to the name that identifies it within the
            corpus.
        words: transcript by name, as far as tables of the corpus give them.
        leaves_out: function from a file to the reason why it is left out, ``None`` for those that are read.
        inner: patterns of the folders within the corpus. If given, ``name_of`` gets no folder above ``root``
            but those that fit; other folders above may be called ``dev`` or ``sam`` for other reasons.
        strict: whether a foreign name beside names of the corpus is an error.
    """
    root = root.resolve()  # so that the names of all folders above a file are known
    outermost = None if inner is None else _without_foreign(root, inner)
    first: dict[str, Utterance] = {}
    used: dict[str, Path] = {}
    copies: Counter[Path] = Counter()
    differing: dict[Path, Path] = {}
    foreign: defaultdict[Path, list[Path]] = defaultdict(list)
    own: set[Path] = set()
    left: Counter[tuple[Path, str]] = Counter()
    for path in sorted(recordings(walk(root)), key=_rank):
        if reason := leaves_out(path):
            left[path.parent, reason] += 1
            continue
        name = name_of(path if outermost is None else path.relative_to(outermost))
        utterance = from_name(name)
        if utterance is None:
            foreign[path.parent].append(path)
            continue
        own.add(path.parent)
        if utterance.id in first:
            copies[path.parent] += 1
            compared = path.parent in differing or copies[path.parent] > _COMPARED
            if not compared and _differ(path, used[utterance.id]):
                differing[path.parent] = path
        else:
            used[utterance.id] = path
            text = (words.get(name) if words else None) or utterance.transcript
            first[utterance.id] = replace(utterance, file=place_of(path, root), transcript=text)
    yield from (first[key] for key in sorted(first))
    for (folder, reason), count in sorted(left.items()):
        yield Problem(place_of(folder, root), f"{count} recordings: {reason}; left out", harmless=True)
    for folder, paths in sorted(foreign.items()):
        if folder in own:
            fact = f"not {example}" if strict else f"not {example}; left out"
            yield from (Problem(place_of(path, root), fact, harmless=not strict) for path in paths)
        else:
            fact = f"{len(paths)} recordings, none of which has {example}; left out"
            yield Problem(place_of(folder, root), fact, harmless=True)
    for folder, count in sorted(copies.items()):
        fact = f"holds {count} recordings again (same names); each recording is used once"
        if folder in differing:
            fact += (
                f"; they are not all alike, {differing[folder].name} has other sound than the used one: if "
                "those in this folder are the right ones, remove the others"
            )
        yield Problem(place_of(folder, root), fact, harmless=True)


def _without_foreign(root: Path, inner: Sequence[str]) -> Path:
    """Return the innermost folder, ``root`` or above, that is not within the corpus by its name."""
    patterns = [*_OF_RECORDINGS, *map(str.lower, inner)]
    while root.name and any(fnmatch(root.name.lower(), pattern) for pattern in patterns):
        root = root.parent
    return root


def _differ(one: Path, other: Path) -> bool:
    """Return whether two files of one format differ; of different formats they may hold the same sound."""
    try:
        return one.suffix.lower() == other.suffix.lower() and not filecmp.cmp(one, other, shallow=False)
    except OSError:  # the conversion reports a file that can't be read
        return False


def _rank(path: Path) -> tuple[int, int, Path]:
    suffix = path.suffix.lower()
    return 0 if suffix == ".wav" else 2 if suffix in FOREIGN_SUFFIXES else 1, len(path.parts), path


def find_tables(root: Path, fits: Callable[[str], bool], folder: str | None = None) -> list[Path]:
    """List the files whose names fit, below a folder; if there are none, those beside the folder itself.

    Args:
        root: the folder.
        fits: whether a file's name is that of a table.
        folder: name of a folder beside ``root`` whose files are listed if no other files fit.
    """
    beside = root.resolve().parent
    found = [path for path in walk(root) if fits(path.name)] or [
        beside / name for name in list_names(beside) if fits(name) and (beside / name).is_file()
    ]
    return found or (find_tables(beside / folder, fits) if folder else [])


def read_rows(path: Path, delimiter: str | None = None) -> list[dict[str, str]]:
    """Read the rows of a table with a header, by column; absent cells are empty.

    Tables are UTF-8, or Windows-1252 if they are not. Quotes around a cell have a meaning only if commas or
    semicolons are between the cells; in other tables they are part of the words.

    Args:
        path: the table.
        delimiter: the character between two cells; if not given, a comma, or a semicolon if the header has no
            commas.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    header = text.partition("\n")[0]
    delimiter = delimiter or (";" if ";" in header and "," not in header else ",")
    rows = csv.DictReader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if delimiter in ",;" else csv.QUOTE_NONE,
        restval="",
    )
    return [{key.strip(): value or "" for key, value in row.items() if key is not None} for row in rows]


def join_rows(
    tables: Iterable[tuple[Path, Iterable[tuple[str, Row]]]],
    facts: Callable[[Row], object] = lambda row: row,
) -> tuple[dict[str, Row], list[Problem]]:
    """Join the rows of tables by the names of the recordings.

    A recording whose rows differ, in one table or in several releases of it, has none; a problem names it.

    Args:
        tables: each table with the name and the content of its rows; an empty name is left out.
        facts: function from a row to what must not differ; the complete row if not given.
    """
    rows: dict[str, Row] = {}
    places: dict[str, Path] = {}
    conflicts: dict[str, tuple[Path, ...]] = {}
    for path, named in tables:
        for name, row in named:
            if name and facts(rows.setdefault(name, row)) != facts(row):
                conflicts.setdefault(name, (places[name], path))
            places.setdefault(name, path)
    if not conflicts:
        return rows, []
    first, where = next(iter(conflicts.items()))
    several = f"{len(conflicts)} recordings have" if len(conflicts) > 1 else "1 recording has"
    listed = " and ".join(map(str, dict.fromkeys(where)))
    fact = f"{several} several rows that differ, first {first} in {listed}; leave the right ones only"
    problem = Problem(where[0].name, fact)
    return {name: row for name, row in rows.items() if name not in conflicts}, [problem]


def join_tables(
    paths: Iterable[Path],
    name_of: Callable[[Path, dict[str, str]], str],
    columns: Sequence[str],
    delimiter: str | None = None,
) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Read tables with a header and join their rows, as `join_rows` does.

    Args:
        paths: the tables.
        name_of: function from a table and a row to the name of the recording.
        columns: columns in which the rows of a recording must not differ.
        delimiter: as for `read_rows`.
    """
    tables = ((path, ((name_of(path, row), row) for row in read_rows(path, delimiter))) for path in paths)
    return join_rows(tables, cells_of(*columns))


def check_labelled(
    unlabelled: Sequence[str],
    table: str,
    *,
    found: bool,
    remedy: str = "add it to the folder of the recordings",
    lacks: str = "no known emotion",
) -> Iterator[Problem]:
    """Yield a problem if recordings have no label: the table of the labels is absent, or it lacks them.

    Args:
        unlabelled: files of the recordings without a label.
        table: name of the table.
        found: whether there is such a table.
        remedy: what to do if there is none.
        lacks: what the table does not have for these recordings.
    """
    if unlabelled and found:
        yield Problem(unlabelled[0], f"{lacks} in {table} ({len(unlabelled)} recordings)")
    elif unlabelled:
        yield Problem(".", f"no {table}, which has the labels; {remedy}")


def check_recorded(labels: Collection[str], without: Collection[str], place: str) -> Iterator[Problem]:
    """Yield a note if some of the labels have no recording, but not if all have none.

    Args:
        labels: names of all recordings with a label.
        without: the names among them that have no recording.
        place: place of the labels, for the note.
    """
    if without and len(without) < len(labels):
        fact = f"{len(without)} labels without a recording, first {next(iter(without))}"
        yield Problem(place, fact, harmless=True)


def cells_of(*columns: str) -> Callable[[Mapping[str, str]], object]:
    """Return a function from a row to its cells in some columns, for `join_rows`."""
    return lambda row: [row.get(column, "").strip() for column in columns]


def to_number(text: str) -> float | None:
    """Return the finite number in a cell, ``None`` for other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
