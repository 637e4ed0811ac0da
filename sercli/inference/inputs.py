"""Which recordings a command line names: files, folders, lists and tables of them."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sercli.audio import SUFFIXES
from sercli.errors import AudioError, ConfigError, ManifestError


@dataclass(frozen=True, slots=True)
class Inputs:
    """Recordings, and what a table says of them.

    Attributes:
        files: the recordings.
        columns: names of the table's columns, none without a table.
        rows: the table's cells by recording.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


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


def read_table(path: Path, column: str = "file") -> Inputs:
    """Read a CSV table of recordings; relative names count from the table's folder.

    Args:
        path: the table.
        column: the column that names the recordings.

    Raises:
        ConfigError: it has no such column, or two of one name.
        ManifestError: it can't be read, has no rows, or a row has too many or too few cells.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header, *rows = ((reader.line_num, cells) for cells in reader if cells)
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such table") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not a CSV table ({error})") from None
    except ValueError:
        raise ManifestError(f"{path}: the table is empty; give it a header and a row for each file") from None
    columns = header[1]
    if len(set(columns)) < len(columns):
        raise ConfigError(f"{path}: two columns of one name; rename one")
    if column not in columns:
        raise ConfigError(f"{path}: no column '{column}'; choose one of {', '.join(columns)} with --column")
    if not rows:
        raise ManifestError(f"{path}: the table has no rows; give it a row for each file")
    for line, cells in rows:
        if len(cells) != len(columns):
            raise ManifestError(f"{path}:{line}: {len(cells)} cells, the header has {len(columns)}")
    place = columns.index(column)
    return Inputs(
        tuple(path.parent / cells[place] for _, cells in rows),
        tuple(columns),
        tuple(tuple(cells) for _, cells in rows),
    )


def _expand(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(
        each
        for each in path.rglob("*")
        if each.suffix.lower() in SUFFIXES and not each.name.startswith(".") and each.is_file()
    )
