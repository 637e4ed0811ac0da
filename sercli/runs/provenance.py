"""Record the versions of the software that computed a number, and the state of the source code."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

import sercli
from sercli import registry
from sercli.runs.config import RunConfig

_PACKAGES = ("torch", "lightning", "torchmetrics", "numpy", "scipy", "soundfile", "soxr")


def versions() -> dict[str, str]:
    """Return the versions of Python, of sercli and of the packages that decide its numbers."""
    found = {"sercli": sercli.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "missing"
    return found


def plugins(config: RunConfig) -> dict[str, str]:
    """Return the entries from outside the package that a run uses, ``models/NAME``, each with its plug-in.

    Of a plug-in that is not installed, it is the name of the folder: where the folder is on this machine is
    not published.
    """
    found = {
        f"{family}/{name}": registry.plugin_of(f"sercli.{family}", name) for family, name in config.entries
    }
    return {entry: Path(title).name for entry, title in found.items() if title is not None}


def commit() -> str | None:
    """Return the commit of a sercli that runs from its repository, ``-dirty`` if changed; None otherwise."""
    root = Path(sercli.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
