"""Compare the command for a finished study with reading the metrics of its trials.

The study has a thousand trials, made from a few real trials on the synthetic corpus by changing seeds and
settings. With ``--only launchers``, four trials of half a minute run one after the other, two at once, and
on a Ray cluster of two machines, all on the same two cores.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

from benchmarks import Bench, Row
from benchmarks._command import run
from benchmarks._timing import interleaved
from sercli import files
from sercli.config import read_yaml
from sercli.devices import Device
from sercli.plain.json import from_json
from sercli.plain.yaml import to_yaml
from sercli.preparation import prepare
from sercli.runs.folder import Trial
from sercli.runs.predictions import digests
from sercli.studies import get_study
from sercli.studies.progress import Progress
from sercli.studies.running import PlannedCell, plan_cells, todo
from sercli.training.trials import compute_features, train_trials
from sercli.workspace import Workspace

_CPU = Device("cpu")
_PARTS = ("runner", "launchers")

# Rows times folds times seeds make a thousand trials.
_ROWS, _FOLDS, _SEEDS = 25, 8, 5


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    return [row for part in _PARTS for row in _run_part(corpora, quick, part)]


def _run_part(corpora: Path | None, quick: bool, part: str) -> list[Row]:  # noqa: ARG001
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "w")
        prepare("synth", None, workspace)
        return (_runner if part == "runner" else _launchers)(workspace, quick)


def _runner(workspace: Workspace, quick: bool) -> list[Row]:
    rows, seeds = (2, 2) if quick else (_ROWS, _SEEDS)
    file = _write_study(workspace, rows, epochs=1)
    works = _plan(file, workspace, seeds)
    _finish(works)
    found = [trial.metrics_file for work in works for trial in work.plan.trials]
    options = ("--seed", f"0-{seeds - 1}")
    peaks: dict[str, float] = {}

    def command(name: str, *more: str) -> None:
        peaks[name] = _call(workspace, file, *options, *more)

    contestants: dict[str, Callable[[], object]] = {
        "reading the figures": lambda: [from_json(path.read_bytes()) for path in found],
        "plan and progress": lambda: _look(_plan(file, workspace, seeds)),
        "dry run": lambda: command("dry run", "--dry-run"),
        "whole command": lambda: command("whole command"),
    }
    taken = interleaved(contestants, rounds=1 if quick else 3)
    names = {
        "plan and progress": "plan and progress alone",
        "dry run": "the command with --dry-run",
        "whole command": "the command, report included",
    }
    least = taken["reading the figures"]
    result = [Row(f"reading {len(found)} metrics.json", 1000 * least, "ms")]
    for key, name in names.items():
        peak = f"{peaks[key]:.0f} MiB at its peak; " if key in peaks else ""
        result.append(Row(name, 1000 * taken[key], "ms", f"{peak}{taken[key] / least:.0f} x the reading"))
    return result


def _launchers(workspace: Workspace, quick: bool) -> list[Row]:
    """Train the same trials with each launcher, from the same features, one launcher after another."""
    file = _write_study(workspace, 1, epochs=1 if quick else 60)
    folds = "1-2" if quick else "1-4"
    for work in _plan(file, workspace, 1):
        compute_features(work.plan)
    taken: dict[str, float] = {}

    def time_(name: str, threads: int, *options: str) -> None:
        rmtree(workspace.runs, ignore_errors=True)
        started = time.perf_counter()
        _call(workspace, file, "--fold", folds, *options, threads=threads)
        taken[name] = time.perf_counter() - started

    time_("one after the other", 2)
    time_("--jobs 2", 1, "--jobs", "2")
    try:
        from ray.cluster_utils import Cluster
    except ImportError:
        pass
    else:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        cluster: Any = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        try:
            cluster.add_node(num_cpus=1)
            time_("Ray, two machines", 1, "--launcher", "ray", "--address", cluster.address)
        finally:
            cluster.shutdown()
    first, *others = taken
    return [
        Row(first, taken[first], "s"),
        *(Row(name, taken[name], "s", "", taken[first] / taken[name], first) for name in others),
    ]


def _write_study(workspace: Workspace, rows: int, epochs: int) -> Path:
    """Write a study of one small network with several learning rates."""
    study = {
        "title": "A finished study",
        "arch": "mdcnn",
        "on": ["synth-4"],
        "set": {
            "model": {"filters": 8, "blocks": 1, "attention": False},
            "training": {"max_epochs": epochs, "batch_size": 8, "patience": None, "precision": "32-true"},
        },
        "rows": [{"name": f"rate {i}", "set": {"training.lr": 1e-3 + 1e-5 * i}} for i in range(rows)],
    }
    file = workspace.root / "study.yaml"
    files.write_text(file, to_yaml(study))
    return file


def _plan(file: Path, workspace: Workspace, seeds: int) -> list[PlannedCell]:
    works, failures = plan_cells(get_study(str(file)).cells(), workspace, _CPU, seeds=range(seeds))
    if failures:
        raise RuntimeError(failures[0])
    return works


def _look(works: list[PlannedCell]) -> None:
    Progress(works, 1)
    if todo(works):
        raise RuntimeError("not finished")


def _finish(works: list[PlannedCell]) -> None:
    """Train the first row's folds, and make all other trials from them."""
    first = replace(works[0].plan, seeds=(0,))
    train_trials(first, _CPU, report=lambda line: None, bar=False)
    real = {trial.fold: trial for trial in first.trials}
    for work in works:
        for trial in work.plan.todo:
            _copy(real[trial.fold], trial, work.plan.config.to_dict())


def _copy(source: Trial, target: Trial, settings: dict[str, object]) -> None:
    copytree(source.path, target.path)
    provenance = read_yaml(source.config_file)["provenance"] | {"seed": target.seed}
    files.write_text(target.config_file, to_yaml(settings | {"provenance": provenance}))
    header, *rows = source.predictions_file.read_text(encoding="utf-8").splitlines()
    place = header.split(",").index("seed")
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[place] = str(target.seed)
    files.write_text(target.predictions_file, "\n".join([header, *map(",".join, cells)]) + "\n")
    metrics = source.metrics() | {"seed": target.seed, "sha256": digests(target)}
    files.write_json(target.metrics_file, metrics)


def _call(workspace: Workspace, file: Path, *options: str, threads: int = 1) -> float:
    """Run `sercli ablate`, and return its peak memory in MiB."""
    where = ("--workspace", str(workspace.root), "--accelerator", "cpu")
    return run("ablate", str(file), *where, *options, threads=threads)


BENCH = Bench(_run, "a finished study of 1000 trials; short trials by each launcher", _run_part, _PARTS)
