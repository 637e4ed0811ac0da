"""Connect with a Ray cluster: its machines, and the number of trials that fit on them."""

import os
import socket
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from logging import ERROR
from pathlib import Path
from types import ModuleType
from typing import Any

from sercli import files
from sercli.devices import Device
from sercli.errors import ConfigError, RunError, SerError
from sercli.runs.training import Precision
from sercli.studies.cluster import node
from sercli.training.jobs import OnBegin, OnEnd, OnLine, PlannedTrials

# Time that machines get to report their software and devices; each imports torch for that.
_ANSWER_S = 300.0

# Time that a cluster's head gets to accept a connection.
_CONNECT_S = 10.0

_REPORTS = "RAY_USAGE_STATS_ENABLED"


@dataclass(frozen=True)
class Cluster:
    """A cluster that this process is connected with.

    Attributes:
        cpus: CPUs of one trial.
        gpus: GPUs of one trial; a fraction if several trials share one.
        say: called with each message about machines for the user.
    """

    cpus: float
    gpus: float
    say: Callable[[str], None] = lambda line: None

    @property
    def device(self) -> Device:
        """Device of a trial, as its machine sees it."""
        return Device("cuda" if self.gpus else "cpu")

    @property
    def threads(self) -> int:
        """CPU threads of a trial."""
        return max(1, int(self.cpus))

    @property
    def machines(self) -> list[str]:
        """Ids of the machines that are up and large enough for a trial."""
        return [str(each["NodeID"]) for each in _live_machines() if self._room(each["Resources"])]

    @property
    def slots(self) -> int:
        """Number of trials that fit at once."""
        return sum(self._room(each["Resources"]) for each in _live_machines())

    @property
    def description(self) -> str:
        """Description of the cluster."""
        count = len(self.machines)
        gpus = f", {self.gpus:g} GPU" if self.gpus else ""
        each = f"{self.cpus:g} CPU{gpus} each"
        return f"Ray, {count} machine{'s' if count > 1 else ''}, {self.slots} trials at once, {each}"

    def _room(self, resources: Mapping[str, float]) -> int:
        """Count the trials that fit on a machine; no trial is divided between GPUs."""
        room = int(resources.get("CPU", 0) / self.cpus + 1e-9)
        if self.gpus:
            room = min(room, int(resources.get("GPU", 0)) * int(1 / self.gpus + 1e-9))
        return room

    @cached_property
    def precision(self) -> Precision:
        """The precision that ``auto`` means on the machines.

        Raises:
            RunError: a machine lacks sercli or has another version, or the machines differ.
        """
        from sercli.studies.cluster.tasks import shorten_error

        ray, gpus, accelerator = _import(), self.gpus, self.device.accelerator

        def examine() -> tuple[str | None, Precision | None]:
            # Ray pickles the function itself, not its name, so that a machine without sercli can report that.
            if gpus and not os.environ.get("CUDA_VISIBLE_DEVICES"):
                os.environ.pop("CUDA_VISIBLE_DEVICES", None)  # Ray hides GPUs from a task that asks for none
            try:
                from sercli.studies.cluster.node import best_precision, disagreement
            except ImportError as error:
                return f"{os.uname().nodename}: sercli can't be imported ({error}); install it there", None
            try:
                return disagreement(versions), best_precision(accelerator)
            except SerError as error:
                return f"{os.uname().nodename}: {error}", None

        versions = node.deciding_versions()
        task = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(examine)
        by_id = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        answers = [
            task.options(scheduling_strategy=by_id(each, soft=False)).remote() for each in self.machines
        ]
        found: set[Precision] = set()
        for answer in answers:
            try:
                wrong, best = ray.get(answer, timeout=_ANSWER_S)
            except ray.exceptions.RayTaskError:
                raise
            except ray.exceptions.RayError as error:
                raise RunError(f"a machine of the cluster does not answer: {shorten_error(error)}") from None
            if wrong is not None:
                raise RunError(wrong)
            found.add(best)
        if not found:
            raise RunError("no machine of the cluster answers; see `ray status`")
        if len(found) > 1:
            raise RunError(
                f"the machines' best precisions differ ({', '.join(sorted(found))}), and a run has one; "
                f"set one with --set training.precision={min(found)}"
            )
        return found.pop()

    def launch(self, trials: PlannedTrials, on_begin: OnBegin, on_line: OnLine, on_end: OnEnd) -> None:
        """Train and test trials on the cluster; a `sercli.training.jobs.Launch`.

        Raises:
            RunError: a machine has other versions of the software.
        """
        from sercli.studies.cluster.tasks import Tasks

        if not trials:
            return
        mark = trials[0][0].workspace.runs / f".seen-{uuid.uuid4().hex}"
        files.write_text(mark, "")
        try:
            Tasks(self, mark.name, on_begin, on_line, on_end).run(trials)
        finally:
            mark.unlink(missing_ok=True)


