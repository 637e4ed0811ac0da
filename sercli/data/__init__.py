"""Make batches from features in a store: statistics, length buckets, padding and masks."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sercli.data.augment import Augmenter
from sercli.data.segments import TraceCut
from sercli.features import Array
from sercli.statistics import Statistics

Finish = Callable[[Array], Array]

# Share of the GPU memory that is free when a training begins; the rest is for weights and activations.
_RESIDENT_SHARE = 0.25


@dataclass(slots=True)
class Batch:
    """Utterances, or segments of them, padded to one length.

    Attributes:
        inputs: inputs by name, (batch, *shape, frames), standardised, zero on padding.
        mask: true on frames of the utterance in the first input, (batch, frames).
        target: index of the class, (batch,), zero without classes; or the labels by frame, (batch, rows,
            dimensions).
        rows: numbers of the data set's rows in the batch, (batch,).
        utterances: number of each row's utterance, (batch,); segments of one utterance share it.
        target_mask: for labels by frame: true on labels that count, (batch, rows).
        values: for dimensions of utterances: their values on the scale of the corpus, (batch, dimensions); of
            mixed utterances, mixed likewise.
        votes: for soft labels: share of the raters' votes for each class, (batch, classes).
        other: for mixed utterances: class of the second utterance in each mixture, (batch,).
        share: proportion of the first utterance in each mixture, (batch,).
    """

    inputs: dict[str, Tensor]
    mask: Tensor
    target: Tensor
    rows: Tensor
    utterances: Tensor
    target_mask: Tensor | None = None
    values: Tensor | None = None
    votes: Tensor | None = None
    other: Tensor | None = None
    share: float = 1.0

    def to(self, device: torch.device | str) -> "Batch":
        """Copy the tensors that a network and a loss need to a device; ``rows`` is not copied."""
        return replace(
            self,
            inputs={name: x.to(device) for name, x in self.inputs.items()},
            mask=self.mask.to(device),
            target=self.target.to(device),
            utterances=self.utterances.to(device),
            target_mask=None if self.target_mask is None else self.target_mask.to(device),
            values=None if self.values is None else self.values.to(device),
            votes=None if self.votes is None else self.votes.to(device),
            other=None if self.other is None else self.other.to(device),
        )


class UtteranceDataset(torch.utils.data.Dataset[Batch]):
    """The utterances of one part of a fold, or their segments; an index with a list of rows makes a `Batch`.

    The arrays may be memory-mapped: a batch copies and standardises only the rows that it needs.
    """

    def __init__(
        self,
        inputs: Mapping[str, Sequence[Array]],
        statistics: Mapping[str, Statistics],
        target: Sequence[int] | Sequence[TraceCut],
        ids: Sequence[str],
        finish: Mapping[str, Finish] | None = None,
        lengths: Sequence[int] | None = None,
        augmenter: Augmenter | None = None,
        values: Sequence[Sequence[float]] = (),
        votes: Sequence[Sequence[float]] = (),
    ) -> None:
        """Keep the utterances' arrays.

        Args:
            inputs: by name, one array per row, (*shape, frames), not standardised.
            statistics: statistics of the training part, by input name.
            target: class index of each row, or its labels by frame.
            ids: utterance of each row; the segments of an utterance are neighbours.
            finish: by input name, function that changes an array after it is standardised.
            lengths: frames of each row of the first input; read from its arrays if not given.
            augmenter: augmenter that varies the rows at random.
            values: values of dimensions of each row, for dimensions of utterances.
            votes: share of the votes of each row for each class, for soft labels.
        """
        self.inputs, self.statistics, self.ids = inputs, statistics, tuple(ids)
        self.traces = tuple(each for each in target if isinstance(each, TraceCut))
        self.classes = torch.tensor([each for each in target if not isinstance(each, TraceCut)]).long()
        self.values = torch.tensor(values, dtype=torch.float32) if len(values) else None
        self.votes = torch.tensor(votes, dtype=torch.float32) if len(votes) else None
        numbers = {name: number for number, name in enumerate(dict.fromkeys(self.ids))}
        self.utterances = torch.tensor([numbers[name] for name in self.ids], dtype=torch.long)
        self.finish = finish or {}
        self.augmenter = augmenter
        first = next(iter(inputs.values()))
        self.lengths = list(lengths) if lengths is not None else [array.shape[-1] for array in first]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Sequence[int]) -> Batch:
        made = [{name: torch.from_numpy(array) for name, array in self.row(row).items()} for row in rows]
        batch = self.collate(made, rows)
        return batch if self.augmenter is None else self._mixed(batch, self.augmenter)

    def collate(self, made: Sequence[Mapping[str, Tensor]], rows: Sequence[int]) -> Batch:
        """Pad the inputs of some rows, each (*shape, frames), to one length, on their device."""
        inputs = {name: _stack([tensors[name] for tensors in made]) for name in self.inputs}
        first = next(iter(self.inputs))
        device, index = inputs[first].device, torch.tensor(rows)
        mask = _mask([tensors[first].shape[-1] for tensors in made]).to(device)  # (batch, frames)
        batch = Batch(inputs, mask, torch.empty(0), index, self.utterances[index].to(device))
        if self.traces:
            cuts = [self.traces[row] for row in rows]
            target = _stack([torch.from_numpy(cut.values.T) for cut in cuts])  # (batch, dimensions, rows)
            batch.target = target.transpose(1, 2).contiguous().to(device)
            batch.target_mask = _mask([cut.valid for cut in cuts], target.shape[-1]).to(device)
        else:
            batch.target = self.classes[index].to(device)
            batch.values = None if self.values is None else self.values[index].to(device)
            batch.votes = None if self.votes is None else self.votes[index].to(device)
        return batch

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the epoch that begins, on which random draws depend."""
        if self.augmenter is not None:
            self.augmenter.epoch = epoch

    def row(self, row: int) -> dict[str, Array]:
        """Return a row's arrays by input: augmented if there is an augmenter, standardised and finished."""
        augmenter = self.augmenter
        if augmenter is None:
            arrays = {name: found[row] for name, found in self.inputs.items()}
            arrays = {name: self.statistics[name].apply(array) for name, array in arrays.items()}
        else:
            random = augmenter.random(row)
            arrays = augmenter.vary(row, random)
            arrays = {name: self.statistics[name].apply(array) for name, array in arrays.items()}
            arrays = augmenter.hide(arrays, random)
        return {
            name: self.finish[name](array) if name in self.finish else array for name, array in arrays.items()
        }

    def _mixed(self, batch: Batch, augmenter: Augmenter) -> Batch:
        drawn = augmenter.mix(batch.rows.tolist())
        if drawn is None:
            return batch
        partners, share = torch.from_numpy(drawn[0]), drawn[1]
        inputs = {name: share * x + (1 - share) * x[partners] for name, x in batch.inputs.items()}
        mask = batch.mask | batch.mask[partners]
        values, votes = (
            None if each is None else share * each + (1 - share) * each[partners]
            for each in (batch.values, batch.votes)
        )
        other = batch.target[partners]
        return replace(batch, inputs=inputs, mask=mask, values=values, votes=votes, other=other, share=share)


