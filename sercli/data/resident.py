"""A part whose features lie on a GPU, so that a step copies nothing."""

import math

import torch
from torch import Tensor

from sercli.data import Batch, UtteranceDataset

# Of the memory that is free when a training begins, the rest being for weights and activations.
_SHARE = 0.25


class Resident(torch.utils.data.Dataset[Batch]):
    """The rows of a data set, standardised once and kept on a device; it gives the same batches."""

    def __init__(self, dataset: UtteranceDataset, device: torch.device | str) -> None:
        """Bring every row to the device.

        Args:
            dataset: whose rows are not varied by chance.
            device: where batches are made.
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


def fits(dataset: UtteranceDataset, device: torch.device) -> bool:
    """Whether a part can lie on a GPU: nothing varies it by chance, and it takes a quarter of the memory."""
    if dataset.augmenter is not None:
        return False
    first = dataset.row(0)
    frames = first[next(iter(first))].shape[-1]
    a_frame = sum(4 * math.prod(array.shape) for array in first.values()) / frames
    free, _ = torch.cuda.mem_get_info(device)
    return bool(a_frame * sum(dataset.lengths) < _SHARE * free)
