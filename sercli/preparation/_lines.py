"""Name the line of a table in a problem of a recording that the table lists."""

import posixpath
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import PurePosixPath

from sercli.manifest.interop import read_other
from sercli.manifest.listing import Entry, read_entries
from sercli.manifest.recordings import spelling_key
from sercli.manifest.values import parse_number
from sercli.preparation._place import Place
from sercli.preparation._reading import from_table
from sercli.records import Problem, Utterance


class TableLines:
    """The lines of a table, read again for the first problem; those of other lists are not known."""

    def __init__(self, place: Place) -> None:
        """Name lines of the table at ``place``."""
        self._place = place

    def name(self, problem: Problem, utterance: Utterance | None = None) -> Problem:
        """Return a problem of a recording with the line before the name of the recording.

        Args:
            problem: unchanged if it is harmless, or if no line or several files may be meant.
            utterance: the utterance; without it, the first line of the recording is named.
        """
        rows = [] if problem.harmless else self._rows.get(_key(problem.place), [])
        same = [row for row in rows if _file(row) == problem.place]
        if not same and len(set(map(_file, rows))) == 1:
            same = list(rows)  # the table spells the name differently from the disk
        if utterance is not None:
            same = [row for row in same if _times(row) == (utterance.start, utterance.end)] or same
        if not same:
            return problem
        line = from_table(Problem(same[0].place, ""), self._place).place
        return replace(problem, place=f"{line}: {problem.place}")

    def name_all(self, problems: Sequence[Problem]) -> list[Problem]:
        """Return problems, each with its line as far as it is known."""
        return [self.name(problem) for problem in problems]

    @cached_property
    def _rows(self) -> Mapping[str, Sequence[Entry]]:
        """The rows by the name of their file, without differences of spelling."""
        place = self._place
        chosen = getattr(place.options[0], "chosen", {}) if place.options else {}
        found: dict[str, list[Entry]] = defaultdict(list)
        if place.corpus.takes_file and place.root.is_file() and read_other(place.root, chosen) is None:
            for entry in read_entries(place.root, chosen):
                if isinstance(entry, Entry) and "file" in entry.fields:
                    found[_key(_file(entry))].append(entry)
        return found


def _file(entry: Entry) -> str:
    return posixpath.normpath(str(entry.fields["file"]).replace("\\", "/"))


def _key(file: str) -> str:
    return spelling_key(PurePosixPath(file).name)


def _times(entry: Entry) -> tuple[float | None, float | None]:
    return parse_number(entry.fields.get("start")), parse_number(entry.fields.get("end"))
