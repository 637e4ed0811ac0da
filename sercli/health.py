"""What is installed, which devices there are, and what is missing."""

import importlib.metadata
import os
import platform
import re
import shutil
import sys

import sercli
from sercli.workspace import Workspace

_REQUIREMENT = re.compile(r"([A-Za-z0-9_.-]+)")


def examine() -> dict[str, dict[str, str]]:
    """Return facts by section: versions, torchaudio, devices, workspace, what is missing."""
    import torch

    sections = {
        "versions": _versions(),
        "torchaudio": _torchaudio(),
        "devices": {
            "processor": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
            "cuda": _cuda(),
            "mps": "yes" if torch.backends.mps.is_available() else "no",
        },
        "workspace": _workspace(),
    }
    missing = {
        name: f"pip install {name}" for name, version in sections["versions"].items() if version == "missing"
    }
    sections["missing"] = missing or {"nothing": "all that sercli needs is here"}
    return sections


def _versions() -> dict[str, str]:
    found = {"sercli": sercli.__version__, "python": f"{platform.python_version()} ({sys.executable})"}
    for requirement in importlib.metadata.requires("sercli") or []:
        match = _REQUIREMENT.match(requirement)
        if match and "extra ==" not in requirement:
            try:
                found[match[1]] = importlib.metadata.version(match[1])
            except importlib.metadata.PackageNotFoundError:
                found[match[1]] = "missing"
    return found


def _torchaudio() -> dict[str, str]:
    try:
        from sercli.features._torchaudio import guarded
    except (ImportError, OSError, RuntimeError) as error:
        return {"import": f"fails: {' '.join(str(error).split())}; reinstall torch and torchaudio together"}
    if guarded:
        return {"extension": "guarded: it does not fit this torch; sercli needs its pure-Python part only"}
    return {"extension": "loads"}


def _cuda() -> str:
    import torch

    if not torch.cuda.is_available():
        return "no" if torch.version.cuda else "no (this torch is a CPU build)"
    return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def _workspace() -> dict[str, str]:
    workspace = Workspace()
    place = workspace.root if workspace.root.exists() else workspace.root.absolute().parent
    free = shutil.disk_usage(place).free / 2**30
    return {
        "path": f"{workspace.root.absolute()}{'' if workspace.root.exists() else ' (not there yet)'}",
        "free": f"{free:.0f} GiB",
        "corpora": ", ".join(workspace.prepared()) or "none prepared",
    }
