"""Which recordings a command line names: files, folders, lists and tables of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sercli.audio import SUFFIXES
from sercli.errors import AudioError, ConfigError, ManifestError
from sercli.manifest import tables
from sercli.manifest.listing import choose_columns
from sercli.manifest.recordings import Found, Missing, Recordings, describe
from sercli.plain.json import to_json
from sercli.records import Problem

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Inputs:
    """Recordings, and what a table says of them.

    Attributes:
        files: the recordings.
        columns: names of the table's columns, none without a table.
        rows: the table's cells by recording.
        notes: how the table was read, a line each.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


def list_recordings(names: Sequence[str], lines: Iterable[str] = ()) -> Inputs:
    """List the recordings that names stand for, each once.

    Args:
        names: files; folders, searched with all below them for files that are named as audio; ``-`` for
            the names in ``lines``.
        lines: a name each, such as standard input; empty ones are passed over.

    Raises:
        AudioError: there are none.
    """
    found: list[Path] = []
    for name in names:
        if name == "-":
            given = [line.rstrip("\r\n") for line in lines]
            found += [path for line in given if line.strip() for path in _expand(Path(line))]
        else:
            found += _expand(Path(name))
    if not found:
        places = ", ".join(names) or "nothing was named"
        raise AudioError(f"{places}: no recordings; give audio files, or folders that hold some")
    return Inputs(tuple(dict.fromkeys(found)))


def read_table(path: Path, column: str | None = None) -> Inputs:
    """Read a table of recordings; relative names count from the table's folder.

    Args:
        path: the table.
        column: the column that names the recordings, also written ``file=COLUMN``; if not given, the one
            with a usual name.

    Raises:
        ConfigError: it has no such column.
        ManifestError: it can't be read, has no rows, or a row has too many or too few cells.
    """
    if not path.exists():
        raise ManifestError(f"{path}: no such table")
    table = tables.read_table(path)
    said = [item for item in table.items if isinstance(item, Problem)]
    grave = next((item for item in said if not item.harmless), None)
    if grave is not None:
        raise ManifestError(f"{path.parent / grave.place}: {grave.fact}")
    chosen = {} if column is None else {"file": column.removeprefix("file=")}
    fields, _ = choose_columns(table, chosen)
    if "file" not in fields:
        wanted, listed = chosen.get("file", "file"), ", ".join(name for name in table.columns if name)
        raise ConfigError(f"{path}: no column '{wanted}'; choose one of {listed} with --column")
    names = ["" if (name := row.values[fields["file"]]) is None else str(name).strip() for row in table.rows]
    found = Recordings(path.parent).find(names)
    notes = [f"{path.name}: {item.fact}" for item in said]
    notes += [f"{path.name}: {note.fact}" for note in describe(found, path.name)]
    if fields["file"] != "file":
        notes.append(f"{path.name}: file <- {fields['file']}")
    near = [f"{name}: {each.fact}" for name, each in found.items() if isinstance(each, Missing) and each.fact]
    times = [fields[name] for name in ("start", "end") if name in fields]
    if times:
        notes.append(
            f"{path.name}: {' and '.join(times)} cut nothing here: each recording is predicted as a whole; "
            "cut it before, or prepare the table as a corpus"
        )
    files = [answer.file if isinstance(answer := found[name], Found) else name for name in names]
    return Inputs(
        tuple(path.parent / file for file in files),
        table.columns,
        tuple(tuple(_text(row.values[name]) for name in table.columns) for row in table.rows),
        tuple(notes + near[:_SHOWN]),
    )


def _text(value: object) -> str:
    """Write a cell as a table has it; of JSON, a list or an object as JSON."""
    if value is None:
        return ""
    try:
        return value if isinstance(value, str) else to_json(value, escaped=False)
    except ValueError:  # NaN or infinite, as other tools write for absent values
        return str(value)


def _expand(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(
        each
        for each in path.rglob("*")
        if each.suffix.lower() in SUFFIXES and not each.name.startswith(".") and each.is_file()
    )
