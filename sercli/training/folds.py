"""The data of one fold: datasets of its three parts, standardised by the training part."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import lightning as L
from torch.utils.data import DataLoader

from sercli.data import Batch, UtteranceDataset
from sercli.data.augment import Augmenter
from sercli.data.batches import BucketSampler, sorted_batches
from sercli.data.resident import Resident, fits
from sercli.data.segments import Cut, Joined, TraceCut
from sercli.data.statistics import Statistics, fit
from sercli.devices import Device
from sercli.errors import RunError
from sercli.records import Fold
from sercli.store import FeatureStore
from sercli.training.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The data sets of a fold; ``dev``, which selects, or ``test`` is ``None`` where there is none."""

    fold: Fold
    train: UtteranceDataset
    dev: UtteranceDataset | None
    test: UtteranceDataset | None
    statistics: dict[str, Statistics]
    class_counts: list[int]


def load_parts(plan: Plan, number: int, seed: int = 0) -> Parts:
    """Open the features of a fold; they must be in the stores.

    Args:
        plan: the run.
        number: of the fold, from one.
        seed: of the chance in the training part, where that is augmented.

    Raises:
        RunError: a part is empty.
    """
    fold = plan.folds[number - 1]
    classes = plan.selection.classes
    counted = Counter(plan.selection.labels[name] for name in fold.train)
    for part in ("train",) if plan.protocol.tests_nothing else ("train", "test"):
        if not getattr(fold, part):
            raise RunError(f"fold {number} ({fold.name}): no {part} utterance; choose another protocol")
    stores, variants = plan.stores(), plan.variant_stores()
    statistics = plan.fit_statistics(fold, stores, variants)
    selecting = fold.test if plan.config.training.selection == "best-on-test" else fold.dev
    return Parts(
        fold=fold,
        train=_training_part(plan, fold.train, stores, variants, statistics, seed),
        dev=_tested_part(plan, selecting, stores, statistics) if selecting else None,
        test=_tested_part(plan, fold.test, stores, statistics) if fold.test else None,
        statistics=statistics,
        class_counts=[counted[name] for name in classes],
    )


def plain_training_part(plan: Plan, parts: Parts) -> UtteranceDataset:
    """Open the training part as it is without augmentation, cut and standardised as in training."""
    stores, ids = plan.stores(), parts.fold.train
    cuts = {
        name: plan.cut(choice, ids, stores[name], training=True)
        for name, choice in plan.config.features.items()
    }
    return _dataset(plan, cuts, cuts, ids, parts.statistics, training=True)


def _tested_part(
    plan: Plan,
    ids: Sequence[str],
    stores: Mapping[str, FeatureStore],
    statistics: Mapping[str, Statistics],
) -> UtteranceDataset:
    """Cut the features of the dev or the test part, which never are augmented."""
    cuts = {
        name: plan.cut(choice, ids, stores[name], training=False)
        for name, choice in plan.config.features.items()
    }
    return _dataset(plan, cuts, cuts, ids, statistics, training=False)


def _training_part(
    plan: Plan,
    ids: Sequence[str],
    stores: Mapping[str, FeatureStore],
    variants: Mapping[str, FeatureStore],
    statistics: Mapping[str, Statistics],
    seed: int,
) -> UtteranceDataset:
    """Cut the features of the training part, in several variants where so asked."""
    config = plan.config
    chosen = config.augmentations
    cuts = {
        name: plan.cut(choice, ids, stores[name], training=True) for name, choice in config.features.items()
    }
    inputs: dict[str, Cut | Joined] = dict(cuts)
    sources: list[Mapping[str, Cut | Joined]] = [inputs]
    if config.variants:
        (name,) = cuts
        parts = [
            plan.cut(choice, ids, variants[variant], training=True)
            for variant, choice in config.variants.items()
        ]
        drawn = config.draws_variant
        inputs = {name: parts[0] if drawn else Joined(parts)}
        sources = [{name: part} for part in parts] if drawn else [inputs]
    augmenter = None
    if chosen:
        first = next(iter(cuts.values()))
        augmenter = Augmenter(
            list(chosen.values()),
            seed,
            {name: choice.feature.silence(choice.config) for name, choice in config.features.items()},
            sources,
            lambda row: plan.samples(first, row % len(first)),
        )
    return _dataset(plan, cuts, inputs, ids, statistics, augmenter, training=True)


def _dataset(
    plan: Plan,
    cuts: Mapping[str, Cut],
    inputs: Mapping[str, Cut | Joined],
    ids: Sequence[str],
    statistics: Mapping[str, Statistics],
    augmenter: Augmenter | None = None,
    *,
    training: bool,
) -> UtteranceDataset:
    """Give rows their labels; where they are in several variants, those of the first variant come first."""
    first, rows = next(iter(cuts.values())), next(iter(inputs.values()))
    names = [segment.utterance for segment in first.segments]
    target: Sequence[int] | Sequence[TraceCut]
    if plan.config.task.per_frame:
        target = plan.traces(ids, training=training)
    else:
        target = [plan.selection.classes.index(plan.selection.labels[name]) for name in names]
    times = len(rows) // len(first)
    return UtteranceDataset(
        inputs,
        # Who is standardised by statistics of its own is so already.
        {name: fit([], "none") if each.own else statistics[name] for name, each in cuts.items()},
        list(target) * times,  # type: ignore[arg-type]
        names * times,
        {name: each.segmenter.finish for name, each in cuts.items()},
        rows.lengths,
        augmenter,
    )


class FoldDataModule(L.LightningDataModule):
    """Batches of a fold's training and dev parts.

    No workers: features are memory-mapped, and handing batches between processes costs more than
    making them. On a GPU, what fits there and is not varied by chance lies there from the start.
    """

    def __init__(self, parts: Parts, batch_size: int, seed: int, device: Device) -> None:
        super().__init__()
        self.parts, self.batch_size, self.seed, self.device = parts, batch_size, seed, device
        self.resident: dict[str, Resident] = {}

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Make sure that each process has utterances, and bring to a GPU what fits there.

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
                    "processes; take fewer devices or a larger batch"
                )
            if self.device.accelerator == "cuda" and self.trainer is not None:
                place = self.trainer.strategy.root_device
                if name not in self.resident and fits(part, place):
                    self.resident[name] = Resident(part, place)

    def train_dataloader(self) -> Iterable[Batch]:
        """Batches of similar length, newly composed in each epoch."""
        train = self.parts.train
        sampler = BucketSampler(train.lengths, self.batch_size, self.seed, train.set_epoch, **self._share)
        return DataLoader(self.resident.get("train", train), batch_size=None, sampler=sampler)

    def val_dataloader(self) -> Iterable[Batch]:
        """Batches of the dev part, shortest utterances first; none without a dev part."""
        dev = self.parts.dev
        if dev is None:
            return []
        batches: list[list[int]] = sorted_batches(dev.lengths, self.batch_size, **self._share)
        return DataLoader(self.resident.get("dev", dev), batch_size=None, sampler=batches)

    @property
    def _share(self) -> dict[str, int]:
        """This process's number, and how many there are."""
        if self.trainer is None:
            return {"rank": 0, "processes": 1}
        return {"rank": self.trainer.global_rank, "processes": self.trainer.world_size}


def padded_frames(dataset: UtteranceDataset, batches: Iterable[list[int]]) -> int:
    """Count the frames that a pass over batches goes through, padding included."""
    return sum(len(rows) * max(dataset.lengths[row] for row in rows) for rows in batches)
