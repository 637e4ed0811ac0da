"""Which utterances go into a batch together: those of nearly one length."""

from collections.abc import Callable, Iterator, Sequence

import torch

# Lengths are taken for up to so much longer or shorter than they are, by chance, when an epoch is sorted:
# little padding, yet each epoch brings other utterances together.
_BLUR = 0.1


class BucketSampler(torch.utils.data.Sampler[list[int]]):
    """Batches of similar length, differently composed in each epoch, every utterance once.

    The order depends on seed and epoch alone, so a training that is resumed sees what it would
    have seen. Where several processes share the work, each takes its part of every batch.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        tell: Callable[[int], None] = lambda epoch: None,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        """Divide utterances into batches.

        Args:
            lengths: frames of each utterance.
            batch_size: utterances in a batch, over all processes.
            seed: of the order.
            tell: hears of each epoch.
            rank: which process this is.
            processes: how many there are.
        """
        self.lengths, self.batch_size, self.seed, self.tell = lengths, batch_size, seed, tell
        self.rank, self.processes = rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls this before each one."""
        self.epoch = epoch
        self.tell(epoch)

    def __len__(self) -> int:
        return len(split(range(len(self.lengths)), self.batch_size, self.processes))

    def __iter__(self) -> Iterator[list[int]]:
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        blurred = 1 + _BLUR * (2 * torch.rand(len(self.lengths), generator=random, dtype=torch.float64) - 1)
        rows = (torch.as_tensor(self.lengths) * blurred).argsort(stable=True).tolist()
        # Else the smallest batch, whose utterances weigh most, would always be of the longest.
        rest, whole = len(rows) % self.batch_size, len(rows) // self.batch_size
        start = self.batch_size * int(torch.randint(whole + 1, (), generator=random))
        rows = rows[:start] + rows[start + rest :] + rows[start : start + rest]
        batches = split(rows, self.batch_size, self.processes)
        for i in torch.randperm(len(batches), generator=random).tolist():
            yield batches[i][self.rank :: self.processes]


def split(rows: Sequence[int], batch_size: int, least: int = 1) -> list[list[int]]:
    """Cut a list of rows into batches, the last one perhaps smaller.

    A last one of fewer than ``least`` rows, which would leave a process without any, joins the one before.
    """
    batches = [list(rows[start : start + batch_size]) for start in range(0, len(rows), batch_size)]
    if len(batches) > 1 and len(batches[-1]) < least:
        rest = batches.pop()
        batches[-1] += rest
    return batches


def sorted_batches(
    lengths: Sequence[int], batch_size: int, rank: int = 0, processes: int = 1
) -> list[list[int]]:
    """Batches in order of length, for evaluation: the least padding; of several processes, one's part."""
    rows = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [batch[rank::processes] for batch in split(rows, batch_size, processes)]
