"""From features in a store to batches: statistics, length buckets, padding and masks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sercli.data.statistics import Statistics
from sercli.features import Array

Finish = Callable[[Array], Array]


@dataclass(slots=True)
class Batch:
    """Utterances padded to one length.

    Attributes:
        inputs: by name, (batch, *shape, frames), standardised, zero on padding.
        mask: true on frames of the utterance, of the first input, (batch, frames).
        target: index of the class, (batch,).
        rows: which utterances of the data set these are, (batch,).
    """

    inputs: dict[str, Tensor]
    mask: Tensor
    target: Tensor
    rows: Tensor

    def to(self, device: torch.device | str) -> "Batch":
        """Copy what a network and a loss need to a device; ``rows`` stays where it is."""
        inputs = {name: x.to(device) for name, x in self.inputs.items()}
        return Batch(inputs, self.mask.to(device), self.target.to(device), self.rows)


class UtteranceDataset(torch.utils.data.Dataset[Batch]):
    """The utterances of one part of a fold, or their segments; indexed by a list of rows, it gives a `Batch`.

    The arrays may be memory-mapped: a batch copies what it needs, standardising on the way.
    """

    def __init__(
        self,
        inputs: Mapping[str, Sequence[Array]],
        statistics: Mapping[str, Statistics],
        target: Sequence[int],
        ids: Sequence[str],
        finish: Mapping[str, Finish] | None = None,
        lengths: Sequence[int] | None = None,
    ) -> None:
        """Keep the utterances' arrays.

        Args:
            inputs: by name, one array a row, (*shape, frames), not standardised.
            statistics: by input name, those of the training part.
            target: class index of each row.
            ids: utterance of each row; segments of one utterance follow one another.
            finish: by input name, what is done to an array once it is standardised.
            lengths: frames of each row of the first input; looked up in its arrays if not given.
        """
        self.inputs, self.statistics, self.ids = inputs, statistics, tuple(ids)
        self.target = torch.as_tensor(target, dtype=torch.long)
        self.finish = finish or {}
        first = next(iter(inputs.values()))
        self.lengths = list(lengths) if lengths is not None else [array.shape[-1] for array in first]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Sequence[int]) -> Batch:
        inputs = {}
        for name, arrays in self.inputs.items():
            made = [self._standard(name, arrays[row]) for row in rows]
            x = torch.zeros(len(rows), *made[0].shape[:-1], max(array.shape[-1] for array in made))
            for i, array in enumerate(made):
                x[i, ..., : array.shape[-1]] = torch.from_numpy(array)
            inputs[name] = x
        lengths = torch.tensor([self.lengths[row] for row in rows])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]  # (batch, frames)
        return Batch(inputs, mask, self.target[list(rows)], torch.tensor(rows))

    def _standard(self, name: str, array: Array) -> Array:
        standard = self.statistics[name].apply(array)
        return self.finish[name](standard) if name in self.finish else standard
