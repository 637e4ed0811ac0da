"""The plan of a training: a run, its folds, and the trials still to train."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sercli import manifest
from sercli.errors import ProtocolError
from sercli.protocols import Protocol, fold_digest, get_protocol, parse_numbers
from sercli.records import Fold, Utterance
from sercli.runs.config import RunConfig
from sercli.runs.folder import Run, Trial
from sercli.schemes import Selection, choose
from sercli.store import FeatureStore
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Plan:
    """The trials of one run.

    Attributes:
        config: settings, complete.
        workspace: folder of corpora, features and runs.
        manifest_sha256: digest of the corpus's manifest.
        utterances: the complete corpus, by id.
        selection: classes and labels that the scheme gives.
        folds: all folds of the protocol.
        chosen: which of them, counting from one.
        seeds: with which seeds.
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
        """Where the results go."""
        return Run(self.workspace.runs / self.config.name(self.manifest_sha256))

    @property
    def trials(self) -> list[Trial]:
        """All trials, finished or not."""
        run = self.run  # its name is a hash over all settings
        return [run.trial(fold, seed) for seed in self.seeds for fold in self.chosen]

    @property
    def todo(self) -> list[Trial]:
        """Trials not finished."""
        return [trial for trial in self.trials if not trial.finished]

    @property
    def protocol(self) -> Protocol:
        """How the corpus is divided."""
        return self.config.protocol

    @property
    def protocol_digest(self) -> str:
        """Digest of all folds of the protocol on this corpus."""
        return fold_digest(self.folds)

    def corpus_facts(self) -> dict[str, Any]:
        """Return the facts to report with each metric: title, licence, notice, completeness of the corpus."""
        facts = self.workspace.facts(self.config.corpus)
        return {name: facts[name] for name in ("title", "licence", "notice", "utterances", "expected")}

    def selected(self) -> list[Utterance]:
        """List the utterances that the scheme selects."""
        return [self.utterances[name] for name in self.selection.labels]


def open_stores(plan: Plan) -> list[FeatureStore]:
    """Open every feature store that the plan reads, each once: the tested variant is often trained too."""
    choices = [*plan.config.features.values(), *plan.config.variants.values()]
    stores = [choice.open_store(plan.workspace.features) for choice in choices]
    return list({store.path: store for store in stores}.values())


def make_plan(
    config: RunConfig, workspace: Workspace, folds: str = "all", seeds: Sequence[int] = (0,)
) -> Plan:
    """Read the corpus, divide it, and choose folds.

    Args:
        config: settings, precision resolved.
        workspace: folder that holds the corpus.
        folds: ``all``, or numbers from one, ``3``, ``1,4`` or ``1-3``.
        seeds: one trial per fold and seed.

    Raises:
        CorpusError: the corpus is not prepared.
        ConfigError: the corpus has no labels that the scheme takes.
        ProtocolError: the folds can't be made, or one that was chosen does not exist.
    """
    if any(not 0 <= seed < 2**32 for seed in seeds):
        raise ProtocolError(f"seeds {', '.join(map(str, seeds))}: from 0 to {2**32 - 1}")
    path = workspace.require(config.corpus)
    sha256 = manifest.digest(path)
    utterances, selection, made = _divide(
        path, sha256, config.corpus, config.scheme.name, config.protocol.name
    )
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
    path: Path, sha256: str, corpus: str, scheme: str, protocol: str
) -> tuple[dict[str, Utterance], Selection, tuple[Fold, ...]]:
    """Read a corpus, select and divide, once for all the runs that are planned so."""
    utterances = _read(path, sha256)
    every = list(utterances.values())
    _, selection = choose(every, corpus, scheme)
    return utterances, selection, tuple(get_protocol(protocol).divide(every, selection.labels))


@lru_cache(maxsize=4)
def _read(path: Path, sha256: str) -> dict[str, Utterance]:  # noqa: ARG001
    return {utterance.id: utterance for utterance in manifest.read(path)}


def _choose(text: str, count: int) -> tuple[int, ...]:
    if text == "all":
        return tuple(range(1, count + 1))
    chosen = parse_numbers("fold", text)
    if not set(chosen) <= set(range(1, count + 1)):
        raise ProtocolError(f"fold '{text}': the protocol has folds 1 to {count}")
    return chosen
