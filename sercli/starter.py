"""The starter: a trained model that a plug-in brings, which is applied where no model is named.

A plug-in brings it as a bundle in its folder ``starter``. sercli itself contains none, because the licences
of the recordings that a model is trained on also bind the model.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sercli import registry
from sercli.errors import ConfigError

NAME = "starter"
"""Name of the starter on the command line, and folder of its bundle in a plug-in."""

INSTALL = "run `pip install ./starter` in a clone of sercli's repository"
"""How to get a starter."""


def starters() -> dict[str, Path]:
    """List the bundles of starters, by the title of their plug-in."""
    return registry.data_folders(NAME, "bundle.json")


def find_starter() -> Path:
    """Return the bundle of the starter.

    Raises:
        ConfigError: none is installed, or several are.
    """
    found = starters()
    if not found:
        raise ConfigError(
            "no model is named, and the starter model is not installed; name a bundle, a run or latest, or "
            f"{INSTALL}"
        )
    if len(found) > 1:
        raise ConfigError(f"several plug-ins bring a starter ({', '.join(found)}); name a bundle instead")
    (place,) = found.values()
    return place


def describe(facts: Mapping[str, Any], place: Path) -> Iterator[str]:
    """Yield what a user of the starter must know, a line each: quality elsewhere, limits, licence.

    Args:
        facts: of its bundle.
        place: folder of its bundle.
    """
    warning = str(facts.get("warning") or "")
    if warning:
        yield f"the starter model is {warning[0].lower()}{warning[1:]}"
    licence = facts.get("licence", "unknown")
    yield (
        f"the starter model is for research, not to judge a person; licence {licence}; its limits: "
        f"{place / 'README.md'}"
    )
