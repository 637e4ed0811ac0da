"""Read a table of any program row by row, and name the line of each problem.

Delimited text (comma, semicolon, tab or ``|``), JSON Lines, JSON and Parquet are recognised by their
content, not by the file's suffix. The encoding is recognised in the same way. All commands read tables here.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from sercli.audio import SUFFIXES
from sercli.errors import ManifestError, list_some
from sercli.labels import is_part, to_noun, trim
from sercli.manifest.columnar import describe_shard, is_parquet, parquet_kind, read_shard
from sercli.manifest.columns import fields_by_name
from sercli.manifest.text import binary_kind, decode_text, read_text
from sercli.plain import PlainError, shorten
from sercli.plain.json import RepeatedKeyError, from_json, unique_keys
from sercli.records import Problem

_SEPARATORS = "\t;,|"
# First line in which Excel notes the separator.
_SEPARATOR_LINE = re.compile(r'"?sep=(\\t|.)"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
# Suffixes of lists, to name those in a folder.
_ONCE = "leave the right one only"
LIST_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
_SHOWN = 3
# A title has fewer lines than this.
_TITLE_LINES = 5


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table.

    Attributes:
        place: file and line.
        values: cells by column, the same columns in every row.
    """

    place: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a file.

    Attributes:
        columns: names of the columns, without the blanks around them and without invisible characters.
        items: rows, and a problem for each line that is not a row. A table that can't be read to its end has
            only that problem and no rows, because the missing rows are unknown.
    """

    columns: tuple[str, ...]
    items: tuple[TableRow | Problem, ...]

    @property
    def rows(self) -> list[TableRow]:
        """The rows alone."""
        return [item for item in self.items if isinstance(item, TableRow)]


def line_of(place: str) -> str:
    """Return the line or the entry of a row's place, as in ``line 3``."""
    before, _, entry = place.rpartition(", entry ")
    return f"entry {entry}" if before else f"line {place.rpartition(':')[2]}"


def read_table(path: Path) -> Table:
    """Read a table; places name the file without its folder.

    Raises:
        OSError: the file can't be read.
    """
    if path.is_dir():
        return Table((), (Problem(".", f"a folder; give the table itself{lists_in(path)}"),))
    if kind := binary_kind(path):
        return Table((), (Problem(path.name, kind),))
    if is_parquet(path):
        return _from_parquet(path)
    text, problem = decode_text(path.read_bytes(), path.name)
    if text is None:
        return Table((), (problem,) if problem else ())
    problems = [problem] if problem else []
    if text.lstrip()[:1] in ("{", "["):
        columns, items = _from_json(text, path.name)
        layout = "write a JSON object for each utterance, with a key per column"
    else:
        columns, items = _from_text(text, path.name)
        layout = "the first line must name the columns, and each other line is an utterance"
    if not items:
        empty = "" if text.strip() else " (the file is empty)"
        items = [Problem(path.name, f"holds no rows{empty}; {layout}")]
    return Table(tuple(columns), (*problems, *items))


def _from_parquet(path: Path) -> Table:
    """Read a Parquet file; recordings inside it are left out."""
    try:
        shard = describe_shard(path)
        rows = [
            TableRow(f"{path.name}, entry {number}", row) for number, row in enumerate(read_shard(shard), 1)
        ]
    except ManifestError as error:
        return Table((), (Problem(path.name, str(error).removeprefix(f"{path}: ")),))
    inside = "its recordings are inside it; `sercli prepare manifest` takes them out"
    items: list[TableRow | Problem] = [Problem(path.name, inside, harmless=True)] if shard.recordings else []
    items += rows or [Problem(path.name, "holds no rows")]
    return Table(shard.columns, tuple(items))


def read_json_lines(path: Path) -> Iterator[TableRow | Problem]:
    """Yield the JSON objects of a file with one per line, each only with its own keys; places name the path.

    Raises:
        ManifestError: the file is missing, cut off or not text.
    """
    text, problems = read_text(path)
    yield from problems
    yield from _lines(text, str(path))


def lists_in(folder: Path) -> str:
    """Name the lists in a folder that was given in place of a list, as the end of a sentence."""
    names = list_names(folder)
    damaged = [f"; {name} is {kind}" for name in names if (kind := parquet_kind(folder / name))]
    return (f"; it holds {list_some(names, _SHOWN)}" if names else "") + "".join(damaged[:1])


def list_names(folder: Path) -> list[str]:
    """Return the names of the files in a folder that may be lists, sorted."""
    files = (path for path in folder.iterdir() if path.suffix.lower() in LIST_SUFFIXES and path.is_file())
    return sorted(path.name for path in files if path.name != "label_map.json")


