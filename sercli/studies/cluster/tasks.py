"""Run the trials of a study as tasks of a Ray cluster."""

import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import ray
from filelock import FileLock, Timeout
from ray.exceptions import RayError, RayTaskError

from sercli import files
from sercli.config import read_yaml
from sercli.errors import RunError
from sercli.plain.yaml import to_yaml
from sercli.runs.folder import Trial
from sercli.studies.cluster import messages
from sercli.studies.cluster.node import deciding_versions, train_as_task
from sercli.studies.cluster.parcels import Parcel, chunks, parcels_of
from sercli.training.jobs import OnBegin, OnEnd, OnLine, PlannedTrials, failure_reason, training_command
from sercli.training.plan import Plan

if TYPE_CHECKING:
    from sercli.studies.cluster.connection import Cluster

# How often a trial whose machine was lost starts again; more losses are probably the trial's fault (memory).
_AGAIN = 3

# Tasks given to Ray at once: enough for any cluster, also for one that grows with the waiting tasks.
_SUBMITTED = 500

# Time that a network file system may hide a file of another machine.
_SEEN_S = 90.0

# Time that interrupted trials get to end after Ctrl-C.
_END_S = 15.0


@dataclass(eq=False)
class _Task:
    """A trial that runs or waits."""

    plan: Plan
    trial: Trial
    lost: int = 0
    machine: str = "a machine"

    def __str__(self) -> str:
        return f"{self.plan.run.name}, {self.trial}"


@dataclass(eq=False)
class Tasks:
    """The tasks of one call.

    Attributes:
        cluster: the cluster, with the CPUs and GPUs of each trial.
        mark: a file below ``runs``; a machine that sees it sees the workspace.
        on_begin: called when a trial begins.
        on_line: called with each line that it prints.
        on_end: called when it has ended.
    """

    cluster: "Cluster"
    mark: str
    on_begin: OnBegin
    on_line: OnLine
    on_end: OnEnd
    _waiting: deque[_Task] = field(default_factory=deque)
    _running: dict[Any, _Task] = field(default_factory=dict)
    _sending: frozenset[str] = frozenset()
    _sent: dict[str, list[Any]] = field(default_factory=dict)
    _parcels: dict[str, dict[str, str]] = field(default_factory=dict)
    _stranded: bool = False

    def run(self, trials: PlannedTrials) -> None:
        """Train all trials.

        Raises:
            RunError: a machine has other versions of the software.
        """
        self._waiting.extend(_Task(plan, trial) for plan, trial in trials)
        cpus, gpus = self.cluster.cpus, self.cluster.gpus
        start = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(train_as_task)
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < _SUBMITTED:
                    task = self._waiting.popleft()
                    self._running[start.remote(*self._order(task))] = task
                ready, _ = ray.wait(list(self._running), timeout=1.0, fetch_local=False)
                for each in ready:
                    self._take(each)
                if not ready:
                    self._look()
        except BaseException:
            self._cancel()
            raise

    def _order(self, task: _Task) -> tuple[messages.Order, dict[str, list[Any]]]:
        plan = task.plan
        parcels = self._send(plan)
        places = (messages.SETTINGS, messages.WORKSPACE)
        command = training_command(*places, task.trial.fold, task.trial.seed, self.cluster.device)
        order = messages.Order(
            workspace=str(plan.workspace.root.absolute()),
            mark=self.mark,
            corpus=plan.config.corpus,
            run=plan.run.name,
            fold=task.trial.fold,
            seed=task.trial.seed,
            settings=plan.config.to_dict(),
            arguments=("-m", "sercli", *command),
            threads=self.cluster.threads,
            versions=deciding_versions(),
            again=task.lost > 0,
            parcels=parcels,
        )
        return order, {parcel: self._sent[parcel] for parcel in parcels.values()}

    def _send(self, plan: Plan) -> dict[str, str]:
        """Put parcels that a machine lacks into Ray's store, once each; return their digests by place."""
        if self._sending and plan.run.name not in self._parcels:
            found = {}
            for parcel in parcels_of(plan):
                if parcel.place.partition("/")[0] not in self._sending:
                    continue
                name = parcel.digest
                if name not in self._sent:
                    self._sent[name] = _put(plan, parcel)
                found[parcel.place] = name
            self._parcels[plan.run.name] = found
        return self._parcels.get(plan.run.name, {})

    def _take(self, stream: Any) -> None:
        """Take a task's next message."""
        task = self._running[stream]
        try:
            message: messages.Message = ray.get(next(stream))
        except RayTaskError as error:
            if not isinstance(error.cause, RayError | OSError):
                raise  # a bug of ours, which keeps its traceback
            self._lose(stream, f"{task.machine} failed ({shorten_error(error.cause)})")
            return
        except (StopIteration, RayError) as error:
            last = shorten_error(error) if isinstance(error, RayError) else "without an error"
            self._lose(stream, f"{task.machine} was lost ({last})")
            return
        match message:
            case messages.Lacks(parts):
                if parts - self._sending:
                    self._sending |= parts
                    self._parcels.clear()
                self._waiting.appendleft(self._running.pop(stream))
            case messages.Unfit(reason):
                raise RunError(reason)
            case messages.Broken(reason):
                self._lose(stream, reason)
            case messages.Begun(machine):
                task.machine = machine
                self.on_begin(task.plan, task.trial)
            case messages.Printed(line, history):
                if history is not None and not task.trial.checkpoints.exists():
                    files.write_text(task.trial.history_file, history)
                self.on_line(task.plan, task.trial, line)
            case messages.Ended(status) if status < 0:
                self._lose(stream, f"its process on {task.machine} was killed by signal {-status}")
            case messages.Ended(status, errors, found):
                del self._running[stream]
                why = failure_reason(status, errors) or _settle(task, found)
                self.on_end(task.plan, task.trial, why)

    def _lose(self, stream: Any, reason: str) -> None:
        """Start a trial again after its machine was lost, unless this has happened too often."""
        task = self._running.pop(stream)
        lost = task.lost + 1
        if lost > _AGAIN:
            self.on_end(task.plan, task.trial, f"lost {lost} times; the last time {reason}")
            return
        self.cluster.say(f"{task}: {reason}; the trial starts again")
        self._waiting.appendleft(_Task(task.plan, task.trial, lost))

    def _look(self) -> None:
        """Report once if no machine is left."""
        stranded = not self.cluster.slots
        if stranded and not self._stranded:
            self.cluster.say("no machine is large enough for a trial any more; waiting until one joins")
        self._stranded = stranded

    def _cancel(self) -> None:
        """Interrupt the running trials, and wait until they have ended."""
        for stream in self._running:
            ray.cancel(stream)
        ends = [stream.completed() for stream in self._running]
        deadline = time.monotonic() + _END_S
        while ends and time.monotonic() < deadline:
            _, ends = ray.wait(ends, num_returns=len(ends), timeout=0.5, fetch_local=False)


