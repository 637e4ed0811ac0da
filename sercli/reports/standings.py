"""What a study's cells reached, beside what the paper reports and what the row above reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from sercli.data import count_outputs
from sercli.errors import RunError
from sercli.evaluation import Interval, Spread
from sercli.evaluation.comparison import compare
from sercli.evaluation.intervals import DRAWS
from sercli.evaluation.sign_flip import holm
from sercli.evaluation.trace_comparison import compare_traces
from sercli.records import Predictions, TracePredictions
from sercli.reports.gather import gather
from sercli.reports.gathered import Gathered, GatheredTraces
from sercli.runs.config import RunConfig
from sercli.runs.folder import Run
from sercli.runs.size import Size, measure_size
from sercli.studies import Cell
from sercli.studies.results import find_finished
from sercli.training._train import complete
from sercli.workspace import Workspace

USUAL = ("ua", "wa")
"""Figures that are told of classes even if the paper reports none."""

_Rows = TypeVar("_Rows", Predictions, TracePredictions)


@dataclass(frozen=True, slots=True)
class Above:
    """How a figure differs from that of the row above, on what both tested.

    Attributes:
        row: that row.
        difference: this one's less that one's.
        p: of the sign-flip test over speakers; none where there is none.
        p_holm: corrected for all tests of the column.
        why_not: why there is no test.
    """

    row: str
    difference: float | None = None
    p: float | None = None
    p_holm: float | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A figure of a cell.

    Attributes:
        key: as studies spell it: ``ua``, ``wa``, ``acc``, ``ccc_arousal``, ``ccc_valence``.
        ours: pooled over folds and seeds.
        interval: over speakers; none with few of them.
        spread: over folds and seeds.
        paper: what the paper reports, a share where ``ours`` is one.
        above: the comparison with the row above; none of figures that are not tested, and the first row.
    """

    key: str
    ours: float
    interval: Interval | None
    spread: Spread
    paper: float | None
    above: Above | None = None

    @property
    def name(self) -> str:
        """As tables spell it."""
        return name_of(self.key)

    @property
    def share(self) -> bool:
        """Whether it is a share, told in per cent."""
        return not self.key.startswith("ccc")

    @property
    def difference(self) -> float | None:
        """Ours less the paper's."""
        return None if self.paper is None else self.ours - self.paper

    @property
    def holds(self) -> bool | None:
        """Whether the paper's figure, which is rounded, lies in our interval."""
        if self.paper is None or self.interval is None:
            return None
        rounding = 0.00005 if self.share else 0.0005
        return self.interval.low - rounding <= self.paper <= self.interval.high + rounding


@dataclass(frozen=True, slots=True, eq=False)
class Standings:
    """What a cell reached.

    Attributes:
        cell: the row on the column.
        gathered: its run's finished trials and what they are worth.
        figures: one or more.
        size: of its network.
    """

    cell: Cell
    gathered: Gathered | GatheredTraces
    figures: tuple[Standing, ...]
    size: Size

    def figure(self, key: str) -> Standing | None:
        """Return a figure by its key, if it is told."""
        return next((each for each in self.figures if each.key == key), None)

    @property
    def seconds(self) -> float:
        """Mean training time of a trial."""
        return float(np.mean([trial.metrics()["seconds"] for trial in self.gathered.trials]))


def name_of(key: str) -> str:
    """Spell a figure as tables do."""
    return f"{key.removeprefix('ccc_')} CCC" if key.startswith("ccc_") else key.upper()


def stand(cells: Sequence[Cell], workspace: Workspace, draws: int = DRAWS) -> list[Standings]:
    """Evaluate the finished trials of cells, and compare each with the row above it in its column.

    Args:
        cells: row by row; those without a finished trial are left out.
        workspace: where runs lie; nothing else is read.
        draws: of the bootstrap over speakers.

    Raises:
        RunError: a run is damaged.
    """
    gathered: dict[str, Gathered | GatheredTraces] = {}
    found = []
    for cell in cells:
        run = find_finished(cell, workspace)
        if run is None:
            continue
        if run.name not in gathered:
            gathered[run.name] = gather(run, draws)
        found.append(_stand(cell, gathered[run.name], _keys(cells, cell)))
    by_column: dict[str, list[Standings]] = {}
    for standings in found:
        by_column.setdefault(standings.cell.on.name, []).append(standings)
    compared = {
        id(each.cell): each for column in by_column.values() for each in _compare_downwards(column, draws)
    }
    return [compared[id(each.cell)] for each in found]


