"""The records of a study: its rows and columns, their cells, and the scores that a paper reports.

A row states its difference from another row; a cell is a row on a corpus, with complete settings for a
training. Studies refer to runs and hold none: a finished trial serves every study that needs it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sercli.errors import ConfigError, unknown
from sercli.protocols import is_untested, parse_numbers
from sercli.schemes import Scheme

Assignment = tuple[str, Any]
"""A setting by its dotted name, ``features.window_ms``, and its value."""


@dataclass(frozen=True, slots=True)
class PaperScore:
    """A score that a paper reports.

    Attributes:
        value: as the paper prints it: per cent, or a plain CCC.
        derived: whether the score is not printed, but computed from numbers in the paper.
    """

    value: float
    derived: bool = False


PaperScores = Mapping[str, PaperScore]
"""The scores that a paper reports, by metric: ``ua``, ``wa``, ``acc`` and ``recall_CLASS`` in per cent,
``ccc_arousal`` and ``ccc_valence`` plain."""

METRICS = ("ua", "wa", "acc", "recall", "without_gender", "ccc", "pcc", "rmse", "mae")
"""Metrics that a study's tables can show besides those that the paper reports: of classes, then those of each
dimension."""


@dataclass(frozen=True, slots=True)
class Display:
    """The content and the plots of a study's report.

    Attributes:
        metrics: names from `METRICS`; if empty, UA and WA, or the CCC of each dimension.
        x: the varied setting on the horizontal axis; the one with the most values if not given.
        axis: label of the horizontal axis by varied row or setting; the setting's name if not given.
        metrics_as_lines: whether metrics share the axes, a line each, and each varied row has its own axes.
        columns_as_lines: whether a further picture has a line for each column, and axes for each varied row.
        confusion: names of the rows whose confusion matrices are drawn.
        curves: names of the rows whose training curves are drawn side by side.
        curves_fold: number of the fold whose curves are drawn; if rows lack it, the first that all have.
    """

    metrics: tuple[str, ...] = ()
    x: str | None = None
    axis: Mapping[str, str] = field(default_factory=dict)
    metrics_as_lines: bool = False
    columns_as_lines: bool = False
    confusion: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    curves_fold: int = 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a study's table: a corpus with scheme and protocol.

    Attributes:
        name: name that rows use; the scheme's name by default.
        corpus: name of the prepared corpus in the workspace.
        choice: scheme, which selects utterances and classes.
        protocol: name of the protocol, which makes the folds.
        settings: settings of trainings on it.
    """

    name: str
    corpus: str
    choice: Scheme
    protocol: str
    settings: tuple[Assignment, ...] = ()

    @property
    def scheme(self) -> str:
        """Name of the scheme."""
        return self.choice.name


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A row of a study's table.

    Attributes:
        name: name, unique in the study.
        arch: name of the architecture.
        parent: the row that it states its difference from; ``None`` for the architecture's recipe.
        own: the settings that differ from the parent's.
        settings: all settings that differ from the recipe, the parents' first.
        settings_on: settings for one column only, by the column's name.
        on: the columns that it is trained on.
        paper: the paper's scores by column.
        group: the row that was varied, if several rows come from one.
        varied: the varied settings, each with the label of its value.
        line: line in the study's file.
    """

    name: str
    arch: str
    parent: str | None
    own: tuple[Assignment, ...]
    settings: tuple[Assignment, ...]
    settings_on: Mapping[str, tuple[Assignment, ...]]
    on: tuple[Column, ...]
    paper: Mapping[str, PaperScores]
    group: str
    varied: Mapping[str, str]
    line: int

    @property
    def values(self) -> frozenset[str]:
        """Its group and varied values in lower case, as `Study.choose_rows` looks for them."""
        if not self.varied:
            return frozenset()
        named = (f"{setting.rpartition('.')[2]} {label}" for setting, label in self.varied.items())
        return frozenset(each.lower() for each in (self.group, *self.varied.values(), *named))


def base_of(row: StudyRow, rows: Sequence[StudyRow]) -> StudyRow | None:
    """Choose the row that a row is compared with, among some rows in the order of their table.

    It is the row that this one starts from; of varied rows, the one with the same values. A row that starts
    from no other is compared with the last such row above it. Varied rows of two groups are only compared if
    their values are the same.

    Returns:
        The other row; ``None`` if it is not among them.
    """
    if row.parent is None:
        above = [each for each in rows[: rows.index(row)] if each.parent is None]
        fitting = (each for each in reversed(above) if _differ_in_one_way(each, row))
        return next(fitting, None)
    fitting = (each for each in rows if each.group == row.parent)
    return next((each for each in fitting if each.varied.items() <= row.varied.items()), None)


def _differ_in_one_way(one: StudyRow, other: StudyRow) -> bool:
    varied = one.varied and other.varied
    return not varied or one.group == other.group or one.varied == other.varied


@dataclass(frozen=True, slots=True)
class Cell:
    """A row on a corpus.

    Attributes:
        row: the row.
        on: the column.
        settings: settings of its training that differ from the recipe, as in `sercli.runs.config.RunConfig`.
    """

    row: StudyRow
    on: Column
    settings: Mapping[str, Any]

    @property
    def paper(self) -> PaperScores:
        """The paper's scores; empty if it has none."""
        return self.row.paper.get(self.on.name, {})


