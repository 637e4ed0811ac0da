"""What a `sercli train` will do: a run, its folds, and the trials still to train."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from sercli import audio, manifest
from sercli.audio import Samples
from sercli.corpora import Trace
from sercli.data.segments import Cut, Segmenter, TraceCut
from sercli.data.statistics import Statistics, fit_all
from sercli.data.utterances import count_samples, read_trace
from sercli.errors import FeatureError, ProtocolError
from sercli.protocols import Protocol, fold_digest, get_protocol, parse_numbers
from sercli.records import Fold, Utterance
from sercli.runs.config import RunConfig
from sercli.runs.features import FeatureChoice
from sercli.runs.folder import Run, Trial
from sercli.schemes import Selection, choose
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
        """Return what a figure of this corpus has to be told with: title, licence, notice, completeness."""
        facts = self.workspace.facts(self.config.corpus)
        return {name: facts[name] for name in ("title", "licence", "notice", "utterances", "expected")}

    def stores(self) -> dict[str, FeatureStore]:
        """Open the feature stores, by input of the network."""
        return {
            name: choice.open_store(self.workspace.features) for name, choice in self.config.features.items()
        }

    def variant_stores(self) -> dict[str, FeatureStore]:
        """Open the stores of the variants that utterances are trained in, by name, if there are several."""
        return {
            name: choice.open_store(self.workspace.features) for name, choice in self.config.variants.items()
        }

    def fit_statistics(
        self, fold: Fold, stores: Mapping[str, FeatureStore], variants: Mapping[str, FeatureStore]
    ) -> dict[str, Statistics]:
        """Compute the statistics of a fold's training part, padding left out, by input of the network.

        Args:
            fold: whose training part.
            stores: as `stores` opens them.
            variants: as `variant_stores` opens them; where there are any, of all of these together.

        Raises:
            FeatureError: features are missing in a store, or the training part is silent.
        """
        self._refuse_silence(fold, stores)
        several = [(choice, variants[name]) for name, choice in self.config.variants.items()]
        fitted = {}
        for name, choice in self.config.features.items():
            arrays = (
                (each.unpadded(store[store.key(utterance)], count_samples(utterance)), each.empty)
                for each, store in several or [(choice, stores[name])]
                for utterance in map(self.utterances.__getitem__, fold.train)
            )
            fitted[name] = fit_all(arrays, choice.statistics)
        return fitted

    def _refuse_silence(self, fold: Fold, stores: Mapping[str, FeatureStore]) -> None:
        """Raise if the features of no training utterance change over time: there is nothing to learn."""
        name, choice = next(iter(self.config.features.items()))
        for utterance in map(self.utterances.__getitem__, fold.train):
            features = stores[name][stores[name].key(utterance)]
            if np.ptp(choice.unpadded(features, count_samples(utterance)), axis=-1).any():
                return
        raise FeatureError(
            f"fold {fold.name}: all {len(fold.train)} recordings of the training part are silent; listen to "
            "some, and prepare the corpus again from recordings that hold speech"
        )

    def cut(self, choice: FeatureChoice, ids: Sequence[str], store: FeatureStore, *, training: bool) -> Cut:
        """Cut the features of some utterances into segments."""
        segmenter = Segmenter(self.config.segments, choice.feature, choice.config)
        segments: list[Segment] = []
        for each in ids:
            utterance = self.utterances[each]
            frames = store.frames(store.key(utterance))
            segments += segmenter.cut(each, count_samples(utterance), frames, training=training)
        own = None
        if choice.statistics == "per-utterance":
            own = cache(partial(self._own_statistics, store, choice))
        return Cut(segmenter, lambda each: store[store.key(self.utterances[each])], tuple(segments), own)

    def _own_statistics(self, store: FeatureStore, choice: FeatureChoice, name: str) -> Statistics:
        utterance = self.utterances[name]
        return choice.own_statistics(store[store.key(utterance)], count_samples(utterance))

    def samples(self, cut: Cut, row: int) -> Samples:
        """Read the audio of a training segment, (samples,), 16 kHz.

        Raises:
            AudioError: it can't be read.
        """
        segment = cut.segments[row]
        place = self.workspace.corpus(self.config.corpus) / self.utterances[segment.utterance].file
        samples = audio.read(place)
        window = cut.segmenter.windows(len(samples), training=True)[segment.number]
        return samples[window.start : window.stop]

    def traces(self, ids: Sequence[str], *, training: bool) -> list[TraceCut]:
        """Read the continuous labels of some utterances, cut as their features are.

        Raises:
            CorpusError: they are missing or damaged.
        """
        choice = next(iter(self.config.features.values()))
        segmenter = Segmenter(self.config.segments, choice.feature, choice.config)
        cuts: list[TraceCut] = []
        for each in ids:
            utterance = self.utterances[each]
            cuts += segmenter.cut_trace(self.trace(utterance), count_samples(utterance), training=training)
        return cuts

    def trace(self, utterance: Utterance) -> Trace:
        """Read the continuous labels of an utterance, (rows, 2).

        Raises:
            CorpusError: they are missing or damaged.
        """
        return read_trace(self.workspace.corpus(self.config.corpus), utterance)

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
