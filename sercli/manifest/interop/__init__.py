"""Manifests in the formats of other tools: one file per format, read and written."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sercli import registry
from sercli.errors import ManifestError
from sercli.manifest.interop import _columns, _own, _plain, _s3prl
from sercli.manifest.tables import binary_kind, lists_in, read_table
from sercli.records import Problem, Utterance


@dataclass(frozen=True, slots=True)
class Format:
    """How another tool lists utterances.

    Attributes:
        title: what it is, in a few words.
        read: from a path (and ``corpus``, the name to give; ``None`` for what the list says) to
            utterances and problems, in the list's order. ``file`` is as the format names it,
            absolute only where the format has it so. An id is ``corpus/key``: sercli's own name
            where the list was written by sercli, else the format's key, else the file without its
            suffix. Raises `ManifestError` when the path is not of this format.
        write: from a path, utterances and the folder that their files are relative to, to nothing;
            writes whole or not at all. Raises `ManifestError` for what the format can't hold.
        holds: names of the fields of `Utterance` that a round trip keeps.
        recognises: whether a path is of this format, from its name and its first bytes.
    """

    title: str
    read: Callable[..., Iterator[Utterance | Problem]]
    write: Callable[[Path, Iterable[Utterance], Path], None]
    holds: frozenset[str]
    recognises: Callable[[Path], bool]


def format_names() -> list[str]:
    """List the formats."""
    return registry.names(__name__)


def get_format(name: str) -> Format:
    """Return a format by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return registry.load(__name__, name, "FORMAT", Format)


def recognise(path: Path) -> str | None:
    """Name the format of a file or folder, ``None`` for an unknown one."""
    return next((name for name in format_names() if get_format(name).recognises(path)), None)


def read_list(path: Path, columns: Mapping[str, str] | None = None) -> Iterator[Utterance | Problem]:
    """Read any list of utterances: each format, s3prl's meta data, a manifest, a table, or one path a line.

    Only what the list states is filled in; nothing is guessed from the names of files. Ids that
    sercli wrote are kept, the others begin with ``imported/``.

    Args:
        path: the list.
        columns: column by field; the list then is read as a table, whatever else it may be.

    Raises:
        ManifestError: the list is of no known kind.
    """
    if not path.exists():
        raise ManifestError(f"{path}: no such file")
    if path.is_file() and (kind := binary_kind(path)) is not None:
        raise ManifestError(f"{path}: {kind}")
    if columns and path.is_file():
        yield from _columns.read(path, columns=columns)
        return
    name = recognise(path)
    if name is not None:
        yield from get_format(name).read(path, corpus=None)
        return
    for kind_ in (_own, _s3prl, _columns, _plain):
        if kind_.recognises(path):
            yield from kind_.read(path)
            return
    if path.is_file() and len(read_table(path).columns) > 1:
        yield from _columns.read(path)  # says which column it lacks
        return
    names = ", ".join(format_names())
    raise ManifestError(
        f"{path}: not a list of utterances that sercli knows; give one of {names}, s3prl's meta data, "
        "a manifest.jsonl, a table with a column of files (--column file=COLUMN names it) or a text file "
        f"of one audio path a line{lists_in(path) if path.is_dir() else ''}"
    )
