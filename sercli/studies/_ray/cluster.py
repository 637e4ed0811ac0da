"""The cluster: what its machines are, how many trials fit on them."""

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
from sercli.studies._ray import node
from sercli.training.jobs import OnBegin, OnEnd, OnLine, PlannedTrials

# How long machines may take to say what they are: each imports torch for that.
_ANSWER_S = 300.0

# How long a cluster's head may take to let somebody in.
_CONNECT_S = 10.0


@dataclass(frozen=True)
class Cluster:
    """A cluster that this process is connected with.

    Attributes:
        cpus: of one trial.
        gpus: of one trial, a fraction of one where several share it.
        say: called with what a user should know of machines, a line each.
    """

    cpus: float
    gpus: float
    say: Callable[[str], None] = lambda line: None

    @property
    def device(self) -> Device:
        """What a trial trains on, as its machine sees it."""
        return Device("cuda" if self.gpus else "cpu")

    @property
    def threads(self) -> int:
        """Threads of a trial."""
        return max(1, int(self.cpus))

    @property
    def machines(self) -> list[str]:
        """Ids of the machines that are up and large enough for a trial."""
        return [str(each["NodeID"]) for each in _up() if self._room(each["Resources"])]

    @property
    def slots(self) -> int:
        """How many trials fit at once."""
        return sum(self._room(each["Resources"]) for each in _up())

    @property
    def description(self) -> str:
        """The cluster in words."""
        count = len(self.machines)
        gpus = f", {self.gpus:g} GPU" if self.gpus else ""
        each = f"{self.cpus:g} CPU{gpus} each"
        return f"Ray, {count} machine{'s' if count > 1 else ''}, {self.slots} trials at once, {each}"

    def _room(self, resources: Mapping[str, float]) -> int:
        """Count the trials that fit on a machine; of a fraction of a GPU, one GPU holds a whole number."""
        room = int(resources.get("CPU", 0) / self.cpus + 1e-9)
        if self.gpus:
            room = min(room, int(resources.get("GPU", 0)) * int(1 / self.gpus + 1e-9))
        return room

    @cached_property
    def precision(self) -> Precision:
        """What ``auto`` becomes on the machines.

        Raises:
            RunError: a machine lacks sercli or has another one, or they differ.
        """
        from sercli.studies._ray.tasks import in_short

        ray, gpus, accelerator = _import(), self.gpus, self.device.accelerator

        def look() -> tuple[str | None, Precision | None]:
            # Pickled whole, not by name, so that a machine without sercli can say so.
            if gpus and not os.environ.get("CUDA_VISIBLE_DEVICES"):
                os.environ.pop("CUDA_VISIBLE_DEVICES", None)  # Ray hides them from who asks for none
            try:
                from sercli.studies._ray.node import best_precision, disagreement
            except ImportError as error:
                return f"{os.uname().nodename}: sercli can't be imported ({error}); install it there", None
            try:
                return disagreement(versions), best_precision(accelerator)
            except SerError as error:
                return f"{os.uname().nodename}: {error}", None

        versions = node.deciding_versions()
        asked = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(look)
        by_id = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        answers = [
            asked.options(scheduling_strategy=by_id(each, soft=False)).remote() for each in self.machines
        ]
        found: set[Precision] = set()
        for answer in answers:
            try:
                wrong, best = ray.get(answer, timeout=_ANSWER_S)
            except ray.exceptions.RayTaskError:
                raise
            except ray.exceptions.RayError as error:
                raise RunError(f"a machine of the cluster does not answer: {in_short(error)}") from None
            if wrong is not None:
                raise RunError(wrong)
            found.add(best)
        if not found:
            raise RunError("no machine of the cluster answers; see `ray status`")
        if len(found) > 1:
            raise RunError(
                f"the machines' best precisions differ ({', '.join(sorted(found))}), and a run has one; "
                f"choose one with --set training.precision={min(found)}"
            )
        return found.pop()

    def launch(self, trials: PlannedTrials, on_begin: OnBegin, on_line: OnLine, on_end: OnEnd) -> None:
        """Train and test trials on the cluster; a `sercli.training.jobs.Launch`.

        Raises:
            RunError: a machine has other software than this one.
        """
        from sercli.studies._ray.tasks import Given, Tasks

        if not trials:
            return
        mark = trials[0][0].workspace.runs / f".seen-{uuid.uuid4().hex}"
        files.write_text(mark, "")
        try:
            given = Given(self.cpus, self.gpus, self.device, self.threads)
            Tasks(given, mark.name, on_begin, on_line, on_end, self.say, lambda: self.slots > 0).run(trials)
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
        address: of its head, ``host:port``; without it the one of ``RAY_ADDRESS``, or the one that runs on
            this machine, or one of this machine alone, for as long as it is needed.
        cpus: of one trial.
        gpus: of one trial; without it one where there are any, and none otherwise.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``cuda``.
        say: called with what a user should know of machines, a line each.

    Raises:
        ConfigError: Ray is not installed, or what is asked for contradicts itself.
        RunError: the cluster does not answer, or no machine is large enough for a trial.
    """
    accelerator = "cuda" if accelerator == "gpu" else accelerator
    if accelerator not in {"auto", "cpu", "gpu", "cuda"}:
        raise ConfigError(f"accelerator '{accelerator}' is none of auto, cpu, gpu, cuda, which Ray gives out")
    if gpus is not None and accelerator == ("cpu" if gpus else "cuda"):
        raise ConfigError(f"--accelerator {accelerator}, --gpus-per-trial {gpus:g}: leave one of the two out")
    outside = address or os.environ.get("RAY_ADDRESS") or ""
    if outside.startswith("ray://"):
        raise ConfigError(
            f"{outside}: not from outside the cluster; run the command on one of its machines, with the "
            "address that `ray start` printed there"
        )
    ray = _import()
    found = _find_head(address)
    try:
        ray.init(address=found, include_dashboard=False, log_to_driver=False, logging_level=ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        from sercli.studies._ray.tasks import in_short

        raise RunError(f"{found}: Ray does not begin: {in_short(error)}; see `ray status`") from None
    try:
        if gpus is None:
            there = any(each["Resources"].get("GPU") for each in _up())
            gpus = 1.0 if accelerator == "cuda" or (accelerator == "auto" and there) else 0.0
        cluster = Cluster(cpus, gpus, say)
        if not cluster.slots:
            asked = f"{cpus:g} CPU" + (f" and {gpus:g} GPU" if gpus else "")
            raise RunError(
                f"no machine of the cluster has {asked} for a trial; see `ray status`, and change "
                "--cpus-per-trial or --gpus-per-trial"
            )
        yield cluster
    finally:
        ray.shutdown()


def _find_head(address: str | None) -> str:
    """Find the cluster's head, and see that it answers: Ray itself would try for a quarter of an hour.

    Raises:
        RunError: it does not answer.
    """
    given = address or os.environ.get("RAY_ADDRESS")
    if given and _answers(given):
        return given
    if given:
        raise RunError(
            f"{given}: no cluster answers there; start one with `ray start --head`, which says its address"
        )
    # Where `ray start` leaves it; a machine that was switched off leaves one that is no longer true.
    temporary = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    note = Path(temporary) / "ray" / "ray_current_cluster"
    # Whoever else wrote it: what trials are would go to a stranger's cluster, and be run by it.
    own = note.exists() and note.stat().st_uid == os.getuid()
    running = note.read_text(encoding="utf-8").strip() if own else ""
    return running if running and _answers(running) else "local"


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not port.isdecimal():  # auto or local, which Ray finds by itself
        return address in {"auto", "local"}
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except (OSError, OverflowError):
        return False
    return True


def _import() -> ModuleType:
    """Import Ray, without its dashboard, its reports to its makers and its advice to programmers."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"ray\.")
    try:
        import ray
        import ray.exceptions
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise ConfigError(f"--launcher ray needs Ray: pip install 'sercli[ray]' ({error})") from None
    found: ModuleType = ray
    return found


def _up() -> list[dict[str, Any]]:
    return [each for each in _import().nodes() if each["Alive"]]
