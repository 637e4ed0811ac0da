"""The data of one fold: datasets of its three parts, standardised by the training part."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import lightning as L
from torch.utils.data import DataLoader

from sercli.data import Batch, UtteranceDataset
from sercli.data.batches import BucketSampler, sorted_batches
from sercli.data.statistics import Statistics, fit
from sercli.errors import RunError
from sercli.records import Fold
from sercli.training._plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The data sets of a fold; ``dev`` is ``None`` where the protocol has none."""

    fold: Fold
    train: UtteranceDataset
    dev: UtteranceDataset | None
    test: UtteranceDataset
    statistics: dict[str, Statistics]
    class_counts: list[int]


def load_parts(plan: Plan, number: int) -> Parts:
    """Open the features of a fold; they must be in the stores.

    Raises:
        RunError: a part is empty, or a class has no training utterance.
    """
    fold = plan.folds[number - 1]
    classes = plan.selection.classes
    counted = Counter(plan.selection.labels[name] for name in fold.train)
    absent = [name for name in classes if not counted[name]]
    if absent:
        raise RunError(
            f"fold {number} ({fold.name}): no training utterance of {', '.join(absent)}; "
            "choose another scheme or protocol"
        )
    if not fold.test:
        raise RunError(f"fold {number} ({fold.name}): no test utterance; choose another protocol")
    stores = plan.stores()
    statistics = plan.fit_statistics(fold, stores)

    def dataset(ids: tuple[str, ...], *, training: bool) -> UtteranceDataset:
        cut = {name: plan.cut(name, ids, store, training=training) for name, store in stores.items()}
        first = next(iter(cut.values()))
        rows = [segment.utterance for segment in first.segments]
        return UtteranceDataset(
            cut,
            # Who is standardised by statistics of its own is so already.
            {name: fit([], "none") if each.own else statistics[name] for name, each in cut.items()},
            [classes.index(plan.selection.labels[name]) for name in rows],
            rows,
            {name: each.segmenter.finish for name, each in cut.items()},
            first.lengths,
        )

    return Parts(
        fold=fold,
        train=dataset(fold.train, training=True),
        dev=dataset(fold.dev, training=False) if fold.dev else None,
        test=dataset(fold.test, training=False),
        statistics=statistics,
        class_counts=[counted[name] for name in classes],
    )


class FoldDataModule(L.LightningDataModule):
    """Batches of a fold's training and dev parts.

    No workers: features are memory-mapped, and handing batches between processes costs more than
    making them.
    """

    def __init__(self, parts: Parts, batch_size: int, seed: int) -> None:
        super().__init__()
        self.parts, self.batch_size, self.seed = parts, batch_size, seed

    def train_dataloader(self) -> Iterable[Batch]:
        """Batches of similar length, newly composed in each epoch."""
        sampler = BucketSampler(self.parts.train.lengths, self.batch_size, self.seed)
        return DataLoader(self.parts.train, batch_size=None, sampler=sampler)

    def val_dataloader(self) -> Iterable[Batch]:
        """Batches of the dev part, shortest utterances first; none without a dev part."""
        if self.parts.dev is None:
            return []
        return loader(self.parts.dev, self.batch_size)


def loader(dataset: UtteranceDataset, batch_size: int) -> DataLoader[Batch]:
    """Give the batches of a part in order of length."""
    batches: list[list[int]] = sorted_batches(dataset.lengths, batch_size)
    return DataLoader(dataset, batch_size=None, sampler=batches)


def padded_frames(dataset: UtteranceDataset, batches: Iterable[list[int]]) -> int:
    """Count the frames that a pass over batches goes through, padding included."""
    return sum(len(rows) * max(dataset.lengths[row] for row in rows) for rows in batches)
