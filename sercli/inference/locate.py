"""Find the bundle that a command line names."""

from pathlib import Path

from sercli.errors import RunError
from sercli.runs.folder import find_run
from sercli.workspace import Workspace


def find_bundle(workspace: Workspace, name: str) -> Path:
    """Find a bundle by its folder, its trial's folder, or its run's name (then the first finished trial's).

    Raises:
        UnknownNameError: there is no run of that name.
        RunError: there are no runs yet, several fit, or none of the run's trials is finished.
    """
    folder = Path(name)
    for path in (folder, folder / "bundle"):
        if (path / "bundle.json").is_file():
            return path
    if folder.is_dir() and (folder / "weights.safetensors").exists():
        raise RunError(f"{folder / 'bundle.json'}: missing; {folder} is no whole bundle")
    run = find_run(workspace, name)
    finished = run.finished()
    if not finished:
        raise RunError(f"{run.path}: no trial is finished; run the same `sercli train` again")
    return finished[0].bundle