class Resident(torch.utils.data.Dataset[Batch]):
    """The rows of a data set, standardised once and kept on a GPU, so that a step copies nothing."""

    def __init__(self, dataset: UtteranceDataset, device: torch.device | str) -> None:
        """Copy every row to the device.

        Args:
            dataset: data set without random augmentation.
            device: device on which batches are made.
        """
        self.dataset = dataset
        self.rows: list[dict[str, Tensor]] = [
            {name: torch.from_numpy(array).to(device) for name, array in dataset.row(row).items()}
            for row in range(len(dataset))
        ]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, rows: list[int]) -> Batch:
        return self.dataset.collate([self.rows[row] for row in rows], rows)


def fits_on_gpu(dataset: UtteranceDataset, device: torch.device) -> bool:
    """Return whether a data set can be kept on a GPU: not augmented, and a quarter of the memory at most."""
    if dataset.augmenter is not None:
        return False
    first = dataset.row(0)
    frames = first[next(iter(first))].shape[-1]
    a_frame = sum(4 * math.prod(array.shape) for array in first.values()) / frames
    free, _ = torch.cuda.mem_get_info(device)
    return bool(a_frame * sum(dataset.lengths) < _RESIDENT_SHARE * free)


def _stack(tensors: Sequence[Tensor]) -> Tensor:
    """Pad tensors with zeros to one length, (batch, *shape, frames)."""
    first, frames = tensors[0], max(tensor.shape[-1] for tensor in tensors)
    x = first.new_zeros(len(tensors), *first.shape[:-1], frames)
    for i, tensor in enumerate(tensors):
        x[i, ..., : tensor.shape[-1]] = tensor
    return x


def _mask(lengths: Sequence[int], size: int | None = None) -> Tensor:
    """Return a mask that is true up to each length, (batch, frames)."""
    return torch.arange(size or max(lengths)) < torch.tensor(lengths)[:, None]
