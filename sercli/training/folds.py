"""The data sets of a fold's three parts, standardised by the training part."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sercli.data import UtteranceDataset
from sercli.data.items import Item, StoredFeatures, count_samples, make_items, open_features
from sercli.data.parts import Preprocessing, fit_statistics, make_dataset, make_training_dataset
from sercli.errors import RunError
from sercli.records import Fold
from sercli.statistics import Statistics
from sercli.tasks import Outputs
from sercli.training.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The data sets of a fold.

    Attributes:
        fold: utterances of the fold.
        train: the training part.
        dev: the part that selects an epoch; ``None`` if the fold has no dev part.
        test: the test part; ``None`` if the fold has no test part.
        statistics: mean and deviation of the training part, by input of the network.
        class_counts: utterances of each class in the training part.
        outputs: what the network gives, with mean and deviation of the values in the training part.
    """

    fold: Fold
    train: UtteranceDataset
    dev: UtteranceDataset | None
    test: UtteranceDataset | None
    statistics: dict[str, Statistics]
    class_counts: list[int]
    outputs: Outputs


def load_parts(plan: Plan, number: int, seed: int = 0) -> Parts:
    """Open the features of a fold, which must be in the stores.

    Args:
        plan: the run.
        number: number of the fold, from one.
        seed: seed of the augmentations of the training part.

    Raises:
        RunError: a part is empty.
        FeatureError: features are missing in a store, or the training part is silent.
    """
    fold, config = plan.folds[number - 1], plan.config
    for part in ("train",) if plan.protocol.tests_nothing else ("train", "test"):
        if not getattr(fold, part):
            raise RunError(f"fold {number} ({fold.name}): no {part} utterance; choose another protocol")
    train, sources, variants = label_items(plan, fold.train), *_open(plan)
    statistics = fit_statistics(config, train, sources, variants, f"fold {fold.name}")
    preprocessing = Preprocessing(config.features, config.segments, statistics)
    folder = plan.workspace.corpus(config.corpus)
    audio_files = {name: folder / plan.utterances[name].file for name in fold.train}
    counted = Counter(plan.selection.labels[name] for name in fold.train)

    def tested(ids: Sequence[str]) -> UtteranceDataset | None:
        return make_dataset(preprocessing, label_items(plan, ids), sources) if ids else None

    return Parts(
        fold=fold,
        train=make_training_dataset(config, statistics, train, sources, variants, audio_files, seed),
        dev=tested(fold.test if config.training.selection == "best-on-test" else fold.dev),
        test=tested(fold.test),
        statistics=statistics,
        class_counts=[counted[name] for name in plan.selection.classes],
        outputs=_fit_outputs(plan, fold),
    )


def _fit_outputs(plan: Plan, fold: Fold) -> Outputs:
    """Return the outputs of the network, with mean and deviation of the values in the training part."""
    selection = plan.selection
    if not selection.values:
        return selection.outputs
    return selection.outputs.fit(np.array([selection.values[name] for name in fold.train]))


def plain_training_part(plan: Plan, parts: Parts) -> UtteranceDataset:
    """Open the training part without augmentation, cut and standardised as in training."""
    preprocessing = Preprocessing(plan.config.features, plan.config.segments, parts.statistics)
    sources, _ = _open(plan)
    return make_dataset(preprocessing, label_items(plan, parts.fold.train), sources, training=True)


def fit_fold_statistics(plan: Plan, number: int) -> dict[str, Statistics]:
    """Compute the statistics of a fold's training part, by input of the network.

    Raises:
        FeatureError: features are missing in a store, or the training part is silent.
    """
    fold = plan.folds[number - 1]
    items = [Item(name, count_samples(plan.utterances[name]), target=0) for name in fold.train]
    return fit_statistics(plan.config, items, *_open(plan), f"fold {fold.name}")


def label_items(plan: Plan, ids: Sequence[str]) -> list[Item]:
    """Make the items of some utterances of a plan, with their labels."""
    folder = plan.workspace.corpus(plan.config.corpus)
    return make_items((plan.utterances[name] for name in ids), plan.selection, folder)


def _open(plan: Plan) -> tuple[dict[str, StoredFeatures], dict[str, StoredFeatures]]:
    """Open the features by input of the network, and by variant."""
    folder, utterances = plan.workspace.features, plan.utterances
    return (
        open_features(plan.config.features, folder, utterances),
        open_features(plan.config.variants, folder, utterances),
    )


def padded_frames(dataset: UtteranceDataset, batches: Iterable[list[int]]) -> int:
    """Count the frames in a pass over all batches, padding included."""
    return sum(len(rows) * max(dataset.lengths[row] for row in rows) for rows in batches)
