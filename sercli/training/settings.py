"""Complete the settings that a user chose to the settings of a run."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sercli.config import Config, join, merge, parse_assignments, read_yaml, spell
from sercli.devices import Device, resolve_precision
from sercli.errors import ConfigError, CorpusError, UnknownNameError, suggest, unknown
from sercli.features import feature_names, get_feature
from sercli.models import Architecture, NetworkConfig, architecture_names, get_architecture
from sercli.plain import shorten
from sercli.protocols import get_protocol
from sercli.registry import needed_plugins
from sercli.runs.config import RunConfig
from sercli.runs.training import TrainingConfig
from sercli.schemes import Scheme, default_scheme, get_scheme
from sercli.schemes.reading import choose_scheme
from sercli.segments import SegmentConfig
from sercli.tasks import CLASSIFICATION, Task
from sercli.training._idle import refuse_idle
from sercli.training.initial_weights import name_bundle
from sercli.workspace import Workspace

# Settings that are mappings of further settings.
_SECTIONS = ("model", "augment", "features", "training")


def gather(file: Path | None, assignments: Sequence[str], **options: Any) -> dict[str, Any]:
    """Merge the settings of a command line; options replace ``--set``, and ``--set`` replaces the file.

    Args:
        file: YAML with any keys of `RunConfig`, such as the ``config.yaml`` of a run.
        assignments: ``key.sub=value`` items.
        **options: values by key; a ``None`` means that the option was not given. ``augment`` is a text,
            ``flip,noise`` or ``none``; ``classes`` the classes of a scheme, in place of its name or file;
            ``targets`` its dimensions.

    Raises:
        ConfigError: the file or an item can't be read, or no architecture is named.
    """
    settings = read_yaml(file) if file else {}
    recorded = settings.pop("provenance", None)
    needed = needed_plugins(recorded.get("plugins")) if isinstance(recorded, Mapping) else ""
    if needed:
        raise ConfigError(f"{file}: settings of a run with entries of a plug-in{needed}")
    assigned = parse_assignments(assignments)
    augment = options.pop("augment", None)
    chosen_scheme = (options.pop(name, None) for name in ("scheme", "classes", "targets"))
    scheme = choose_scheme(*chosen_scheme)
    if scheme is not None:
        settings.pop("scheme", None)  # replaced, not merged
        options["scheme"] = scheme.recorded
    chosen_by_name = {name: value for name, value in options.items() if value is not None}
    replacing = join(assigned, chosen_by_name)
    merged = merge(settings, replacing)
    name = only_input(str(merged.get("arch")), merged.get("model", {}))
    settings = merge(without_input(settings, name), without_input(replacing, name)) if name else merged
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


def changes_since(file: Path, config: RunConfig, manifest_sha256: str) -> list[str]:
    """List what has changed since the run of a ``config.yaml``, apart from settings."""
    settings = read_yaml(file)
    recorded = settings.get("provenance")
    if not isinstance(recorded, Mapping) or settings.get("corpus") != config.corpus:
        return []
    found = []
    if recorded.get("manifest_sha256", manifest_sha256) != manifest_sha256:
        found.append(f"corpus '{config.corpus}' was prepared again")
    code = recorded.get("code", {})
    found += [
        f"the code of {each} was changed" for each, now in config.code.items() if code.get(each, now) != now
    ]
    return found


def configure(
    settings: Mapping[str, Any], workspace: Workspace, device: Device, file: Path | None = None
) -> RunConfig:
    """Complete the chosen settings from the architecture's recipe and the corpus's defaults.

    Args:
        settings: at least ``arch``; of the other keys of `RunConfig`, those that were chosen; and
            ``unknown_speakers`` and ``labels``, which become a part of the protocol and of the scheme.
        workspace: folder where a corpus is searched if none is named.
        device: device that decides the precision if the precision is ``auto``.
        file: source file of some of the settings, for messages.

    Raises:
        ConfigError: a setting is unknown or wrong.
        UnknownNameError: there is no such architecture, corpus, scheme or protocol.
        CorpusError: no corpus is named, and no corpus of the architecture's paper is prepared.
        RunError: there is no bundle to start from.
    """
    try:
        _check_names(settings)
        config = complete(_name_data(settings, workspace))
    except (ConfigError, UnknownNameError) as error:
        if file is None:
            raise
        raise type(error)(f"{error} (settings of {file} and of the command line)") from None
    return config.with_training(precision=resolve_precision(config.training.precision, device))


def _check_names(settings: Mapping[str, Any]) -> None:
    """Refuse a value of YAML that is no text, such as a list or ``no``, in place of a name.

    Raises:
        ConfigError: a name is not text.
    """
    for key in ("arch", "corpus", "protocol"):
        value = settings.get(key, "")
        if not isinstance(value, str):
            joined = key == "corpus" and isinstance(value, list)
            one = "write a name, in quotes if it is a number, yes or no"
            remedy = "write several corpora as emodb+ravdess" if joined else one
            raise ConfigError(f"{key}: expected a name, got {shorten(spell(value))}; {remedy}")


def _name_data(settings: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Add corpus, scheme and protocol if they are missing."""
    recipe = get_architecture(settings["arch"]).recipe
    chosen = dict(settings)
    unknown_speakers, labels = chosen.pop("unknown_speakers", None), chosen.pop("labels", None)
    if "corpus" not in chosen:
        chosen["corpus"] = _first_prepared(settings["arch"], workspace)
    corpus = str(chosen["corpus"])
    facts = workspace.facts(corpus)
    of_paper = {setting.corpus: setting for setting in recipe.settings}.get(corpus)
    usual = of_paper.protocol if of_paper else facts["protocol"]
    protocol = get_protocol(str(chosen.get("protocol", usual)))
    made_for = protocol.scheme if "protocol" in chosen else None
    if of_paper and (protocol.tests_nothing or "protocol" not in chosen):  # the classes of the paper's folds
        made_for = of_paper.scheme
    chosen.setdefault("protocol", usual)
    if unknown_speakers:
        chosen["protocol"] = protocol.with_unknown_speakers(unknown_speakers).name
    if "scheme" not in chosen:
        emotions = bool(set(facts["emotions"]) - {"none"})
        traces = not facts.get("ratings")  # earlier versions did not record ratings, and learned none
        chosen["scheme"] = made_for or default_scheme(corpus, emotions=emotions, traces=traces)
    if labels:
        chosen["scheme"] = get_scheme(chosen["scheme"]).with_labels(labels).recorded
    return chosen