def _keys(cells: Sequence[Cell], cell: Cell) -> list[str]:
    """List the figures told in a cell's column: those that the paper reports there, and the usual ones."""
    reported = [key for each in cells if each.on.name == cell.on.name for key in each.paper]
    return list(dict.fromkeys([*USUAL, *reported]))


def _stand(cell: Cell, gathered: Gathered | GatheredTraces, keys: Sequence[str]) -> Standings:
    figures: list[Standing] = []
    if isinstance(gathered, Gathered):
        measures = {each.name.lower(): each for each in gathered.evaluation.measures}
        for key in keys:
            if key in measures:
                each = measures[key]
                paper = cell.paper.get(key)
                shown = None if paper is None else round(paper / 100, 9)  # as written, 60.03
                figures.append(Standing(key, each.value, each.interval, each.spread, shown))
        outputs: tuple[str, ...] = gathered.predictions.classes
    else:
        for score in gathered.evaluation.by_dimension:
            key = f"ccc_{score.name}"
            told = (score.ccc, score.ccc_interval, score.ccc_spread)
            figures.append(Standing(key, *told, cell.paper.get(key)))
        outputs = ()
    return Standings(cell, gathered, tuple(figures), _size(complete(cell.settings), outputs))


def _size(config: RunConfig, classes: Sequence[str]) -> Size:
    return measure_size(config.arch, config.model, config.inputs, config.segments, count_outputs(classes))


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
        if _run(above) == _run(this):
            raise RunError("the same run")
        found = _compared(above.gathered, this.gathered, draws)
    except RunError as error:
        return {key: Above(name, why_not=str(error)) for key in keys}
    return {key: replace(each, row=name) for key, each in found.items()}


def _run(standings: Standings) -> Run:
    return standings.gathered.run


def _compared(
    above: Gathered | GatheredTraces, this: Gathered | GatheredTraces, draws: int
) -> Mapping[str, Above]:
    if isinstance(above, Gathered) and isinstance(this, Gathered):
        classes = compare(_named(above.predictions, this.predictions), draws)
        (each,) = classes.differences
        p = each.test.p if each.test else None
        return {"ua": Above("", each.ua, p, why_not=classes.no_test)}
    if isinstance(above, GatheredTraces) and isinstance(this, GatheredTraces):
        traces = compare_traces(_named(above.predictions, this.predictions), draws)
        return {
            f"ccc_{d.dimension}": Above("", d.ccc, d.test.p if d.test else None, why_not=traces.no_test)
            for d in traces.differences
        }
    raise RunError("one row tells classes, the other continuous labels")


def _named(above: _Rows, this: _Rows) -> dict[str, _Rows]:
    units = set(zip(above.folds, above.seeds, strict=True)) & set(zip(this.folds, this.seeds, strict=True))
    if not units:
        raise RunError("no fold and seed that both have finished")
    return {"above": _only(above, units), "this": _only(this, units)}


def _only(rows: _Rows, units: set[tuple[str, int]]) -> _Rows:
    """Keep the rows of some folds and seeds."""
    kept = [i for i, unit in enumerate(zip(rows.folds, rows.seeds, strict=True)) if unit in units]
    if len(kept) == len(rows):
        return rows
    chosen: dict[str, Any] = {}
    for each in fields(rows):
        values = getattr(rows, each.name)
        if each.name in {"classes", "dimensions"}:
            chosen[each.name] = values
        elif isinstance(values, np.ndarray):
            chosen[each.name] = values[kept]
        else:
            chosen[each.name] = tuple(values[i] for i in kept)
    return type(rows)(**chosen)
