"""Train one trial on a machine of a Ray cluster, in a process of its own, and report its progress.

The module imports torch only to unpack parcels; otherwise only the process that trains imports it.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from sercli.errors import RunError, SerError
from sercli.runs import provenance
from sercli.runs.folder import Run, Trial
from sercli.studies.cluster.messages import INIT, Begun, Broken, Ended, Lacks, Message, Order, Printed, Unfit
from sercli.studies.cluster.process import run_process
from sercli.workspace import Workspace

if TYPE_CHECKING:
    from sercli.runs.training import Precision
    from sercli.studies.cluster.parcels import ParcelPiece

# Longest time that a process of a lost machine may hold a trial: a network file system releases the locks of
# a dead machine after 90 s.
_LOCKED_S = 120.0

_LEFT_BEHIND = ("checkpoints", ".lock")

# Last lines of a process's stderr that are reported.
_ERRORS = 20

Fetch = Callable[[str], "Iterable[Iterable[ParcelPiece]]"]
"""Fetches a parcel by its digest, chunk by chunk."""


@cache
def deciding_versions() -> Mapping[str, str]:
    """Return the versions of the software that numbers depend on, without suffixes for CPU and GPU builds."""
    found = provenance.versions()
    return {name: version.partition("+")[0] for name, version in found.items() if name != "python"}


def disagreement(wanted: Mapping[str, str]) -> str | None:
    """Describe how this machine's software differs from the wanted versions; ``None`` if it does not."""
    found = deciding_versions()
    unlike = [
        f"{name} {found.get(name, 'missing')} instead of {wanted[name]}"
        for name in wanted
        if found.get(name) != wanted[name]
    ]
    if not unlike:
        return None
    return f"{platform.node()}: has {', '.join(unlike)}; install the same on every machine"


def best_precision(accelerator: str) -> "Precision":
    """Return the precision that ``auto`` means on this machine.

    Raises:
        ConfigError: it has no such device.
    """
    from sercli.devices import choose_device, resolve_precision

    return resolve_precision("auto", choose_device(accelerator))


def train_as_task(order: Order, sent: Mapping[str, Sequence[Any]]) -> Iterator[Message]:
    """Train a trial as a task of Ray.

    Args:
        order: the trial.
        sent: references to the chunks of each parcel, by its digest.
    """
    import ray

    def fetch(parcel: str) -> "Iterator[Iterable[ParcelPiece]]":
        for chunk in sent[parcel]:
            yield ray.get(chunk)

    yield from train(order, fetch, sent=tuple(sent))


def train(order: Order, fetch: Fetch, *, sent: Sequence[str] = ()) -> Iterator[Message]:
    """Train a trial.

    Args:
        order: the trial.
        fetch: fetches parcels.
        sent: digests of the parcels that can be fetched.
    """
    wrong = disagreement(order.versions)
    if wrong is not None:
        yield Unfit(wrong)
        return
    try:
        yield from _train(order, fetch, sent)
    except OSError as error:
        yield Broken(f"{platform.node()}: {error}")
    except SerError as error:
        yield Ended(1, (f"{platform.node()}: {error}",))


def _train(order: Order, fetch: Fetch, sent: Sequence[str]) -> Iterator[Message]:
    shared, unseen = sees(order), parts_unseen(order)
    needed = {place: parcel for place, parcel in order.parcels.items() if _part(place) in unseen}
    if unseen - set(map(_part, needed)) or not set(needed.values()) <= set(sent):
        yield Lacks(unseen)
        return
    laid = _unpack(needed, fetch) if needed else None
    workspace = Workspace(order.workspace) if shared or laid is None else laid
    settings = dict(order.settings)
    if laid is not None and INIT in needed:
        settings["init"] = _named(laid.root / INIT)
    trial = Run(workspace.runs / order.run).trial(order.fold, order.seed)
    if order.again:
        _wait_for(trial)
    yield Begun(platform.node())
    lines = run_process(order, workspace.root, settings)
    try:
        while True:
            yield Printed(next(lines), None if shared else _history(trial))
    except StopIteration as stopped:
        status, errors = stopped.value
    finally:
        lines.close()
    found = None if shared or status != 0 else _collect(trial)
    if found is not None:
        rmtree(trial.path, ignore_errors=True)
    yield Ended(status, tuple(errors[-_ERRORS:]), found)


def _unpack(parcels: Mapping[str, str], fetch: Fetch) -> Workspace:
    """Fetch and unpack parcels, given by place, and return the workspace that they make."""
    from sercli.studies.cluster.parcels import lay_out, unpack

    for parcel in parcels.values():
        unpack(parcel, fetch(parcel))
    return lay_out(parcels)


def sees(order: Order) -> bool:
    """Return whether this machine sees the workspace."""
    root = Path(order.workspace)
    places = (Path("runs") / order.mark, Path("corpora") / order.corpus / "manifest.jsonl", Path("features"))
    return all((root / place).exists() for place in places)


def parts_unseen(order: Order) -> frozenset[str]:
    """List the parts of a workspace that the trial reads but this machine does not see."""
    init = order.settings.get("init")
    unseen = set() if sees(order) else {"corpora", "features"}
    if init and not _is_there(str(init)):
        unseen.add(INIT)
    return frozenset(unseen)


def _part(place: str) -> str:
    return place.partition("/")[0]


def _is_there(init: str) -> bool:
    try:
        return _named(Path(init.rpartition("#")[0])) == init
    except RunError:
        return False


def _named(bundle: Path) -> str:
    from sercli.training.initial_weights import name_bundle

    return name_bundle(bundle)


def _wait_for(trial: Trial) -> None:
    """Wait until a process that a lost machine left behind has ended its work on a trial."""
    trial.path.mkdir(parents=True, exist_ok=True)
    with suppress(Timeout), FileLock(trial.path / ".lock", timeout=_LOCKED_S):
        pass


def _history(trial: Trial) -> str | None:
    return trial.history_file.read_text(encoding="utf-8") if trial.history_file.exists() else None


def _collect(trial: Trial) -> dict[str, bytes]:
    """Read the files of a finished trial."""
    named_files = ((path, path.relative_to(trial.path)) for path in trial.path.rglob("*") if path.is_file())
    return {
        name.as_posix(): path.read_bytes() for path, name in named_files if name.parts[0] not in _LEFT_BEHIND
    }
