"""Trials in processes of their own: several at once on this machine.

Whoever launches trials, here or on a cluster, runs the same command in a process of its own, so that
numbers are the same and a crash takes nothing else along.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from sercli import files
from sercli.errors import RunError
from sercli.plain.yaml import to_yaml
from sercli.runs.folder import Trial
from sercli.training._devices import Device
from sercli.training._plan import Plan

Work = Sequence[tuple[Plan, Trial]]
"""Trials of any runs, each with its run's plan."""

Began = Callable[[Plan, Trial], None]
Hear = Callable[[Plan, Trial, str], None]
Ended = Callable[[Plan, Trial, str | None], None]

Launch = Callable[[Work, Began, Hear, Ended], None]
"""Train and test trials whose features are in the stores: ``launch(work, began, hear, ended)``.

``began`` is called when a trial begins, ``hear`` with each line that its process says, ``ended`` with the
reason why it failed, or none; a trial that fails does not end the others.
"""


@dataclass(slots=True)
class _Processes:
    """The processes at work, which are told to stop when this one is."""

    running: set[subprocess.Popen[str]] = field(default_factory=set)
    stopped: bool = False

    def stop(self) -> None:
        """Interrupt them all, as Ctrl-C does; each keeps its last finished epoch."""
        self.stopped = True
        for process in list(self.running):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)


def train_in_processes(
    plan: Plan,
    trials: Sequence[Trial],
    device: Device,
    jobs: int,
    say: Callable[[str], None],
    options: Sequence[str] = (),
) -> None:
    """Train and test trials, each in a process of its own.

    The features must be in the stores. The threads of a CPU are shared out among the processes; several
    GPUs are given out in turn. A trial that fails does not end the others.

    Args:
        plan: the run.
        trials: which of its trials.
        device: where to train.
        jobs: how many at once.
        say: called with each line that a process says, after the trial's name.
        options: of `sercli train`, passed on.

    Raises:
        RunError: trials failed; the message names the first one's reason.
    """
    failed = []

    def ended(_: Plan, trial: Trial, reason: str | None) -> None:
        if reason is not None:
            failed.append(f"{trial}: {reason}")

    work = [(plan, trial) for trial in trials]
    hear = partial(_repeat, say)
    train_work(work, lambda plan, trial: None, hear, ended, device=device, jobs=jobs, options=options)
    if failed:
        raise RunError(f"{len(failed)} of {len(trials)} trials failed; {failed[0]}")


def train_work(
    work: Work,
    began: Began,
    hear: Hear,
    ended: Ended,
    *,
    device: Device,
    jobs: int,
    options: Sequence[str] = (),
) -> None:
    """Train and test trials of any runs, each in a process of its own, all from one pool; a `Launch`.

    Args:
        work: trials, whose features are in the stores.
        began: called before each trial, in a thread of its own.
        hear: called with each line that a trial's process says, likewise.
        ended: called after each trial, in this thread.
        device: where to train.
        jobs: how many at once.
        options: of `sercli train`, passed on.
    """
    files_of = {plan.run.path: _write_settings(plan) for plan, _ in work}
    processes = _Processes()
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(jobs):
        slots.put(slot)

    def run(plan: Plan, trial: Trial) -> str | None:
        slot = slots.get()
        try:
            if processes.stopped:
                return "not begun"
            began(plan, trial)
            where = (files_of[plan.run.path], str(plan.workspace.root))
            asked = command(*where, trial.fold, trial.seed, _device_of(device, slot, jobs))
            say = partial(hear, plan, trial)
            return _run([*asked, *options], _environment(device, jobs), say, processes)
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(run, *each): each for each in work}
        try:
            while waiting:
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    ended(*waiting.pop(future), future.result())
        except BaseException:
            for future in waiting:
                future.cancel()
            processes.stop()
            raise


def _write_settings(plan: Plan) -> str:
    settings = plan.run.path / "settings.yaml"
    plan.run.path.mkdir(parents=True, exist_ok=True)
    files.write_text(settings, to_yaml(plan.config.to_dict()))
    return str(settings)


def _repeat(say: Callable[[str], None], _: Plan, trial: Trial, line: str) -> None:
    say(f"{trial}: {line}")


def _run(
    command: Sequence[str],
    environment: dict[str, str],
    say: Callable[[str], None],
    processes: _Processes,
) -> str | None:
    """Run a process to its end; return why it failed, if it did."""
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        processes.running.add(process)
        complaints: list[str] = []
        listener = threading.Thread(target=lambda: complaints.extend(_lines(process.stderr)))
        listener.start()
        for line in _lines(process.stdout):
            say(line.strip())
        listener.join()
        processes.running.discard(process)
    return reason_of(process.returncode, complaints)


def reason_of(status: int, complaints: Sequence[str]) -> str | None:
    """Say why a trial's process failed, if it did, from what it wrote on stderr."""
    if status == 0:
        return None
    last = next((line for line in reversed(complaints) if line.strip()), f"exit status {status}")
    return last.removeprefix("error: ").strip()


def _lines(stream: Iterable[str] | None) -> Iterator[str]:
    yield from stream or ()


def command(settings: str, workspace: str, fold: int, seed: int, device: Device) -> list[str]:
    """Return the command that trains one trial.

    Args:
        settings: file of the run's settings, complete.
        workspace: folder where everything lies.
        fold: from one.
        seed: of weights and batches.
        device: where to train.
    """
    return [
        *(sys.executable, "-m", "sercli", "train", "--here", "--config", settings),
        *("--workspace", workspace, "--fold", str(fold), "--seed", str(seed)),
        *("--accelerator", device.accelerator, "--devices", device.asked),
        *("--strategy", device.strategy, "--nodes", str(device.nodes)),
    ]


def _device_of(device: Device, slot: int, jobs: int) -> Device:
    """Give each of several jobs a GPU in turn; a CPU is one for all."""
    if device.accelerator != "cuda" or jobs == 1:
        return device
    return Device("cuda", (device.indices[slot % len(device.indices)],))


def _environment(device: Device, jobs: int) -> dict[str, str]:
    environment = dict(os.environ)
    shares = jobs * (len(device.indices) if device.accelerator == "cpu" else 1)
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // shares)))
    return environment
