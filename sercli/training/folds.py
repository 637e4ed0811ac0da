"""The data sets of a fold's three parts, standardised by the training part."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import lightning as L
from torch.utils.data import DataLoader

from sercli.data import Batch, Resident, UtteranceDataset, fits_on_gpu
from sercli.data.batches import BucketSampler, sorted_batches
from sercli.data.items import Item, StoredFeatures, count_samples, make_items, open_features
from sercli.data.parts import Preprocessing, fit_statistics, make_dataset, make_training_dataset
from sercli.devices import Device
from sercli.errors import RunError
from sercli.records import Fold
from sercli.statistics import Statistics
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
    """

    fold: Fold
    train: UtteranceDataset
    dev: UtteranceDataset | None
    test: UtteranceDataset | None
    statistics: dict[str, Statistics]
    class_counts: list[int]


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
    )


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
    return make_items(
        (plan.utterances[name] for name in ids), plan.selection.labels, plan.selection.classes, folder
    )


def _open(plan: Plan) -> tuple[dict[str, StoredFeatures], dict[str, StoredFeatures]]:
    """Open the features by input of the network, and by variant."""
    folder, utterances = plan.workspace.features, plan.utterances
    return (
        open_features(plan.config.features, folder, utterances),
        open_features(plan.config.variants, folder, utterances),
    )


class FoldDataModule(L.LightningDataModule):
    """Batches of a fold's training and dev parts.

    There are no worker processes: features are memory-mapped, and it costs more to pass batches between
    processes than to make them. A part that fits on the GPU and is not augmented is kept there.
    """

    def __init__(self, parts: Parts, batch_size: int, seed: int, device: Device) -> None:
        super().__init__()
        self.parts, self.batch_size, self.seed, self.device = parts, batch_size, seed, device
        self.resident: dict[str, Resident] = {}

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Check that each process has utterances, and copy parts to the GPU if they fit there.

        Raises:
            RunError: a part has fewer utterances than there are processes.
        """
        processes = self._share["processes"]
        for name in ("train", "dev"):
            part = getattr(self.parts, name)
            if part is None:
                continue
            if min(len(part), self.batch_size) < processes:
                raise RunError(
                    f"{len(part)} {name} utterances in batches of {self.batch_size} for {processes} "
                    "processes; use fewer devices or a larger batch"
                )
            if self.device.accelerator == "cuda" and self.trainer is not None:
                place = self.trainer.strategy.root_device
                if name not in self.resident and fits_on_gpu(part, place):
                    self.resident[name] = Resident(part, place)

    def train_dataloader(self) -> Iterable[Batch]:
        """Make batches of utterances of similar length, in a new composition for each epoch."""
        train = self.parts.train
        sampler = BucketSampler(train.lengths, self.batch_size, self.seed, train.set_epoch, **self._share)
        return DataLoader(self.resident.get("train", train), batch_size=None, sampler=sampler)

    def val_dataloader(self) -> Iterable[Batch]:
        """Make batches of the dev part, shortest utterances first; return none without a dev part."""
        dev = self.parts.dev
        if dev is None:
            return []
        batches: list[list[int]] = sorted_batches(dev.lengths, self.batch_size, **self._share)
        return DataLoader(self.resident.get("dev", dev), batch_size=None, sampler=batches)

    @property
    def _share(self) -> dict[str, int]:
        """Number of this process, and number of all processes."""
        if self.trainer is None:
            return {"rank": 0, "processes": 1}
        return {"rank": self.trainer.global_rank, "processes": self.trainer.world_size}


def padded_frames(dataset: UtteranceDataset, batches: Iterable[list[int]]) -> int:
    """Count the frames in a pass over all batches, padding included."""
    return sum(len(rows) * max(dataset.lengths[row] for row in rows) for rows in batches)
