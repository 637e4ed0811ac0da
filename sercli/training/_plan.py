"""What a `sercli train` will do: a run, its folds, and the trials still to train."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sercli import manifest
from sercli.data.segments import Cut, Segmenter
from sercli.data.statistics import Statistics, fit
from sercli.errors import ProtocolError
from sercli.features import Array
from sercli.protocols import Protocol, fold_digest, get_protocol
from sercli.records import Fold, Utterance
from sercli.runs.config import FeatureChoice, RunConfig
from sercli.runs.folder import Run, Trial
from sercli.schemes import Selection, get_scheme
from sercli.segments import Segment
from sercli.store import FeatureStore
from sercli.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Plan:
    """The trials of one run.

    Attributes:
        config: settings, complete.
        workspace: where everything lies.
        manifest_sha256: digest of the corpus's manifest.
        utterances: the whole corpus, by id.
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
        return [self.run.trial(fold, seed) for seed in self.seeds for fold in self.chosen]

    @property
    def todo(self) -> list[Trial]:
        """Trials not finished."""
        return [trial for trial in self.trials if not trial.finished]

    @property
    def protocol(self) -> Protocol:
        """How the corpus is divided."""
        return get_protocol(self.config.protocol)

    @property
    def protocol_digest(self) -> str:
        """Digest of all folds of the protocol on this corpus."""
        return fold_digest(self.folds)

    def corpus_facts(self) -> dict[str, Any]:
        """Return what a figure of this corpus has to be told with: title, licence, notice, completeness."""
        facts = self.workspace.facts(self.config.corpus)
        return {name: facts[name] for name in ("title", "licence", "notice", "utterances", "expected")}

    def stores(self) -> dict[str, FeatureStore]:
        """Open the feature stores, by input of the network."""
        return {
            name: FeatureStore(self.workspace.features, choice.kind, choice.config, choice.number)
            for name, choice in self.config.inputs.items()
        }

    def fit_statistics(self, fold: Fold, stores: Mapping[str, FeatureStore]) -> dict[str, Statistics]:
        """Compute the statistics of a fold's training part, padding left out, by input of the network.

        Raises:
            FeatureError: features are missing in a store.
        """
        fitted = {}
        for name, choice in self.config.inputs.items():
            feature, config = choice.feature, choice.config
            arrays = (self._unpadded(stores[name], choice, self.utterances[i]) for i in fold.train)
            empty = feature.empty(config) if feature.empty else None
            fitted[name] = fit(arrays, choice.statistics, empty)
        return fitted

    def cut(self, name: str, ids: Sequence[str], store: FeatureStore, *, training: bool) -> Cut:
        """Cut an input's features of some utterances into segments."""
        choice = self.config.inputs[name]
        segmenter = Segmenter(self.config.segments, choice.feature, choice.config)
        segments: list[Segment] = []
        for each in ids:
            utterance = self.utterances[each]
            samples = round(utterance.duration * utterance.sample_rate)
            segments += segmenter.cut(each, samples, store.frames(store.key(utterance)), training=training)
        own = None
        if choice.statistics == "per-utterance":
            own = cache(partial(self._own_statistics, store, choice))
        return Cut(segmenter, lambda each: store[store.key(self.utterances[each])], tuple(segments), own)

    def _own_statistics(self, store: FeatureStore, choice: FeatureChoice, name: str) -> Statistics:
        """Compute an utterance's own statistics, padding left out."""
        empty = choice.feature.empty(choice.config) if choice.feature.empty else None
        return fit([self._unpadded(store, choice, self.utterances[name])], "scalar", empty)

    def _unpadded(self, store: FeatureStore, choice: FeatureChoice, utterance: Utterance) -> Array:
        array = store[store.key(utterance)]
        if choice.feature.span is None:
            return array
        samples = round(utterance.duration * utterance.sample_rate)
        start, stop = choice.feature.span(samples, choice.config)
        return array[..., start:stop]

    def selected(self) -> list[Utterance]:
        """List the utterances that the scheme selects."""
        return [self.utterances[name] for name in self.selection.labels]


def make_plan(
    config: RunConfig, workspace: Workspace, folds: str = "all", seeds: Sequence[int] = (0,)
) -> Plan:
    """Read the corpus, divide it, and choose folds.

    Args:
        config: settings, precision resolved.
        workspace: where the corpus lies.
        folds: ``all``, or numbers from one, ``3``, ``1,4`` or ``1-3``.
        seeds: one trial per fold and seed.

    Raises:
        CorpusError: the corpus is not prepared.
        ProtocolError: the folds can't be made, or one that was chosen does not exist.
    """
    path = workspace.require(config.corpus)
    utterances = manifest.read(path)
    selection = get_scheme(config.scheme).select(utterances)
    made = get_protocol(config.protocol).divide(utterances, selection.labels)
    return Plan(
        config=config,
        workspace=workspace,
        manifest_sha256=manifest.digest(path),
        utterances={utterance.id: utterance for utterance in utterances},
        selection=selection,
        folds=tuple(made),
        chosen=_choose(folds, len(made)),
        seeds=tuple(seeds),
    )


def _choose(text: str, count: int) -> tuple[int, ...]:
    if text == "all":
        return tuple(range(1, count + 1))
    chosen: list[int] = []
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or not all(end.isascii() and end.isdecimal() for end in ends):
            raise ProtocolError(f"folds '{text}': write all, a number, 1,4 or 1-3")
        first, last = int(ends[0]), int(ends[-1])
        if not 1 <= first <= last <= count:
            raise ProtocolError(f"folds '{text}': the protocol has folds 1 to {count}, in rising order")
        chosen += range(first, last + 1)
    return tuple(dict.fromkeys(chosen))
