"""Find what is damaged in a store, remove it and compute it again."""

from dataclasses import dataclass
from pathlib import Path

from sercli import manifest
from sercli.errors import SerError
from sercli.store import FeatureStore
from sercli.store.compute import compute
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Repair:
    """The damage that was found in a store, and the result of repairing it.

    Attributes:
        damaged: arrays that are missing, or do not match their checksum.
        unreadable: lines of the index that can't be read.
        rebuilt: arrays computed again.
        gone: damaged arrays of audio that no prepared corpus has.
        problems: why damaged ones could not be computed again.
    """

    damaged: int = 0
    unreadable: int = 0
    rebuilt: int = 0
    gone: int = 0
    problems: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong."""
        return not self.damaged and not self.unreadable


def repair(store: FeatureStore, workspace: Workspace, originals: Path | None = None) -> Repair:
    """Compare a store with its checksums; remove what is damaged and compute it again.

    A line of the index that can't be read does not show which audio it named. In that case everything is
    computed that the store lacks of a corpus of which it holds a part.

    Args:
        store: the store.
        workspace: where the prepared corpora are.
        originals: a corpus as distributed, for kinds that read it.
    """
    damaged, unreadable = set(store.damaged()), store.unreadable
    if not damaged and not unreadable:
        return Repair()
    try:
        drop_damaged(store)
    except (SerError, OSError) as error:
        return Repair(len(damaged), unreadable, problems=(str(error),))
    held = damaged.union(store.hashes)
    rebuilt, owned, problems = 0, set[str](), []
    for name in workspace.prepared():
        try:
            utterances = manifest.read(workspace.manifest(name))
            wanted = [u for u in utterances if store.key(u) in damaged]
            owned |= {store.key(u) for u in wanted}
            if unreadable and any(store.key(u) in held for u in utterances):
                wanted = utterances
            rebuilt += compute([store], wanted, workspace.corpus(name), originals=originals)
        except (SerError, OSError) as error:
            problems.append(f"{name}: {error}")
    return Repair(len(damaged), unreadable, rebuilt, len(damaged - owned), tuple(problems))


def drop_damaged(store: FeatureStore) -> list[str]:
    """Remove what is missing or does not match its checksum from a store; return the audio hashes.

    Raises:
        FeatureError: another process is writing.
    """
    damaged = store.damaged()
    if damaged or store.unreadable:
        with store.writing() as writer:
            writer.drop(damaged)
    return damaged
