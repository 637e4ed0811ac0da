"""Export a trial's bundle: with its figures, a model card, and programs for other runtimes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sercli import files
from sercli.bundle import Bundle, earlier_trainings, own_files
from sercli.errors import ConfigError, RunError
from sercli.evaluation.calibration import (
    Threshold,
    Trusted,
    apply_threshold,
    threshold_for,
)
from sercli.evaluation.class_evaluation import evaluate
from sercli.evaluation.regression import evaluate_traces
from sercli.inference.export import Exported, Format, export_programs
from sercli.protocols import tests_nothing
from sercli.records import ClassPredictions, ValuePredictions, pool
from sercli.reports.alike import Alike, find_alike
from sercli.reports.card import Worth, banners_of, figures_of, render_card
from sercli.runs.folder import Run, Trial
from sercli.runs.predictions import read_dev, read_tested_classes, read_tested_traces

SURE = 0.8
"""Share right that is asked for of what is not called unsure."""
LEVEL = 0.95
"""How certain that is."""
_OTHERS = "each by its own model, not this one's"


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What was exported."""

    path: Path
    worth: Worth
    programs: tuple[Exported, ...]
    banners: tuple[str, ...]


def choose_trial(run: Run, fold: int | None = None, seed: int | None = None) -> Trial:
    """Return the one finished trial that is meant.

    Raises:
        RunError: none is, or several are.
    """
    finished = run.finished()
    if not finished:
        raise RunError(f"{run.path}: no trial is finished; run the same `sercli train` again")
    meant = [t for t in finished if fold in (None, t.fold) and seed in (None, t.seed)]
    if len(meant) == 1:
        return meant[0]
    known = ", ".join(f"fold {trial.fold} seed {trial.seed}" for trial in finished)
    what = "no such trial" if not meant else "several trials"
    raise RunError(f"{run.name}: {what}; name one with --fold and --seed: {known}")


def check_export(
    trial: Trial, settings: Mapping[str, Any], out: Path, tested_by: Run | None = None
) -> Alike | None:
    """Refuse what `export_bundle` would refuse; the trial itself need not be trained yet.

    Args:
        trial: whose bundle is to be exported.
        settings: its, with the digest of the manifest in their provenance.
        out: the folder.
        tested_by: a run on folds that says what to expect of a model that nothing tested.

    Returns:
        That run, looked at.

    Raises:
        ConfigError: the folder can't be taken, or that run does not fit.
        RunError: that run is not finished, or damaged.
    """
    _check_free(out, trial)
    return None if tested_by is None else find_alike(settings, tested_by)


def export_bundle(
    run: Run,
    trial: Trial,
    out: Path,
    formats: Sequence[Format] = (),
    sure: float = SURE,
    tested_by: Run | None = None,
) -> Shared:
    """Write a trial's bundle with its card as a folder, whole or not at all.

    Args:
        run: the trial's.
        trial: whose bundle is exported.
        out: the folder; a bundle there is replaced.
        formats: of programs that are written beside it.
        sure: share right that is asked for of what is not called unsure.
        tested_by: of a model that nothing tested: a run on folds whose networks were trained alike.

    Raises:
        ConfigError: there is something else at ``out``, a format needs what is not installed, or
            ``tested_by`` was not trained alike.
        RunError: the trial is damaged, or a program says something else than the network.
    """
    settings = trial.settings()
    alike = check_export(trial, settings, out, tested_by)
    bundle, settings = Bundle.load(trial.bundle), _without_paths(settings, trial.config_file)
    worth = _expect(alike, bundle, sure) if _untested(settings) else weigh(run, trial, bundle, sure)
    banners = banners_of(settings, run.finished(), worth)
    programs: list[Exported] = []

    def write_beside(folder: Path) -> None:
        for each in formats:
            programs.extend(export_programs(bundle, folder, each))
        card = render_card(bundle, settings, banners, trial, worth, programs)
        files.write_text(folder / "README.md", card)

    own = {"protocol": settings["protocol"], "started_from": settings["provenance"]["started_from"]}
    told = replace(bundle, facts=dict(bundle.facts) | own | _figures(settings, worth))
    told.save(out, write_beside)
    return Shared(out, worth, tuple(programs), banners)


def _untested(settings: Mapping[str, Any]) -> bool:
    return tests_nothing(settings["protocol"])


def _without_paths(settings: Mapping[str, Any], place: Path) -> dict[str, Any]:
    """Name files that a training took, without where they lay: that is nobody else's business."""
    provenance = settings["provenance"]
    if not settings.get("init"):
        provenance = {"started_from": []} | provenance
    before = [
        each | ({"protocol": _without_path(each["protocol"])} if each.get("protocol") else {})
        for each in earlier_trainings(provenance, place)
    ]
    told = {**settings, "provenance": provenance | {"started_from": before}}
    told["protocol"] = _without_path(settings["protocol"])
    if settings.get("init"):
        told["init"] = Path(settings["init"]).name
    return told


def _without_path(protocol: str) -> str:
    kind, listed, path = protocol.partition(":")
    return f"{kind}:{Path(path).name}" if listed else protocol


def weigh(run: Run, trial: Trial, bundle: Bundle, sure: float = SURE) -> Worth:
    """Evaluate a trial's predictions, and those of its whole run beside them."""
    finished = run.finished()
    several = len(finished) > 1
    if not bundle.classes:
        frames = evaluate_traces(read_tested_traces(trial))
        everything = evaluate_traces(_pool_traces(finished)) if several else None
        return Worth(frames, everything, len(finished))
    own, pooled = read_tested_classes(trial), pool([read_tested_classes(each) for each in finished])
    found, on, trusted = _find_threshold(finished, trial, own, sure)
    return Worth(evaluate(own), evaluate(pooled) if several else None, len(finished), found, on, trusted)


