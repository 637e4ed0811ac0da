"""Find the runs that hold the trials of a study's cells."""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from sercli.errors import RunError
from sercli.runs.config import RunConfig
from sercli.runs.folder import Run, list_runs
from sercli.runs.training import Precision
from sercli.studies.study import Cell
from sercli.training.settings import check, complete
from sercli.unions import corpora_of
from sercli.workspace import Workspace

_PRECISIONS: tuple[Precision, ...] = ("32-true", "bf16-mixed", "16-mixed")


def find_cell_run(cell: Cell, workspace: Workspace | Path | str) -> Run | None:
    """Return the run that holds a cell's trials; ``None`` if no trial has begun.

    A recipe leaves the precision to the device: among runs that differ only in it, the one with the most
    finished trials is returned. If the corpus was removed, its runs state the digest of its manifest.
    """
    runs = [run for run in _candidates(cell, Workspace(workspace)) if run.path.is_dir() and run.trials()]
    return max(runs, key=lambda run: len(run.finished()), default=None)


def find_finished(cell: Cell, workspace: Workspace | Path | str) -> Run | None:
    """Return the run that holds a cell's trials if at least one is finished."""
    run = find_cell_run(cell, workspace)
    return run if run is not None and run.finished() else None


def _candidates(cell: Cell, workspace: Workspace) -> Iterator[Run]:
    if not all(choice.config.ready for choice in check(cell.settings).features.values()):
        return  # without the encoder, its name in the run's is not known
    try:
        config = complete(cell.settings)
    except RunError:
        return  # the name holds the digest of the bundle to start from, and there is no bundle
    for sha256 in _manifests(workspace, cell.on.corpus):
        for chosen in _in_each_precision(config):
            yield Run(workspace.runs / chosen.name(sha256))


def _in_each_precision(config: RunConfig) -> list[RunConfig]:
    if config.training.precision != "auto":
        return [config]
    return [config.with_training(precision=precision) for precision in _PRECISIONS]


def _manifests(workspace: Workspace, corpus: str) -> Collection[str]:
    """List the digests of a corpus's manifest, now or when runs were trained on it."""
    if workspace.is_prepared(corpus):
        changed = tuple(workspace.manifest(part).stat().st_mtime_ns for part in corpora_of(corpus))
        return [_digest(workspace.root, corpus, changed)]
    if not workspace.runs.is_dir():
        return []
    return _digests_in_runs(workspace, workspace.runs.stat().st_mtime_ns).get(corpus, ())


@lru_cache(maxsize=8)
def _digests_in_runs(workspace: Workspace, changed: int) -> Mapping[str, Collection[str]]:  # noqa: ARG001
    """Collect from all runs, by corpus, the digests of the manifests that they were trained on."""
    found: dict[str, set[str]] = {}
    for run in list_runs(workspace):
        try:
            settings = run.trials()[0].settings()
        except RunError:
            continue
        found.setdefault(str(settings["corpus"]), set()).add(str(settings["provenance"]["manifest_sha256"]))
    return {corpus: sorted(digests) for corpus, digests in found.items()}


@lru_cache(maxsize=64)
def _digest(root: Path, corpus: str, changed: tuple[int, ...]) -> str:  # noqa: ARG001
    return Workspace(root).manifest_digest(corpus)
