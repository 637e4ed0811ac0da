"""From a choice of architecture and corpus to trained and tested folds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sercli.config import merge, parse_assignments, read_yaml
from sercli.errors import ConfigError, CorpusError, RunError
from sercli.models import architecture_names
from sercli.protocols import get_protocol
from sercli.runs.config import RunConfig, resolve
from sercli.runs.folder import Trial
from sercli.schemes import schemes_of
from sercli.store.compute import compute, missing
from sercli.training import get_recipe
from sercli.training._devices import Device, resolve_precision
from sercli.training._plan import Plan
from sercli.workspace import Workspace


def gather(file: Path | None, assignments: Sequence[str], **named: Any) -> dict[str, Any]:
    """Lay the settings of a command line one over another: file, ``--set``, options of their own.

    Args:
        file: YAML with any of `RunConfig`'s keys; a run's ``config.yaml`` is one.
        assignments: ``key.sub=value`` items.
        **named: options by key; those that are ``None`` were not given.

    Raises:
        ConfigError: the file or an item can't be read, or no architecture is named.
    """
    settings = read_yaml(file) if file else {}
    settings.pop("provenance", None)
    settings = merge(settings, parse_assignments(assignments))
    settings = merge(settings, {name: value for name, value in named.items() if value is not None})
    if "arch" not in settings:
        raise ConfigError(f"name an architecture with --arch: {', '.join(architecture_names())}")
    return settings


def configure(settings: Mapping[str, Any], workspace: Workspace, device: Device) -> RunConfig:
    """Complete the settings that were given by the architecture's recipe and the corpus's defaults.

    Args:
        settings: at least ``arch``; other keys of `RunConfig` as far as they were chosen.
        workspace: where corpora are looked for when none is named.
        device: decides the precision where that is ``auto``.

    Raises:
        ConfigError: a setting is unknown or wrong.
        UnknownNameError: there is no such architecture, corpus, scheme or protocol.
        CorpusError: no corpus is named, and none of the architecture's papers is prepared.
    """
    recipe = get_recipe(settings["arch"])
    chosen = dict(settings)
    if "corpus" not in chosen:
        chosen["corpus"] = _first_prepared(settings["arch"], workspace)
    corpus = str(chosen["corpus"])
    facts = workspace.facts(corpus)
    of_paper = {setting.corpus: setting for setting in recipe.settings}.get(corpus)
    schemes = schemes_of(corpus)
    if "scheme" not in chosen and not facts["schemes"]:
        raise CorpusError(f"corpus '{corpus}' has no classes to train a classifier on")
    if "protocol" in chosen:
        made_for = get_protocol(str(chosen["protocol"])).scheme
    else:
        chosen["protocol"] = of_paper.protocol if of_paper else facts["protocol"]
        made_for = of_paper.scheme if of_paper else None
    chosen.setdefault("scheme", made_for or schemes[0])
    model = chosen.get("model")
    base = recipe.to_dict(model if isinstance(model, Mapping) else {})
    config = resolve(base, chosen)
    precision = resolve_precision(config.training.precision, device)
    return resolve(base, chosen, {"training": {"precision": precision}})


def _first_prepared(arch: str, workspace: Workspace) -> str:
    wanted = [setting.corpus for setting in get_recipe(arch).settings]
    prepared = workspace.prepared()
    for corpus in wanted:
        if corpus in prepared:
            return corpus
    others = f"; prepared are {', '.join(prepared)}: choose one with --corpus" if prepared else ""
    raise CorpusError(
        f"{workspace.root}: none of {arch}'s corpora is prepared ({', '.join(wanted)}); run "
        f"`sercli prepare {wanted[-1]} PATH`, or `sercli prepare synth` and add --corpus synth{others}"
    )


def compute_features(plan: Plan, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Compute the features that the plan needs and the stores lack; say how many.

    Raises:
        AudioError: an audio file can't be read.
        FeatureError: an audio file is not the one that the manifest describes.
    """
    folder = plan.workspace.corpus(plan.config.corpus)
    return compute(list(plan.stores().values()), plan.selected(), folder, progress)


def features_missing(plan: Plan) -> int:
    """Count the utterances whose features are still to be computed."""
    return sum(len(missing(store, plan.selected())) for store in plan.stores().values())


def train(
    plan: Plan,
    device: Device,
    say: Callable[[str], None] = print,
    begin: Callable[[Trial], None] = lambda trial: None,
) -> list[Trial]:
    """Train and test the trials that are not finished, one after the other.

    Args:
        plan: the run.
        device: where to train.
        say: called with a line after each epoch.
        begin: called before each trial.

    Returns:
        All the plan's trials, each finished.

    Raises:
        RunError: another process is training the same trial, or a fold can't be trained.
    """
    from sercli.training._fit import train_trial

    for trial in plan.todo:
        compute_features(plan)
        trial.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(trial.path / ".lock", timeout=0):
                if trial.finished:  # by another process, since the list was made
                    continue
                begin(trial)
                train_trial(plan, trial, device, say)
        except Timeout:
            raise RunError(f"{trial.path}: another `sercli train` is at work on it") from None
    return plan.trials
