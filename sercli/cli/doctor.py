"""``sercli doctor``."""

import os
import platform
import re
import sys

import typer

import sercli
from sercli.cli._options import JsonOption
from sercli.plain.json import to_json

_REQUIREMENT = re.compile(r"([A-Za-z0-9_.-]+)")


def doctor(*, json: JsonOption = False) -> None:
    """Report what is installed and what is missing.

    The report lists versions, devices, the workspace, and how to install what is missing.
    """
    found = _examine()
    if json:
        typer.echo(to_json(found, indent=2))
        return
    for title, section in found.items():
        typer.echo(f"{title}")
        for name, value in section.items():
            typer.echo(f"  {name:<16} {value}")


def _examine() -> dict[str, dict[str, str]]:
    """Return facts by section: versions, devices, programs, workspace, missing packages."""
    sections = {
        "versions": _versions(),
        "devices": _devices(),
        "programs": _programs(),
        "workspace": _workspace(),
        "plug-ins": _plugins(),
        "starter": _starter(),
    }
    missing = {
        name: f"pip install {name}" for name, version in sections["versions"].items() if version == "missing"
    }
    sections["missing"] = missing or {"nothing": "all required packages are installed"}
    return sections


def _programs() -> dict[str, str]:
    import shutil

    missing = "missing; without it m4a, mp4, webm, avi and wma are not read"
    return {"ffmpeg": shutil.which("ffmpeg") or missing}


def _versions() -> dict[str, str]:
    import importlib.metadata

    found = {"sercli": sercli.__version__, "python": f"{platform.python_version()} ({sys.executable})"}
    try:
        requirements = importlib.metadata.requires("sercli") or []
    except importlib.metadata.PackageNotFoundError:
        return found | {"sercli": f"{sercli.__version__}, not installed; run `pip install .`"}
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match and "extra ==" not in requirement:
            try:
                found[match[1]] = importlib.metadata.version(match[1])
            except importlib.metadata.PackageNotFoundError:
                found[match[1]] = "missing"
    return found


def _devices() -> dict[str, str]:
    from sercli.formatting import count_noun

    processor = f"{platform.machine()}, {os.cpu_count()} cores"
    try:
        import torch
    except (ImportError, OSError) as error:
        return {
            "processor": processor,
            "torch": f"fails to import: {' '.join(str(error).split())}; reinstall it",
        }
    return {
        "processor": f"{processor}, {count_noun(torch.get_num_threads(), 'thread')}",
        "cuda": _cuda(),
        "mps": "yes" if torch.backends.mps.is_available() else "no",
    }


def _cuda() -> str:
    import torch

    if not torch.cuda.is_available():
        return "no" if torch.version.cuda else "no (this torch is a CPU build)"
    return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def _plugins() -> dict[str, str]:
    from sercli import registry
    from sercli.errors import ConfigError

    try:
        found = {plugin.title: ", ".join(plugin.folders) for plugin in registry.plugins()}
    except ConfigError as error:
        found = {"problem": str(error)}
    found |= {f"problem {number}": text for number, text in enumerate(registry.missing_packages(), 1)}
    return found or {"none": "no plug-in is installed or named"}


def _starter() -> dict[str, str]:
    """Return where the model is that is used if none is named."""
    from sercli.errors import ConfigError
    from sercli.starter import INSTALL, find_starter, starters

    try:
        return {"model": str(find_starter())} if starters() else {"none": f"not installed; {INSTALL}"}
    except ConfigError as error:
        return {"problem": str(error)}


def _workspace() -> dict[str, str]:
    from sercli import files
    from sercli.workspace import Workspace

    workspace = Workspace()
    free = files.free_bytes(workspace.root) / 2**30
    return {
        "path": f"{workspace.root.absolute()}{'' if workspace.root.exists() else ' (does not exist yet)'}",
        "free": f"{free:.0f} GiB",
        "corpora": ", ".join(workspace.prepared()) or "none prepared",
    }
