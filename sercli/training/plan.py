"""Plan a training: a run, its folds and classes, and the trials that are still to train."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from sercli import registry
from sercli.errors import ConfigError, ProtocolError
from sercli.protocols import Protocol, alternative, fold_digest, get_protocol, parse_numbers, untrained
from sercli.records import Fold, Utterance
from sercli.runs.config import RunConfig
from sercli.runs.folder import Run, Trial
from sercli.schemes import Scheme, Selection, choose
from sercli.schemes.reading import write_classes
from sercli.store import FeatureStore
from sercli.workspace import Workspace

_MOST_CANDIDATES = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """The trials of one run.

    Attributes:
        config: complete settings.
        workspace: folder of corpora, features and runs.
        manifest_sha256: digest of the corpus's manifest; see `Workspace.manifest_digest`.
        utterances: the complete corpus, by id.
        selection: classes and labels that the scheme defines.
        folds: all folds of the protocol.
        chosen: numbers of the chosen folds, counted from one.
        seeds: seeds of the trials.
    """

    config: RunConfig
    workspace: Workspace
    manifest_sha256: str
    utterances: dict[str, Utterance]
    selection: Selection
    folds: tuple[Fold, ...]
    chosen: tuple[int, ...]
    seeds: tuple[int, ...]

    @property
    def run(self) -> Run:
        """Run that holds the results."""
        return Run(self.workspace.runs / self.config.name(self.manifest_sha256))

    @property
    def trials(self) -> list[Trial]:
        """All trials, finished or not."""
        run = self.run  # once only, since its name is a hash over all settings
        return [run.trial(fold, seed) for seed in self.seeds for fold in self.chosen]

    @property
    def todo(self) -> list[Trial]:
        """Trials that are not finished."""
        return [trial for trial in self.trials if not trial.finished]

    @property
    def protocol(self) -> Protocol:
        """Protocol that divides the corpus."""
        return self.config.protocol

    @property
    def protocol_digest(self) -> str:
        """Digest of all folds of the protocol on this corpus."""
        return fold_digest(self.folds)

    def corpus_facts(self) -> dict[str, Any]:
        """Return the facts to report with each metric: title, licence, notice, completeness of the corpus.

        Those of a union also have ``repeated``, the number of recordings that are in two of its corpora, and
        ``parts``, the facts of each corpus with the digest of its manifest.
        """
        facts = self.workspace.facts(self.config.corpus)
        found = {name: facts[name] for name in ("title", "licence", "notice", "utterances", "expected")}
        found |= {name: facts[name] for name in ("repeated", "parts") if name in facts}
        if self.selection.values:
            found["scale"] = facts.get("ratings", {}).get("scale")
        return found

    def selected(self) -> list[Utterance]:
        """List the utterances that the scheme selects."""
        return [self.utterances[name] for name in self.selection.labels]


def open_stores(plan: Plan) -> list[FeatureStore]:
    """Open every feature store that the plan reads, each only once: a variant may be trained and tested."""
    of_features = {
        name: values for name, values in plan.config.training.search.items() if name.startswith("features.")
    }
    searched = _combine(plan.config, of_features) if of_features else []
    choices = [
        choice
        for config in (plan.config, *(config for _, config in searched))
        for choice in (*config.features.values(), *config.variants.values())
    ]
    stores = [choice.open_store(plan.workspace.features) for choice in choices]
    return list({store.path: store for store in stores}.values())


def candidates(config: RunConfig) -> list[tuple[dict[str, Any], RunConfig]]:
    """List what a search chooses from: the changes of settings, and the complete settings without a search.

    Raises:
        ConfigError: a setting is unknown or wrong, or there are too many combinations.
    """
    search = config.training.search
    if not search:
        return []
    count = prod(map(len, search.values()))
    if count > _MOST_CANDIDATES:
        raise ConfigError(
            f"training.search has {count} combinations, at most {_MOST_CANDIDATES} are tried; name fewer"
        )
    if any(name.startswith("training.search") for name in search):
        raise ConfigError("training.search: a search can't choose a search; leave it out")
    return _combine(config, search)


def _combine(
    config: RunConfig, values: Mapping[str, Sequence[Any]]
) -> list[tuple[dict[str, Any], RunConfig]]:
    """List the combinations of values of settings, each with the complete settings without a search."""
    plain = config.with_training(search={}, search_folds=4)
    found = []
    for combination in product(*values.values()):
        changes = dict(zip(values, combination, strict=True))
        try:
            found.append((changes, plain.with_settings(changes)))
        except ConfigError as error:
            raise ConfigError(f"training.search: {error}") from None
    return found


def make_plan(
    config: RunConfig, workspace: Workspace, folds: str = "all", seeds: Sequence[int] = (0,)
) -> Plan:
    """Read the corpus, divide it, and choose folds.

    Args:
        config: settings with a resolved precision.
        workspace: folder that holds the corpus.
        folds: ``all``, or numbers, counted from one, such as ``3``, ``1,4`` or ``1-3``.
        seeds: one trial per fold and seed.

    Raises:
        CorpusError: the corpus is not prepared.
        ConfigError: the corpus has no labels that the scheme accepts, or a setting of a search is wrong; or
            the folds can't be made, and no protocol helps because there is only one class.
        PluginError: a plug-in was edited since this process imported it.
        ProtocolError: the folds can't be made, or a chosen fold does not exist.
    """
    if any(not 0 <= seed < 2**32 for seed in seeds):
        raise ProtocolError(f"seeds {', '.join(map(str, seeds))}: from 0 to {2**32 - 1}")
    candidates(config)  # a wrong one is refused before any work
    registry.check_unchanged(config.entries)
    sha256 = workspace.manifest_digest(config.corpus)
    utterances, selection, made = _divide(
        workspace.root, sha256, config.corpus, config.scheme, config.protocol.name
    )
    if selection.values:
        _check_scales(config.corpus, workspace.facts(config.corpus))
    return Plan(
        config=config,
        workspace=workspace,
        manifest_sha256=sha256,
        utterances=utterances,
        selection=selection,
        folds=made,
        chosen=_choose(folds, len(made)),
        seeds=tuple(seeds),
    )


@lru_cache(maxsize=16)
def _divide(
    root: Path, sha256: str, corpus: str, scheme: Scheme, protocol: str
) -> tuple[dict[str, Utterance], Selection, tuple[Fold, ...]]:
    """Read, select and divide a corpus; runs that are planned together share the result."""
    utterances = _read(root, sha256, corpus)
    every = list(utterances.values())
    _, selection = choose(every, corpus, scheme)
    try:
        folds = get_protocol(protocol).divide(every, selection.labels)
    except ProtocolError:
        _refuse_one_class(corpus, scheme, selection)  # the protocol that the error proposes would not help
        raise
    return utterances, selection, tuple(folds)


@lru_cache(maxsize=4)
def _read(root: Path, sha256: str, corpus: str) -> dict[str, Utterance]:  # noqa: ARG001
    return {utterance.id: utterance for utterance in Workspace(root).utterances(corpus)}


def _check_scales(corpus: str, facts: Mapping[str, Any]) -> None:
    """Refuse to learn ratings of several corpora as one, unless they are on one scale.

    Raises:
        ConfigError: their scales differ, or one is not known.
    """
    ratings = facts.get("ratings", {})
    scales = ratings.get("scales", {})
    if len(scales) > 1 and ratings["scale"] is None:
        named = ", ".join(
            f"{name} {'not known' if scale is None else f'{scale[0]:g} to {scale[1]:g}'}"
            for name, scale in scales.items()
        )
        raise ConfigError(
            f"corpus '{corpus}': the scales of the ratings differ ({named}), so they can't be learned as "
            "one; choose a scheme of classes, or corpora with one scale"
        )


def _choose(text: str, count: int) -> tuple[int, ...]:
    if text == "all":
        return tuple(range(1, count + 1))
    chosen = parse_numbers("fold", text)
    if not set(chosen) <= set(range(1, count + 1)):
        raise ProtocolError(f"fold '{text}': the protocol has folds 1 to {count}")
    return chosen


def check_classes(plan: Plan) -> None:
    """Refuse a training with only one class, or a test on a class without training utterances.

    Raises:
        ConfigError: the scheme selects utterances of one class only, or no utterance of one of its classes.
        ProtocolError: a chosen fold has no training utterance of a class.
    """
    config, labels = plan.config, plan.selection.labels
    if not config.task.has_classes:
        return
    _refuse_one_class(config.corpus, config.scheme, plan.selection)
    absent = [name for name, count in plan.selection.counts.items() if not count]
    if absent:
        raise ConfigError(
            f"corpus '{config.corpus}', scheme '{config.scheme.name}': no utterance of {', '.join(absent)}; "
            f"leave them out with {_classes_without(plan, absent) or '--classes'}, or choose another --scheme"
        )
    lacking = untrained([plan.folds[number - 1] for number in plan.chosen], labels)
    if not lacking:
        return
    name, folds = next(iter(lacking.items()))
    count = plan.selection.counts[name]
    first = plan.folds.index(folds[0]) + 1
    more = f" (as {len(folds) - 1} more)" if len(folds) > 1 else ""
    others = f" (nor of {', '.join(list(lacking)[1:])})" if len(lacking) > 1 else ""
    instead = alternative(list(plan.utterances.values()), labels, dev=plan.protocol.has_dev)
    raise ProtocolError(
        f"class '{name}' has {count} utterance{'s' * (count > 1)}, and fold {first}, {folds[0].name}{more}, "
        f"trains on none of them{others}; leave the class out ({_without(plan, lacking)}), or take another "
        f"protocol ({instead or 'lists:PATH with folds of your own, or train-on-all, which tests nothing'})"
    )


def _refuse_one_class(corpus: str, scheme: Scheme, selection: Selection) -> None:
    found = set(selection.labels.values())
    if scheme.task.has_classes and len(found) == 1:
        raise ConfigError(
            f"corpus '{corpus}', scheme '{scheme.name}': all {len(selection.labels)} utterances are of "
            f"one class, {found.pop()}; a network is trained on two classes or more, so prepare a corpus "
            "that has them or choose another --scheme"
        )


def _without(plan: Plan, names: Iterable[str]) -> str:
    """Describe how to leave out classes of a scheme."""
    return _classes_without(plan, names) or "choose a --scheme without it"


def _classes_without(plan: Plan, names: Iterable[str]) -> str | None:
    """Return the option ``--classes`` that keeps the other classes; ``None`` if it can't be written."""
    scheme, classes = plan.config.scheme, plan.selection.classes
    others = {each: [each] for each in classes} if scheme.merge is None else scheme.content["classes"]
    kept = {each: labels for each, labels in others.items() if each not in set(names)}
    text = write_classes(kept)
    if scheme.gendered or scheme.selection or text is None or len(kept) < 2:
        return None
    return f"--classes {shlex.quote(text)}"