@dataclass(frozen=True, slots=True)
class Study:
    """A table or picture of a paper.

    Attributes:
        name: name on the command line.
        title: the question that it answers.
        source: paper, section and table that it repeats.
        rows: the rows of its table, in order.
        doubtful: assumptions of this table that the paper does not state.
        about_values: notes on the paper's own values, for tables that show them.
        references: scores of other papers that the paper compares itself with, by name and column.
        means: whether the paper's scores are means over folds instead of pooled.
        test_on: further corpora that each network is tested on.
        tests_columns: whether each network is tested on the corpora of the other columns too.
        file: its file.
        display: content of its report.
    """

    name: str
    title: str
    source: str
    rows: tuple[StudyRow, ...]
    doubtful: tuple[str, ...]
    about_values: tuple[str, ...]
    references: Mapping[str, Mapping[str, PaperScores]]
    means: bool
    test_on: tuple[Column, ...]
    file: Path
    display: Display = Display()
    tests_columns: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order in which rows have them."""
        return tuple(dict.fromkeys(on.name for row in self.rows for on in row.on))

    def elsewhere(self, cells: Iterable[Cell]) -> tuple[Column, ...]:
        """List the columns on whose corpora the networks of some cells are tested, each once."""
        others = [cell.on for cell in cells] if self.tests_columns else []
        return tuple({(on.corpus, on.scheme): on for on in (*self.test_on, *others)}.values())

    def cells(
        self,
        rows: Iterable[StudyRow] | None = None,
        on: Sequence[str] | None = None,
        changes: Sequence[Assignment] = (),
    ) -> tuple[Cell, ...]:
        """List the cells, row by row.

        Args:
            rows: rows from `choose_rows`; all if not given.
            on: columns: names, corpora, or texts that `sercli.studies.columns.parse_column` reads.
            changes: settings that replace those of every cell.

        Raises:
            UnknownNameError: there is no such column.
            ConfigError: no row can be trained on any of the columns, or the study varies a changed setting.
        """
        from sercli.studies.columns import choose_columns

        cells = tuple(
            Cell(row, column, _changed_settings(row, column, changes))
            for row in (self.rows if rows is None else rows)
            for column in (row.on if on is None else choose_columns(on, row, self.columns))
        )
        if not cells:
            raise ConfigError(f"--on {','.join(on or ())}: none of these rows can be trained there")
        return cells

    def choose_rows(self, texts: Sequence[str]) -> tuple[StudyRow, ...]:
        """Choose rows by name, by number, by a varied value, or by a unique part of the name.

        Numbers are written as ``2``, ``1,4`` or ``1-3``. A varied value, such as ``k 7``, chooses all rows
        with this value, and ``CNN, v6`` all varied rows of CNN with v6.

        Raises:
            UnknownNameError: there is no such row.
            ConfigError: a part of a name fits several rows.
        """
        chosen: set[str] = set()
        for text in texts:
            chosen |= set(self._matching(text))
        return tuple(row for row in self.rows if row.name in chosen) if texts else self.rows

    def _matching(self, text: str) -> list[str]:
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


def _changed_settings(row: StudyRow, on: Column, changes: Sequence[Assignment]) -> dict[str, Any]:
    """Return the settings of a row on a corpus, with the changes of a command.

    Raises:
        ConfigError: two changes contradict each other, or one replaces a varied setting.
    """
    from sercli.config import spell
    from sercli.training.settings import without_input

    settings = settings_of(row, on, changes)
    if not changes:
        return settings
    if name := _input_of(row, on, changes):
        without_input(nest(changes), name)  # refuses two values of a setting
    for (name, value), varied in replaced(row, on, changes):
        raise ConfigError(
            f"--set {name}={spell(value)}: the study varies {varied}, and row '{row.name}' has its name from "
            "the value; choose rows with --rows"
        )
    return settings


def settings_of(row: StudyRow, on: Column, changes: Sequence[Assignment] = ()) -> dict[str, Any]:
    """Return the settings of a row on a corpus; the more specific settings replace the others.

    Raises:
        ConfigError: nothing would be tested, so the table would have no score.
    """
    assignments = [*on.settings, *row.settings, *row.settings_on.get(on.name, ()), *changes]
    settings = nest(_spell_out(assignments, _input_of(row, on, changes)))
    named = {"arch": row.arch, "corpus": on.corpus, "scheme": on.choice.recorded, "protocol": on.protocol}
    found = named | settings
    if is_untested(found["protocol"]):
        raise ConfigError(
            f"'{found['protocol']}' on {on.name}: the protocol tests nothing, so there is no score; choose a "
            "protocol with a test part, and train the model to share with `sercli train`"
        )
    return found


def replaced(
    row: StudyRow, on: Column, assignments: Sequence[Assignment]
) -> Iterator[tuple[Assignment, str]]:
    """Yield the assignments that replace a varied setting of a row, each with the name of that setting."""
    varied = [each for each in row.settings if each[0] in row.varied]
    if not (varied and assignments):
        return
    name = _input_of(row, on)
    for assignment in assignments:
        own = [f"{key}." for key in _keys(assignment, name)]
        for each in varied:
            keys = [f"{key}." for key in _keys(each, name)]
            if any(a.startswith(b) or b.startswith(a) for a in own for b in keys):
                yield assignment, each[0]


def _input_of(row: StudyRow, on: Column, changes: Iterable[Assignment] = ()) -> str | None:
    """Return the name of the input of a row's network; ``None`` if it has several."""
    from sercli.training.settings import only_input

    assignments = [*on.settings, *row.settings, *row.settings_on.get(on.name, ()), *changes]
    return only_input(row.arch, nest(assignments).get("model", {}), on.choice.task)


