"""Studies: tables and figures of papers as data, one YAML file each, and what their cells come to.

A row states its difference from another one; a cell is a row on a corpus, with settings that are ready
for a training. Studies refer to runs and hold none: a finished trial serves every study that needs it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from sercli.errors import ConfigError, unknown
from sercli.protocols import parse_numbers, tests_nothing

Assignment = tuple[str, Any]
"""A setting by its dotted name, ``features.window_ms``, and its value."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A value that a paper reports.

    Attributes:
        value: as the paper prints it: per cent, or a plain CCC.
        derived: whether the paper does not print the value, and it is computed from what the paper states.
    """

    value: float
    derived: bool = False


Figures = Mapping[str, Reported]
"""What a paper reports, by metric: ``ua``, ``wa``, ``acc`` and ``recall_CLASS`` in per cent, ``ccc_arousal``
and ``ccc_valence`` plain."""

METRICS = ("ua", "wa", "acc", "recall", "without_gender")
"""What a study's tables can show of classes besides what the paper reports."""


@dataclass(frozen=True, slots=True)
class Display:
    """What a report shows of a study, and how it draws it.

    Attributes:
        metrics: of classes, from `METRICS`; UA and WA if there are none.
        x: the varied setting on the horizontal axis; the one with the most values if not given.
        axis: words at the horizontal axis by varied row or setting; the setting's name where there are none.
        metrics_as_lines: whether metrics share the axes, a line each, and each varied row has its own axes.
        confusion: names of the rows whose confusion matrices are drawn.
        curves: names of the rows whose training curves are drawn side by side.
        curves_fold: number of the fold whose curves are drawn; the first that all rows have if they lack it.
    """

    metrics: tuple[str, ...] = ()
    x: str | None = None
    axis: Mapping[str, str] = field(default_factory=dict)
    metrics_as_lines: bool = False
    confusion: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    curves_fold: int = 1


@dataclass(frozen=True, slots=True)
class On:
    """A corpus as a study uses it: a column of its table.

    Attributes:
        name: what rows call it, the scheme's name if nothing else is said.
        corpus: as prepared in the workspace.
        scheme: which utterances and classes.
        protocol: which folds.
        settings: of trainings on it.
    """

    name: str
    corpus: str
    scheme: str
    protocol: str
    settings: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a study's table.

    Attributes:
        name: unique in the study.
        arch: architecture.
        parent: the row that it is told by its difference from; none is the architecture's recipe.
        own: the settings that differ from the parent's.
        settings: all that differ from the recipe, the parents' first.
        settings_on: those for one column alone, by its name.
        on: where it is trained.
        paper: the paper's figures by column.
        group: the row that was varied, where several come of one.
        varied: what was varied, by setting: the value's label.
        line: of the study's file.
    """

    name: str
    arch: str
    parent: str | None
    own: tuple[Assignment, ...]
    settings: tuple[Assignment, ...]
    settings_on: Mapping[str, tuple[Assignment, ...]]
    on: tuple[On, ...]
    paper: Mapping[str, Figures]
    group: str
    varied: Mapping[str, str]
    line: int

    @property
    def values(self) -> frozenset[str]:
        """Its group and varied values in small letters, as `Study.choose_rows` knows them."""
        if not self.varied:
            return frozenset()
        named = (f"{setting.rpartition('.')[2]} {label}" for setting, label in self.varied.items())
        return frozenset(each.lower() for each in (self.group, *self.varied.values(), *named))


@dataclass(frozen=True, slots=True)
class Cell:
    """A row on a corpus.

    Attributes:
        row: the row.
        on: the column.
        settings: of its training, as `sercli.runs.config.RunConfig` spells them, over the recipe.
    """

    row: Row
    on: On
    settings: Mapping[str, Any]

    @property
    def paper(self) -> Figures:
        """The paper's figures; empty if it has none."""
        return self.row.paper.get(self.on.name, {})