@contextmanager
def connected(
    address: str | None,
    cpus: float,
    gpus: float | None,
    accelerator: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Cluster]:
    """Connect with a cluster.

    Args:
        address: address of its head, ``host:port``. If not given: the cluster of ``RAY_ADDRESS``, or the one
            that runs on this machine, or a temporary one of this machine only.
        cpus: CPUs of one trial.
        gpus: GPUs of one trial; if not given, one if the cluster has any.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``cuda``.
        say: called with each message about machines for the user.

    Raises:
        ConfigError: Ray is not installed, or the arguments contradict each other.
        RunError: the cluster does not answer, or no machine is large enough for a trial.
    """
    accelerator = "cuda" if accelerator == "gpu" else accelerator
    if accelerator not in {"auto", "cpu", "gpu", "cuda"}:
        raise ConfigError(f"accelerator '{accelerator}': Ray allocates auto, cpu, gpu or cuda")
    if gpus is not None and accelerator == ("cpu" if gpus else "cuda"):
        raise ConfigError(f"--accelerator {accelerator}, --gpus-per-trial {gpus:g}: leave one of the two out")
    outside = address or os.environ.get("RAY_ADDRESS") or ""
    if outside.startswith("ray://"):
        raise ConfigError(
            f"{outside}: can't connect from outside the cluster; run the command on one of its machines, "
            "with the address that `ray start` printed there"
        )
    with _quiet(), _initialised(address):
        yield _size(cpus, gpus, accelerator, say)


@contextmanager
def _initialised(address: str | None) -> Iterator[None]:
    """Connect with a cluster until the context ends."""
    ray = _import()
    found = _find_head(address)
    try:
        ray.init(address=found, include_dashboard=False, log_to_driver=False, logging_level=ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        from sercli.studies.cluster.tasks import shorten_error

        raise RunError(f"{found}: Ray does not start: {shorten_error(error)}; see `ray status`") from None
    try:
        yield
    finally:
        ray.shutdown()


def _size(cpus: float, gpus: float | None, accelerator: str, say: Callable[[str], None]) -> Cluster:
    """Decide on the GPUs of a trial, and check that a trial fits on a machine.

    Raises:
        RunError: it fits on none.
    """
    if gpus is None:
        has_gpus = any(each["Resources"].get("GPU") for each in _live_machines())
        gpus = 1.0 if accelerator == "cuda" or (accelerator == "auto" and has_gpus) else 0.0
    cluster = Cluster(cpus, gpus, say)
    if not cluster.slots:
        size = f"{cpus:g} CPU" + (f" and {gpus:g} GPU" if gpus else "")
        raise RunError(
            f"no machine of the cluster has {size} for a trial; see `ray status`, and change "
            "--cpus-per-trial or --gpus-per-trial"
        )
    return cluster


def _find_head(address: str | None) -> str:
    """Find the cluster's head and check that it answers; Ray itself would try for a quarter of an hour.

    Raises:
        RunError: it does not answer.
    """
    given = address or os.environ.get("RAY_ADDRESS")
    if given and _answers(given):
        return given
    if given:
        raise RunError(
            f"{given}: no cluster answers there; start one with `ray start --head`, which prints its address"
        )
    # `ray start` writes the address there; after a machine was switched off, the address is out of date.
    temporary = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    note = Path(temporary) / "ray" / "ray_current_cluster"
    # A file of another user could send the trials to a cluster of that user.
    is_own = note.exists() and note.stat().st_uid == os.getuid()
    running = note.read_text(encoding="utf-8").strip() if is_own else ""
    return running if running and _answers(running) else "local"


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not port.isdecimal():  # auto or local, which Ray resolves itself
        return address in {"auto", "local"}
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except (OSError, OverflowError):
        return False
    return True


def _import() -> ModuleType:
    """Import Ray.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import ray
        import ray.exceptions
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise ConfigError(f"--launcher ray needs Ray: pip install 'sercli[ray]' ({error})") from None
    found: ModuleType = ray
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray from reporting to its makers and from advising programmers, until the context ends."""
    before = os.environ.get(_REPORTS)
    os.environ.setdefault(_REPORTS, "0")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"ray\.")
            yield
    finally:
        if before is None:
            os.environ.pop(_REPORTS, None)


def _live_machines() -> list[dict[str, Any]]:
    return [each for each in _import().nodes() if each["Alive"]]
