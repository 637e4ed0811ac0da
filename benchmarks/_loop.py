"""Run the straightforward training loop with which the trainer's epochs on a GPU are compared.

The network is the straightforward one in torch's default layout, with the same number format. Batches are
random, and padded to their longest utterance. Two workers of a DataLoader copy them from features in memory
to pinned memory. (There are no workers if shared memory, through which they pass batches, has less than a
gigabyte.)
"""

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks._case import pad
from benchmarks._plain import plain
from sercli.data import UtteranceDataset
from sercli.training.folds import Parts
from sercli.training.plan import Plan

KINDS = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16, "32-true": torch.float32}


def wait(device: torch.device) -> None:
    """Wait until a GPU has finished its work; a CPU never has to wait."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def straightforward(plan: Plan, parts: Parts, device: torch.device) -> Callable[[], float]:
    """Make a function that trains a new network for an epoch, scores the dev part, and returns the seconds.

    The function leaves nothing on the device.
    """
    config = plan.config
    train, dev = _Rows(parts.train), _Rows(parts.dev) if parts.dev is not None else None
    kind, size = KINDS[config.training.precision], config.training.batch_size
    workers = 2 if _shared_memory() > 2**30 else 0

    def score(network: nn.Module, x: Tensor) -> Tensor:
        with torch.autocast(device.type, kind, enabled=kind is not torch.float32):
            scores: Tensor = network(x.to(device, non_blocking=True))
        return scores.float()

    def load(rows: "_Rows", *, shuffle: bool) -> DataLoader[Any]:
        pinned = device.type == "cuda"
        return DataLoader(
            rows,
            size,
            shuffle,
            num_workers=workers,
            collate_fn=_collate,
            pin_memory=pinned,
            persistent_workers=workers > 0,  # the warm-up starts them
        )

    train_batches, dev_batches = load(train, shuffle=True), load(dev, shuffle=False) if dev else None

    def epoch() -> float:
        settings = config.model.to_dict()
        network = plain(config.arch, train.shape, len(plan.selection.classes), settings).to(device)
        optimizer = torch.optim.Adam(network.parameters(), config.training.lr)
        wait(device)
        started = time.perf_counter()
        for x, target in train_batches:
            loss = F.cross_entropy(score(network, x), target.to(device, non_blocking=True))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if dev_batches is not None:
            network.eval()
            with torch.no_grad():
                for x, target in dev_batches:
                    (score(network, x).argmax(1) == target.to(device)).sum().item()
        wait(device)
        return time.perf_counter() - started

    return epoch


def _shared_memory() -> float:
    """Return the free bytes of shared memory; a container may have almost none."""
    place = Path("/dev/shm")  # noqa: S108
    return shutil.disk_usage(place).free if place.exists() else math.inf


class _Rows(Dataset[tuple[Tensor, int]]):
    """Standardised features in memory, with their classes."""

    def __init__(self, dataset: UtteranceDataset) -> None:
        self.arrays = [dataset.row(row)["x"] for row in range(len(dataset))]
        self.classes = dataset.classes.tolist()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.arrays[0].shape[:-1])

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return torch.from_numpy(self.arrays[row]), self.classes[row]


def _collate(rows: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
    return pad([x for x, _ in rows]), torch.tensor([label for _, label in rows])
