"""Apply a trained network to utterances of a prepared corpus, with features from the stores."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sercli.bundle import Bundle
from sercli.corpora import Trace
from sercli.data import UtteranceDataset
from sercli.data.parts import count_samples, read_trace
from sercli.evaluation.mapping import ClassMapping
from sercli.inference import Probabilities, Traces, refuse_unscored, score, score_traces
from sercli.inference._parts import Part, dataset_of
from sercli.records import ClassPredictions, Predictions, Utterance, ValuePredictions, rows_of
from sercli.schemes import Selection
from sercli.store import FeatureStore
from sercli.store.compute import compute
from sercli.workspace import Workspace

Progress = Callable[[int, int], None]

# Utterances whose features are held at once; those of a float16 store are copies.
_CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Utterances of a prepared corpus, as a bundle takes them.

    Attributes:
        bundle: how features are computed, standardised and cut.
        utterances: which.
        folder: the corpus's folder.
        stores: of the features, by input of the network.
    """

    bundle: Bundle
    utterances: tuple[Utterance, ...]
    folder: Path
    stores: dict[str, FeatureStore] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        bundle: Bundle,
        corpus: str,
        utterances: Sequence[Utterance],
        workspace: Workspace,
        progress: Progress = lambda done, total: None,
    ) -> "Stored":
        """Open the features of utterances, and compute those that the stores lack.

        Args:
            bundle: whose settings the features have.
            corpus: the prepared corpus that the utterances are of.
            utterances: which.
            workspace: where corpus and stores lie.
            progress: called with the number of utterances done and to do.

        Raises:
            AudioError: an audio file can't be read.
            FeatureError: an audio file is not the one that the manifest describes.
        """
        stores = {name: choice.open_store(workspace.features) for name, choice in bundle.inputs.items()}
        compute(list(stores.values()), utterances, workspace.corpus(corpus), progress)
        return cls(bundle, tuple(utterances), workspace.corpus(corpus), stores)

    def dataset(self, utterances: Sequence[Utterance], rows: Sequence[int] | None = None) -> UtteranceDataset:
        """Cut and standardise some of the utterances; ``rows`` as in `dataset_of`."""
        return dataset_of(self.bundle, [self._part(utterance) for utterance in utterances], rows)

    def score(self, batch_size: int = 32, device: torch.device | str = "cpu") -> Probabilities:
        """Give each utterance's class probabilities, (utterances, classes).

        Raises:
            RunError: scores are not finite.
        """
        bundle = self.bundle
        found = [
            score(bundle.network, self.dataset(some), len(bundle.classes), batch_size, device)
            for some in self.chunks()
        ]
        together: Probabilities = np.concatenate(found)
        self._refuse_unscored(together)
        return together

    def score_traces(self, batch_size: int = 32, device: torch.device | str = "cpu") -> list[Traces]:
        """Give each utterance's values by frame, (frames, dimensions), as many as its labels.

        Raises:
            RunError: values are not finite.
        """
        found: list[Traces] = []
        for some in self.chunks():
            dataset = self.dataset(some, [len(self.trace(utterance)) for utterance in some])
            found += score_traces(self.bundle.network, dataset, batch_size, device)
        self._refuse_unscored(found)
        return found

    def predict(
        self,
        selection: Selection,
        fold: str,
        seed: int,
        batch_size: int = 32,
        device: torch.device | str = "cpu",
        mapping: ClassMapping | None = None,
    ) -> Predictions:
        """Predict all utterances, and put their labels beside the predictions.

        Args:
            selection: the labels.
            fold: name of the fold whose model the bundle is.
            seed: of that model.
            batch_size: utterances or segments at once.
            device: where the network is applied.
            mapping: from the network's classes to those of the selection, where they differ.

        Raises:
            RunError: scores are not finite.
        """
        rows, classes = rows_of(self.utterances, fold, seed), self.bundle.classes
        if not classes:
            return ValuePredictions(
                dimensions=selection.outputs,
                target=self.targets(),
                predicted=tuple(self.score_traces(batch_size, device)),
                **rows,
            )
        labels = [selection.labels[utterance.id] for utterance in self.utterances]
        probabilities = self.score(batch_size, device)
        if mapping is not None:
            labels = [str(mapping.of_corpus[label]) for label in labels]
            classes, probabilities = mapping.classes, mapping.carry(probabilities)
        target = np.array([classes.index(label) for label in labels])
        return ClassPredictions(classes=classes, target=target, probabilities=probabilities, **rows)

    def _refuse_unscored(self, scores: Sequence[Traces] | Probabilities) -> None:
        names = [utterance.id for utterance in self.utterances]
        refuse_unscored(scores, names, f"{self.bundle.arch} on {self.folder.name}")

    def chunks(self) -> Iterator[Sequence[Utterance]]:
        """Divide the utterances, so that memory stays bounded."""
        for start in range(0, len(self.utterances), _CHUNK):
            yield self.utterances[start : start + _CHUNK]

    def trace(self, utterance: Utterance) -> Trace:
        """Read the continuous labels of an utterance, (rows, 2).

        Raises:
            CorpusError: they are missing or damaged.
        """
        return read_trace(self.folder, utterance)

    def targets(self) -> tuple[NDArray[np.float64], ...]:
        """Read the continuous labels of all utterances, (rows, 2) each."""
        return tuple(self.trace(utterance).astype(np.float64) for utterance in self.utterances)

    def _part(self, utterance: Utterance) -> Part:
        features = {name: store[store.key(utterance)] for name, store in self.stores.items()}
        return Part(0.0, count_samples(utterance), features, None, silent=False)