def _keys(assignment: Assignment, name: str | None) -> list[str]:
    """List the single settings that an assignment sets; ``augment`` alone sets all augmentations."""
    from sercli.config import dotted

    whole = assignment[0] == "augment"
    return ["augment"] if whole else [key for key, _ in dotted(nest(_spell_out([assignment], name)))]


def _spell_out(assignments: Iterable[Assignment], name: str | None) -> Iterator[Assignment]:
    """Yield assignments with each setting of the features in one spelling.

    Args:
        assignments: assignments, of settings or of mappings of settings.
        name: name of the network's input, if it has only one; it is left out.
    """
    from sercli.training.settings import without_input

    for assignment in assignments:
        if name and assignment[0].partition(".")[0] == "features":
            yield from without_input(nest([assignment]), name).items()
        else:
            yield assignment


def nest(assignments: Iterable[Assignment]) -> dict[str, Any]:
    """Nest settings by their dotted names; later ones replace earlier ones.

    ``augment`` without a further name lists all augmentations, so it replaces all.
    """
    from sercli.config import merge

    settings: dict[str, Any] = {}
    for name, value in assignments:
        if name == "augment":
            settings = {**settings, "augment": value}
            continue
        nested = value
        for part in reversed(name.split(".")):
            nested = {part: nested}
        settings = merge(settings, nested)
    return settings
