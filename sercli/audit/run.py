"""Divisions of a training run, and checks of its statistics, its choice of epoch and its first weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sercli.audit import Division, Finding, Verdict, most_serious
from sercli.audit.protocol import divisions
from sercli.bundle import UNKNOWN
from sercli.errors import FeatureError, RunError
from sercli.plain.json import from_json, to_json
from sercli.protocols import unplaced
from sercli.registry import needed_plugins
from sercli.runs.config import RunConfig
from sercli.runs.folder import Run, Trial
from sercli.statistics import Statistics
from sercli.training.folds import fit_fold_statistics
from sercli.training.plan import Plan, make_plan
from sercli.unions import common_corpora
from sercli.workspace import Workspace


def from_run(run: Run, workspace: Workspace) -> tuple[str, list[Division], list[Finding]]:
    """Divide the corpus as a run did, and check how it used the parts.

    Returns:
        Description of the run; a division for each trained fold; findings on statistics and selection.

    Raises:
        RunError: no trial is finished, or the corpus or its folds have changed.
    """
    trials = run.require_finished()
    settings = trials[0].settings()
    made = settings.pop("provenance")
    needed = needed_plugins(made.get("plugins"))
    if needed:
        raise RunError(f"{run.path}: a run with entries of a plug-in{needed}")
    plan = make_plan(RunConfig(**settings), workspace)
    if (plan.manifest_sha256, plan.protocol_digest) != (made["manifest_sha256"], made["protocol_digest"]):
        raise RunError(f"{run.path}: corpus '{plan.config.corpus}' was prepared again since; train again")
    folds = [plan.folds[number - 1] for number in sorted({trial.fold for trial in trials})]
    config, tested = plan.config, any(fold.test for fold in folds)
    title = (
        f"{run.name}: {config.corpus}, {config.scheme.name}, {config.protocol.name} "
        f"(digest {plan.protocol_digest}): {len(folds)} of {len(plan.folds)} folds"
    )
    findings = [
        *([most_serious([_origin(plan, trial) for trial in trials])] if config.init and tested else []),
        most_serious(_statistics(plan, trials)),
        most_serious([_selection(plan, trial) for trial in trials]),
    ]
    return title, divisions(list(plan.utterances.values()), folds, plan.protocol), findings


def _statistics(plan: Plan, trials: Sequence[Trial]) -> list[Finding]:
    """Fit mean and deviation again on each training part, and compare them with those in the bundles."""
    fitted: dict[tuple[int, str], Mapping[str, Statistics]] = {}
    found = []
    try:
        for trial in trials:
            chosen = trial.metrics().get("chosen", {})  # by a search within the training part
            key = (trial.fold, to_json(chosen))
            if key not in fitted:
                config = plan.config.with_settings(chosen)
                fitted[key] = fit_fold_statistics(replace(plan, config=config), trial.fold)
            found.append(_compare(fitted[key], trial, plan.config))
    except FeatureError:
        return [Finding("statistics", Verdict.NOT_CHECKED, "the features are no longer in the store")]
    return found


def _compare(fitted: Mapping[str, Statistics], trial: Trial, config: RunConfig) -> Finding:
    kept = _kept_statistics(trial)
    for name, again in fitted.items():
        if not _equal(kept[name], again):
            fact = f"fold {trial.fold}: mean and deviation of '{name}' are not those of the training part"
            return Finding("statistics", Verdict.LEAK, fact)
    groups = sorted({choice.group for choice in config.features.values() if choice.group is not None})
    if groups:
        fact = (
            f"transductive: each {groups[-1]}'s utterances of a part are standardised by their own mean and "
            f"deviation, without labels, so several utterances of each test {groups[-1]} are needed"
        )
        return Finding("statistics", Verdict.KNOWN, fact)
    return Finding(
        "statistics", Verdict.CLEAN, "mean and deviation are computed from the training part alone"
    )


def _kept_statistics(trial: Trial) -> dict[str, Statistics]:
    path = trial.bundle / "bundle.json"
    try:
        described: dict[str, Any] = from_json(path.read_text(encoding="utf-8"))
        return {name: Statistics.from_dict(values) for name, values in described["statistics"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise RunError(f"{path}: missing or damaged; remove {trial.path} and train again") from None


def _equal(kept: Statistics, again: Statistics) -> bool:
    return (
        kept.mean.shape == again.mean.shape
        and np.allclose(kept.mean, again.mean, rtol=1e-5, atol=1e-6)
        and np.allclose(kept.std, again.std, rtol=1e-5, atol=1e-6)
    )


def _origin(plan: Plan, trial: Trial) -> Finding:
    """Find out whether the initial weights were trained on utterances of the test part."""
    check, path = "init", str(plan.config.init).rpartition("#")[0]
    before = trial.settings()["provenance"].get("started_from") or []
    if not before or any(each["corpus"] == UNKNOWN for each in before):
        return Finding(check, Verdict.NOT_CHECKED, f"its initial bundle states no origin ({path})")
    corpus = plan.config.corpus
    own = [each for each in before if common_corpora(each["corpus"], corpus)]
    if not own:
        corpora = ", ".join(dict.fromkeys(f"'{each['corpus']}'" for each in before))
        return Finding(check, Verdict.CLEAN, f"the initial weights were trained on {corpora}")
    here = (unplaced(plan.config.protocol.name), trial.fold)
    other = [
        each for each in own if each["corpus"] != corpus or (unplaced(each["protocol"]), each["fold"]) != here
    ]
    if not other:
        return Finding(check, Verdict.CLEAN, "the initial weights are of the same fold")
    fact = f"fold {trial.fold} started from weights of {other[0]['protocol']}, fold {other[0]['fold']}"
    return Finding(
        check,
        Verdict.LEAK,
        f"{fact}, of the same corpus: its training part may hold speakers of this test part",
    )


def _selection(plan: Plan, trial: Trial) -> Finding:
    """Find out which part decided on the kept epoch."""
    check, fold = "selection", plan.folds[trial.fold - 1]
    if set(fold.dev) & set(fold.test):
        return Finding(check, Verdict.LEAK, f"fold {trial.fold}: dev and test parts share utterances")
    if plan.config.training.selection == "best-on-test":
        return Finding(check, Verdict.LEAK, "the epoch was chosen on the test part: scores are optimistic")
    if plan.config.training.selection != "last" and fold.dev:
        return Finding(check, Verdict.CLEAN, "the epoch was chosen on the dev part")
    return Finding(check, Verdict.CLEAN, "the last epoch is used; no epoch was selected")
