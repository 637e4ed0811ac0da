"""Read and write the folder of a run, which holds its trials and their results.

``runs/<name>-<hash8>/fold-03/seed-0/`` holds ``config.yaml`` (settings and provenance),
``history.csv`` (epochs), ``checkpoints/`` (while training), ``bundle/`` (the trained model),
``predictions.csv`` (of the test part), ``dev_predictions.csv`` (of the dev part) and ``metrics.json``.
``metrics.json`` is written last: a trial is finished when that file exists.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sercli import config
from sercli.errors import ConfigError, RunError, unknown
from sercli.files import Stamp, remove_folder
from sercli.plain import shorten
from sercli.plain.json import from_json
from sercli.protocols import unplaced
from sercli.records import PARTS
from sercli.workspace import Workspace

# Keys that a trial's metrics must have.
_METRICS: dict[str, tuple[type, ...]] = {
    "fold": (int,),
    "fold_name": (str,),
    "epoch": (int,),
    "epochs": (int,),
    "seconds": (int, float),
    "utterances": (dict,),
}

# Settings that the bundle of a trial repeats.
_REPEATED = ("arch", "corpus", "scheme", "protocol")

_TRIAL = re.compile(r"fold-(\d+)/seed-(\d+)")


@lru_cache(maxsize=256)  # a report asks for the settings of a trial many times
def _read_repeated(file: Path, _: Stamp) -> dict[str, str]:
    """Read the settings that a bundle repeats; the stamp makes a changed file another one."""
    # The statistics of an encoder are long, and their numbers do not matter here.
    described = from_json(file.read_bytes(), strict=False)
    facts = described["facts"] | {"arch": described["arch"]}
    return {name: facts[name] for name in _REPEATED if isinstance(facts.get(name), str)}


@dataclass(frozen=True, slots=True)
class Trial:
    """One fold trained with one seed."""

    path: Path
    fold: int
    seed: int

    def __str__(self) -> str:
        return f"fold {self.fold}, seed {self.seed}"

    @property
    def config_file(self) -> Path:
        """Settings and provenance."""
        return self.path / "config.yaml"

    @property
    def metrics_file(self) -> Path:
        """Metrics of the finished trial."""
        return self.path / "metrics.json"

    @property
    def predictions_file(self) -> Path:
        """Predictions of the test part."""
        return self.path / "predictions.csv"

    @property
    def dev_predictions_file(self) -> Path:
        """Predictions of the dev part; the file exists for classes, if the fold has a dev part."""
        return self.path / "dev_predictions.csv"

    @property
    def history_file(self) -> Path:
        """Loss and dev metrics by epoch."""
        return self.path / "history.csv"

    @property
    def checkpoints(self) -> Path:
        """Lightning's checkpoints, which exist while training."""
        return self.path / "checkpoints"

    @property
    def bundle(self) -> Path:
        """The trained model."""
        return self.path / "bundle"

    @property
    def finished(self) -> bool:
        """Whether the trial is complete."""
        return self.metrics_file.exists()

    def metrics(self) -> dict[str, Any]:
        """Read the metrics.

        Raises:
            RunError: they are damaged.
        """
        try:
            metrics: dict[str, Any] = from_json(self.metrics_file.read_text(encoding="utf-8"))
            for name, kinds in _METRICS.items():
                if not isinstance(metrics[name], kinds) or isinstance(metrics[name], bool):
                    raise TypeError(name)
            for part in PARTS:
                if type(metrics["utterances"][part]) is not int:
                    raise TypeError(part)
        except (OSError, ValueError, KeyError, TypeError):
            raise self._damaged(self.metrics_file) from None
        return metrics

    def digests(self) -> dict[str, str]:
        """Read the digests of the files of predictions, by name; empty for trials that did not record them.

        Raises:
            RunError: the metrics are damaged.
        """
        recorded = self.metrics().get("sha256", {})
        if not isinstance(recorded, dict):
            raise self._damaged(self.metrics_file)
        return recorded

    def settings(self) -> dict[str, Any]:
        """Read settings and provenance.

        Raises:
            RunError: they are missing or damaged, or name another training than the bundle.
        """
        try:
            settings = config.read_yaml(self.config_file)
            settings["provenance"]["corpus"]
        except (OSError, ConfigError, KeyError, TypeError):
            raise self._damaged(self.config_file) from None
        for key, trained in self._repeated_in_bundle().items():
            given = settings.get(key)
            if isinstance(given, str) and unplaced(given) != unplaced(trained):
                raise RunError(
                    f"{self.config_file}: {key} is {shorten(given)}, but the bundle was trained with "
                    f"{shorten(trained)}; restore the file, or remove {self.path} and train again"
                )
        return settings

    def _repeated_in_bundle(self) -> dict[str, str]:
        """Return the settings that the bundle repeats; empty if there is no bundle that can be read.

        The name of the run's folder shows nothing, because a folder may be renamed.
        """
        file = self.bundle / "bundle.json"
        try:
            return _read_repeated(file, Stamp.of(file))
        except (OSError, ValueError, LookupError, TypeError):
            return {}

    def _damaged(self, file: Path) -> RunError:
        return RunError(f"{file}: missing or damaged; remove {self.path} and train again")

    def history(self) -> list[dict[str, float]]:
        """Read the metrics of the epochs, oldest first; an empty list if there are none.

        Raises:
            RunError: they are damaged.
        """
        if not self.history_file.exists():
            return []
        try:
            header, *rows = self.history_file.read_text(encoding="utf-8").splitlines()
            names = header.split(",")
            return [
                {name: float(value) for name, value in zip(names, row.split(","), strict=True) if value}
                for row in rows
            ]
        except ValueError:
            raise self._damaged(self.history_file) from None


