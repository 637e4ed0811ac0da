"""All the feature stores of a workspace: what they hold, whether it is sound, whether it is needed."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sercli.errors import ConfigError, FeatureError, UnknownNameError
from sercli.features import get_feature
from sercli.plain.json import from_json
from sercli.records import Utterance
from sercli.store import FeatureStore


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A store on disk.

    Attributes:
        path: its folder.
        kind: kind of feature.
        settings: those that differ from the kind's own.
        store: the store; ``None`` where this sercli can't use it (another version of the kind, damaged).
        why: why not.
    """

    path: Path
    kind: str
    settings: dict[str, Any]
    store: FeatureStore | None
    why: str = ""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.path.glob("*") if path.is_file())


def find_stores(root: Path) -> Iterator[Found]:
    """Yield the stores below a folder, by name."""
    for path in sorted(root.glob("*/")):
        if not path.name.startswith("."):
            yield _describe(root, path)


def drop_damaged(store: FeatureStore) -> list[str]:
    """Take what is lost or does not match its checksum out of a store; return the audio hashes.

    Raises:
        FeatureError: another process is writing.
    """
    damaged = store.damaged()
    if damaged or store.unreadable:
        with store.writing() as writer:
            writer.drop(damaged)
    return damaged


def needless(root: Path, utterances: Sequence[Utterance]) -> list[tuple[Found, str]]:
    """List the stores that nothing needs, and why: stale ones, and those of audio no corpus has."""
    found = []
    for each in find_stores(root):
        if each.store is None:
            found.append((each, each.why))
        elif not any(each.store.key(utterance) in each.store for utterance in utterances):
            found.append((each, "no prepared corpus has audio of it"))
    return found


def remove(found: Found) -> None:
    """Delete a store.

    Raises:
        FeatureError: another process is writing it.
    """
    try:
        with FileLock(found.path / ".lock", timeout=0):
            shutil.rmtree(found.path)
    except Timeout:
        raise FeatureError(f"{found.path}: another process is writing these features") from None


def _describe(root: Path, path: Path) -> Found:
    try:
        description = from_json((path / "feature.json").read_text(encoding="utf-8"))
        kind, settings = str(description["kind"]), dict(description["config"])
        version, number = description["version"], description.get("number", "float32")
    except (OSError, ValueError, KeyError, TypeError):
        return Found(path, "?", {}, None, "its feature.json is missing or damaged")
    try:
        feature = get_feature(kind)
        config = feature.config(**settings)
        differing = {k: v for k, v in config.to_dict().items() if v != feature.config().to_dict()[k]}
        store = FeatureStore(root, kind, config, number)
    except (UnknownNameError, ConfigError, KeyError, TypeError):
        return Found(path, kind, settings, None, "this sercli has no such kind or settings")
    if version != feature.version:
        return Found(path, kind, differing, None, f"made by version {version}, now {feature.version}")
    if store.path.name != path.name:
        return Found(path, kind, differing, None, "its feature.json describes another store")
    return Found(path, kind, differing, store)