def shorten_error(error: BaseException) -> str:
    """Return the first sentence of an error of Ray, which is long."""
    text = " ".join(str(error).split())
    return text.partition(". ")[0] or type(error).__name__


def _put(plan: Plan, parcel: Parcel) -> list[Any]:
    """Put the chunks of a parcel into Ray's store, where machines fetch them.

    Raises:
        RunError: there is no room, or the corpus was prepared again since the trials were planned.
    """
    try:
        put = [ray.put(chunk) for chunk in chunks(parcel)]
    except RayError as error:
        raise RunError(f"{parcel.place} can't be sent: {shorten_error(error)}") from None
    corpus = plan.config.corpus
    if plan.workspace.manifest_digest(corpus) != plan.manifest_sha256:
        raise RunError(f"corpus '{corpus}' was prepared again meanwhile; run the same command again")
    return put


def _settle(task: _Task, found: Mapping[str, bytes] | None) -> str | None:
    """Ensure that the files of a finished trial are here; return the reason if they are not."""
    if found is not None:
        try:
            receive(task.plan, task.trial, found)
        except Timeout:
            return f"finished on {task.machine}, but another `sercli train` works on it here"
        return None if task.trial.finished else f"{task.machine} did not send back a finished trial"
    deadline = time.monotonic() + _SEEN_S
    while not task.trial.finished:
        if time.monotonic() > deadline:
            return f"finished on {task.machine}, but {task.trial.metrics_file} did not appear here"
        time.sleep(1)
        with suppress(FileNotFoundError):
            list(task.trial.path.iterdir())  # makes network file systems update their view
    return None


def receive(plan: Plan, trial: Trial, found: Mapping[str, bytes]) -> None:
    """Write the files of a trial that another machine finished; its metrics, which mark the end, last."""
    trial.path.mkdir(parents=True, exist_ok=True)
    with FileLock(trial.path / ".lock", timeout=_END_S):
        for name in sorted(found, key=lambda name: trial.path / name == trial.metrics_file):
            with files.replacing(trial.path / name) as temporary:
                temporary.write_bytes(found[name])
            if trial.path / name == trial.config_file and plan.config.init:
                settings = read_yaml(trial.config_file) | {"init": plan.config.init}
                files.write_text(trial.config_file, to_yaml(settings))
        rmtree(trial.checkpoints, ignore_errors=True)  # of a training that was interrupted here
