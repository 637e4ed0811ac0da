"""Train what of a study's cells is not trained yet; what is finished is used, wherever it came from."""

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
from sercli.studies import Cell
from sercli.training import trials
from sercli.training.classes import check_classes
from sercli.training.jobs import Launch, launch_processes
from sercli.training.plan import Plan, make_plan
from sercli.training.settings import complete, configure
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A cell, and the trials that it comes to."""

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


class Watch(Protocol):
    """Who is told of a study's course; of several jobs `began` and `said` are called in threads."""

    def began(self, work: Work, trial: Trial) -> None:
        """Hear that a trial begins."""

    def said(self, work: Work, trial: Trial, line: str) -> None:
        """Hear what it says after an epoch."""

    def ended(self, work: Work, trial: Trial, reason: str | None) -> None:
        """Hear that it is finished, or why it failed."""


def plan_cells(
    cells: Iterable[Cell],
    workspace: Workspace,
    device: Device,
    folds: str = "all",
    seeds: Sequence[int] = (0,),
    precision: Precision | None = None,
) -> tuple[list[Work], list[Failure]]:
    """Plan the trials of each cell.

    Args:
        cells: on corpora that are prepared.
        workspace: where everything lies.
        device: decides the precision where that is ``auto``.
        folds: ``all``, or numbers, of which each protocol takes those that it has.
        seeds: one trial per fold and seed.
        precision: what ``auto`` becomes where not this machine's device is to decide.

    Returns:
        What there is to do, and the cells that can't be trained.

    Raises:
        ProtocolError: ``folds`` can't be read.
    """
    planned, failures = [], []
    wanted = None if folds == "all" else parse_numbers("fold", folds)
    for cell in cells:
        try:
            config = configure(_with(precision, cell.settings), workspace, device)
            plan = make_plan(config, workspace, seeds=seeds)
            chosen = plan.chosen if wanted is None else _those(wanted, plan)
            plan = replace(plan, chosen=chosen)
            check_classes(plan)
            planned.append(Work(cell, plan))
        except SerError as error:
            failures.append(Failure(cell, None, str(error)))
    return planned, failures


def _with(precision: Precision | None, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Lay a number format over settings that leave it open."""
    if precision is None or complete(settings).training.precision != "auto":
        return settings
    return merge(settings, {"training": {"precision": precision}})


def _those(wanted: Collection[int], plan: Plan) -> tuple[int, ...]:
    chosen = tuple(number for number in plan.chosen if number in wanted)
    if not chosen:
        raise ProtocolError(f"none of these folds: the protocol has 1 to {len(plan.folds)}")
    return chosen


def todo(works: Iterable[Work]) -> list[tuple[Work, Trial]]:
    """List the trials that are not finished, in the table's order; one that several cells share once."""
    found = {
        trial.path: (work, trial) for work in reversed(list(works)) for trial in reversed(work.plan.todo)
    }
    return list(reversed(found.values()))


def compute_features(
    works: Iterable[Work],
    computing: Callable[[int, int], None] = lambda done, total: None,
    waiting: Callable[[], None] = lambda: None,
) -> list[Failure]:
    """Compute the features that trials still to train need, those that several cells share once.

    Args:
        works: as `plan_cells` gives them.
        computing: called with the number of utterances done and to do.
        waiting: called before each wait for another process that computes such features.

    Returns:
        The cells that lack some.
    """
    reasons: dict[str, str | None] = {}
    failures = []
    for work in works:
        if not work.plan.todo:
            continue
        config = work.plan.config
        choices = [choice.to_dict() for choice in (*config.features.values(), *config.variants.values())]
        key = digest([config.corpus, config.scheme.name, choices])
        if key not in reasons:
            try:
                trials.compute_features(work.plan, computing, waiting)
                reasons[key] = None
            except SerError as error:
                reasons[key] = str(error)
        if (reason := reasons[key]) is not None:
            failures.append(Failure(work.cell, None, reason))
    return failures


def run(
    works: Iterable[Work], device: Device, watch: Watch, jobs: int = 1, launch: Launch | None = None
) -> list[Failure]:
    """Train and test what is not finished; a trial that fails does not end the others.

    Args:
        works: as `plan_cells` gives them; with several jobs, or a launcher, their features are in the stores.
        device: where to train.
        watch: told what happens.
        jobs: trials at once; one is trained in this process, as long as it needs one device alone.
        launch: trains them elsewhere, instead of this machine.

    Returns:
        The trials that failed.
    """
    failures: list[Failure] = []

    def ended(work: Work, trial: Trial, reason: str | None) -> None:
        if reason is not None:
            failures.append(Failure(work.cell, trial, reason))
        watch.ended(work, trial, reason)

    if launch is None and (jobs > 1 or device.several):
        launch = partial(launch_processes, device=device, jobs=jobs)
    if launch is not None:
        _side_by_side(todo(works), launch, watch, ended)
        return failures
    for work, trial in todo(works):
        watch.began(work, trial)
        ended(work, trial, _train_one(work, trial, device, watch))
    return failures


def _train_one(work: Work, trial: Trial, device: Device, watch: Watch) -> str | None:
    """Train a trial in this process; return why it failed, if it did."""
    single = replace(work.plan, chosen=(trial.fold,), seeds=(trial.seed,))
    try:
        trials.train_trials(single, device, lambda line: watch.said(work, trial, line.strip()), bar=False)
    except SerError as error:
        return str(error)
    return None


def _side_by_side(
    ready: Sequence[tuple[Work, Trial]],
    launch: Launch,
    watch: Watch,
    ended: Callable[[Work, Trial, str | None], None],
) -> None:
    works: Mapping[int, Work] = {id(work.plan): work for work, _ in ready}
    launch(
        [(work.plan, trial) for work, trial in ready],
        lambda plan, trial: watch.began(works[id(plan)], trial),
        lambda plan, trial, line: watch.said(works[id(plan)], trial, line),
        lambda plan, trial, reason: ended(works[id(plan)], trial, reason),
    )
