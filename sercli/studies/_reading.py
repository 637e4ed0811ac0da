"""From a study's file to its rows and columns, every cell checked before anything runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from sercli.errors import SerError, unknown
from sercli.models import architecture_names
from sercli.plain.yaml import Place
from sercli.studies import Assignment, On, Row, Study, _columns, settings_of
from sercli.studies._display import read_display
from sercli.studies._paper import read_references, with_paper
from sercli.studies._source import Source, parse
from sercli.training.settings import complete

_STUDY = (
    *("title", "source", "arch", "on", "set", "vary", "rows"),
    *("paper", "paper_is", "doubtful", "about_values", "references", "test_on"),
    *("metrics", "plot", "confusion", "curves"),
)
_ROW = ("name", "from", "arch", "on", "set", "set_on", "vary", "paper")
_ON = ("name", "corpus", "scheme", "protocol", "set")
_SETTINGS = ("model", "augment", "features", "segments", "training", "init")
_PAPER_IS = ("pooled", "mean over folds")
_MOST_CELLS = 10_000


@dataclass(frozen=True, slots=True)
class _Stated:
    """A row as its file has it, with what it takes over from the rows that it names."""

    name: str
    place: Place
    arch: str
    parent: str | None
    own: tuple[Assignment, ...]
    settings: tuple[Assignment, ...]
    settings_on: Mapping[str, tuple[Assignment, ...]]
    on: Any
    on_place: Place
    vary: tuple[Mapping[str, tuple[Assignment, str]], ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)


def read(path: Path) -> Study:
    """Read a study.

    Raises:
        ConfigError: something in it is wrong; the message begins with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        Source(str(path), None, {}).fail((), "not a text in UTF-8")
    return _Reader(parse(text, str(path))).study(path)


