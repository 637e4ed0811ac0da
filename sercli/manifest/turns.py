"""Read a list of turns: who speaks when in one or several recordings.

Any list of utterances with times that sercli reads is one (RTTM, labels of Audacity, tables, Kaldi), and also
a table that names no recordings, and the JSON of `sercli predict`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from sercli.audio import BEYOND_S, LEAST_S, MEDIA_SUFFIXES
from sercli.errors import ManifestError, list_some
from sercli.manifest.column_choice import choose_columns, describe_columns
from sercli.manifest.columns import simplify
from sercli.manifest.interop import read_other
from sercli.manifest.listing import Entry, read_entries
from sercli.manifest.tables import Table, TableRow, read_table
from sercli.manifest.values import explain_time, parse_number
from sercli.records import Note, Problem, Turn, Utterance

_SHOWN = 3
_NESTED = "turns"
# Place, name of the recording, and turn; no turn if the recording is listed without one.
_Listed = tuple[str, str | None, Turn | None]
_FIELDS = ("file", "start", "end", "duration", "speaker")
_CHECK_TIMES = "check that the times are seconds, not milliseconds, and those of this recording"


@dataclass(frozen=True, slots=True)
class TurnList:
    """The turns of recordings.

    Attributes:
        path: the list.
        by_name: turns by the name of their recording, in the order of their starts; the name is none if the
            list names no recording. A recording that is listed without a turn has none.
        short: number of turns that are too short to hold speech, and left out.
        empty: number of entries without start and end, which list no turn.
        columns: columns of a table that were read and not read, unless the names are sercli's own.
    """

    path: Path
    by_name: Mapping[str | None, tuple[Turn, ...]]
    short: int = 0
    empty: int = 0
    columns: str = ""

    def assign(self, recordings: Sequence[Path]) -> tuple[dict[Path, tuple[Turn, ...]], list[str]]:
        """Return the turns of each recording, and notes.

        A name of the list belongs to the recording with the same name, without folders and suffix; if several
        names do, to the one with most folders in common. A blank and an underscore are equal, because RTTM
        has no blanks in names. A list without names, or that is called as it is named inside (Audacity),
        belongs to a single recording.

        Raises:
            ManifestError: the list names none of the recordings; no recording, and there are several; or
                a name fits two recordings.
        """
        names = list(self.by_name)
        if names == [None] or (names == [self.path.stem] and len(recordings) == 1):
            if len(recordings) != 1:
                raise ManifestError(
                    f"{self.path}: names no recording, and there are {len(recordings)}; add a column file"
                )
            notes = self._notes(())
            if names != [None] and self._find(recordings[0]) is None:
                notes.append(f"{self.path.name}: its turns, of {names[0]}, are used for {recordings[0]}")
            return {recordings[0]: self.by_name[names[0]]}, notes
        chosen = {path: self._find(path) for path in recordings}
        used = Counter(name for name in chosen.values() if name is not None)
        if not used:
            known = list_some(sorted(map(str, names)), _SHOWN)
            raise ManifestError(f"{self.path}: names none of these recordings; it names {known}")
        name, count = used.most_common(1)[0]
        if count > 1:
            both = [str(path) for path, own in chosen.items() if own == name]
            raise ManifestError(f"{self.path}: '{name}' fits {both[0]} and {both[1]}; write its folder too")
        turns = {path: () if own is None else self.by_name[own] for path, own in chosen.items()}
        return turns, self._notes([str(each) for each in names if each not in used])

    def _find(self, recording: Path) -> str | None:
        fits = {name: _fit(recording, name) for name in self.by_name if name is not None}
        most = max(fits.values(), default=(0, False))
        best = [name for name, fit in fits.items() if fit == most and fit[0]]
        if len(best) > 1:
            raise ManifestError(f"{self.path}: '{best[0]}' and '{best[1]}' both fit {recording}")
        return best[0] if best else None

    def _notes(self, unused: Sequence[str]) -> list[str]:
        notes = [f"{self.path.name}: {self.columns}"] if self.columns else []
        if unused:
            named = list_some(sorted(unused), _SHOWN)
            notes.append(f"{self.path.name}: not among the recordings: {named}")
        if self.short:
            notes.append(f"{self.path.name}: turns of less than {LEAST_S:g} s are left out: {self.short}")
        if self.empty:
            notes.append(f"{self.path.name}: entries without start and end list no turn: {self.empty}")
        return notes


def read_turns(path: Path) -> TurnList:
    """Read a list of turns.

    Raises:
        ManifestError: it can't be read, is empty, or a line of it is no turn.
    """
    if not path.exists():
        raise ManifestError(f"{path}: no such file")
    found: dict[str | None, list[Turn]] = defaultdict(list)
    short = empty = 0
    listed, columns = _open(path)
    for place, name, turn in listed:
        if turn is None:
            empty += 1
            found[name] += []  # the recording is listed
        elif not 0 <= turn.start < turn.end:
            raise ManifestError(f"{place}: a turn from {turn.start:g} to {turn.end:g} s")
        elif turn.end - turn.start < LEAST_S:
            short += 1
        else:
            found[name].append(turn)
    if not any(found.values()):
        raise ManifestError(f"{path}: lists no turn" + f" of {LEAST_S:g} s or more" * bool(short))
    by_name = {name: tuple(sorted(own, key=lambda turn: turn.start)) for name, own in found.items()}
    return TurnList(path, by_name, short, empty, columns)


def fit_turns(turns: Sequence[Turn], seconds: float) -> tuple[tuple[Turn, ...], str]:
    """Cut the turns of a recording at its end, and leave out those after it.

    A turn may end up to `BEYOND_S` after the recording; it stays unchanged then.

    Args:
        turns: turns of the recording.
        seconds: length of the recording.

    Returns:
        The turns that are left, and a note on those that were changed or left out; it is empty if there are
        none.

    Raises:
        ManifestError: there are turns, but none of them begins within the recording.
    """
    inside = [turn for turn in turns if turn.start <= seconds - LEAST_S]
    after = [turn for turn in turns if turn.start > seconds - LEAST_S]
    if after and not inside:
        raise ManifestError(
            f"none of its turns ({len(after)}) begins within the recording, which is {seconds:g} s long; the "
            f"first is {_describe(after[0])}; {_CHECK_TIMES}"
        )
    long = [turn for turn in inside if turn.end > seconds + BEYOND_S]
    notes = []
    if long:
        notes.append(
            f"turns that end after the recording ({seconds:g} s) are cut at its end: {len(long)}, first "
            f"{_describe(long[0])}"
        )
    if after:
        notes.append(
            f"turns that begin after the recording ({seconds:g} s), or less than {LEAST_S:g} s before its "
            f"end, are left out: {len(after)}, first {_describe(after[0])}; {_CHECK_TIMES}"
        )
    end = round(seconds, 6)
    cut = (replace(turn, end=end) if turn.end > seconds + BEYOND_S else turn for turn in inside)
    return tuple(cut), "; ".join(notes)


def _describe(turn: Turn) -> str:
    place = f" in {turn.place}" if turn.place else ""
    return f"{turn.start:.10g} to {turn.end:.10g} s{place}"


def _open(path: Path) -> tuple[Iterator[_Listed], str]:
    """Return the turns of a list, and which columns were read if the list is a table."""
    other = read_other(path)
    if other is not None:
        return _of_utterances(path, other), ""
    table = read_table(path)
    nested = [row for row in table.rows if isinstance(row.values.get(_NESTED), list)]
    if nested:
        return _nested(path, nested), ""
    return _of_rows(path), _describe_columns(table)


def _describe_columns(table: Table) -> str:
    """Describe the columns of a table; empty if nothing can be misunderstood.

    That is so if each column that is read has sercli's name of the field, and the speakers are known or there
    is no other column.
    """
    chosen, _ = choose_columns(table, {})
    fields = {name: column for name, column in chosen.items() if name in _FIELDS}
    usual = all(simplify(column) in (name, f"{name}s") for name, column in fields.items())
    others = set(table.columns) - set(fields.values())
    return "" if usual and ("speaker" in fields or not others) else describe_columns(table.columns, fields)


def _of_utterances(path: Path, items: Iterator[Utterance | Problem]) -> Iterator[_Listed]:
    """Yield the turns of a list of another tool."""
    for item in items:
        if isinstance(item, Utterance):
            yield str(path), item.file, _turn(str(path), _times(item))
        else:
            _refuse(item, "")


def _of_rows(path: Path) -> Iterator[_Listed]:
    """Yield the turns of a table, each once."""
    seen = set()
    for entry in read_entries(path, needed=("start",)):
        if not isinstance(entry, Entry):
            _refuse(entry, f"{path.parent}/")
        elif (fields := repr(entry.fields)) not in seen:
            seen.add(fields)
            place = f"{path.parent / entry.place}"
            file = entry.fields.get("file")
            yield place, None if file is None else str(file), _turn(place, entry.fields)


def _nested(path: Path, rows: Sequence[TableRow]) -> Iterator[_Listed]:
    """Yield the turns of the JSON of `sercli predict`."""
    for row in rows:
        place = f"{path.parent / row.place}"
        if not row.values[_NESTED]:
            yield place, str(row.values["file"]), None
        offset = parse_number(row.values.get("offset_s")) or 0.0
        for each in row.values[_NESTED]:
            own = {"start": each.get("start_s"), "end": each.get("end_s"), "speaker": each.get("speaker")}
            yield place, str(row.values["file"]), _turn(place, own, offset)


def _times(item: Utterance) -> dict[str, Any]:
    """Return the fields of a turn."""
    return {"start": item.start, "end": item.end, "speaker": item.speaker, "duration": item.duration or None}


def _turn(place: str, values: Mapping[str, Any], offset_s: float = 0.0) -> Turn | None:
    """Make a turn from start, and end or duration; none of a recording that is listed without a turn.

    The times count from ``offset_s`` in the recording.

    Raises:
        ManifestError: one of them is absent or no number.
    """
    if values.get("start") is None and values.get("end") is None:
        return None
    times = {}
    for name in ("start", "end", "duration"):
        value = values.get(name)
        found = parse_number(value)
        if value is not None and found is None:
            raise ManifestError(f"{place}: {explain_time(name, value)}")
        times[name] = found
    start, end, duration = times["start"], times["end"], times["duration"]
    if start is not None and end is None and duration is not None:
        end = start + duration
    if start is None or end is None:
        raise ManifestError(
            f"{place}: no {'start' if start is None else 'end'}; a turn needs both, in seconds"
        )
    speaker = values.get("speaker")
    named = None if speaker in (None, "") else str(speaker)
    return Turn(round(offset_s + start, 6), round(offset_s + end, 6), named, place)


def _refuse(item: Problem, folder: str) -> None:
    if not isinstance(item, Note) and not item.harmless:
        raise ManifestError(f"{folder}{item}")


def _fit(recording: Path, name: str) -> tuple[int, bool]:
    """Return how many parts of a name are those of a recording, and whether it may have no other suffix.

    A name without a suffix may end like one: that of ``call.mp3.wav`` is ``call.mp3``.
    """
    own = _parts(recording.as_posix())
    same = PurePosixPath(name).suffix.lower() == recording.suffix.lower()
    return max((_common(own, _parts(name)), same), (_common(own, _parts(name, complete=True)), True))


def _parts(name: str, *, complete: bool = False) -> tuple[str, ...]:
    """Return the parts of a name from the last one on, without the suffix of a recording unless complete."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not complete and path.suffix.lower() in MEDIA_SUFFIXES:
        path = path.with_suffix("")
    return tuple(part.replace(" ", "_") for part in reversed(path.parts))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts are equal before the first ones that differ."""
    pairs = [a == b for a, b in zip(one, other, strict=False)]
    return pairs.index(False) if False in pairs else len(pairs)
