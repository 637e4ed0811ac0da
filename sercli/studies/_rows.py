"""The rows and columns of a study's file; a row inherits from the row that it names with ``from:``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

from sercli.errors import SerError, unknown
from sercli.models import architecture_names
from sercli.plain.yaml import Place
from sercli.schemes import Scheme, get_scheme
from sercli.schemes.reading import choose_scheme
from sercli.studies._file import StudyFile
from sercli.studies._presentation import with_paper
from sercli.studies.columns import column_name, complete_column, parse_column
from sercli.studies.study import Assignment, Column, StudyRow, replaced

_ROW = ("name", "from", "arch", "on", "set", "set_on", "vary", "paper")
_COLUMN = ("name", "corpus", "scheme", "protocol", "set")
_SETTINGS = ("model", "augment", "features", "segments", "training", "init")
_MOST_CELLS = 10_000

_Axis = Mapping[str, tuple[Assignment, str]]
"""The values of a varied setting by label, each with a short label."""


@dataclass(frozen=True, slots=True)
class _FileRow:
    """A row as its file states it, with everything that it inherits.

    Attributes:
        places: place in the file of each setting.
        vary: the varied settings.
    """

    name: str
    place: Place
    arch: str
    parent: str | None
    own: tuple[Assignment, ...]
    settings: tuple[Assignment, ...]
    settings_on: Mapping[str, tuple[Assignment, ...]]
    on: Any
    on_place: Place
    vary: tuple[_Axis, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)


class RowReader:
    """Reads the rows of one file."""

    def __init__(self, source: StudyFile, top: Mapping[str, Any]) -> None:
        self.source, self.top = source, top
        self._read: dict[str, _FileRow] = {}

    def read_rows(self) -> list[StudyRow]:
        """Read the rows; a varied row becomes one row for each choice of values.

        Raises:
            ConfigError: something in them is wrong; the message begins with file and line.
        """
        listed = self._list_rows()
        wide = self._read_axes(("vary",), self.top["vary"]) if "vary" in self.top else ()
        rows: dict[str, StudyRow] = {}
        for stated in listed:
            on = self.read_columns(stated.on_place, stated.on, stated.arch)
            each = replace(stated, settings_on=self._settle_settings_on(stated, on))
            for row in _expand(each, wide, on, self.source.line(each.place)):
                if row.name in rows:
                    self.source.fail(each.place, f"two rows are called '{row.name}'")
                self._check_varied(each, row)
                rows[row.name] = row
                if len(rows) * len(on) > _MOST_CELLS:
                    self._refuse_cells(each.place)
        return with_paper(self.source, self.top, rows)

    def _refuse_cells(self, place: Place) -> NoReturn:
        self.source.fail(place, f"more than {_MOST_CELLS} cells; have fewer rows, or vary less")

    def read_columns(self, place: Place, given: Any, arch: str) -> tuple[Column, ...]:
        """Read a list of columns.

        Raises:
            ConfigError: something in it is wrong; the message begins with file and line.
        """
        source, columns = self.source, {}
        for i, each in enumerate(source.items(place, given, "on")):
            at = (*place, i)
            try:
                column = self._read_column(at, each, arch)
            except SerError as error:
                if str(error).startswith(f"{source.name}:"):
                    raise
                source.fail(at, str(error))
            if column.name in columns:
                source.fail(at, f"two columns are called '{column.name}'; give one of them a 'name:'")
            columns[column.name] = column
        return tuple(columns.values())

    def place_of(self, row: StudyRow, setting: str | None = None) -> Place:
        """Return the place of a row, or of one of its settings, in the file."""
        stated = self._read[row.group]
        if setting is None:
            return stated.place
        if setting in row.varied:
            places: tuple[Place, ...] = ((*stated.place, "vary", setting), ("vary", setting))
            return next((place for place in places if place in self.source.lines), stated.place)
        return stated.places.get(setting, stated.place)

    def _list_rows(self) -> list[_FileRow]:
        source = self.source
        if "rows" not in self.top:
            return [self._read_row({}, (), {}, ())]
        listed = source.items(("rows",), self.top["rows"], "rows")
        if len(listed) > _MOST_CELLS:  # before anything is built from each row
            self._refuse_cells(("rows", _MOST_CELLS))
        by_name: dict[str, int] = {}
        for i, row in enumerate(listed):
            source.mapping(("rows", i), row, "a row")
            source.known(("rows", i), row, _ROW, "a row")
            if "name" not in row and "vary" not in row:
                source.fail(("rows", i), "a row needs a name")
            name = source.row_name(("rows", i), row)
            if name in by_name:
                source.fail(("rows", i, "name"), f"two rows are called '{name}'")
            by_name[name] = i
        return [self._read_row(row, ("rows", i), by_name, ()) for i, row in enumerate(listed)]

    def _read_row(
        self, row: dict[str, Any], place: Place, by_name: dict[str, int], below: tuple[str, ...]
    ) -> _FileRow:
        """Read a row after the row that it inherits from.

        Args:
            row: the row as in the file.
            place: its place in the file.
            by_name: position of each row.
            below: names of the rows that inherit from this one, while they are read.
        """
        source, name = self.source, self.source.row_name(place, row)
        if name in self._read:
            return self._read[name]
        parent = self._read_parent(row, place, by_name, (*below, name)) if "from" in row else None
        arch = self._read_arch(row, place, parent)
        places: dict[str, Place] = dict(parent.places) if parent else {}
        own = self._read_settings((*place, "set"), row.get("set", {}), places)
        base = parent.settings if parent else self._read_settings(("set",), self.top.get("set", {}), places)
        settings_on = dict(parent.settings_on) if parent else {}
        for column, given in source.mapping((*place, "set_on"), row.get("set_on", {}), "set_on").items():
            there = self._read_settings((*place, "set_on", column), given, places)
            settings_on[column] = (*settings_on.get(column, ()), *there)
        inherited = (parent.on, parent.on_place) if parent else (self.top.get("on"), ("on",))
        on, on_place = (row["on"], (*place, "on")) if "on" in row else inherited
        if on is None:
            source.fail(place, "neither this row nor the study has 'on:'")
        self._read[name] = _FileRow(
            name=name,
            place=place,
            arch=arch,
            parent=parent.name if parent else None,
            own=own,
            settings=(*base, *own),
            settings_on=settings_on,
            on=on,
            on_place=on_place,
            vary=self._read_axes((*place, "vary"), row["vary"]) if "vary" in row else (),
            places=places,
        )
        return self._read[name]

    def _read_parent(
        self, row: dict[str, Any], place: Place, by_name: dict[str, int], below: tuple[str, ...]
    ) -> _FileRow:
        source, at = self.source, (*place, "from")
        wanted = source.text(at, row["from"], "from")
        if wanted not in by_name:
            source.fail(at, str(unknown("rows", wanted, by_name)))
        if wanted in below:
            source.fail(at, f"rows in a circle: {' from '.join((*below, wanted))}")
        number = by_name[wanted]
        return self._read_row(self.top["rows"][number], ("rows", number), by_name, below)

    def _read_arch(self, row: dict[str, Any], place: Place, parent: _FileRow | None) -> str:
        at = (*place, "arch") if "arch" in row else ("arch",)
        arch = row.get("arch") or (parent.arch if parent else self.top.get("arch"))
        names = architecture_names()
        if arch is None:
            self.source.fail(place, f"neither this row nor the study has 'arch:': {', '.join(names)}")
        name = self.source.text(at, arch, "arch")
        if name not in names:
            self.source.fail(at, str(unknown("the list of architectures", name, names)))
        return name

    def _read_settings(self, place: Place, given: Any, places: dict[str, Place]) -> tuple[Assignment, ...]:
        """Read settings by their dotted names, and note the place of each."""
        named = self.source.mapping(place, given, "set")
        for name in named:
            self._check_setting(name, (*place, name))
            places[name] = (*place, name)
        return tuple(named.items())

    def _check_setting(self, name: str, place: Place) -> None:
        first = name.partition(".")[0]
        if first not in _SETTINGS:
            self.source.fail(place, f"{unknown('settings', first, _SETTINGS)} (as in model.KEY)")

    def _read_axes(self, place: Place, given: Any) -> tuple[_Axis, ...]:
        """Read the varied settings, each with its values."""
        axes: list[_Axis] = []
        for name, values in self.source.mapping(place, given, "vary").items():
            self._check_setting(name, (*place, name))
            if isinstance(values, dict) and values:
                axes.append({label: ((name, value), label) for label, value in values.items()})
                continue
            listed = self.source.items((*place, name), values, "vary")
            last = name.rpartition(".")[2]
            axes.append({f"{last} {_label(value)}": ((name, value), _label(value)) for value in listed})
        return tuple(axes)

    def _read_column(self, place: Place, given: Any, arch: str) -> Column:
        source = self.source
        if not isinstance(given, dict):
            return parse_column(source.text(place, given, "a column"), arch, self.folder)
        source.known(place, given, _COLUMN, "a column")
        named = {
            key: source.text((*place, key), given[key], key) if key in given else None
            for key in ("name", "corpus", "protocol")
        }
        if not named["corpus"] and not given.get("scheme"):
            source.fail(place, "a column needs a 'scheme:' or a 'corpus:'")
        scheme = self._read_scheme(place, given.get("scheme"))
        column = complete_column(**named, scheme=scheme, arch=arch, folder=self.folder)
        return replace(column, settings=self._read_settings((*place, "set"), given.get("set", {}), {}))

    @property
    def folder(self) -> Path:
        """Folder of the study's file, which the files of its columns are relative to."""
        return Path(self.source.name).parent

    def _read_scheme(self, place: Place, given: Any) -> Scheme | None:
        """Read a name, a YAML file beside the study, or the keys of such a file."""
        if given is None or isinstance(given, dict):
            return get_scheme(given) if given else None
        text = self.source.text((*place, "scheme"), given, "scheme")
        return choose_scheme(text, None, folder=self.folder)

    def _check_varied(self, stated: _FileRow, row: StudyRow) -> None:
        """Refuse settings of a column that replace a varied one: rows of different names would be equal."""
        for column in row.on if row.varied else ():
            for (name, _), varied in replaced(row, column, row.settings_on.get(column.name, ())):
                self.source.fail(
                    stated.places[name],
                    f"set_on {column.name} sets {name}, but row '{row.name}' varies {varied} and has its "
                    "name from the value; vary it in a row of its own, with only this column in 'on:'",
                )

    def _settle_settings_on(
        self, row: _FileRow, on: tuple[Column, ...]
    ) -> Mapping[str, tuple[Assignment, ...]]:
        """Return the settings for one column only by the names of the columns, which must exist."""
        known = [column.name for column in on]
        settled: dict[str, tuple[Assignment, ...]] = {}
        for text, settings in row.settings_on.items():
            name = column_name(text, known)
            if name not in known:
                self.source.fail((*row.place, "set_on", text), str(unknown("on", text, known)))
            if name in settled:
                self.source.fail((*row.place, "set_on", text), f"column '{name}' occurs twice")
            settled[name] = settings
        return settled


def _expand(
    stated: _FileRow, wide: tuple[_Axis, ...], on: tuple[Column, ...], line: int
) -> Iterator[StudyRow]:
    """Make a row for each choice of values; one row if nothing is varied."""
    for choice in product(*(axis.items() for axis in (*stated.vary, *wide))):
        varied = tuple(assignment for _, (assignment, _) in choice)
        yield StudyRow(
            name=", ".join([*([stated.name] if stated.name else []), *(label for label, _ in choice)]),
            arch=stated.arch,
            parent=stated.parent,
            own=(*stated.own, *varied),
            settings=(*stated.settings, *varied),
            settings_on=stated.settings_on,
            on=on,
            paper={},
            group=stated.name,
            varied={assignment[0]: short for _, (assignment, short) in choice},
            line=line,
        )


def _label(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "-".join(_label(each) for each in value) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "on", False: "off", None: "none"}[value]
    return str(value)
