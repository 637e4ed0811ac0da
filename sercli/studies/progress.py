"""How far a study is: trials done, dev figures so far, time left. Test figures are none of it."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from sercli.runs.folder import Trial
from sercli.studies.running import Work


@dataclass(slots=True)
class State:
    """How far a cell is.

    Attributes:
        work: the cell and its trials.
        done: trials finished.
        failed: trials that failed.
        running: by trial, how many epochs are done.
        dev: UA, or CCC, of the dev part, of each finished trial that has one.
        seconds: what each finished trial took, its process's start included where it ran now.
        epochs: seconds of the epochs seen of those that run.
    """

    work: Work
    done: set[Path] = field(default_factory=set)
    failed: set[Path] = field(default_factory=set)
    running: dict[Path, str] = field(default_factory=dict)
    dev: dict[Path, float] = field(default_factory=dict)
    seconds: dict[Path, float] = field(default_factory=dict)
    epochs: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Trials in all."""
        return len(self.work.plan.trials)

    @property
    def active(self) -> bool:
        """Whether a trial is under way."""
        return bool(self.running)

    @property
    def dev_so_far(self) -> float | None:
        """Mean dev figure of the finished trials; none without a dev part."""
        return fmean(self.dev.values()) if self.dev else None

    @property
    def told(self) -> str:
        """The dev figure in words."""
        if self.dev_so_far is None:
            return "-"
        if not self.work.plan.config.task.has_classes:
            return f"CCC {self.dev_so_far:.3f}"
        return f"UA {100 * self.dev_so_far:.1f} %"

    @property
    def seconds_a_trial(self) -> float | None:
        """What a trial takes, from those that are finished or under way; none before an epoch is done."""
        if self.seconds:
            return fmean(self.seconds.values())
        return fmean(self.epochs) * self.work.plan.config.training.max_epochs if self.epochs else None


class Course:
    """The course of a study, as `sercli.studies.running.Watch` hears of it."""

    def __init__(self, works: Iterable[Work], jobs: int) -> None:
        self.states = [State(work) for work in works]
        self.jobs = jobs
        self._sharing: dict[Path, list[State]] = {}
        self._begun: dict[Path, float] = {}
        self._lock = threading.RLock()
        for state in self.states:
            for trial in state.work.plan.trials:
                self._sharing.setdefault(trial.path, []).append(state)
                if trial.finished:
                    self._finish(trial)

    def began(self, work: Work, trial: Trial) -> None:  # noqa: ARG002
        """Note that a trial begins."""
        with self._lock:
            self._begun[trial.path] = time.monotonic()
            for state in self._sharing[trial.path]:
                state.running[trial.path] = str(trial)

    def said(self, work: Work, trial: Trial, line: str) -> None:  # noqa: ARG002
        """Note that an epoch is done."""
        rows = trial.history()
        with self._lock:
            for state in self._sharing[trial.path]:
                state.running[trial.path] = (
                    f"{trial}, epoch {len(rows)}/{state.work.plan.config.training.max_epochs}"
                )
                state.epochs.extend(row["seconds"] for row in rows[-1:])

    def ended(self, work: Work, trial: Trial, reason: str | None) -> None:  # noqa: ARG002
        """Note that a trial is finished or has failed."""
        with self._lock:
            for state in self._sharing[trial.path]:
                state.running.pop(trial.path, None)
                if reason is not None:
                    state.failed.add(trial.path)
            if reason is None:
                self._finish(trial)

    def _finish(self, trial: Trial) -> None:
        metrics = trial.metrics()
        dev = metrics.get("dev_ua") if metrics.get("dev_ua") is not None else metrics.get("dev_ccc")
        here = self._begun.get(trial.path)
        taken = max(float(metrics.get("seconds") or 0.0), time.monotonic() - here if here else 0.0)
        for state in self._sharing[trial.path]:
            state.done.add(trial.path)
            state.seconds[trial.path] = taken
            if dev is not None:
                state.dev[trial.path] = float(dev)

    @property
    def done(self) -> int:
        """Trials finished, those that several cells share once."""
        return len({path for state in self.states for path in state.done})

    @property
    def total(self) -> int:
        """Trials in all, likewise."""
        return len(self._sharing)

    def left(self) -> float | None:
        """Estimate the seconds left, at most; none before the first epoch is done.

        A cell of which nothing is known takes as long as the others in the mean.
        """
        with self._lock:
            known = {id(state): state.seconds_a_trial for state in self.states}
            said = [seconds for seconds in known.values() if seconds is not None]
            if not said:
                return None
            usual = fmean(said)
            seconds = 0.0
            for path, sharing in self._sharing.items():
                state = sharing[0]
                if path not in state.done | state.failed:
                    own = known[id(state)]
                    seconds += usual if own is None else own
            return seconds / self.jobs

    def shown(self, most: int) -> Sequence[State]:
        """Choose the cells to show where there is no room for all: those around what is under way."""
        if len(self.states) <= most:
            return self.states
        at = next((i for i, state in enumerate(self.states) if state.active), 0)
        start = max(0, min(at - most // 3, len(self.states) - most))
        return self.states[start : start + most]
