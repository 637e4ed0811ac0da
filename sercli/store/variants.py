"""Stores of a kind's variants, chosen by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sercli.config import merge
from sercli.errors import ConfigError, unknown
from sercli.features import get_feature
from sercli.store import FeatureStore, Number


def open_stores(
    root: Path, kind: str, variants: str | None, settings: Mapping[str, Any], number: Number
) -> dict[str, FeatureStore]:
    """Open the store of each variant, by its name; or, without variants, the kind's own.

    Args:
        root: folder of the stores.
        kind: kind of feature.
        variants: ``v3``, ``v1,v4`` or ``v1-v8``.
        settings: those that differ from the kind's own.
        number: in which format values are kept.

    Raises:
        UnknownNameError: there is no such kind or variant.
        ConfigError: the kind has no variants, or a setting is wrong or one that they differ in.
    """
    feature = get_feature(kind)
    chosen = {name: feature.variants[name] for name in _choose(variants, list(feature.variants), kind)}
    for name, own in chosen.items():
        both = sorted(own.keys() & settings.keys())
        if both:
            raise ConfigError(f"--set {both[0]}: {name} of '{kind}' has its own; leave one of the two out")
    return {
        name: FeatureStore(root, kind, feature.config(**merge(own, settings)), number)
        for name, own in (chosen or {"": {}}).items()
    }


def _choose(text: str | None, known: list[str], kind: str) -> list[str]:
    """Read ``v1-v8`` or ``v1,v4``."""
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
