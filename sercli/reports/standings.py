"""What a study's cells reached, beside what the paper reports and what the row above reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean
from typing import TypeVar

from sercli.config import digest
from sercli.data import count_outputs
from sercli.errors import RunError, SerError
from sercli.evaluation.class_comparison import compare
from sercli.evaluation.intervals import DRAWS
from sercli.evaluation.sign_flip import holm
from sercli.evaluation.trace_comparison import compare_traces
from sercli.records import ClassPredictions, ValuePredictions
from sercli.reports._study_values import Above, Standing, class_values, papers, trace_values
from sercli.reports.gather import gather
from sercli.reports.gathered import Gathered, GatheredTraces
from sercli.runs.config import RunConfig
from sercli.runs.size import Size, measure_size
from sercli.studies import Cell, Study
from sercli.studies.results import find_finished
from sercli.training.settings import complete
from sercli.workspace import Workspace

_Rows = TypeVar("_Rows", ClassPredictions, ValuePredictions)


@dataclass(frozen=True, slots=True, eq=False)
class Standings:
    """What a cell reached.

    Attributes:
        cell: the row on the column.
        gathered: its run's finished trials and what they are worth.
        figures: one or more.
        size: of its network.
        seconds: mean training time of a trial.
        precision: number format of the training.
    """

    cell: Cell
    gathered: Gathered | GatheredTraces
    figures: tuple[Standing, ...]
    size: Size
    seconds: float
    precision: str

    def figure(self, key: str) -> Standing | None:
        """Return a figure by its key, if it is told."""
        return next((each for each in self.figures if each.key == key), None)

    @property
    def units(self) -> set[tuple[int, int]]:
        """Folds and seeds that are finished."""
        return {(trial.fold, trial.seed) for trial in self.gathered.trials}


def stand(
    study: Study, cells: Sequence[Cell], workspace: Workspace, draws: int = DRAWS
) -> tuple[list[Standings], list[str]]:
    """Evaluate the finished trials of cells, and compare each with the row above it in its column.

    Args:
        study: whose they are.
        cells: row by row; those without a finished trial are left out.
        workspace: where runs lie.
        draws: of the bootstrap over speakers.

    Returns:
        The cells that have something to tell, and why others of them can't be told.
    """
    gathered: dict[str, Gathered | GatheredTraces] = {}
    sizes: dict[str, Size] = {}
    columns: dict[str, list[Standings]] = {}
    told, damaged = [], []
    for cell in cells:
        run = find_finished(cell, workspace)
        if run is None:
            continue
        try:
            if run.name not in gathered:
                gathered[run.name] = gather(run, draws)
            found = _stand(study, cells, cell, gathered[run.name], sizes, draws)
        except SerError as error:
            damaged.append(f"{cell.row.name} on {cell.on.name} can't be told: {error}")
            continue
        columns.setdefault(cell.on.name, []).append(found)
        told.append(cell)
    compared = {
        id(each.cell): each for column in columns.values() for each in _compare_downwards(column, draws)
    }
    return [compared[id(cell)] for cell in told], damaged


def _stand(
    study: Study,
    cells: Sequence[Cell],
    cell: Cell,
    gathered: Gathered | GatheredTraces,
    sizes: dict[str, Size],
    draws: int,
) -> Standings:
    reported = papers(cells, cell)
    if isinstance(gathered, Gathered):
        figures = class_values(study, gathered, reported, draws)
    else:
        figures = trace_values(study, gathered, reported, draws)
    config = complete(cell.settings)
    classes = gathered.predictions.classes if isinstance(gathered, Gathered) else ()
    return Standings(
        cell,
        gathered,
        figures,
        _size(config, classes, sizes),
        seconds=fmean(trial.metrics()["seconds"] for trial in gathered.trials),
        precision=str(gathered.trials[0].settings()["training"]["precision"]),
    )


def _size(config: RunConfig, classes: Sequence[str], sizes: dict[str, Size]) -> Size:
    outputs = count_outputs(classes)
    parts = {name: config.to_dict()[name] for name in ("arch", "model", "features", "segments")}
    key = digest([parts, outputs])
    if key not in sizes:
        sizes[key] = measure_size(config.arch, config.model, config.features, config.segments, outputs)
    return sizes[key]


def _compare_downwards(column: Sequence[Standings], draws: int) -> list[Standings]:
    """Compare each row with the one above; Holm's correction counts all tests of the column."""
    told: list[dict[str, Above]] = [{}]
    for above, this in pairwise(column):
        told.append(_differences(above, this, draws))
    tested = [(i, key) for i, row in enumerate(told) for key, each in row.items() if each.p is not None]
    corrected = holm([told[i][key].p or 0.0 for i, key in tested])
    for (i, key), p in zip(tested, corrected, strict=True):
        told[i][key] = replace(told[i][key], p_holm=p)
    return [
        replace(this, figures=tuple(replace(each, above=row.get(each.key)) for each in this.figures))
        for this, row in zip(column, told, strict=True)
    ]


def _differences(above: Standings, this: Standings, draws: int) -> dict[str, Above]:
    """Compare two rows on the folds and seeds that both have, by figure."""
    name = above.cell.row.name
    keys = ["ua"] if isinstance(this.gathered, Gathered) else [each.key for each in this.figures]
    try:
        _check_comparable(above, this)
        found = _compared(above.gathered, this.gathered, draws)
    except RunError as error:
        return {key: Above(name, why_not=str(error)) for key in keys}
    return {key: replace(each, row=name) for key, each in found.items()}


def _check_comparable(above: Standings, this: Standings) -> None:
    one, other = above.cell.row.varied, this.cell.row.varied
    if above.gathered.run == this.gathered.run:
        raise RunError("both rows are the same run")
    if above.gathered.digest != this.gathered.digest:
        raise RunError("their folds differ")
    if above.cell.on.corpus != this.cell.on.corpus:
        raise RunError("their corpora differ")
    if one.keys() == other.keys() and sum(one[key] != other[key] for key in one) > 1:
        raise RunError("more than one setting differs where a row of the grid begins")


def _compared(
    above: Gathered | GatheredTraces, this: Gathered | GatheredTraces, draws: int
) -> Mapping[str, Above]:
    if isinstance(above, Gathered) and isinstance(this, Gathered):
        classes = compare(_shared(above.predictions, this.predictions), draws)
        (each,) = classes.differences
        p = each.test.p if each.test else None
        return {"ua": Above("", each.ua, each.ua_interval, p, why_not=classes.no_test)}
    if isinstance(above, GatheredTraces) and isinstance(this, GatheredTraces):
        traces = compare_traces(_shared(above.predictions, this.predictions), draws)
        found = {}
        for d in traces.differences:
            p = d.test.p if d.test else None
            found[f"ccc_{d.dimension}"] = Above("", d.ccc, d.ccc_interval, p, why_not=traces.no_test)
        return found
    raise RunError("one tells classes, the other continuous labels")


def _shared(above: _Rows, this: _Rows) -> dict[str, _Rows]:
    """Keep of both the folds and seeds that both have."""
    units = set(zip(above.folds, above.seeds, strict=True)) & set(zip(this.folds, this.seeds, strict=True))
    if not units:
        raise RunError("no fold and seed that both have finished")
    return {"above": _only(above, units), "this": _only(this, units)}


def _only(rows: _Rows, units: set[tuple[str, int]]) -> _Rows:
    return rows.select(
        [i for i, unit in enumerate(zip(rows.folds, rows.seeds, strict=True)) if unit in units]
    )
