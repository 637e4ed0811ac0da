"""What a machine of a Ray cluster does: train one trial, in a process of its own, and tell of it.

It imports neither Ray nor torch, unless something has to be unpacked: the process that trains does that.
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
from sercli.studies._ray.messages import INIT, Begun, Broken, Ended, Lacks, Message, Order, Said, Unfit
from sercli.studies._ray.process import listen
from sercli.studies._ray.unpacking import Piece, lay_out, unpack
from sercli.workspace import Workspace

if TYPE_CHECKING:
    from sercli.runs.training import Precision

# How long what a lost machine has left at work may hold a trial: a network file system gives up a dead
# machine's locks after 90 s.
_LOCKED_S = 120.0

_LEFT_BEHIND = ("checkpoints", ".lock")

# Lines of a process's last words that are told.
_COMPLAINTS = 20

Fetch = Callable[[str], Iterable[Iterable[Piece]]]
"""Gets a parcel by its digest, chunk by chunk."""


@cache
def deciding_versions() -> Mapping[str, str]:
    """Return the versions of what numbers hang on, without what tells builds for CPU and GPU apart."""
    found = provenance.versions()
    return {name: version.partition("+")[0] for name, version in found.items() if name != "python"}


def disagreement(wanted: Mapping[str, str]) -> str | None:
    """Say in what this machine's software is not what was asked for."""
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
    """Return what ``auto`` becomes on this machine.

    Raises:
        ConfigError: it has no such device.
    """
    from sercli.devices import choose_device, resolve_precision

    return resolve_precision("auto", choose_device(accelerator))


def work_off(order: Order, sent: Mapping[str, Sequence[Any]]) -> Iterator[Message]:
    """Train a trial, as a task of Ray's.

    Args:
        order: which, and how.
        sent: references to the chunks of each parcel, by its digest.
    """
    import ray

    def fetch(parcel: str) -> Iterator[Iterable[Piece]]:
        for chunk in sent[parcel]:
            yield ray.get(chunk)

    yield from train(order, fetch, sent=tuple(sent))


def train(order: Order, fetch: Fetch, *, sent: Sequence[str] = ()) -> Iterator[Message]:
    """Train a trial.

    Args:
        order: which, and how.
        fetch: gets parcels.
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
    for parcel in needed.values():
        unpack(parcel, fetch(parcel))
    laid = lay_out(needed) if needed else None
    workspace = Workspace(order.workspace) if shared or laid is None else laid
    settings = dict(order.settings)
    if laid is not None and INIT in needed:
        settings["init"] = _named(laid.root / INIT)
    trial = Run(workspace.runs / order.run).trial(order.fold, order.seed)
    if order.again:
        _wait_for(trial)
    yield Begun(platform.node())
    lines = listen(order, workspace.root, settings)
    try:
        while True:
            yield Said(next(lines), None if shared else _history(trial))
    except StopIteration as stopped:
        status, complaints = stopped.value
    finally:
        lines.close()
    found = None if shared or status != 0 else _collect(trial)
    if found is not None:
        rmtree(trial.path, ignore_errors=True)
    yield Ended(status, tuple(complaints[-_COMPLAINTS:]), found)


def sees(order: Order) -> bool:
    """Tell whether this machine sees the workspace."""
    root = Path(order.workspace)
    places = (Path("runs") / order.mark, Path("corpora") / order.corpus / "manifest.jsonl", Path("features"))
    return all((root / place).exists() for place in places)


def parts_unseen(order: Order) -> frozenset[str]:
    """List the parts of a workspace that the trial reads and this machine does not see."""
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
    """Wait until what a lost machine has left at work on a trial has ended."""
    trial.path.mkdir(parents=True, exist_ok=True)
    with suppress(Timeout), FileLock(trial.path / ".lock", timeout=_LOCKED_S):
        pass


def _history(trial: Trial) -> str | None:
    return trial.history_file.read_text(encoding="utf-8") if trial.history_file.exists() else None


def _collect(trial: Trial) -> dict[str, bytes]:
    """Read what a finished trial leaves."""
    named_files = ((path, path.relative_to(trial.path)) for path in trial.path.rglob("*") if path.is_file())
    return {
        name.as_posix(): path.read_bytes() for path, name in named_files if name.parts[0] not in _LEFT_BEHIND
    }