class _Reader:
    """Reads one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.top = source.mapping((), source.value, "a study")
        self.stated: dict[str, _Stated] = {}

    def study(self, path: Path) -> Study:
        """Read it all."""
        source, top = self.source, self.top
        source.known((), top, _STUDY, "a study")
        for key in ("title", "on"):
            if key not in top and not (key == "on" and self._every_row_has(key)):
                source.fail((), f"a study needs '{key}:'")
        if "rows" not in top and "vary" not in top:
            source.fail((), "a study needs 'rows:' or 'vary:'")
        rows = self._rows()
        study = Study(
            name=path.stem.replace("_", "-"),
            title=source.text(("title",), top["title"], "title"),
            source=source.text(("source",), top.get("source", "own"), "source"),
            rows=tuple(rows),
            doubtful=self._texts("doubtful"),
            about_values=self._texts("about_values"),
            references=read_references(source, top, {on.name for row in rows for on in row.on}),
            means=self._means(),
            test_on=self._on(("test_on",), top["test_on"], rows[0].arch) if "test_on" in top else (),
            file=path,
            display=read_display(source, top, rows),
        )
        for row in study.rows:
            self._check(row)
        return study

    def _every_row_has(self, key: str) -> bool:
        rows = self.top.get("rows")
        return isinstance(rows, list) and all(isinstance(row, dict) and key in row for row in rows)

    def _texts(self, key: str) -> tuple[str, ...]:
        if key not in self.top:
            return ()
        texts = self.source.items((key,), self.top[key], key)
        return tuple(self.source.text((key, i), text, key) for i, text in enumerate(texts))

    def _means(self) -> bool:
        told = self.top.get("paper_is", _PAPER_IS[0])
        if told not in _PAPER_IS:
            self.source.fail(("paper_is",), f"paper_is is {' or '.join(_PAPER_IS)}, not {told!r}")
        return bool(told == _PAPER_IS[1])

    def _rows(self) -> list[Row]:
        """Read the rows, and put those that are varied out into one for each value."""
        stated = self._state_all()
        wide = self._vary(("vary",), self.top["vary"]) if "vary" in self.top else ()
        rows: dict[str, Row] = {}
        for each in stated:
            on = self._on(each.on_place, each.on, each.arch)
            settings_on = self._settings_on(each, on)
            for row in _put_out(each, wide, on, settings_on, self.source.line(each.place)):
                if row.name in rows:
                    self.source.fail(each.place, f"two rows are called '{row.name}'")
                rows[row.name] = row
                if len(rows) * len(on) > _MOST_CELLS:
                    self.source.fail(each.place, f"more than {_MOST_CELLS} cells; vary less")
        return with_paper(self.source, self.top, rows)

    def _state_all(self) -> list[_Stated]:
        source = self.source
        if "rows" not in self.top:
            return [self._state({"name": ""}, (), {}, ())]
        listed = source.items(("rows",), self.top["rows"], "rows")
        by_name: dict[str, int] = {}
        for i, row in enumerate(listed):
            source.mapping(("rows", i), row, "a row")
            source.known(("rows", i), row, _ROW, "a row")
            if "name" not in row and "vary" not in row:
                source.fail(("rows", i), "a row needs a name")
            name = source.text(("rows", i, "name"), row["name"], "name") if "name" in row else ""
            if name in by_name:
                source.fail(("rows", i, "name"), f"two rows are called '{name}'")
            by_name[name] = i
        return [self._state(row, ("rows", i), by_name, ()) for i, row in enumerate(listed)]

    def _state(
        self, row: dict[str, Any], place: Place, by_name: dict[str, int], above: tuple[str, ...]
    ) -> _Stated:
        """Read a row after the row that it starts from.

        Args:
            row: as in the file.
            place: where it stands.
            by_name: number of each row.
            above: names of the rows that lead here.
        """
        source, name = self.source, str(row.get("name", ""))
        if name in self.stated:
            return self.stated[name]
        parent = None
        if "from" in row:
            wanted = source.text((*place, "from"), row["from"], "from")
            if wanted not in by_name:
                source.fail((*place, "from"), str(unknown("rows", wanted, by_name)))
            if wanted in (*above, name):
                source.fail((*place, "from"), f"rows in a circle: {' from '.join((*above, name, wanted))}")
            number = by_name[wanted]
            parent = self._state(self.top["rows"][number], ("rows", number), by_name, (*above, name))
        arch = self._arch(row, place, parent)
        places: dict[str, Place] = dict(parent.places) if parent else {}
        own = self._assignments((*place, "set"), row.get("set", {}), places)
        base = parent.settings if parent else self._assignments(("set",), self.top.get("set", {}), places)
        settings_on = dict(parent.settings_on) if parent else {}
        for column, given in source.mapping((*place, "set_on"), row.get("set_on", {}), "set_on").items():
            there = self._assignments((*place, "set_on", column), given, places)
            settings_on[column] = (*settings_on.get(column, ()), *there)
        inherited = (parent.on, parent.on_place) if parent else (self.top.get("on"), ("on",))
        on, on_place = (row["on"], (*place, "on")) if "on" in row else inherited
        if on is None:
            source.fail(place, "this row has no 'on:', nor has the study")
        made = _Stated(
            name=name,
            place=place,
            arch=arch,
            parent=parent.name if parent else None,
            own=own,
            settings=(*base, *own),
            settings_on=settings_on,
            on=on,
            on_place=on_place,
            vary=self._vary((*place, "vary"), row["vary"]) if "vary" in row else (),
            places=places,
        )
        self.stated[name] = made
        return made

    def _arch(self, row: dict[str, Any], place: Place, parent: _Stated | None) -> str:
        at = (*place, "arch") if "arch" in row else ("arch",)
        arch = row.get("arch") or (parent.arch if parent else self.top.get("arch"))
        if arch is None:
            self.source.fail(place, f"no 'arch:' here, nor in the study: {', '.join(architecture_names())}")
        name = self.source.text(at, arch, "arch")
        if name not in architecture_names():
            self.source.fail(at, str(unknown("sercli.models", name, architecture_names())))
        return name

    def _assignments(self, place: Place, given: Any, places: dict[str, Place]) -> tuple[Assignment, ...]:
        """Read settings by their dotted names, and keep where each one stands."""
        named = self.source.mapping(place, given, "set")
        for name in named:
            self._setting(name, (*place, name))
            places[name] = (*place, name)
        return tuple(named.items())

    def _setting(self, name: str, place: Place) -> None:
        first = name.partition(".")[0]
        if first not in _SETTINGS:
            self.source.fail(place, f"{unknown('settings', first, _SETTINGS)} (as in model.KEY)")

    def _vary(self, place: Place, given: Any) -> tuple[Mapping[str, tuple[Assignment, str]], ...]:
        """Read what is varied: for each setting its values by label."""
        axes = []
        for name, values in self.source.mapping(place, given, "vary").items():
            self._setting(name, (*place, name))
            if isinstance(values, dict) and values:
                labelled = {label: ((name, value), label) for label, value in values.items()}
            else:
                listed = self.source.items((*place, name), values, "vary")
                last = name.rpartition(".")[2]
                labelled = {f"{last} {_label(value)}": ((name, value), _label(value)) for value in listed}
            axes.append(labelled)
        return tuple(axes)

    def _on(self, place: Place, given: Any, arch: str) -> tuple[On, ...]:
        """Read columns."""
        source, columns = self.source, {}
        for i, each in enumerate(source.items(place, given, "on")):
            at = (*place, i)
            try:
                column = self._column(at, each, arch)
            except SerError as error:
                if str(error).startswith(f"{source.name}:"):
                    raise
                source.fail(at, str(error))
            if column.name in columns:
                source.fail(at, f"two columns are called '{column.name}'; give one of them a 'name:'")
            columns[column.name] = column
        return tuple(columns.values())

    def _column(self, place: Place, given: Any, arch: str) -> On:
        source = self.source
        if not isinstance(given, dict):
            return _columns.parse(source.text(place, given, "a column"), arch)
        source.known(place, given, _ON, "a column")
        named = {
            key: source.text((*place, key), given[key], key) if key in given else None
            for key in ("name", "corpus", "scheme", "protocol")
        }
        if not named["corpus"] and not named["scheme"]:
            source.fail(place, "a column needs a 'scheme:' or a 'corpus:'")
        column = _columns.complete(**named, arch=arch)
        return replace(column, settings=self._assignments((*place, "set"), given.get("set", {}), {}))

    def _settings_on(self, row: _Stated, on: tuple[On, ...]) -> Mapping[str, tuple[Assignment, ...]]:
        known = [column.name for column in on]
        for name in row.settings_on:
            if name not in known:
                self.source.fail((*row.place, "set_on", name), str(unknown("on", name, known)))
        return row.settings_on

    def _check(self, row: Row) -> None:
        """Build the settings of each cell; blame the setting without which they would be right."""
        for on in row.on:
            try:
                complete(settings_of(row, on))
            except SerError as error:
                self.source.fail(self._blamed(row, on), f"row '{row.name}', on {on.name}: {error}")

    def _blamed(self, row: Row, on: On) -> Place:
        stated = self.stated[row.group]
        for i, (name, _) in reversed(list(enumerate(row.settings))):
            without = replace(row, settings=(*row.settings[:i], *row.settings[i + 1 :]))
            if _is_right(without, on):
                varied = next(
                    (at for at in ((*stated.place, "vary", name), ("vary", name)) if at in self.source.lines),
                    stated.place,
                )
                return varied if name in row.varied else stated.places.get(name, stated.place)
        for name, _ in row.settings_on.get(on.name, ()):
            if _is_right(replace(row, settings_on={}), on):
                return stated.places.get(name, stated.place)
        return stated.place


def _is_right(row: Row, on: On) -> bool:
    try:
        complete(settings_of(row, on))
    except SerError:
        return False
    return True


def _put_out(
    stated: _Stated,
    wide: tuple[Mapping[str, tuple[Assignment, str]], ...],
    on: tuple[On, ...],
    settings_on: Mapping[str, tuple[Assignment, ...]],
    line: int,
) -> Iterator[Row]:
    """Make a row for each choice of values; one where nothing is varied."""
    for choice in product(*(axis.items() for axis in (*stated.vary, *wide))):
        varied = tuple(assignment for _, (assignment, _) in choice)
        yield Row(
            name=", ".join([*([stated.name] if stated.name else []), *(label for label, _ in choice)]),
            arch=stated.arch,
            parent=stated.parent,
            own=(*stated.own, *varied),
            settings=(*stated.settings, *varied),
            settings_on=settings_on,
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
