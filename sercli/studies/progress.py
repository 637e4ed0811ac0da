"""The progress of a study: finished trials, mean dev scores, time left. Test scores are not part of it."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from sercli.runs.folder import Trial
from sercli.studies.running import PlannedCell


@dataclass(slots=True)
class CellProgress:
    """The progress of a cell.

    Attributes:
        planned: the cell and its trials.
        done: finished trials.
        failed: trials that failed.
        running: running trials, each with its finished epochs.
        dev: UA or CCC on the dev part of each finished trial that has one.
        seconds: time of each finished trial, including the start of its process if it ran now.
        epochs: seconds of the epochs of running trials.
    """

    planned: PlannedCell
    done: set[Path] = field(default_factory=set)
    failed: set[Path] = field(default_factory=set)
    running: dict[Path, str] = field(default_factory=dict)
    dev: dict[Path, float] = field(default_factory=dict)
    seconds: dict[Path, float] = field(default_factory=dict)
    epochs: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of trials."""
        return len(self.planned.plan.trials)

    @property
    def active(self) -> bool:
        """Whether a trial is running."""
        return bool(self.running)

    @property
    def dev_text(self) -> str:
        """The mean dev score of the finished trials as text; a dash without a dev part."""
        return "-" if not self.dev else self.planned.plan.config.task.format_metric(fmean(self.dev.values()))

    @property
    def seconds_a_trial(self) -> float | None:
        """Estimated time of a trial, from finished or running ones; ``None`` before the first epoch ends."""
        if self.seconds:
            return fmean(self.seconds.values())
        return fmean(self.epochs) * self.planned.plan.config.training.max_epochs if self.epochs else None


class Progress:
    """The progress of a study; an `sercli.studies.running.Observer`."""

    def __init__(self, cells: Iterable[PlannedCell], jobs: int) -> None:
        self.cells = [CellProgress(planned) for planned in cells]
        self.jobs = jobs
        self._sharing: dict[Path, list[CellProgress]] = {}
        self._begun: dict[Path, float] = {}
        self._lock = threading.RLock()
        for cell in self.cells:
            for trial in cell.planned.plan.trials:
                self._sharing.setdefault(trial.path, []).append(cell)
                if trial.finished:
                    self._finish(trial)

    def trial_began(self, planned: PlannedCell, trial: Trial) -> None:  # noqa: ARG002
        """Note that a trial begins."""
        with self._lock:
            self._begun[trial.path] = time.monotonic()
            for cell in self._sharing[trial.path]:
                cell.running[trial.path] = str(trial)

    def epoch_ended(self, planned: PlannedCell, trial: Trial, line: str) -> None:  # noqa: ARG002
        """Note that an epoch has ended."""
        rows = trial.history()
        with self._lock:
            for cell in self._sharing[trial.path]:
                cell.running[trial.path] = (
                    f"{trial}, epoch {len(rows)}/{cell.planned.plan.config.training.max_epochs}"
                )
                cell.epochs.extend(row["seconds"] for row in rows[-1:])

    def trial_ended(self, planned: PlannedCell, trial: Trial, reason: str | None) -> None:  # noqa: ARG002
        """Note that a trial is finished or has failed."""
        with self._lock:
            for cell in self._sharing[trial.path]:
                cell.running.pop(trial.path, None)
                if reason is not None:
                    cell.failed.add(trial.path)
            if reason is None:
                self._finish(trial)

    def _finish(self, trial: Trial) -> None:
        metrics = trial.metrics()
        dev = metrics.get("dev_ua") if metrics.get("dev_ua") is not None else metrics.get("dev_ccc")
        here = self._begun.get(trial.path)
        taken = max(float(metrics.get("seconds") or 0.0), time.monotonic() - here if here else 0.0)
        for cell in self._sharing[trial.path]:
            cell.done.add(trial.path)
            cell.seconds[trial.path] = taken
            if dev is not None:
                cell.dev[trial.path] = float(dev)

    @property
    def done(self) -> int:
        """Number of finished trials; a trial that cells share counts once."""
        return len({path for cell in self.cells for path in cell.done})

    @property
    def total(self) -> int:
        """Number of trials; a trial that cells share counts once."""
        return len(self._sharing)

    def left(self) -> float | None:
        """Estimate the seconds left at most; ``None`` before the first epoch has ended.

        A cell without a finished epoch is assumed to take the mean time of the others.
        """
        with self._lock:
            known = {id(cell): cell.seconds_a_trial for cell in self.cells}
            estimates = [seconds for seconds in known.values() if seconds is not None]
            if not estimates:
                return None
            usual = fmean(estimates)
            seconds = 0.0
            for path, sharing in self._sharing.items():
                cell = sharing[0]
                if path not in cell.done | cell.failed:
                    own = known[id(cell)]
                    seconds += usual if own is None else own
            return seconds / self.jobs

    def shown(self, most: int) -> Sequence[CellProgress]:
        """Choose the cells to show if there is no room for all: those around the running ones."""
        if len(self.cells) <= most:
            return self.cells
        at = next((i for i, cell in enumerate(self.cells) if cell.active), 0)
        start = max(0, min(at - most // 3, len(self.cells) - most))
        return self.cells[start : start + most]
