"""What is damaged in a store, taken out and computed again."""

from dataclasses import dataclass
from pathlib import Path

from sercli import manifest
from sercli.errors import SerError
from sercli.store import FeatureStore
from sercli.store.compute import compute
from sercli.store.stores import drop_damaged
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Repair:
    """What was found in a store, and what became of it.

    Attributes:
        damaged: arrays that were not there any more, or did not match their checksum.
        unreadable: lines of the index that could not be read.
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
    """Read a store against its checksums; drop what is damaged and compute it again.

    Where lines of the index can't be read, nothing says what they named: whatever the store lacks of a
    corpus of which it holds something is computed.

    Args:
        store: the store.
        workspace: where the prepared corpora lie.
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
