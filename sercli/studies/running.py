"""Train the cells of a study that are not trained yet; finished trials of any study are used."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from sercli.config import digest, merge
from sercli.devices import Device
from sercli.errors import ProtocolError, SerError
from sercli.protocols import parse_numbers
from sercli.runs.folder import Trial
from sercli.runs.training import Precision
from sercli.studies.study import Cell
from sercli.training import trials
from sercli.training.jobs import Launch, failures_of, launch_processes, reason_of
from sercli.training.plan import Plan, check_classes, make_plan
from sercli.training.settings import check, configure
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCell:
    """A cell, and the plan of its trials."""

    cell: Cell
    plan: Plan


@dataclass(frozen=True, slots=True)
class Failure:
    """A cell, or one trial of it, that could not be trained."""

    cell: Cell
    trial: Trial | None
    reason: str

    def __str__(self) -> str:
        where = f"{self.cell.row.name}, {self.cell.on.name}"
        return f"{where}{f', {self.trial}' if self.trial else ''}: {self.reason}"


class Observer(Protocol):
    """Receives the events of a study; with several jobs, the first two come from threads."""

    def trial_began(self, planned: PlannedCell, trial: Trial) -> None:
        """A trial begins."""

    def epoch_ended(self, planned: PlannedCell, trial: Trial, line: str) -> None:
        """A trial has finished an epoch, which ``line`` describes."""

    def trial_ended(self, planned: PlannedCell, trial: Trial, reason: str | None) -> None:
        """A trial is finished, or has failed for ``reason``."""


def plan_cells(
    cells: Iterable[Cell],
    workspace: Workspace,
    device: Device,
    folds: str = "all",
    seeds: Sequence[int] = (0,),
    precision: Precision | None = None,
) -> tuple[list[PlannedCell], list[Failure]]:
    """Plan the trials of each cell.

    Args:
        cells: cells on prepared corpora.
        workspace: folder of corpora, features and runs.
        device: decides the precision if that is ``auto``.
        folds: ``all``, or numbers; each protocol uses those that it has.
        seeds: one trial per fold and seed.
        precision: replaces ``auto`` if another machine's device has to decide.

    Returns:
        The planned cells, and the cells that can't be trained.

    Raises:
        ProtocolError: ``folds`` can't be read.
    """
    cells_planned, failures = [], []
    wanted = None if folds == "all" else parse_numbers("fold", folds)
    for cell in cells:
        try:
            config = configure(_with(precision, cell.settings), workspace, device)
            plan = make_plan(config, workspace, seeds=seeds)
            chosen = plan.chosen if wanted is None else _chosen_folds(wanted, plan)
            plan = replace(plan, chosen=chosen)
            check_classes(plan)
            cells_planned.append(PlannedCell(cell, plan))
        except SerError as error:
            failures.append(Failure(cell, None, str(error)))
    return cells_planned, failures


def _with(precision: Precision | None, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Set the precision in settings that leave it open."""
    if precision is None or check(settings).training.precision != "auto":
        return settings
    return merge(settings, {"training": {"precision": precision}})


def _chosen_folds(wanted: Collection[int], plan: Plan) -> tuple[int, ...]:
    chosen = tuple(number for number in plan.chosen if number in wanted)
    if not chosen:
        raise ProtocolError(f"none of these folds exists; the protocol has folds 1 to {len(plan.folds)}")
    return chosen


def todo(cells: Iterable[PlannedCell]) -> list[tuple[PlannedCell, Trial]]:
    """List the trials that are not finished, in the table's order; a trial that cells share occurs once."""
    found = {
        trial.path: (planned, trial)
        for planned in reversed(list(cells))
        for trial in reversed(planned.plan.todo)
    }
    return list(reversed(found.values()))


def compute_features(
    cells: Iterable[PlannedCell],
    computing: Callable[[int, int], None] = lambda done, total: None,
    waiting: Callable[[], None] = lambda: None,
) -> list[Failure]:
    """Compute the features that the remaining trials need; features that cells share are computed once.

    Args:
        cells: planned cells from `plan_cells`.
        computing: called with the number of utterances done and in all.
        waiting: called before each wait for another process that computes the same features.

    Returns:
        The cells whose features can't be computed.
    """
    reasons: dict[str, str | None] = {}
    failures = []
    for planned in cells:
        if not planned.plan.todo:
            continue
        config = planned.plan.config
        choices = [choice.to_dict() for choice in (*config.features.values(), *config.variants.values())]
        key = digest([config.corpus, config.scheme.name, choices])
        if key not in reasons:
            try:
                trials.compute_features(planned.plan, computing, waiting)
                reasons[key] = None
            except failures_of(config) as error:
                reasons[key] = reason_of(error)
        if (reason := reasons[key]) is not None:
            failures.append(Failure(planned.cell, None, reason))
    return failures


def run(
    cells: Iterable[PlannedCell],
    device: Device,
    observer: Observer,
    jobs: int = 1,
    launch: Launch | None = None,
) -> list[Failure]:
    """Train and test the trials that are not finished; a trial that fails does not end the others.

    Args:
        cells: planned cells from `plan_cells`; with several jobs, or a launcher, after `compute_features`.
        device: device to train on.
        observer: receives the events.
        jobs: trials at once; a single one is trained in this process if it needs one device only.
        launch: trains them elsewhere instead of on this machine.

    Returns:
        The trials that failed.
    """
    failures: list[Failure] = []

    def end(planned: PlannedCell, trial: Trial, reason: str | None) -> None:
        if reason is not None:
            failures.append(Failure(planned.cell, trial, reason))
        observer.trial_ended(planned, trial, reason)

    if launch is None and (jobs > 1 or device.several):
        launch = partial(launch_processes, device=device, jobs=jobs)
    if launch is not None:
        _side_by_side(todo(cells), launch, observer, end)
        return failures
    for planned, trial in todo(cells):
        observer.trial_began(planned, trial)
        end(planned, trial, _train_one(planned, trial, device, observer))
    return failures


def _train_one(planned: PlannedCell, trial: Trial, device: Device, observer: Observer) -> str | None:
    """Train a trial in this process; return why it failed, if it did."""
    single = replace(planned.plan, chosen=(trial.fold,), seeds=(trial.seed,))

    def say(line: str) -> None:
        observer.epoch_ended(planned, trial, line.strip())

    try:
        trials.train_trials(single, device, say, bar=False)
    except failures_of(planned.plan.config) as error:
        return reason_of(error)
    return None


def _side_by_side(
    ready: Sequence[tuple[PlannedCell, Trial]],
    launch: Launch,
    observer: Observer,
    end: Callable[[PlannedCell, Trial, str | None], None],
) -> None:
    by_plan = {id(planned.plan): planned for planned, _ in ready}
    launch(
        [(planned.plan, trial) for planned, trial in ready],
        lambda plan, trial: observer.trial_began(by_plan[id(plan)], trial),
        lambda plan, trial, line: observer.epoch_ended(by_plan[id(plan)], trial, line),
        lambda plan, trial, reason: end(by_plan[id(plan)], trial, reason),
    )
