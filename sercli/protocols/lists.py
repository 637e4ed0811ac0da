"""Read folds from files (``lists:PATH``), or from the release of a corpus.

The files are the user's, or those that a paper or a toolkit publishes. The path is one of these:

- a table with columns ``id``, ``fold`` and ``part`` (train, dev or test). Without ``fold`` it is one fold.
  ``sercli protocols show NAME --corpus C --csv`` writes such a table.
- a table with a column of files in place of ``id``.
- a folder of lists as EmoBox, s3prl, SpeechBrain and nkululeko write them: files whose names differ only in
  train, dev and test. Each group of such files is a fold.
- such files by a pattern, as ``data/emodb_*.csv``.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sercli import files
from sercli.config import digest
from sercli.errors import DivisionError, ManifestError, ProtocolError, near_names
from sercli.manifest.column_choice import choose_columns
from sercli.manifest.columns import simplify
from sercli.manifest.divisions import PartColumns, find_divisions, find_part_columns, part_of
from sercli.manifest.interop import read_list
from sercli.manifest.matching import Matched, Matcher
from sercli.manifest.tables import Table, read_table
from sercli.plain import csv
from sercli.records import PARTS, Fold, Problem, Utterance

_COLUMNS = "columns id, part (train, dev or test) and, for several folds, fold"
_NONE = "no lists that divide a corpus, such as train.json and test.json"
# With fewer of the listed utterances in the corpus, the list is of another corpus.
_LEAST_SHARE = 0.5
_SHOWN = 3

_Folds = Mapping[str, Mapping[str, Sequence[Utterance]]]
"""Listed utterances by fold and part."""


@dataclass(frozen=True, slots=True)
class ListedFolds:
    """The folds that files list, in their order; utterances are in the order of the manifest.

    Attributes:
        path: file, folder or pattern.
        digest: digest of the contents, from `contents_digest`.
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
            ProtocolError: the files have changed or are not such lists; they name an utterance twice in a
                fold, or in the test parts of two folds; or few of theirs are in the corpus. A table with ids
                must name only utterances of the corpus, and each one that the scheme selects.
        """
        return self._make(utterances, labels)[0]

    def notes(self, utterances: Sequence[Utterance], labels: Mapping[str, str]) -> list[str]:
        """Describe the differences between the lists and the selected utterances, a line each.

        Raises:
            ProtocolError: as above.
        """
        return self._make(utterances, labels)[1]

    def _make(
        self, utterances: Sequence[Utterance], labels: Mapping[str, str]
    ) -> tuple[list[Fold], list[str]]:
        contents, by_number = contents_digest(self.path), True
        if contents != self.digest:
            # Earlier versions of sercli took the lists of a folder in the order of texts.
            by_number = False
            if contents_digest(self.path, by_number=by_number) != self.digest:
                raise ProtocolError(f"{self.path}: has changed (its digest is {contents}, not {self.digest})")
        known = {utterance.id for utterance in utterances}
        folds, by_id = _read(self.path, known, by_number=by_number)
        listed = list(
            {each.id: each for parts in folds.values() for part in parts.values() for each in part}.values()
        )
        if by_id:
            ids = {each.id: each.id for each in listed if each.id in known}
            matched = Matched(ids, {each.id: "" for each in listed if each.id not in known})
            self._refuse_differences(matched, labels, known)
            notes: list[str] = []
        else:
            matcher = Matcher(utterances)
            matched = matcher.match(listed)
            notes = self._compare(listed, matched, matcher, labels)
        made = [self._fold(name, parts, matched, utterances, labels) for name, parts in folds.items()]
        self._refuse_repeated_tests(made)
        return made, notes

    def _refuse_repeated_tests(self, folds: Sequence[Fold]) -> None:
        """Refuse an utterance in two test parts: metrics pool the folds, and would count it twice."""
        tested: dict[str, str] = {}
        for fold in folds:
            for name in fold.test:
                if name in tested:
                    fact = f"'{name}' is tested in fold '{tested[name]}' and in fold '{fold.name}'"
                    remedy = "test each utterance once, or write each division into a list of its own"
                    raise ProtocolError(f"{self.path}: {fact}; {remedy}")
                tested[name] = fold.name

    def _fold(
        self,
        name: str,
        parts: Mapping[str, Sequence[Utterance]],
        matched: Matched,
        utterances: Sequence[Utterance],
        labels: Mapping[str, str],
    ) -> Fold:
        chosen: dict[str, str] = {}
        for part in PARTS:
            for each in parts.get(part, ()):
                own = matched.ids.get(each.id)
                if own is not None and chosen.setdefault(own, part) != part:
                    raise ProtocolError(
                        f"{self.path}: '{own}' is in {chosen[own]} and in {part} of fold '{name}'"
                    )
        selected = (
            tuple(u.id for u in utterances if u.id in labels and chosen.get(u.id) == part) for part in PARTS
        )
        made = Fold(name, *selected)
        if not made.train or not made.test:
            raise ProtocolError(f"{self.path}: fold '{name}' needs a train and a test part")
        return made

    def _refuse_differences(
        self, matched: Matched, labels: Mapping[str, str], known: Collection[str]
    ) -> None:
        foreign = sorted(matched.reasons)
        if foreign:
            more = f" (and {len(foreign) - 1} more)" if len(foreign) > 1 else ""
            ending = sorted(each for each in known if each.endswith(f"/{foreign[0]}"))
            near = ending or near_names(foreign[0], sorted(known))
            meant = f"did you mean '{near[0]}'?" if near else f"its ids look like '{min(known)}'"
            raise ProtocolError(f"{self.path}: '{foreign[0]}'{more} is not in the corpus; {meant}")
        absent = [name for name in labels if name not in matched.ids]
        if absent:
            raise ProtocolError(
                f"{self.path}: lacks {len(absent)} utterances that the scheme selects, first {absent[0]}; "
                "add them or choose another scheme"
            )

    def _compare(
        self, listed: Sequence[Utterance], matched: Matched, matcher: Matcher, labels: Mapping[str, str]
    ) -> list[str]:
        """Describe what the lists of another tool and the selected utterances do not have in common."""
        found = set(matched.ids.values())
        lost = [each for each in listed if each.id not in matched.ids]
        if len(matched.ids) < _LEAST_SHARE * len(listed):
            raise ProtocolError(
                f"{self.path}: only {len(matched.ids)} of {len(listed)} listed utterances are in the corpus; "
                f"not found is {_describe_lost(lost, matched, matcher)}; name the corpus of the lists"
            )
        notes = [f"{len(matched.ids)} of {len(listed)} listed utterances are in the corpus"]
        if lost:
            notes[0] += f"; not found is {_describe_lost(lost, matched, matcher)}"
        if others := len(found - labels.keys()):
            notes.append(f"{others} listed utterances are not selected by the scheme, and left out")
        if absent := [name for name in labels if name not in found]:
            notes.append(
                f"{len(absent)} utterances that the scheme selects are not listed, and left out, such as "
                f"{', '.join(absent[:_SHOWN])}"
            )
        return notes


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


def _describe_lost(lost: Sequence[Utterance], matched: Matched, matcher: Matcher) -> str:
    shown = []
    for each in lost[:_SHOWN]:
        near = matcher.nearest(each) if not matched.reasons[each.id] else ""
        reason = matched.reasons[each.id] or (f"the nearest is {near}" if near else "")
        shown.append(each.file + (f" ({reason})" if reason else ""))
    return ", ".join(shown) + (f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else "")


def contents_digest(path: Path, *, by_number: bool = True) -> str:
    """Hash the contents of a file, or the names and contents of lists in their order, to eight hex digits.

    Raises:
        ProtocolError: a file can't be read, or there are no lists.
    """
    try:
        if path.is_file():
            return files.sha256(path)[:8]
        divisions = _find(path, by_number=by_number)
        base = _base(path)
        lists = [each for parts in divisions.values() for each in parts.values()]
        return digest([[each.relative_to(base).as_posix(), files.sha256(each)] for each in lists], length=8)
    except OSError as error:
        raise ProtocolError(
            f"{path}: {error.strerror or error}; lists:PATH names a table or a folder"
        ) from None


def to_csv(folds: Sequence[Fold]) -> str:
    """Write folds as such a table."""
    rows = ((name, fold.name, part) for fold in folds for part in PARTS for name in getattr(fold, part))
    return csv.to_csv([("id", "fold", "part"), *rows])


def _base(path: Path) -> Path:
    """Return the folder that the names of folds are relative to: of a pattern, the last one before a star."""
    if "*" not in path.as_posix():
        return path
    return next(parent for parent in path.parents if "*" not in parent.as_posix())


def _find(path: Path, *, by_number: bool) -> dict[str, dict[str, Path]]:
    """Find the lists of a folder or a pattern, by fold and part.

    Raises:
        ProtocolError: there are none, or there is no such path.
    """
    base = _base(path)
    pattern = path.relative_to(base).as_posix() if base != path else "**/*"
    if base == path and not path.is_dir():
        raise ProtocolError(f"{path}: No such file or directory; lists:PATH names a table or a folder")
    found = find_divisions((each for each in base.glob(pattern) if each.is_file()), base, by_number=by_number)
    if not found:
        raise ProtocolError(f"{path}: {_NONE}")
    return found


def _read(path: Path, known: Collection[str], *, by_number: bool) -> tuple[_Folds, bool]:
    """Read the listed utterances, and whether a table names their ids, given those of the corpus.

    Raises:
        ProtocolError: a list can't be read.
    """
    if path.is_file():
        return _read_table(path, known)
    folds: dict[str, dict[str, list[Utterance]]] = {}
    for name, parts in _find(path, by_number=by_number).items():
        folds[name] = {part: _read_part(each) for part, each in parts.items()}
    return folds, False


def _read_part(path: Path) -> list[Utterance]:
    found = []
    try:
        for item in read_list(path):
            if isinstance(item, Utterance):
                found.append(item)
            elif not item.harmless:
                raise ManifestError(f"{item.place}: {item.fact}")
    except ManifestError as error:
        raise ProtocolError(
            f"{error}; correct the list or, if it is not one of the corpus, name the lists by a pattern, as "
            "lists:x_*.csv"
        ) from None
    return found


def _read_table(path: Path, known: Collection[str]) -> tuple[_Folds, bool]:
    """Read the utterances of a table by fold and part, and whether it names their ids."""
    table = read_table(path)
    dividing, key, by_id = _columns(path, table, known)
    folds: dict[str, dict[str, list[Utterance]]] = {}
    seen: set[tuple[str, str]] = set()
    for item in table.items:
        place = path.parent / item.place
        if isinstance(item, Problem):
            if item.harmless:
                continue
            raise ProtocolError(f"{place}: {item.fact}; the table needs {_COLUMNS}")
        name = str(item.values.get(key) or "")
        try:
            fold, part = dividing.read(item.values)
        except ManifestError as error:
            raise ProtocolError(f"{place}: {error}") from None
        fold = fold or "the only fold"
        if (fold, name) in seen:
            raise ProtocolError(f"{place}: '{name}' occurs twice in fold '{fold}'")
        seen.add((fold, name))
        own = Utterance(id=name if by_id else f"imported/{name}", corpus="", file=name)
        folds.setdefault(fold, {each: [] for each in PARTS})[part].append(own)
    return folds, by_id


def _columns(path: Path, table: Table, known: Collection[str]) -> tuple[PartColumns, str, bool]:
    """Return the columns that divide the rows, that of ids or files, and whether it is that of ids.

    A column ``id`` with none of the ids of the corpus, such as row numbers, gives way to one of files.

    Raises:
        ProtocolError: there is no such column.
    """
    dividing = find_part_columns(table.columns)
    key = next((name for name in table.columns if simplify(name) == "id"), None)
    file = None
    if key is None or not any(str(row.values[key]) in known for row in table.rows):
        file = choose_columns(table, {})[0].get("file")
        key = file or key
    if table.rows and (dividing is None or key is None):
        lists = path.parent.glob("*") if dividing is None else ()
        parts = Counter(part_of(each.stem) for each in lists)
        hint = (
            f"; or lists:{path.parent} for the lists of its folder"
            if parts["train"] and parts["test"]
            else ""
        )
        raise ProtocolError(f"{path}: needs {_COLUMNS}{hint}")
    return dividing or PartColumns("part"), key or "id", file is None