@dataclass(frozen=True, slots=True)
class Run:
    """The trials that share all settings except fold and seed."""

    path: Path

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    def trial(self, fold: int, seed: int) -> Trial:
        """Return the folder of a trial, which need not exist; folds count from one."""
        return Trial(self.path / f"fold-{fold:02d}" / f"seed-{seed}", fold, seed)

    def trials(self) -> list[Trial]:
        """List the trials that have begun, by fold and seed."""
        found = []
        for path in self.path.glob("fold-*/seed-*"):
            match = _TRIAL.fullmatch(path.relative_to(self.path).as_posix())
            if match:
                found.append(Trial(path, int(match[1]), int(match[2])))
        return sorted(found, key=lambda trial: (trial.fold, trial.seed))

    def finished(self) -> list[Trial]:
        """List the finished trials."""
        return [trial for trial in self.trials() if trial.finished]

    def require_finished(self) -> list[Trial]:
        """List the finished trials.

        Raises:
            RunError: there are none.
        """
        finished = self.finished()
        if not finished:
            raise RunError(f"{self.path}: no trial is finished; run the same `sercli train` again")
        return finished

    def folder_on(self, corpus: str, scheme: str, *, foreign_kept: bool = False) -> Path:
        """Return the folder of the results on another corpus, which need not exist.

        Args:
            corpus: name of the other corpus.
            scheme: scheme that selects its utterances.
            foreign_kept: whether the networks may predict classes that the other corpus lacks.
        """
        return self.path / f"on-{corpus}-{scheme}{'-foreign-kept' if foreign_kept else ''}"

    def changed(self) -> float:
        """Return when a trial last changed, in seconds since 1970."""
        stamps = []  # without the run's folder itself, because reports change it too
        for path in self.path.glob("fold-*/seed-*/*"):
            with suppress(FileNotFoundError):  # a training in progress renames its files
                stamps.append(path.stat().st_mtime)
        return max(stamps, default=self.path.stat().st_mtime)

    def remove(self) -> None:
        """Delete the run and all its trials.

        Raises:
            SerError: it can't be deleted completely.
        """
        remove_folder(self.path)


def all_runs(workspace: Workspace) -> list[Run]:
    """List the runs of a workspace; the run that changed last is at the end."""
    return sorted(list_runs(workspace), key=lambda run: (run.changed(), run.name))


def find_run(workspace: Workspace | Path | str, name: Path | str) -> Run:
    """Find a run by name, by the end of its name, by its folder, or ``latest``.

    Raises:
        UnknownNameError: there is no run of that name.
        RunError: there are no runs yet, or several runs fit.
    """
    workspace, folder, name = Workspace(workspace), Path(name), str(name)
    if is_run(folder):
        return Run(folder)
    runs = all_runs(workspace)
    if name == "latest" and runs:
        return runs[-1]
    fitting = [run for run in runs if name == run.name] or [run for run in runs if run.name.endswith(name)]
    if not fitting:
        if (folder / "bundle.json").is_file():
            raise RunError(f"{folder}: is a bundle, not a run; `sercli runs` lists the runs")
        if not runs:
            if name == "latest":
                raise RunError(f"{workspace.runs}: no runs yet; make one with `sercli train`")
            fact = f"'{name}' is not the folder of a run or a model, and {workspace.runs} has no runs yet"
            raise RunError(f"{fact}; correct the path, or make a run with `sercli train`")
        raise unknown(str(workspace.runs), name, ["latest", *(run.name for run in runs)], "sercli runs")
    if len(fitting) > 1:
        raise RunError(f"'{name}' fits {', '.join(run.name for run in fitting)}; name one of them")
    return fitting[0]


def is_run(folder: Path) -> bool:
    """Return whether a path is the folder of a run: one in which a trial has begun."""
    return any(folder.glob("fold-*/seed-*"))


def list_runs(workspace: Workspace) -> Iterator[Run]:
    """Yield the runs of a workspace in any order."""
    if workspace.runs.is_dir():
        for path in workspace.runs.iterdir():
            if is_run(path):
                yield Run(path)
