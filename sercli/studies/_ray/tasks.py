"""A study's trials as tasks of a Ray cluster, from the first to the last."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from shutil import rmtree
from typing import Any

import ray
from filelock import FileLock, Timeout
from ray.exceptions import RayError, RayTaskError

from sercli import files, manifest
from sercli.config import read_yaml
from sercli.devices import Device
from sercli.errors import RunError
from sercli.plain.yaml import to_yaml
from sercli.runs.folder import Trial
from sercli.studies._ray import messages
from sercli.studies._ray.node import deciding_versions, work_off
from sercli.studies._ray.parcels import Parcel, chunks, parcels_of
from sercli.training.jobs import OnBegin, OnEnd, OnLine, PlannedTrials, failure_reason, training_command
from sercli.training.plan import Plan

# How often a trial is begun again whose machine was lost; more is the trial's own fault, memory say.
_AGAIN = 3

# Tasks that Ray knows of at once: enough for any cluster, and for one that grows with what is waiting.
_SUBMITTED = 500

# How long a network file system may hide a file that another machine has written.
_SEEN_S = 90.0

# How long interrupted trials may take to end, once Ctrl-C is pressed.
_END_S = 15.0


@dataclass(frozen=True, slots=True)
class Given:
    """What each trial is given.

    Attributes:
        cpus: as Ray counts them.
        gpus: likewise.
        device: where to train.
        threads: of the CPU.
    """

    cpus: float
    gpus: float
    device: Device
    threads: int


@dataclass(eq=False)
class _Task:
    """A trial under way, or waiting for it."""

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
        given: what each is given.
        mark: a file below ``runs``; a machine that sees it sees the workspace.
        on_begin: called when a trial begins.
        on_line: called with each line that it prints.
        on_end: called when it has ended.
        say: told what a user should know of machines.
        machines_left: whether a trial fits on a machine.
    """

    given: Given
    mark: str
    on_begin: OnBegin
    on_line: OnLine
    on_end: OnEnd
    say: Callable[[str], None]
    machines_left: Callable[[], bool]
    _waiting: deque[_Task] = field(default_factory=deque)
    _running: dict[Any, _Task] = field(default_factory=dict)
    _sending: frozenset[str] = frozenset()
    _sent: dict[str, list[Any]] = field(default_factory=dict)
    _parcels: dict[str, dict[str, str]] = field(default_factory=dict)
    _stranded: bool = False

    def run(self, trials: PlannedTrials) -> None:
        """Train all.

        Raises:
            RunError: a machine has other software than this one.
        """
        self._waiting.extend(_Task(plan, trial) for plan, trial in trials)
        start = ray.remote(num_cpus=self.given.cpus, num_gpus=self.given.gpus, max_retries=0)(work_off)
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
        asked = training_command(*places, task.trial.fold, task.trial.seed, self.given.device)
        order = messages.Order(
            workspace=str(plan.workspace.root.absolute()),
            mark=self.mark,
            corpus=plan.config.corpus,
            run=plan.run.name,
            fold=task.trial.fold,
            seed=task.trial.seed,
            settings=plan.config.to_dict(),
            arguments=tuple(asked[1:]),
            threads=self.given.threads,
            versions=deciding_versions(),
            again=task.lost > 0,
            parcels=parcels,
        )
        return order, {parcel: self._sent[parcel] for parcel in parcels.values()}

    def _send(self, plan: Plan) -> dict[str, str]:
        """Put what a machine has missed where machines fetch it, once; return the digests by place."""
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
            self._lose(stream, f"{task.machine} could not go on ({in_short(error.cause)})")
            return
        except (StopIteration, RayError) as error:
            last = in_short(error) if isinstance(error, RayError) else "without a word"
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
            case messages.Said(line, history):
                if history is not None and not task.trial.checkpoints.exists():
                    files.write_text(task.trial.history_file, history)
                self.on_line(task.plan, task.trial, line)
            case messages.Ended(status) if status < 0:
                self._lose(stream, f"its process on {task.machine} was killed by signal {-status}")
            case messages.Ended(status, complaints, found):
                del self._running[stream]
                why = failure_reason(status, complaints) or _settle(task, found)
                self.on_end(task.plan, task.trial, why)

    def _lose(self, stream: Any, reason: str) -> None:
        """Begin a trial again whose machine was lost, unless that happens time and again."""
        task = self._running.pop(stream)
        lost = task.lost + 1
        if lost > _AGAIN:
            self.on_end(task.plan, task.trial, f"lost {lost} times; the last time {reason}")
            return
        self.say(f"{task}: {reason}; it runs again")
        self._waiting.appendleft(_Task(task.plan, task.trial, lost))

    def _look(self) -> None:
        """Say it where no machine is left."""
        stranded = not self.machines_left()
        if stranded and not self._stranded:
            self.say("no machine is left that is large enough for a trial; waiting for one")
        self._stranded = stranded

    def _cancel(self) -> None:
        """Interrupt what is under way, and give it the time to end."""
        for stream in self._running:
            ray.cancel(stream)
        ends = [stream.completed() for stream in self._running]
        deadline = time.monotonic() + _END_S
        while ends and time.monotonic() < deadline:
            _, ends = ray.wait(ends, num_returns=len(ends), timeout=0.5, fetch_local=False)


def in_short(error: BaseException) -> str:
    """Take the first sentence of what Ray says, which is long."""
    text = " ".join(str(error).split())
    return text.partition(". ")[0] or type(error).__name__


def _put(plan: Plan, parcel: Parcel) -> list[Any]:
    """Put a parcel's chunks where machines fetch them.

    Raises:
        RunError: there is no room, or the corpus is no longer the one that the trials are planned for.
    """
    try:
        put = [ray.put(chunk) for chunk in chunks(parcel)]
    except RayError as error:
        raise RunError(f"{parcel.place} can't be sent: {in_short(error)}") from None
    corpus = plan.config.corpus
    if manifest.digest(plan.workspace.manifest(corpus)) != plan.manifest_sha256:
        raise RunError(f"corpus '{corpus}' was prepared anew meanwhile; run the same command again")
    return put


def _settle(task: _Task, found: Mapping[str, bytes] | None) -> str | None:
    """See to it that a finished trial lies here; say why it does not, if so."""
    if found is not None:
        try:
            receive(task.plan, task.trial, found)
        except Timeout:
            return f"finished on {task.machine}, but another `sercli train` is at work on it here"
        return None if task.trial.finished else f"{task.machine} gave back no finished trial"
    deadline = time.monotonic() + _SEEN_S
    while not task.trial.finished:
        if time.monotonic() > deadline:
            return f"finished on {task.machine}, but {task.trial.metrics_file} does not appear here"
        time.sleep(1)
        with suppress(FileNotFoundError):
            list(task.trial.path.iterdir())  # makes network file systems look again
    return None


def receive(plan: Plan, trial: Trial, found: Mapping[str, bytes]) -> None:
    """Write what a finished trial left on another machine, and last what says that it is finished."""
    trial.path.mkdir(parents=True, exist_ok=True)
    with FileLock(trial.path / ".lock", timeout=_END_S):
        for name in sorted(found, key=lambda name: trial.path / name == trial.metrics_file):
            with files.replacing(trial.path / name) as temporary:
                temporary.write_bytes(found[name])
            if trial.path / name == trial.config_file and plan.config.init:
                settings = read_yaml(trial.config_file) | {"init": plan.config.init}
                files.write_text(trial.config_file, to_yaml(settings))
        rmtree(trial.checkpoints, ignore_errors=True)  # of a training here that was interrupted