def _expect(alike: Alike | None, bundle: Bundle, sure: float) -> Worth:
    """Weigh a model that nothing tested by networks trained alike, if there are any."""
    if alike is None:
        return Worth(None)
    alike = replace(alike, settings=_without_paths(alike.settings, alike.trials[0].config_file))
    trials = alike.trials
    if not bundle.classes:
        return Worth(None, evaluate_traces(_pool_traces(trials)), len(trials), alike=alike)
    tested = [read_tested_classes(trial) for trial in trials]
    dev = [_read_dev(trial, own) for trial, own in zip(trials, tested, strict=True)]
    part, rows = "dev", [each for each in dev if each is not None]
    if not rows:
        part, rows = "test", tested
    found = _search(pool(rows), sure)
    on = f"the {part} parts of {len(rows)} trials of {alike.run.name}, {_OTHERS}"
    return Worth(None, evaluate(pool(tested)), len(trials), found, on, alike=alike)


def _find_threshold(
    finished: Sequence[Trial], trial: Trial, own: ClassPredictions, sure: float
) -> tuple[Threshold, str, Trusted | None]:
    """Find the threshold on the dev part, and try it on the test part, whose rows had no share in it.

    Without a dev part, or with a run of before those were kept, it is found on the test part, and nothing
    is left to try it on.

    Returns:
        The threshold; on what it was found, in words; what it does on the test part.
    """
    mine = _read_dev(trial, own)
    if mine is not None:
        part, others = "dev", [rows for each in finished if (rows := _read_dev(each, own)) is not None]
    else:
        part, mine, others = "test", own, [read_tested_classes(each) for each in finished]
    found = _search(mine, sure)
    chosen = trial.settings()["training"]["selection"].startswith("best-dev") and part == "dev"
    note = ", but its epoch was chosen on them" if chosen else ""
    on = f"this model's own {part} part ({len(mine)} utterances that it was not trained on{note})"
    if found.confidence is None and len(others) > 1:
        again = _search(pool(others), sure)
        if again.confidence is not None or (again.at_least or 0.0) > (found.at_least or 0.0):
            found = again
            on = f"the {part} parts of {len(others)} trials of the run, {_OTHERS}"
            on += ", and each model's epoch was chosen on its part" if chosen else ""
    tried = part == "dev" and found.confidence is not None
    return found, on, apply_threshold(own, found.confidence or 0.0) if tried else None


def _pool_traces(trials: Sequence[Trial]) -> ValuePredictions:
    return pool([read_tested_traces(trial) for trial in trials])


def _search(predictions: ClassPredictions, sure: float) -> Threshold:
    # Two searches may be made, and the one that finds something is told: each takes half of the error.
    return replace(threshold_for(predictions, sure, 1 - (1 - LEVEL) / 2), level=LEVEL)


def _read_dev(trial: Trial, own: ClassPredictions) -> ClassPredictions | None:
    """Read the predictions of a trial's dev part, without utterances that ``own`` tests."""
    read, tested = read_dev(trial), frozenset(own.ids)
    if read is None:
        return None
    rows = [row for row, name in enumerate(read.ids) if name not in tested]
    return read.select(rows) if rows else None


def _figures(settings: dict[str, Any], worth: Worth) -> dict[str, Any]:
    provenance = settings["provenance"]
    told: dict[str, Any] = {
        "figures": None if worth.own is None else figures_of(worth.own),
        "run_figures": None if worth.own is None or worth.pooled is None else figures_of(worth.pooled),
        "fold_name": provenance["fold_name"],
        "protocol_digest": provenance["protocol_digest"],
        "manifest_sha256": provenance["manifest_sha256"],
        "versions": provenance["versions"],
        "commit": provenance["commit"],
    }
    if worth.alike is not None and worth.pooled is not None:
        told["tested_by"] = {
            "run": worth.alike.run.name,
            "protocol": worth.alike.settings["protocol"],
            "protocol_digest": worth.alike.settings["provenance"]["protocol_digest"],
            "trials": worth.trials,
            "figures": figures_of(worth.pooled),
        }
    if worth.threshold is not None:
        told["threshold"] = worth.threshold.confidence
        told["threshold_found"] = asdict(worth.threshold) | {"on": worth.threshold_on}
        told["threshold_tried"] = worth.trusted and asdict(worth.trusted) | {"on": "its own test part"}
    return told


def _check_free(out: Path, trial: Trial) -> None:
    """Refuse to put a bundle in the place of anything but a bundle, or among a run's own files."""
    place = out.resolve()
    if place == trial.bundle.resolve():
        raise ConfigError(f"{out}: the run's own bundle; name another folder")
    own = trial.path.parent.parent.resolve()  # which may not be there yet
    above = (place, *place.parents)
    run = next((each for each in above if each == own or any(each.glob("fold-*/seed-*"))), None)
    if run is not None:
        raise ConfigError(f"{out}: lies in the folder of the run {run.name}; name one outside")
    file = next((each for each in (out, *out.parents) if each.exists() and not each.is_dir()), None)
    if file is not None:
        raise ConfigError(f"{file}: a file; name a folder")
    if out.is_dir():
        held = {each.name for each in out.iterdir()}
        foreign = min(held - own_files(out), default=None)
        if foreign is not None:
            raise ConfigError(f"{out}: holds other files, which would be lost ({foreign}); name a new folder")