@dataclass(frozen=True, slots=True)
class Study:
    """A table or figure of a paper.

    Attributes:
        name: as on the command line.
        title: what it asks.
        source: paper, section and table that it repeats.
        rows: the lines of its table, in order.
        doubtful: what the paper leaves open and this table rests on.
        about_values: what bears on the paper's own values; for tables that show such values.
        references: figures of others that the paper compares itself with, by name and column.
        means: whether the paper's figures are means over folds, and not pooled.
        test_on: the corpora, besides its own, that each network is tested on.
        file: where it is written.
        display: what its report shows.
    """

    name: str
    title: str
    source: str
    rows: tuple[Row, ...]
    doubtful: tuple[str, ...]
    about_values: tuple[str, ...]
    references: Mapping[str, Mapping[str, Figures]]
    means: bool
    test_on: tuple[On, ...]
    file: Path
    display: Display = Display()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order in which rows have them."""
        return tuple(dict.fromkeys(on.name for row in self.rows for on in row.on))

    def cells(
        self,
        rows: Iterable[Row] | None = None,
        on: Sequence[str] | None = None,
        changes: Sequence[Assignment] = (),
    ) -> tuple[Cell, ...]:
        """List the cells, row by row.

        Args:
            rows: which rows, as `choose_rows` gives them; all if not given.
            on: which columns: names, corpora, or what `sercli.studies._columns.parse` reads.
            changes: settings laid over every cell's.

        Raises:
            UnknownNameError: there is no such column.
            ConfigError: no row fits any of the columns, or a change is to what the study varies.
        """
        from sercli.config import spell
        from sercli.studies import _columns

        chosen = tuple(self.rows if rows is None else rows)
        for name, value in changes:
            for row in chosen:
                if name in row.varied:
                    raise ConfigError(
                        f"--set {name}={spell(value)}: the study varies {name}, and row '{row.name}' "
                        "is named after its value; choose rows with --rows"
                    )
        cells = tuple(
            Cell(row, column, settings_of(row, column, changes))
            for row in chosen
            for column in (row.on if on is None else _columns.choose(on, row, self.columns))
        )
        if not cells:
            raise ConfigError(f"--on {','.join(on or ())}: none of these rows can be trained on it")
        return cells

    def choose_rows(self, texts: Sequence[str]) -> tuple[Row, ...]:
        """Choose rows by name, by number, by a varied value, or by a part that no other name has.

        Numbers are written as ``2``, ``1,4`` or ``1-3``. A varied value, such as ``k 7``, chooses all rows
        that have it, and ``CNN, v6`` all varied rows of CNN that have v6.

        Raises:
            UnknownNameError: there is no such row.
            ConfigError: a part of a name fits several rows.
        """
        chosen: set[str] = set()
        for text in texts:
            chosen |= set(self._named(text))
        return tuple(row for row in self.rows if row.name in chosen) if texts else self.rows

    def _named(self, text: str) -> list[str]:
        names = [row.name for row in self.rows]
        if text in names:
            return [text]
        if set(text) <= set("0123456789,- "):
            numbers = parse_numbers("rows", text)
            if not set(numbers) <= set(range(1, len(names) + 1)):
                raise ConfigError(f"rows '{text}': {self.name} has rows 1 to {len(names)}")
            return [names[number - 1] for number in numbers]
        wanted = {part.strip().lower() for part in text.split(",")}
        fitting = [row.name for row in self.rows if row.group == text or wanted <= row.values]
        if not fitting:
            fitting = [name for name in names if text.lower() in name.lower()]
            if not fitting:
                raise unknown(f"study '{self.name}'", text, names)
            if len(fitting) > 1:
                raise ConfigError(f"rows '{text}' fits {'; '.join(fitting[:6])}; name one of them")
        return fitting


def settings_of(row: Row, on: On, changes: Sequence[Assignment] = ()) -> dict[str, Any]:
    """Return the settings of a row on a corpus, what is more special laid over what is less.

    Raises:
        ConfigError: nothing would be tested, so the table would have no figure.
    """
    settings = nest([*on.settings, *row.settings, *row.settings_on.get(on.name, ()), *changes])
    named = {"arch": row.arch, "corpus": on.corpus, "scheme": on.scheme, "protocol": on.protocol}
    found = named | settings
    if tests_nothing(found["protocol"]):
        raise ConfigError(
            f"'{found['protocol']}' on {on.name}: nothing is tested, so there is no figure to tell; name a "
            "protocol with a test part, and train the model to pass on with `sercli train`"
        )
    return found


def nest(assignments: Iterable[Assignment]) -> dict[str, Any]:
    """Lay settings one over another; ``augment`` alone names all augmentations, so it replaces them."""
    from sercli.config import merge

    settings: dict[str, Any] = {}
    for name, value in assignments:
        if name == "augment":
            settings = {**settings, "augment": value}
            continue
        laid = value
        for part in reversed(name.split(".")):
            laid = {part: laid}
        settings = merge(settings, laid)
    return settings


def study_names() -> list[str]:
    """List the studies that come with sercli."""
    found = (entry.name for entry in files(__name__).iterdir())
    return sorted(name.removesuffix(".yaml").replace("_", "-") for name in found if name.endswith(".yaml"))


def find_study(name: str) -> Path:
    """Return the file of a study: a file of the user's own, or one that comes with sercli.

    Raises:
        UnknownNameError: there is none of that name.
        ConfigError: there is no such file.
    """
    own = Path(name)
    if own.suffix in {".yaml", ".yml"} or own.is_file():
        if not own.is_file():
            raise ConfigError(f"{own}: no such file; `sercli ablate` lists the studies that come with sercli")
        return own
    if name not in study_names():
        raise unknown(__name__, name, study_names())
    return Path(str(files(__name__))) / f"{name.replace('-', '_')}.yaml"


def get_study(name: str) -> Study:
    """Read a study by name, or from a user's own file, and check every cell of it.

    Raises:
        UnknownNameError: there is none of that name.
        ConfigError: something in the file is wrong; the message begins with file and line.
    """
    from sercli.studies import _reading

    return _reading.read(find_study(name))


def describe(name: str) -> tuple[str, str]:
    """Return title and source of a study that comes with sercli, without checking the rest."""
    from sercli.studies._source import parse

    path = find_study(name)
    value = parse(path.read_text(encoding="utf-8"), str(path)).value
    return str(value["title"]), str(value["source"])
