"""Read and write lists in the formats of other tools: one file per format; most can also be written."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli import registry
from sercli.errors import ConfigError, ManifestError
from sercli.manifest.interop._tables import is_paths, is_table, read_any_table, read_paths
from sercli.manifest.tables import lists_in, read_table
from sercli.manifest.text import binary_kind, read_start
from sercli.records import Problem, Utterance


@dataclass(frozen=True, slots=True)
class Format:
    """Format of another tool for lists of utterances.

    Attributes:
        recognises: function that returns whether a path has this format, from its name and its first bytes.
        read: function from a recognised path to utterances and problems, in the order of the list. ``file``
            is that of the format, and absolute only if it is absolute in the format. An id is
            ``corpus/key``. If sercli wrote the list, it is sercli's own name; otherwise it is ``imported/``
            and the format's key, or the file without its suffix. Raises `ManifestError` if the path can't be
            read.
        write: function that takes a path, utterances and the folder that their files are relative to. It
            writes everything that an `Utterance` holds, or nothing. Raises `ManifestError` for content that
            the format can't hold. ``None`` if the format is only read.
        labels_file: function from a recognised path to the name of the file that holds, or would hold, the
            label of each utterance in a line. ``None`` if the list itself holds them.
    """

    recognises: Callable[[Path], bool]
    read: Callable[[Path], Iterator[Utterance | Problem]]
    write: Callable[[Path, Iterable[Utterance], Path], None] | None = None
    labels_file: Callable[[Path], str] | None = None


def format_names() -> list[str]:
    """List the formats."""
    return registry.names(__name__)


def get_format(name: str) -> Format:
    """Return a format by name.

    Raises:
        UnknownNameError: there is no format of that name.
    """
    return registry.load(__name__, name, "FORMAT", Format)


def recognise(path: Path) -> str | None:
    """Name the format of a file or folder; ``None`` for an unknown format."""
    return next((name for name in format_names() if get_format(name).recognises(path)), None)


def labels_file(path: Path) -> str:
    """Name the file beside a list that holds its labels; empty if the list itself holds them."""
    name = recognise(path)
    find = None if name is None else get_format(name).labels_file
    return "" if find is None else find(path)


def write_list(name: str, path: Path, utterances: Iterable[Utterance], root: Path) -> None:
    """Write utterances in a format.

    Args:
        name: name of the format.
        path: file or folder to write.
        utterances: utterances to write.
        root: the folder that the utterances' files are relative to.

    Raises:
        UnknownNameError: there is no such format.
        ConfigError: the format is only read.
        ManifestError: the format can't hold these utterances.
    """
    write = get_format(name).write
    if write is None:
        able = ", ".join(each for each in format_names() if get_format(each).write)
        raise ConfigError(f"format '{name}' is only read; write one of {able}")
    write(path, utterances, root)


def read_list(
    path: Path,
    columns: Mapping[str, str] | None = None,
    keep: Callable[[Mapping[str, Any]], bool] | None = None,
) -> Iterator[Utterance | Problem]:
    """Read any list of utterances: each format, a table, a manifest, or one path per line.

    Only facts of the list are used; nothing is guessed from the names of files. Ids that sercli wrote are
    kept, and the other ids begin with ``imported/``.

    Args:
        path: the list.
        columns: column by field; with it, the list is always read as a table.
        keep: function from the cells of a row to whether to read it; with it, likewise.

    Raises:
        ManifestError: the format of the list is unknown.
    """
    name = _check_kind(path, columns)
    if keep is not None:
        yield from read_any_table(path, columns, keep)
    elif name is not None:
        yield from get_format(name).read(path)
    elif (columns and path.is_file()) or is_table(path):
        yield from read_any_table(path, columns)
    elif is_paths(path):
        yield from read_paths(path)
    elif path.is_file() and len(read_table(path).columns) > 1:
        yield from read_any_table(path)  # its error names the missing column
    else:
        raise _unknown(path)


def read_other(path: Path, columns: Mapping[str, str] | None = None) -> Iterator[Utterance | Problem] | None:
    """Read a list that is more than a table, as `read_list` does; ``None`` for a table or an unknown folder.

    For readers that need the cells of a table, or that read its columns by rules of their own.

    Raises:
        ManifestError: it is missing, or a file that is not text.
    """
    name = _check_kind(path, columns)
    if name is not None and (path.is_dir() or read_start(path).lstrip()[:1] in ("{", "[")):
        return get_format(name).read(path)
    if path.is_dir() or columns or is_table(path):
        return None
    if name is not None:
        return get_format(name).read(path)
    return read_paths(path) if is_paths(path) else None


def _check_kind(path: Path, columns: Mapping[str, str] | None) -> str | None:
    """Name the format of a list; ``None`` for a table and for anything unknown."""
    if not path.exists():
        raise ManifestError(f"{path}: no such file")
    if path.is_file() and (kind := binary_kind(path)) is not None:
        raise ManifestError(f"{path}: {kind}")
    return None if columns and path.is_file() else recognise(path)


def _unknown(path: Path) -> ManifestError:
    """Explain that a path is no list; of an empty file or of JSON, why it has no rows."""
    if path.is_file() and read_start(path).lstrip()[:1] in ("{", "[", ""):
        for item in read_table(path).items:
            if isinstance(item, Problem) and not item.harmless:
                return ManifestError(f"{path.parent / item.place}: {item.fact}")
    return ManifestError(
        f"{path}: not a list of utterances that sercli can read; give {', '.join(format_names())}, "
        "a manifest.jsonl, a table with a column of files (--column file=COLUMN names it) or a text file "
        f"of one audio path a line{lists_in(path) if path.is_dir() else ''}"
    )
