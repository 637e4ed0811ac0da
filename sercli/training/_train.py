"""From a choice of architecture and corpus to trained and tested folds."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sercli import files
from sercli.config import join, merge, parse_assignments, read_yaml
from sercli.errors import ConfigError, CorpusError, RunError
from sercli.models import architecture_names
from sercli.protocols import get_protocol
from sercli.runs.config import RunConfig, resolve
from sercli.runs.folder import Trial
from sercli.runs.training import Precision
from sercli.schemes import default_scheme, get_scheme
from sercli.store import FeatureStore
from sercli.store.compute import compute, missing
from sercli.training import get_recipe
from sercli.training._classes import check_classes
from sercli.training._devices import Device, resolve_precision
from sercli.training._idle import refuse_idle
from sercli.training._init import named
from sercli.training._plan import Plan
from sercli.training._ranks import rank
from sercli.workspace import Workspace


def gather(file: Path | None, assignments: Sequence[str], **options: Any) -> dict[str, Any]:
    """Lay the settings of a command line one over another: file, ``--set``, options of their own.

    Args:
        file: YAML with any of `RunConfig`'s keys; a run's ``config.yaml`` is one.
        assignments: ``key.sub=value`` items.
        **options: by key; those that are ``None`` were not given. ``augment`` is a text, ``flip,noise`` or
            ``none``.

    Raises:
        ConfigError: the file or an item can't be read, or no architecture is named.
    """
    settings = read_yaml(file) if file else {}
    settings.pop("provenance", None)
    assigned = parse_assignments(assignments)
    augment = options.pop("augment", None)
    chosen_by_name = {name: value for name, value in options.items() if value is not None}
    settings = merge(settings, join(assigned, chosen_by_name))
    if augment is not None:
        chosen = [] if augment == "none" else [name.strip() for name in augment.split(",")]
        given = settings.get("augment") or {}
        if not isinstance(given, Mapping):
            raise ConfigError("augment: expected settings of its own, for example augment.flip.p=0.3")
        unnamed = [name for name in assigned.get("augment") or {} if name not in chosen]
        if unnamed:
            raise ConfigError(f"augment.{unnamed[0]} is set, but --augment leaves {unnamed[0]} out")
        settings["augment"] = {name: given.get(name, {}) for name in chosen}
    if "arch" not in settings:
        raise ConfigError(f"name an architecture with --arch: {', '.join(architecture_names())}")
    return settings


def configure(
    settings: Mapping[str, Any], workspace: Workspace, device: Device, file: Path | None = None
) -> RunConfig:
    """Complete the settings that were given by the architecture's recipe and the corpus's defaults.

    Args:
        settings: at least ``arch``; other keys of `RunConfig` as far as they were chosen.
        workspace: where corpora are looked for when none is named.
        device: decides the precision where that is ``auto``.
        file: from which some of the settings are, for messages.

    Raises:
        ConfigError: a setting is unknown or wrong.
        UnknownNameError: there is no such architecture, corpus, scheme or protocol.
        CorpusError: no corpus is named, and none of the architecture's papers is prepared.
    """
    try:
        return _configure(settings, workspace, device)
    except ConfigError as error:
        if file is None:
            raise
        raise ConfigError(f"{error} (settings of {file} and of the command line)") from None


def _configure(settings: Mapping[str, Any], workspace: Workspace, device: Device) -> RunConfig:
    recipe = get_recipe(settings["arch"])
    chosen = dict(settings)
    if "corpus" not in chosen:
        chosen["corpus"] = _first_prepared(settings["arch"], workspace)
    corpus = str(chosen["corpus"])
    facts = workspace.facts(corpus)
    of_paper = {setting.corpus: setting for setting in recipe.settings}.get(corpus)
    if "protocol" in chosen:
        made_for = get_protocol(str(chosen["protocol"])).scheme
    else:
        chosen["protocol"] = of_paper.protocol if of_paper else facts["protocol"]
        made_for = of_paper.scheme if of_paper else None
    if of_paper and get_protocol(str(chosen["protocol"])).tests_nothing:  # the classes that its folds have
        made_for = of_paper.scheme
    if "scheme" not in chosen:
        emotions = bool(set(facts["emotions"]) - {"none"})
        chosen["scheme"] = made_for or default_scheme(corpus, emotions=emotions)
    if chosen.get("init") and not re.search(r"#[0-9a-f]{12}$", str(chosen["init"])):
        chosen["init"] = named(Path(str(chosen["init"])))
    config = complete(chosen)
    return with_precision(config, resolve_precision(config.training.precision, device))


def complete(settings: Mapping[str, Any]) -> RunConfig:
    """Lay settings that name corpus, scheme and protocol over the architecture's recipe.

    Where folds have no dev part the last epoch counts, whatever recipe and settings say.

    Raises:
        ConfigError: a setting is unknown or wrong, or changes nothing, or an epoch is to be chosen where
            there is nothing to choose it by.
        UnknownNameError: there is no such architecture, scheme or protocol.
    """
    config = _complete(settings)
    refuse_idle(config, settings, _complete)
    _refuse_patience(config, settings)
    return config


def _refuse_patience(config: RunConfig, settings: Mapping[str, Any]) -> None:
    """Refuse a patience where the last epoch counts although there is a dev part.

    The recipe's own is taken: the complete settings of an earlier run hold it.
    """
    training = settings.get("training")
    patience = training.get("patience") if isinstance(training, Mapping) else None
    in_vain = config.training.selection == "last" and get_protocol(config.protocol).has_dev
    if in_vain and patience not in (None, get_recipe(config.arch).training.patience):
        raise ConfigError(
            f"training.patience={patience} changes nothing with training.selection=last; leave it out"
        )


def _complete(settings: Mapping[str, Any]) -> RunConfig:
    model = settings.get("model")
    task = get_scheme(str(settings["scheme"])).task
    base = get_recipe(settings["arch"]).to_dict(model if isinstance(model, Mapping) else {}, task)
    has_dev = get_protocol(str(settings["protocol"])).has_dev
    last = {"training": {"selection": "last", "patience": None}}
    config = resolve(base if has_dev else merge(base, last), settings)
    if config.training.selection != "last" and get_protocol(config.protocol).tests_nothing:
        raise ConfigError(
            f"training.selection={config.training.selection}: '{config.protocol}' has nothing to choose an "
            "epoch by; set it to last, and the number of epochs with --max-epochs"
        )
    chooses = config.training.selection != "last" if has_dev else config.training.selection == "best-on-test"
    if chooses:
        return config
    # Where the last epoch counts there is no patience: what is set without effect makes no other run.
    return resolve(base, merge(settings, last))


def with_precision(config: RunConfig, precision: Precision) -> RunConfig:
    """Give complete settings another number format."""
    return RunConfig(**merge(config.to_dict(), {"training": {"precision": precision}}))


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


def compute_features(
    plan: Plan,
    progress: Callable[[int, int], None] = lambda done, total: None,
    waiting: Callable[[], None] = lambda: None,
) -> int:
    """Compute the features that the plan needs and the stores lack; return how many.

    Args:
        plan: the run.
        progress: called with the number of utterances done and to do.
        waiting: called before each wait for another process that computes such features.

    Raises:
        AudioError: an audio file can't be read.
        FeatureError: an audio file is not the one that the manifest describes.
    """
    folder = plan.workspace.corpus(plan.config.corpus)
    return compute(_stores(plan), plan.selected(), folder, progress, waiting=waiting)


def features_missing(plan: Plan) -> int:
    """Count the utterances whose features are still to be computed."""
    return sum(len(missing(store, plan.selected())) for store in _stores(plan))


def _stores(plan: Plan) -> list[FeatureStore]:
    """Open every store that the plan reads, each once: the tested variant is often trained too."""
    every = [*plan.stores().values(), *plan.variant_stores().values()]
    return list({store.path: store for store in every}.values())


def train(
    plan: Plan,
    device: Device,
    say: Callable[[str], None] = print,
    begin: Callable[[Trial], None] = lambda trial: None,
    logger: str | None = None,
    *,
    compiled: bool = False,
    bar: bool = True,
) -> list[Trial]:
    """Train and test the trials that are not finished, one after the other, in this process.

    Args:
        plan: the run.
        device: where to train.
        say: called with a line after each epoch.
        begin: called before each trial.
        logger: where figures go besides: csv, tensorboard, wandb or mlflow.
        compiled: whether networks are compiled.
        bar: whether a terminal shows how far the epoch is.

    Returns:
        All the plan's trials, each finished.

    Raises:
        ConfigError, ProtocolError: a class can't be learned.
        RunError: another process is training the same trial, or a fold can't be trained.
    """
    from sercli.training._fit import train_trial

    check_classes(plan)
    for trial in plan.todo:
        if rank(device) > 0:  # the first process writes and locks for all
            _wait_for_features(plan)
            train_trial(plan, trial, device, say, logger, compiled=compiled)
            continue
        compute_features(plan)
        trial.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(trial.path / ".lock", timeout=0):
                if trial.finished:  # by another process, since the list was made
                    continue
                files.sweep(trial.path)
                begin(trial)
                train_trial(plan, trial, device, say, logger, compiled=compiled, bar=bar)
        except Timeout:
            raise RunError(f"{trial.path}: another `sercli train` is at work on it") from None
    return plan.trials


def _wait_for_features(plan: Plan) -> None:
    while features_missing(plan):
        time.sleep(1)