def _first_prepared(arch: str, workspace: Workspace) -> str:
    wanted = [setting.corpus for setting in get_architecture(arch).recipe.settings]
    prepared = workspace.prepared()
    for corpus in wanted:
        if corpus in prepared:
            return corpus
    others = f"; prepared are {', '.join(prepared)}: choose one with --corpus" if prepared else ""
    raise CorpusError(
        f"{workspace.root}: none of {arch}'s corpora is prepared ({', '.join(wanted)}); run "
        f"`sercli prepare {wanted[-1]} PATH`, or `sercli prepare synth` and add --corpus synth{others}"
    )


def complete(settings: Mapping[str, Any]) -> RunConfig:
    """Merge given settings, which name corpus, scheme and protocol, over the architecture's recipe.

    If folds have no dev part, the last epoch is kept, even if recipe or settings select by the dev part.

    Args:
        settings: settings with the keys of `RunConfig`; if the network has one input, ``features.window_ms``
            means ``features.<input>.window_ms``.

    Raises:
        ConfigError: a setting is unknown or wrong, or changes nothing, or asks to select an epoch although
            no part can select it.
        UnknownNameError: there is no such architecture, scheme or protocol.
        RunError: there is no bundle to start from.
    """
    init = str(settings.get("init") or "")
    if init and not re.search(r"#[0-9a-f]{12}$", init):  # the run's name has the digest of the weights
        settings = {**settings, "init": name_bundle(Path(init))}
    return _complete(settings, _resolve)


def check(settings: Mapping[str, Any]) -> RunConfig:
    """Complete given settings as `complete` does, but look for no file that the features or weights need.

    Nothing is downloaded. The shapes of features that need such a file are only examples, so the result does
    not give the name of a run.

    Raises:
        ConfigError, UnknownNameError: as `complete`.
    """
    return _complete(settings, partial(_resolve, described=True))


def _complete(settings: Mapping[str, Any], resolve: Callable[[Mapping[str, Any]], RunConfig]) -> RunConfig:
    config = resolve(settings)
    refuse_idle(config, settings, resolve)
    _refuse_patience(config, settings)
    return config


def _resolve(settings: Mapping[str, Any], *, described: bool = False) -> RunConfig:
    """Build the settings of a run; each part is built once.

    Args:
        settings: chosen settings.
        described: whether features that need a file have facts of an example in its place.
    """
    _refuse_unknown(settings)
    for name in _SECTIONS:
        if not isinstance(settings.get(name, {}), Mapping):
            raise ConfigError(f"{name}: expected settings of its own, for example {name}.KEY=VALUE")
    architecture = get_architecture(str(settings["arch"]))
    given = settings["scheme"]
    scheme = get_scheme(given if isinstance(given, Scheme | Mapping) else str(given))
    protocol = get_protocol(str(settings["protocol"]))
    model = architecture.config_for(settings.get("model", {}), scheme.task)
    chosen = _name_inputs(settings, architecture, model)
    defaults = architecture.defaults(model, scheme.task)
    # Patience has no effect if the last epoch is kept; with it, equal runs would have different names.
    last = {"selection": "last", "patience": None}
    if not protocol.has_dev:
        defaults = merge(defaults, {"training": last})
    merged = merge(_without_foreign(defaults, chosen), chosen)
    merged |= {"model": model, "scheme": scheme, "protocol": protocol}
    merged["augment"] = chosen.get("augment", defaults["augment"])  # replaced, not merged
    if described:
        merged["model"] = model.described()
        merged["features"] = _describe(architecture.inputs_for(model), merged["features"])
    config = RunConfig(**merged)
    selection = config.training.selection
    if selection != "last" and protocol.tests_nothing:
        raise ConfigError(
            f"training.selection={selection}: '{protocol.name}' has no part to select an epoch on; set it to "
            "last, and the number of epochs with --max-epochs"
        )
    if selection == "best-on-test" or (protocol.has_dev and selection != "last"):
        return config
    return config.with_training(**last)


