"""Train trials in separate processes, several at once on this machine.

On this machine and on a cluster, the same command trains each trial in its own process. So the numbers are
the same, and a crash ends no other trial. `sercli.training.starting` starts these processes.
"""

import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from traceback import format_exception_only

from sercli import files
from sercli.devices import Device
from sercli.errors import RunError, SerError
from sercli.plain.yaml import to_yaml
from sercli.processor import count_cores
from sercli.runs.config import RunConfig
from sercli.runs.folder import Trial
from sercli.training.plan import Plan
from sercli.training.starting import make_starter

PlannedTrials = Sequence[tuple[Plan, Trial]]
"""Trials of any runs, each with the plan of its run."""

OnBegin = Callable[[Plan, Trial], None]
OnLine = Callable[[Plan, Trial, str], None]
OnEnd = Callable[[Plan, Trial, str | None], None]

Launch = Callable[[PlannedTrials, OnBegin, OnLine, OnEnd], None]
"""Train and test trials whose features are in the stores: ``launch(trials, on_begin, on_line, on_end)``.

``on_begin`` is called when a trial begins. ``on_line`` is called with each line that its process prints.
``on_end`` is called with the reason of a failure, or ``None``. A trial that fails does not end the others.
"""


def train_in_processes(
    plan: Plan,
    trials: Sequence[Trial],
    device: Device,
    jobs: int,
    report: Callable[[str], None],
    options: Sequence[str] = (),
) -> None:
    """Train and test trials of one run, each in a separate process.

    The features must be in the stores. The processes share the threads of the CPU; each of several GPUs is
    assigned in turn. A trial that fails does not end the others.

    Args:
        plan: the run.
        trials: trials of the run to train.
        device: device to train on.
        jobs: number of trials at once.
        report: called with the trial's name and each line that its process prints.
        options: further options of `sercli train`.

    Raises:
        RunError: trials failed; the message gives the reason of the first failure.
    """
    failed = []

    def on_end(_: Plan, trial: Trial, reason: str | None) -> None:
        if reason is not None:
            failed.append(f"{trial}: {reason}")

    launch_processes(
        [(plan, trial) for trial in trials],
        lambda plan, trial: None,
        lambda _, trial, line: report(f"{trial}: {line}"),
        on_end,
        device=device,
        jobs=jobs,
        options=options,
    )
    if failed:
        raise RunError(f"{len(failed)} of {len(trials)} trials failed; {failed[0]}")


def launch_processes(
    trials: PlannedTrials,
    on_begin: OnBegin,
    on_line: OnLine,
    on_end: OnEnd,
    *,
    device: Device,
    jobs: int,
    options: Sequence[str] = (),
) -> None:
    """Train and test trials of any runs, each in a separate process, all in one pool; this is a `Launch`.

    Args:
        trials: trials whose features are in the stores.
        on_begin: called before each trial, in the thread of that trial.
        on_line: called with each line that a trial's process prints, in the thread of that trial.
        on_end: called after each trial, in this thread.
        device: device to train on.
        jobs: number of trials at once.
        options: further options of `sercli train`.
    """
    settings_files = {plan.run.path: _write_settings(plan) for plan, _ in trials}
    starter = make_starter(_environment(device, jobs), several_devices=_device_of(device, 0, jobs).several)
    stopped = threading.Event()
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(jobs):
        slots.put(slot)

    def run(plan: Plan, trial: Trial) -> str | None:
        slot = slots.get()
        try:
            if stopped.is_set():
                return "not begun"
            on_begin(plan, trial)
            where = (settings_files[plan.run.path], str(plan.workspace.root))
            command = training_command(*where, trial.fold, trial.seed, _device_of(device, slot, jobs))
            process = starter.start([*command, *options])
            for line in process.lines():
                on_line(plan, trial, line.strip())
            return failure_reason(*process.finish())
        finally:
            slots.put(slot)

    with closing(starter), ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(run, *each): each for each in trials}
        try:
            while waiting:
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    on_end(*waiting.pop(future), future.result())
        except BaseException:
            for future in waiting:
                future.cancel()
            stopped.set()
            starter.send_signal(signal.SIGINT)  # each keeps its last finished epoch
            raise


def _write_settings(plan: Plan) -> str:
    settings = plan.run.path / "settings.yaml"
    plan.run.path.mkdir(parents=True, exist_ok=True)
    files.write_text(settings, to_yaml(plan.config.to_dict()))
    return str(settings)


def failure_reason(status: int, errors: Sequence[str]) -> str | None:
    """Return the reason if a trial's process failed, from its lines on stderr."""
    if status == 0:
        return None
    if status < 0:
        return f"its process was killed by signal {-status} ({signal.strsignal(-status)})"
    last = next((line for line in reversed(errors) if line.strip()), f"exit status {status}")
    return last.removeprefix("error: ").strip()


def failures_of(config: RunConfig) -> tuple[type[Exception], ...]:
    """Return the exceptions that end a trial in this process, but not the command.

    They are all exceptions if a run uses code of others; otherwise a bug of ours keeps its traceback.
    """
    return (Exception,) if config.code else (SerError,)


def reason_of(error: Exception) -> str:
    """Return the reason if a trial failed in this process."""
    return str(error) if isinstance(error, SerError) else format_exception_only(error)[0].splitlines()[0]


def training_command(settings: str, workspace: str, fold: int, seed: int, device: Device) -> list[str]:
    """Return the arguments of sercli that train one trial.

    Args:
        settings: file with the run's complete settings.
        workspace: folder of corpora, features and runs.
        fold: number of the fold, from one.
        seed: seed of weights and batches.
        device: device to train on.
    """
    return [
        *("train", "--here", "--config", settings, "--workspace", workspace),
        *("--fold", str(fold), "--seed", str(seed)),
        *("--accelerator", device.accelerator, "--devices", device.asked),
        *("--strategy", device.strategy, "--nodes", str(device.nodes)),
    ]


def _device_of(device: Device, slot: int, jobs: int) -> Device:
    """Assign a GPU to each of several jobs in turn; on a CPU, all jobs share it."""
    if device.accelerator != "cuda" or jobs == 1:
        return device
    return Device("cuda", (device.indices[slot % len(device.indices)],))


def _environment(device: Device, jobs: int) -> dict[str, str]:
    environment = dict(os.environ)
    shares = jobs * (len(device.indices) if device.accelerator == "cpu" else 1)
    environment.setdefault("OMP_NUM_THREADS", str(max(1, count_cores() // shares)))
    return environment