def _from_json(text: str, name: str) -> tuple[list[str], list[TableRow | Problem]]:
    """Read JSON Lines, or one JSON value that holds all rows."""
    items = _lines(text, name)
    if not isinstance(items[0], TableRow) or len(items) == 1:
        try:
            entries = _entries(from_json(text, unique_keys, strict=False))
        except RepeatedKeyError as error:
            entries = None
            if not any(isinstance(item, TableRow) for item in items):
                items = [Problem(name, f"{error}; {_ONCE}")]
        except PlainError as error:
            entries = None
            if not any(isinstance(item, TableRow) for item in items):
                fact = f"JSON that is cut short or damaged ({error}); write it again"
                items = [Problem(f"{name}:{error.line or 1}", fact)]
        else:
            if entries is None and not any(isinstance(item, TableRow) for item in items):
                fact = "JSON without rows; write a list of objects, or objects by file, with a key per column"
                items = [Problem(name, fact)]
        if entries is not None:
            items = [_entry(f"{name}, entry {key}", value) for key, value in entries]
    columns = list(dict.fromkeys(key for item in items if isinstance(item, TableRow) for key in item.values))
    absent = dict.fromkeys(columns)
    if not columns:
        items = [item for item in items if isinstance(item, Problem)]
    return columns, [
        item if isinstance(item, Problem) else TableRow(item.place, absent | item.values) for item in items
    ]


def _lines(text: str, name: str) -> list[TableRow | Problem]:
    items: list[TableRow | Problem] = []
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would also cut at U+2028
        if not line.strip():
            continue
        try:
            value = from_json(line, unique_keys, strict=False)
        except RepeatedKeyError as error:
            items.append(Problem(f"{name}:{number}", f"{error}; {_ONCE}"))
            continue
        except PlainError:
            value = None
        items.append(_entry(f"{name}:{number}", value))
    return items


def _entry(place: str, value: Any) -> TableRow | Problem:
    if isinstance(value, dict):
        return TableRow(place, {trim(str(key)): each for key, each in value.items()})
    doubt = " (cut short?)" if value is None else ""
    return Problem(place, f"not a JSON object{doubt}; write one a line, with a key per column")


def is_audio(name: str) -> bool:
    """Return whether a name has the suffix of an audio file."""
    return PurePosixPath(name.strip()).suffix.lower() in SUFFIXES


def _entries(value: Any) -> list[tuple[object, Any]] | None:
    """Find the rows of a JSON value in the layouts of pandas and others; ``None`` if it holds none."""
    if isinstance(value, list):
        return list(enumerate(value, 1))
    if not isinstance(value, dict) or not value:
        return None
    fields = fields_by_name(value)
    file = fields.get("file")
    if file is not None and not isinstance(value[file], list | dict):
        return None  # a row itself
    labels = not fields and all(isinstance(each, str) and to_noun(each) for each in value.values())
    if labels or all(is_audio(name) and not isinstance(each, dict) for name, each in value.items()):
        return [(name, {"file": name, "emotion": label}) for name, label in value.items()]
    rows = _split(value) or _by_part(value) or _records(value) or _by_emotion(value) or _by_column(value)
    if rows is not None:
        return list(enumerate(rows, 1))
    return _by_key(value, file) if all(isinstance(each, dict) for each in value.values()) else None


def _by_key(value: dict[str, Any], file: str | None) -> list[tuple[object, Any]]:
    """Read an object of objects: rows by their key, or columns whose cells have the rows' keys."""
    if file is None:
        return [(key, {"id": key} | each) for key, each in value.items()]
    keys = dict.fromkeys(key for each in value.values() for key in each)
    return [(key, {name: each.get(key) for name, each in value.items()}) for key in keys]


