"""Estimate an untested model by a run on folds with the same training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sercli.config import dotted
from sercli.errors import ConfigError, RunError
from sercli.plain.json import to_json
from sercli.protocols import is_untested
from sercli.runs.folder import Run, Trial

_DECIDING = ("arch", "corpus", "scheme", "model", "augment", "features", "segments", "training", "init")
_SHOWN = 4  # differences that a message names


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """A run on folds whose networks had the same training as another network.

    Attributes:
        run: the run.
        trials: all trials of the run; each is finished.
        settings: settings of the first trial, with provenance.
    """

    run: Run
    trials: tuple[Trial, ...]
    settings: Mapping[str, Any]


def find_alike(settings: Mapping[str, Any], run: Run) -> Alike:
    """Make sure that a run on folds shows the quality to expect of an untested model.

    Everything that affects the training must be equal, including the number of epochs and the selection of
    the kept epoch. Only folds and seeds may differ.

    Args:
        settings: settings of the model; their provenance has at least the digest of the manifest.
        run: run on folds.

    Raises:
        ConfigError: the model has a test part, or the run has none, or their trainings differ.
        RunError: the run is not finished, or it is damaged.
    """
    if not is_untested(settings["protocol"]):
        raise ConfigError(
            f"--tested-by {run.name}: '{settings['protocol']}' has a test part of its own; leave it out"
        )
    trials = run.trials()
    theirs = trials[0].settings()
    if is_untested(theirs["protocol"]):
        raise ConfigError(
            f"--tested-by {run.name}: '{theirs['protocol']}' tests nothing either; name a run on folds"
        )
    done = {trial.fold for trial in trials if trial.finished}
    if not all(trial.finished for trial in trials) or len(done) < theirs["provenance"]["folds"]:
        raise RunError(
            f"{run.path}: not finished ({len(done)} of {theirs['provenance']['folds']} folds); run the "
            "same `sercli train` again"
        )
    has_dev = any(trial.metrics()["utterances"]["dev"] for trial in trials)
    ours, others = _deciding(settings, has_dev=False), _deciding(theirs, has_dev=has_dev)
    differing = [name for name in {**ours, **others} if ours.get(name) != others.get(name)]
    if differing:
        shown = [
            f"{name} is {others.get(name, 'not set')}, not {ours.get(name, 'set')}"
            for name in differing[:_SHOWN]
        ]
        more = f"; and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise ConfigError(
            f"--tested-by {run.name}: not trained with equal settings: "
            f"{'; '.join(shown)}{more}; train folds with the same "
            "settings, if they have a dev part with --set training.selection=last"
        )
    return Alike(run, tuple(trials), theirs)


def _deciding(settings: Mapping[str, Any], *, has_dev: bool) -> dict[str, str]:
    """Return the settings that decide the weights, without folds and seeds, by dotted name, as in JSON."""
    found = {name: settings.get(name) for name in _DECIDING}
    training = dict(settings["training"])
    chooses = training["selection"] == "best-on-test" or has_dev
    if not chooses or training["selection"] == "last":  # patience has no effect
        training |= {"selection": "last", "patience": None}
    init = str(settings["init"]).rpartition("#")[2] if settings.get("init") else None
    found |= {"training": training, "init": init, "manifest": settings["provenance"]["manifest_sha256"][:16]}
    return {name: to_json(value) for name, value in dotted(found)}
