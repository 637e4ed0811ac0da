"""A division of one's own, or one that a paper publishes: ``lists:FILE``.

The file is a CSV table with columns ``id``, ``fold`` and ``part`` (train, dev or test); without
``fold`` it is one division. ``sercli protocols show NAME --corpus C --csv`` writes such a file.
"""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from sercli.errors import ProtocolError
from sercli.protocols import Protocol
from sercli.records import Fold, Utterance

_PARTS = ("train", "dev", "test")


def make(utterances: Sequence[Utterance], labels: Mapping[str, str], path: Path) -> list[Fold]:
    """Make the folds that a file lists, folds in its order, utterances in the manifest's.

    Raises:
        ProtocolError: the file is no such table; it names an utterance that is not in the corpus, or
            one twice in a fold; or it lacks one that the scheme selects.
    """
    folds = _read(path)
    known = {utterance.id for utterance in utterances}
    listed = {name for parts in folds.values() for part in parts.values() for name in part}
    foreign = sorted(listed - known)
    if foreign:
        more = f" (and {len(foreign) - 1} more)" if len(foreign) > 1 else ""
        raise ProtocolError(f"{path}: '{foreign[0]}'{more} is not in the corpus")
    absent = [name for name in labels if name not in listed]
    if absent:
        raise ProtocolError(
            f"{path}: lacks {len(absent)} utterances that the scheme selects, first {absent[0]}; "
            "add them or choose another scheme"
        )
    made = []
    for fold, parts in folds.items():
        chosen = {part: set(parts[part]) & set(labels) for part in _PARTS}
        selected = (tuple(u.id for u in utterances if u.id in chosen[part]) for part in _PARTS)
        made.append(Fold(fold, *selected))
        if not made[-1].train or not made[-1].test:
            raise ProtocolError(f"{path}: fold '{fold}' needs a train and a test part")
    return made


def file_digest(path: Path) -> str:
    """Hash the file, eight hexadecimal digits.

    Raises:
        ProtocolError: it can't be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    except OSError as error:
        raise ProtocolError(f"{path}: {error.strerror or error}; lists:FILE names a CSV table") from None


def to_csv(folds: Sequence[Fold]) -> str:
    """Write folds as such a table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "fold", "part"))
    for fold in folds:
        for part in _PARTS:
            writer.writerows((name, fold.name, part) for name in getattr(fold, part))
    return text.getvalue()


def _read(path: Path) -> dict[str, dict[str, list[str]]]:
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProtocolError(f"{path}: not a CSV table in UTF-8 ({error})") from None
    if not rows or not {"id", "part"} <= set(rows[0]):
        raise ProtocolError(f"{path}: needs columns id, part (train, dev or test) and, if need be, fold")
    folds: dict[str, dict[str, list[str]]] = {}
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(rows, 2):
        fold, name, part = row.get("fold") or "the only fold", row["id"], row["part"]
        if part not in _PARTS:
            raise ProtocolError(f"{path}:{number}: part '{part}' is none of {', '.join(_PARTS)}")
        if (fold, name) in seen:
            raise ProtocolError(f"{path}:{number}: '{name}' occurs twice in fold '{fold}'")
        seen.add((fold, name))
        folds.setdefault(fold, {part: [] for part in _PARTS})[part].append(name)
    return folds


PROTOCOL = Protocol(
    make,
    version=1,
    speaker_independent=False,
    has_dev=True,
    description="the parts that a table lists (columns id, fold, part)",
)
