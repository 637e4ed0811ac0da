"""Which utterances go into a batch together: those of nearly one length."""

from collections.abc import Iterator, Sequence

import torch

# An epoch is shuffled, then sorted within pools of so many batches: little padding, yet each epoch
# brings other utterances together.
_POOL = 8


class BucketSampler(torch.utils.data.Sampler[list[int]]):
    """Batches of similar length, differently composed in each epoch, every utterance once.

    The order depends on seed and epoch alone, so a training that is resumed sees what it would
    have seen.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        """Divide utterances of the given lengths (in frames) into batches."""
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls this before each one."""
        self.epoch = epoch

    def __len__(self) -> int:
        return (len(self.lengths) + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> Iterator[list[int]]:
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=random).tolist()
        size = self.batch_size * _POOL
        pooled = [
            row
            for start in range(0, len(order), size)
            for row in sorted(order[start : start + size], key=self.lengths.__getitem__)
        ]
        batches = split(pooled, self.batch_size)
        for i in torch.randperm(len(batches), generator=random).tolist():
            yield batches[i]


def split(rows: Sequence[int], batch_size: int) -> list[list[int]]:
    """Cut a list of rows into batches, the last one perhaps smaller."""
    return [list(rows[start : start + batch_size]) for start in range(0, len(rows), batch_size)]


def sorted_batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Batches in order of length, for evaluation: the least padding."""
    return split(sorted(range(len(lengths)), key=lengths.__getitem__), batch_size)
