"""Make batches of utterances of similar length."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

# When an epoch is sorted, each length is changed at random by up to this proportion. Batches then have little
# padding, and each epoch still combines different utterances.
_BLUR = 0.1


class BucketSampler(torch.utils.data.Sampler[list[int]]):
    """Make batches of similar length, with a new composition in each epoch.

    Every utterance occurs once, or every class equally often: then the utterances of rare classes occur
    several times, and of frequent classes other utterances are left out in each epoch.

    The order depends only on seed and epoch, so a resumed training has the same batches as without
    interruption. If several processes share the work, each takes its part of every batch.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        tell: Callable[[int], None] = lambda epoch: None,
        rank: int = 0,
        processes: int = 1,
        classes: Sequence[int] | None = None,
    ) -> None:
        """Divide utterances into batches.

        Args:
            lengths: frames of each utterance.
            batch_size: utterances in a batch, over all processes.
            seed: seed of the order.
            tell: function that is called with each epoch.
            rank: number of this process.
            processes: number of all processes.
            classes: class of each utterance, if every class is to occur equally often.
        """
        self.classes = None if classes is None else torch.as_tensor(classes)
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
        drawn = (
            torch.arange(len(self.lengths)) if self.classes is None else self._balance(self.classes, random)
        )
        blurred = 1 + _BLUR * (2 * torch.rand(len(self.lengths), generator=random, dtype=torch.float64) - 1)
        rows = drawn[(torch.as_tensor(self.lengths)[drawn] * blurred).argsort(stable=True)].tolist()
        # Otherwise the smallest batch, whose utterances weigh most, would always hold the longest utterances.
        rest, whole = len(rows) % self.batch_size, len(rows) // self.batch_size
        start = self.batch_size * int(torch.randint(whole + 1, (), generator=random))
        rows = rows[:start] + rows[start + rest :] + rows[start : start + rest]
        batches = split(rows, self.batch_size, self.processes)
        for i in torch.randperm(len(batches), generator=random).tolist():
            yield batches[i][self.rank :: self.processes]

    @staticmethod
    def _balance(classes: Tensor, random: torch.Generator) -> Tensor:
        """Draw as many utterances as there are, equally many of each class; none twice before all once."""
        found, drawn = sorted(set(classes.tolist())), []
        for number, each in enumerate(found):
            members = (classes == each).nonzero().flatten()
            wanted = len(classes) // len(found) + (number < len(classes) % len(found))
            rounds = -(-wanted // len(members))
            order = [members[torch.randperm(len(members), generator=random)] for _ in range(rounds)]
            drawn.append(torch.cat(order)[:wanted])
        return torch.cat(drawn)


def split(rows: Sequence[int], batch_size: int, least: int = 1) -> list[list[int]]:
    """Cut a list of rows into batches; the last batch may be smaller.

    If the last batch has fewer than ``least`` rows, some process would have no row. In this case its rows are
    added to the previous batch.
    """
    batches = [list(rows[start : start + batch_size]) for start in range(0, len(rows), batch_size)]
    if len(batches) > 1 and len(batches[-1]) < least:
        rest = batches.pop()
        batches[-1] += rest
    return batches


def sorted_batches(
    lengths: Sequence[int], batch_size: int, rank: int = 0, processes: int = 1
) -> list[list[int]]:
    """Make batches in order of length, for evaluation with the least padding; return this process's part."""
    rows = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [batch[rank::processes] for batch in split(rows, batch_size, processes)]
