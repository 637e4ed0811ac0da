"""Evaluate a study's cells, beside the paper's values and those of another row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from sercli.config import digest
from sercli.errors import RunError, SerError
from sercli.evaluation import DRAWS, compare, holm
from sercli.records import Predictions
from sercli.reports import facts
from sercli.reports.run import RunReport, report_run
from sercli.reports.study_values import Difference, StudyValue, measure_values, paper_values
from sercli.runs.size import Size, measure_size
from sercli.studies import Cell, Study, base_of
from sercli.studies.results import find_finished
from sercli.training.settings import complete
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class CellReport:
    """Results of a cell.

    Attributes:
        cell: row and column of the study.
        report: report of the cell's run.
        values: one or more values.
        size: size of the network.
        seconds: mean training time of a trial, in seconds.
        precision: number format of the training.
    """

    cell: Cell
    report: RunReport
    values: tuple[StudyValue, ...]
    size: Size
    seconds: float
    precision: str

    @property
    def name(self) -> str:
        """Row and column."""
        return name_cell(self.cell)

    def find_value(self, key: str) -> StudyValue | None:
        """Return a value by its key, if the cell has it."""
        return next((each for each in self.values if each.key == key), None)

    @property
    def units(self) -> set[tuple[int, int]]:
        """Folds and seeds that are finished."""
        return {(trial.fold, trial.seed) for trial in self.report.trials}


def name_cell(cell: Cell) -> str:
    """Name a cell by its row and column."""
    return f"{cell.row.name} on {cell.on.name}"


def report_cells(
    study: Study, cells: Sequence[Cell], workspace: Workspace, draws: int = DRAWS
) -> tuple[list[CellReport], dict[str, str]]:
    """Evaluate the finished trials of cells, and compare each row with another one of its column.

    `sercli.studies.base_of` chooses which one.

    Args:
        study: study of the cells.
        cells: cells, row by row; those without a finished trial are left out.
        workspace: folder of the runs.
        draws: number of draws of the bootstrap over speakers.

    Returns:
        The cells that have a value; and the reasons why other cells can't be reported, by name of the cell.
    """
    reports: dict[str, RunReport] = {}
    sizes: dict[str, Size] = {}
    columns: dict[str, list[CellReport]] = {}
    damaged = {}
    for cell in cells:
        run = find_finished(cell, workspace)
        if run is None:
            continue
        try:
            if run.name not in reports:
                reports[run.name] = report_run(run, draws)
            found = _report_cell(study, cells, cell, reports[run.name], sizes, draws)
        except SerError as error:
            damaged[name_cell(cell)] = str(error)
            continue
        columns.setdefault(cell.on.name, []).append(found)
    rows = (each for column in columns.values() for each in _compare_rows(column, draws))
    compared = {each.name: each for each in rows}
    return [compared[name] for name in map(name_cell, cells) if name in compared], damaged


def _report_cell(
    study: Study,
    cells: Sequence[Cell],
    cell: Cell,
    report: RunReport,
    sizes: dict[str, Size],
    draws: int,
) -> CellReport:
    return CellReport(
        cell,
        report,
        measure_values(study, report, paper_values(cells, cell), draws),
        _measure_size(cell, len(report.predictions.outputs), sizes),
        seconds=fmean(trial.metrics()["seconds"] for trial in report.trials),
        precision=facts.trained_in(report.trials[0].settings()),
    )


def _measure_size(cell: Cell, outputs: int, sizes: dict[str, Size]) -> Size:
    """Measure the network of a cell; equal networks are measured once."""
    config = complete(cell.settings)
    settings = config.to_dict()
    key = digest([[settings[name] for name in ("arch", "model", "features", "segments")], outputs])
    if key not in sizes:
        sizes[key] = measure_size(config.arch, config.model, config.features, config.segments, outputs)
    return sizes[key]


def _compare_rows(column: Sequence[CellReport], draws: int) -> list[CellReport]:
    """Compare each row with its base; Holm's correction counts all tests of the column."""
    rows = [each.cell.row for each in column]
    bases = [base_of(row, rows) for row in rows]
    found = [
        {} if base is None else _compare(column[rows.index(base)], this, draws)
        for base, this in zip(bases, column, strict=True)
    ]
    tested = [(i, key) for i, row in enumerate(found) for key, each in row.items() if each.p is not None]
    corrected = holm([found[i][key].p or 0.0 for i, key in tested])
    for (i, key), p in zip(tested, corrected, strict=True):
        found[i][key] = replace(found[i][key], p_holm=p)
    return [
        replace(this, values=tuple(replace(each, base=row.get(each.key)) for each in this.values))
        for this, row in zip(column, found, strict=True)
    ]


def _compare(base: CellReport, this: CellReport, draws: int) -> dict[str, Difference]:
    """Compare two rows on the folds and seeds that both have, for each tested metric."""
    name = base.cell.row.name
    keys = this.report.evaluation.ranking.keys
    try:
        _check_comparable(base, this)
        shared = _select_shared(base.report.predictions, this.report.predictions)
        compared = compare(shared, draws)
    except RunError as error:
        return {key: Difference(name, why_not=str(error)) for key in keys}
    found = {}
    for row in compared.table.group("difference"):
        if row.metric in compared.tested_by:
            p = row.test.p if row.test else None
            found[row.metric] = Difference(name, row.value, row.interval, p, why_not=compared.no_test)
    return found


def _check_comparable(base: CellReport, this: CellReport) -> None:
    one, other = base.cell.row.varied, this.cell.row.varied
    if base.report.run == this.report.run:
        raise RunError("both rows are the same run")
    if base.report.digest != this.report.digest:
        raise RunError("their folds differ")
    if base.cell.on.corpus != this.cell.on.corpus:
        raise RunError("their corpora differ")
    if base.report.predictions.outputs != this.report.predictions.outputs:
        raise RunError("their classes or dimensions differ")
    if one.keys() == other.keys() and sum(one[key] != other[key] for key in one) > 1:
        raise RunError("more than one setting differs where a row of the grid begins")


def _select_shared(base: Predictions, this: Predictions) -> dict[str, Predictions]:
    """Keep only the folds and seeds that both reports have."""
    units = set(base.units) & set(this.units)
    if not units:
        raise RunError("no fold and seed that both have finished")
    return {
        name: rows.select([i for i, unit in enumerate(rows.units) if unit in units])
        for name, rows in (("base", base), ("this", this))
    }