def _split(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Read columns' names and rows' cells under separate keys (pandas: orient="split")."""
    columns, data = value.get("columns"), value.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        return None
    if not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        return None
    return [dict(zip(map(str, columns), row, strict=True)) for row in data]


def _records(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Read the only list of objects, under any key."""
    lists = [each for each in value.values() if isinstance(each, list) and each]
    found = lists[0] if len(lists) == 1 else []
    return found if found and all(isinstance(each, dict) for each in found) else None


def _by_part(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Read a list of objects for each part, such as train and test."""
    rows = _listed(value, is_part, dict)
    return None if rows is None else [{"split": name} | row for name, row in rows]


def _by_emotion(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Read a list of files for each emotion."""
    rows = _listed(value, to_noun, str)
    return None if rows is None else [{"file": file, "emotion": name} for name, file in rows]


def _listed(value: dict[str, Any], fits: Callable[[str], object], kind: type) -> list[tuple[str, Any]] | None:
    """Return each key with each value of its list, if all keys fit and all values are of one kind."""
    if not all(fits(name) and isinstance(each, list) for name, each in value.items()):
        return None
    rows = [(name, row) for name, each in value.items() for row in each]
    return rows if all(isinstance(row, kind) for _, row in rows) else None


def _by_column(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Read a list of cells for each column (pandas: orient="list")."""
    lists = list(value.values())
    if not all(isinstance(each, list) for each in lists) or len({len(each) for each in lists}) > 1:
        return None
    return [dict(zip(value, row, strict=True)) for row in zip(*lists, strict=True)]


def _from_text(text: str, name: str) -> tuple[list[str], list[TableRow | Problem]]:
    separator, skipped = None, 0
    if first := _SEPARATOR_LINE.match(text):
        separator, text, skipped = first[1].replace("\\t", "\t"), text[first.end() :], 1
    comments = _comments(text)
    text, skipped = text[sum(map(len, comments)) :], skipped + len(comments)
    first_lines = list(islice(filter(str.strip, text.splitlines()), _TITLE_LINES))
    header = first_lines[0] if first_lines else ""
    if fact := _titled(first_lines):
        return [], [Problem(name, fact)]
    if separator is None:
        separator = _separator(header)
    # Some programs write "file, speaker"; only in this case the blank is not part of a quoted cell.
    padded = (f"{separator} " in header and separator != "\t") or separator == " "
    # Strict, because otherwise an open quote would make the rest of the table one cell.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=padded
    )
    items: list[TableRow | Problem] = []
    columns: list[str] | None = None
    line, sizes = 1 + skipped, []
    try:
        for cells in reader:
            place, line = f"{name}:{line}", reader.line_num + 1 + skipped
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = [trim(cell) for cell in cells]
                repeated = [column for column, count in Counter(columns).items() if column and count > 1]
                if repeated:
                    fact = f"two columns are called '{repeated[0]}'; rename one"
                    return columns, [Problem(place, fact)]
                continue
            while len(cells) > len(columns) and not cells[-1].strip():
                cells.pop()
            sizes.append(len(cells))
            if len(cells) != len(columns):
                why = "cut short?" if len(cells) < len(columns) else f"quote a cell that holds '{separator}'"
                items.append(Problem(place, f"{len(cells)} cells for {len(columns)} columns; {why}"))
            else:
                items.append(TableRow(place, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        fact = f"not readable as a table from here on ({error})"
        fact = f"{fact}; a quote may be left open, or not be doubled in a cell"
        return columns or [], [Problem(f"{name}:{line}", fact)]
    if columns and min(sizes, default=0) > len(columns):
        remedy = "or name all columns in the first line"
        items = [Problem(item.place, f"{item.fact}, {remedy}") for item in items if isinstance(item, Problem)]
    return columns or [], items


def _titled(lines: Sequence[str]) -> str:
    """Explain that a title is before the names of the columns; empty if the first line may be these names."""
    named = next((line for line in lines if len(fields := _usual(line)) > 1 and "file" in fields), None)
    if named is None or _usual(lines[0]):
        return ""
    fact = f"the first line must name the columns, and '{shorten(lines[0])}' names none"
    return f"{fact}; remove the lines above '{shorten(named)}'"


def _comments(text: str) -> list[str]:
    """Return the lines before the columns' names that begin with ``#``; none if they may be these names."""
    comments: list[str] = []
    for line in io.StringIO(text, newline=""):
        if line.strip() and not line.lstrip().startswith("#"):
            most = max((len(_usual(comment)) for comment in comments), default=0)
            return comments if len(_usual(line)) > most else []
        comments.append(line)
    return []


def _usual(header: str) -> dict[str, str]:
    """Return the usual names of columns in a line, by field."""
    return fields_by_name(cell.strip('" ') for cell in header.split(_separator(header)))


def _separator(header: str) -> str:
    """Choose the separator by which most columns have a usual name, then by which there are most."""

    def rank(separator: str) -> tuple[int, int]:
        try:
            names = next(csv.reader([header], delimiter=separator, skipinitialspace=True), [])
        except csv.Error:
            names = []
        return len(fields_by_name(names)), len(names)

    best = max(_SEPARATORS, key=rank)
    # Blanks separate columns only if no other separator does, because file names may contain blanks.
    return " " if rank(best)[1] < 2 and len(fields_by_name(header.split())) > 1 else best


def column_names(text: str) -> Sequence[str]:
    """Return the columns that the beginning of a table names; empty if it is not delimited text."""
    if text.lstrip()[:1] in ("{", "[", ""):
        return ()
    return tuple(_from_text(text.splitlines()[0] if text else "", "")[0])
