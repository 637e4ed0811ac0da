"""Apply a trained network to utterances of a prepared corpus, with features from the stores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sercli.bundle import Bundle
from sercli.data import UtteranceDataset
from sercli.data.items import Item, StoredFeatures, count_samples, make_items, open_features, unlabelled_item
from sercli.data.parts import Preprocessing, make_dataset, with_groups
from sercli.evaluation.mapping import ClassMapping
from sercli.inference import refuse_unscored, score
from sercli.records import ClassPredictions, Predictions, Utterance, ValuePredictions, rows_of
from sercli.schemes import Selection
from sercli.store.compute import compute
from sercli.tasks import Outputs
from sercli.workspace import Workspace

Progress = Callable[[int, int], None]


def predict_items(
    network: nn.Module,
    dataset: UtteranceDataset,
    items: Sequence[Item],
    outputs: Outputs,
    rows: Mapping[str, Any],
    place: str,
    batch_size: int = 32,
    device: torch.device | str = "cpu",
    mapping: ClassMapping | None = None,
) -> Predictions:
    """Apply a network to labelled items, and put their labels beside its scores.

    Args:
        network: a trained network.
        dataset: the items, cut and standardised.
        items: the items with their labels.
        outputs: what the network gives.
        rows: the items' identity, as `rows_of` gives it.
        place: the run or corpus, for messages.
        batch_size: utterances or segments at once.
        device: device to apply the network on.
        mapping: from the network's classes to those of the labels, where they differ.

    Raises:
        RunError: scores are not finite.
    """
    scores = score(network, dataset, outputs, batch_size, device)
    refuse_unscored(scores, rows["ids"], place)
    values, count = None, len(outputs.classes)
    if outputs.dimensions:
        values = ValuePredictions(
            dimensions=outputs.dimensions,
            target=tuple(
                np.asarray(item.target if outputs.per_frame else [item.values], np.float64) for item in items
            ),
            predicted=tuple(each[:, count:] for each in scores),
            per_frame=outputs.per_frame,
            **rows,
        )
        if not count:
            return values
    probabilities, classes = np.concatenate(scores)[:, :count], outputs.classes
    if mapping is not None:
        probabilities, classes = mapping.carry(probabilities), mapping.classes
    raters = tuple(item.raters for item in items if item.raters is not None)
    return ClassPredictions(
        classes=classes,
        target=np.array([item.target for item in items]),
        probabilities=probabilities,
        raters=raters if raters and len(raters) == len(items) else None,
        values=values,
        **rows,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Utterances of a prepared corpus, as a bundle takes them.

    Attributes:
        bundle: how features are computed, standardised and cut.
        utterances: which of the corpus.
        corpus: name of the prepared corpus.
        folder: folder that its files are relative to.
        sources: their features, by input of the network.
        preprocessing: from these features to the input, with the statistics of the speakers where these are
            needed.
    """

    bundle: Bundle
    utterances: tuple[Utterance, ...]
    corpus: str
    folder: Path
    sources: Mapping[str, StoredFeatures]
    preprocessing: Preprocessing

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
            bundle: decides the settings of the features.
            corpus: the prepared corpus.
            utterances: which of its utterances.
            workspace: where corpus and stores are.
            progress: called with the numbers of computed utterances and of all that are to compute.

        Raises:
            AudioError: an audio file can't be read.
            FeatureError: an audio file is not the one that the manifest describes.
        """
        by_id = {utterance.id: utterance for utterance in utterances}
        sources = open_features(bundle.inputs, workspace.features, by_id)
        stores = [source.store for source in sources.values()]
        compute(stores, utterances, workspace.corpus(corpus), progress)
        items = _unlabelled(bundle, utterances)
        preprocessing = with_groups(bundle.preprocessing, items, sources)
        return cls(bundle, tuple(utterances), corpus, workspace.corpus(corpus), sources, preprocessing)

    def dataset(self, utterances: Sequence[Utterance]) -> UtteranceDataset:
        """Cut and standardise some of the utterances, without their labels."""
        items = _unlabelled(self.bundle, utterances)
        return make_dataset(self.preprocessing, items, self.sources)

    def predict(
        self,
        selection: Selection,
        fold: str,
        seed: int,
        device: torch.device | str = "cpu",
        mapping: ClassMapping | None = None,
    ) -> Predictions:
        """Predict all utterances, and put their labels beside the predictions.

        Args:
            selection: the labels.
            fold: name of the fold that the bundle's model belongs to.
            seed: seed of that model.
            device: device to apply the network on.
            mapping: from the network's classes to those of the selection, where they differ.

        Raises:
            RunError: scores are not finite.
            CorpusError: continuous labels are missing or damaged.
        """
        bundle = self.bundle
        if mapping is not None:
            labels = {each.id: str(mapping.of_corpus[selection.labels[each.id]]) for each in self.utterances}
            # Votes for a class that is merged or renamed are not those that the raters gave.
            outputs = replace(selection.outputs, classes=mapping.classes)
            selection = replace(selection, labels=labels, outputs=outputs, raters={}, soft=False)
        elif bundle.classes:  # the corpus may lack some
            selection = selection.with_classes(bundle.classes)
        items = make_items(self.utterances, selection, self.folder)
        return predict_items(
            bundle.network,
            make_dataset(self.preprocessing, items, self.sources),
            items,
            bundle.outputs,
            rows_of(self.utterances, fold, seed),
            f"{bundle.arch} on {self.corpus}",
            device=device,
            mapping=mapping,
        )


def _unlabelled(bundle: Bundle, utterances: Sequence[Utterance]) -> list[Item]:
    per_frame = bundle.outputs.per_frame
    return [
        unlabelled_item(each.id, count_samples(each), per_frame=per_frame, speaker=each.speaker)
        for each in utterances
    ]