def _describe(inputs: Mapping[str, str], features: Mapping[str, Any]) -> dict[str, Any]:
    """Add facts of an example to the features that need a file, by input of the network."""
    found = dict(features)
    for name, usual in inputs.items():
        flat = found.get(name, {})
        kind = flat.get("kind", usual) if isinstance(flat, Mapping) else None
        if kind not in feature_names():
            continue
        own = {key: value for key, value in flat.items() if key not in ("kind", "statistics", "number")}
        try:
            config = get_feature(kind).config(**own)
            facts, given = config.described().to_dict(), config.to_dict()
        except ConfigError:  # the settings of a run report it with its place
            continue
        found[name] = {**flat, **{key: facts[key] for key in facts if facts[key] != given[key]}}
    return found


def _refuse_unknown(settings: Mapping[str, Any]) -> None:
    """Refuse a setting that lacks its section, and name the section of the setting."""
    network = get_architecture(str(settings["arch"])).config
    sections: dict[str, type[Config]] = {
        "model": network,
        "segments": SegmentConfig,
        "training": TrainingConfig,
    }
    for name in settings.keys() - RunConfig.model_fields.keys():
        near = [f"{section}.{name}" for section, config in sections.items() if name in config.model_fields]
        # Features may need an encoder, which is downloaded; a misspelled section is refused before.
        known = sorted(RunConfig.model_fields)
        remedy = f"did you mean {', '.join(near)}?" if near else suggest(name, known)
        raise ConfigError(f"unknown setting '{name}'; {remedy}")


def _name_inputs(
    settings: Mapping[str, Any], architecture: Architecture, model: NetworkConfig
) -> Mapping[str, Any]:
    """Add the name of the input to settings of the features, if the network has only one input."""
    features = settings.get("features", {})
    inputs = architecture.inputs_for(model)
    if set(features) <= set(inputs):
        return settings
    if len(inputs) > 1:
        raise ConfigError(str(unknown("features", min(set(features) - set(inputs)), inputs)))
    name = next(iter(inputs))
    return {**settings, "features": {name: without_input(settings, name)["features"]}}


def only_input(arch: str, model: Any, task: Task = CLASSIFICATION) -> str | None:
    """Return the name of a network's input; ``None`` if it has several, or if its settings are wrong.

    Args:
        arch: name of the architecture.
        model: settings of the network that were chosen.
        task: task that the network is trained for.
    """
    if not isinstance(model, Mapping):
        return None
    try:
        architecture = get_architecture(arch)
        inputs = architecture.inputs_for(architecture.config_for(model, task))
    except (ConfigError, UnknownNameError):  # reported where the settings are completed
        return None
    return next(iter(inputs)) if len(inputs) == 1 else None


def without_input(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Write ``features.NAME.KEY`` as ``features.KEY``, which is the same if the network has only this input.

    Settings of which one replaces the other must have the same spelling before they are merged.

    Raises:
        ConfigError: a setting has two values, one in each spelling.
    """
    features = settings.get("features")
    if not isinstance(features, Mapping) or not isinstance(features.get(name), Mapping):
        return settings
    others = {key: value for key, value in features.items() if key != name}
    return {**settings, "features": join(features[name], others, "features.")}


def _without_foreign(defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the recipe's settings of features that a different chosen kind does not have."""
    features = dict(defaults["features"])
    for name, settings in chosen.get("features", {}).items():
        kind = settings.get("kind") if isinstance(settings, Mapping) else None
        if name not in features or kind not in feature_names():
            continue
        feature = get_feature(kind)
        known = {*feature.config.model_fields, "number"}
        if feature.needs(feature.config()) is None:
            known.add("statistics")
        features[name] = {key: value for key, value in features[name].items() if key in known}
    return {**defaults, "features": features}


def _refuse_patience(config: RunConfig, settings: Mapping[str, Any]) -> None:
    """Refuse a patience if the last epoch is kept although there is a dev part.

    The recipe's own value is accepted, because the complete settings of an earlier run hold it.
    """
    patience = settings.get("training", {}).get("patience")
    in_vain = config.training.selection == "last" and config.protocol.has_dev
    default = TrainingConfig.model_fields["patience"].default
    if in_vain and patience not in (None, config.architecture.recipe.training.get("patience", default)):
        raise ConfigError(
            f"training.patience={patience} changes nothing with training.selection=last; leave it out"
        )
