"""Read folds that others made: in a file of the user or of a paper (``lists:FILE``), or in the release.

The file is a table with columns ``id``, ``fold`` and ``part`` (train, dev or test). Without ``fold`` it is
one fold. ``sercli protocols show NAME --corpus C --csv`` writes such a file.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sercli import files
from sercli.errors import DivisionError, ProtocolError
from sercli.manifest.tables import read_table
from sercli.records import Fold, Problem, Utterance

_PARTS = ("train", "dev", "test")
_COLUMNS = "columns id, part (train, dev or test) and, for several folds, fold"


@dataclass(frozen=True, slots=True)
class ListedFolds:
    """The folds that a file lists, in the order of the file; utterances are in the order of the manifest.

    Attributes:
        path: the file.
        digest: digest of the file's contents, from `file_digest`.
    """

    path: Path
    digest: str

    def __call__(
        self,
        protocol: str,  # noqa: ARG002 (as every maker)
        utterances: Sequence[Utterance],
        labels: Mapping[str, str],
    ) -> list[Fold]:
        """Make the folds.

        Raises:
            ProtocolError: the file has changed or is not such a table; it names an utterance that is not in
                the corpus, or names one twice in a fold; or it lacks one that the scheme selects.
        """
        contents = file_digest(self.path)
        if contents != self.digest:
            raise ProtocolError(f"{self.path}: has changed (its digest is {contents}, not {self.digest})")
        folds = _read(self.path)
        known = {utterance.id for utterance in utterances}
        listed = {name for parts in folds.values() for part in parts.values() for name in part}
        foreign = sorted(listed - known)
        if foreign:
            more = f" (and {len(foreign) - 1} more)" if len(foreign) > 1 else ""
            raise ProtocolError(f"{self.path}: '{foreign[0]}'{more} is not in the corpus")
        absent = [name for name in labels if name not in listed]
        if absent:
            raise ProtocolError(
                f"{self.path}: lacks {len(absent)} utterances that the scheme selects, first {absent[0]}; "
                "add them or choose another scheme"
            )
        made = []
        for fold, parts in folds.items():
            chosen = {part: set(parts[part]) & set(labels) for part in _PARTS}
            selected = (tuple(u.id for u in utterances if u.id in chosen[part]) for part in _PARTS)
            made.append(Fold(fold, *selected))
            if not made[-1].train or not made[-1].test:
                raise ProtocolError(f"{self.path}: fold '{fold}' needs a train and a test part")
        return made


@dataclass(frozen=True, slots=True)
class ReleasedParts:
    """The one fold that a corpus was released with: the parts in the field ``part`` of its utterances.

    Utterances of other parts are left out.

    Attributes:
        train: part to train on.
        dev: part for development; ``None`` if the release has none.
        test: part to test.
    """

    train: str = "train"
    dev: str | None = "dev"
    test: str = "test"

    def __call__(
        self, protocol: str, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> list[Fold]:
        """Make the fold.

        Raises:
            DivisionError: no utterance is in one of the parts.
        """
        chosen = [each for each in utterances if each.id in labels]
        named = [self.train, self.test] if self.dev is None else [self.train, self.dev, self.test]
        parts = {part: tuple(each.id for each in chosen if each.part == part) for part in named}
        lacking = [part for part, ids in parts.items() if not ids]
        if lacking:
            raise DivisionError(
                f"{protocol}: no utterance is in the released part {lacking[0]}; prepare a copy that has it"
            )
        dev = () if self.dev is None else parts[self.dev]
        return [Fold(f"released {self.test}", parts[self.train], dev, parts[self.test])]


def file_digest(path: Path) -> str:
    """Hash the file to eight hexadecimal digits.

    Raises:
        ProtocolError: the file can't be read.
    """
    try:
        return files.sha256(path)[:8]
    except OSError as error:
        raise ProtocolError(f"{path}: {error.strerror or error}; lists:FILE names a table") from None


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
    """Read the ids by fold and part."""
    table = read_table(path)
    if table.rows and not {"id", "part"} <= set(table.columns):
        raise ProtocolError(f"{path}: needs {_COLUMNS}")
    folds: dict[str, dict[str, list[str]]] = {}
    seen: set[tuple[str, str]] = set()
    for item in table.items:
        place = path.parent / item.place
        if isinstance(item, Problem):
            if item.harmless:
                continue
            raise ProtocolError(f"{place}: {item.fact}; the table needs {_COLUMNS}")
        fold, name, part = (str(item.values.get(key) or "") for key in ("fold", "id", "part"))
        fold = fold or "the only fold"
        if part not in _PARTS:
            raise ProtocolError(f"{place}: part '{part}' is none of {', '.join(_PARTS)}")
        if (fold, name) in seen:
            raise ProtocolError(f"{place}: '{name}' occurs twice in fold '{fold}'")
        seen.add((fold, name))
        folds.setdefault(fold, {part: [] for part in _PARTS})[part].append(name)
    return folds
