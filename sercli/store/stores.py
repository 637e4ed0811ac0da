"""Open, find, repair and remove the feature stores of a workspace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sercli import registry
from sercli.config import merge
from sercli.errors import ConfigError, FeatureError, PluginError, SerError, UnknownNameError, unknown
from sercli.features import get_feature
from sercli.files import remove_folder
from sercli.plain.json import from_json
from sercli.records import Utterance
from sercli.store import FeatureStore, Number
from sercli.store.compute import compute
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class FoundStore:
    """A store on disk.

    Attributes:
        path: folder of the store.
        kind: kind of feature.
        settings: settings that differ from the defaults of the kind.
        store: the store; ``None`` if this sercli can't use it (another version of the kind, damaged).
        why: reason why this sercli can't use it.
        unknown: whether its kind is unknown here, or a plug-in that can't be used. The plug-in may only not
            be named, or have a typing error, so the store is perhaps needed again.
    """

    path: Path
    kind: str
    settings: dict[str, Any]
    store: FeatureStore | None
    why: str = ""
    unknown: bool = False

    @property
    def remedy(self) -> str:
        """The next step, if this sercli can't use the store."""
        return f"`sercli features prune{' --unknown' if self.unknown else ''}` removes it"

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.path.glob("*") if path.is_file())


@dataclass(frozen=True, slots=True)
class Repair:
    """The damage that was found in a store, and the result of repairing it.

    Attributes:
        damaged: arrays that are missing, or do not match their checksum.
        unreadable: lines of the index that can't be read.
        rebuilt: arrays computed again.
        gone: damaged arrays of audio that no prepared corpus has.
        problems: reasons why damaged arrays could not be computed again.
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


def open_stores(
    root: Path, kind: str, variants: str | None, settings: Mapping[str, Any], number: Number
) -> dict[str, FeatureStore]:
    """Open the stores of some variants of a kind, by name; or, without variants, the one store of the kind.

    Args:
        root: folder of the stores.
        kind: kind of feature.
        variants: ``v3``, ``v1,v4`` or ``v1-v8``.
        settings: those that differ from the defaults of the kind.
        number: format in which values are stored.

    Raises:
        UnknownNameError: there is no such kind or variant.
        ConfigError: the kind has no variants, a setting is wrong, or the variants differ in it.
    """
    feature = get_feature(kind)
    chosen = {
        name: feature.variants[name] for name in _choose_variants(variants, list(feature.variants), kind)
    }
    for name, own in chosen.items():
        both = sorted(own.keys() & settings.keys())
        if both:
            raise ConfigError(f"--set {both[0]}: {name} of '{kind}' sets it too; leave one of the two out")
    return {
        name: FeatureStore(root, kind, feature.config(**merge(own, settings)), number)
        for name, own in (chosen or {"": {}}).items()
    }


def find_stores(root: Path) -> Iterator[FoundStore]:
    """Yield the stores below a folder, by name."""
    for path in sorted(root.glob("*/")):
        if not path.name.startswith("."):
            yield _describe(root, path)


def needless(root: Path, utterances: Sequence[Utterance]) -> list[tuple[FoundStore, str]]:
    """List the stores that nothing here uses, and why: outdated ones, and those of audio that no corpus has.

    Those that are `FoundStore.unknown` are among them.
    """
    found = []
    for each in find_stores(root):
        if each.store is None:
            found.append((each, each.why))
        elif not any(each.store.key(utterance) in each.store for utterance in utterances):
            found.append((each, "no prepared corpus has audio of it"))
    return found


def remove(found: FoundStore) -> None:
    """Delete a store.

    Raises:
        FeatureError: another process is writing it.
        SerError: it can't be deleted completely.
    """
    try:
        with FileLock(found.path / ".lock", timeout=0):
            remove_folder(found.path)
    except Timeout:
        raise FeatureError(f"{found.path}: another process is writing these features") from None


def repair(store: FeatureStore, workspace: Workspace, originals: Path | None = None) -> Repair:
    """Compare a store with its checksums; remove what is damaged and compute it again.

    A line of the index that can't be read does not show which audio it named. In that case everything is
    computed that the store lacks of a corpus of which it holds a part.

    Args:
        store: the store.
        workspace: where the prepared corpora are.
        originals: a corpus as distributed, for kinds that read it.
    """
    damaged, unreadable = store.damaged(), store.unreadable
    if not damaged and not unreadable:
        return Repair()
    try:
        with store.writing() as writer:
            writer.drop(damaged)
    except (SerError, OSError) as error:
        return Repair(len(damaged), unreadable, problems=(str(error),))
    held = {*damaged, *store.hashes}
    rebuilt, owned, problems = 0, set[str](), []
    for name in workspace.prepared():
        try:
            utterances = workspace.utterances(name)
            wanted = [u for u in utterances if store.key(u) in damaged]
            owned |= {store.key(u) for u in wanted}
            if unreadable and any(store.key(u) in held for u in utterances):
                wanted = utterances
            rebuilt += compute([store], wanted, workspace.corpus(name), originals=originals)
        except (SerError, OSError) as error:
            problems.append(f"{name}: {error}")
    return Repair(len(damaged), unreadable, rebuilt, len(set(damaged) - owned), tuple(problems))


def _describe(root: Path, path: Path) -> FoundStore:
    try:
        description = from_json((path / "feature.json").read_text(encoding="utf-8"))
        kind, settings = str(description["kind"]), dict(description["config"])
        version, number = description["version"], description.get("number", "float32")
    except (OSError, ValueError, KeyError, TypeError):
        return FoundStore(path, "?", {}, None, "its feature.json is missing or damaged")
    try:
        feature = get_feature(kind)
        with registry.blaming("sercli.features", kind):
            config = feature.config(**settings)
            differing = {k: v for k, v in config.to_dict().items() if v != feature.config().to_dict()[k]}
            store = FeatureStore(root, kind, config, number)
    except (UnknownNameError, PluginError) as error:
        reason = error if isinstance(error, PluginError) else "name its plug-in with --plugins"
        why = f"kind '{kind}' is unknown here ({reason})"
        return FoundStore(path, kind, settings, None, why, unknown=True)
    except (ConfigError, KeyError, TypeError):
        return FoundStore(path, kind, settings, None, f"this sercli has no such settings of '{kind}'")
    if version != feature.version:
        return FoundStore(path, kind, differing, None, f"made by version {version}, now {feature.version}")
    if store.path.name != path.name:
        changed = registry.code_digests([("features", kind)])
        why = "made by other code of the plug-in" if changed else "its feature.json describes another store"
        return FoundStore(path, kind, differing, None, why)
    return FoundStore(path, kind, differing, store)


def _choose_variants(text: str | None, known: list[str], kind: str) -> list[str]:
    """Read names of variants, as ``v1-v8`` or ``v1,v4``."""
    if text is None:
        return []
    if not known:
        raise ConfigError(f"--variants: '{kind}' has none")
    names: list[str] = []
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-", maxsplit=1)]
        for end in ends:
            if end not in known:
                raise unknown(f"--variants: '{kind}'", end, known)
        first, last = known.index(ends[0]), known.index(ends[-1])
        names += known[first : last + 1] if first <= last else known[last : first + 1][::-1]
    return list(dict.fromkeys(names))
