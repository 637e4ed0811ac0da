"""Set up a process that trains; coordinate processes that train one trial: numbers, losses of a batch."""

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, distributed
from torch.distributed.nn.functional import all_gather

from sercli.devices import Device
from sercli.runs.training import TrainingConfig

# Variables of torchrun, SLURM and Lightning's own launcher, in the order in which Lightning reads them.
_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


# Messages of Lightning on devices, workers and logging that do not concern the user.
_QUIET_LOGGERS = ("lightning.pytorch", "lightning.fabric")
_QUIET_WARNINGS = (
    ".*does not have many workers.*",
    ".*Total length of `list` across ranks is zero.*",  # if there is no dev part
    ".*number of training batches.*",
    ".*Checkpoint directory.*exists.*",
    ".*GPU available but not used.*",
    ".*LeafSpec.*",
    ".*mismatched key_padding_mask.*",  # WavLM's attention
)


@contextmanager
def training_process(recipe: TrainingConfig) -> Iterator[None]:
    """Set up this process for a training, and restore the process afterwards.

    The training changes log levels, warning filters, the precision of convolutions on GPUs, the handler of
    Ctrl-C and torch's random state.
    """
    levels = {name: logging.getLogger(name).level for name in _QUIET_LOGGERS}
    allow_tf32, on_interrupt = torch.backends.cudnn.allow_tf32, signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        try:
            for name in levels:
                logging.getLogger(name).setLevel(logging.ERROR)
            for pattern in _QUIET_WARNINGS:
                warnings.filterwarnings("ignore", pattern)
            # Otherwise the convolutions of a GPU round to 19 bits, which contradicts 32-true.
            torch.backends.cudnn.allow_tf32 = recipe.precision != "32-true"
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            torch.backends.cudnn.allow_tf32 = allow_tf32
            # After the first Ctrl-C, Lightning ignores it. Only the main thread may set a handler.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, on_interrupt)


def process_rank(device: Device) -> int:
    """Return the number of this process among those that train together; the first has number zero.

    If SLURM starts several trainings of one device each, these do not train together.
    """
    if not device.several:
        return 0
    for name in _VARIABLES:
        if os.environ.get(name, "").isdecimal():
            return int(os.environ[name])
    return 0


def is_launched() -> bool:
    """Return whether torchrun, or Lightning in the first process, has already started the processes."""
    return "LOCAL_RANK" in os.environ or "RANK" in os.environ


def end_with_parent(parent: int) -> None:
    """End this process when its parent ends, so that no trial runs on after its command was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def share_of_batch(count: int, device: torch.device) -> float | Tensor:
    """Return the factor for the mean loss of this process's part of a batch.

    Gradients are averaged over the processes; the factor weights a part by its number of utterances.

    Args:
        count: utterances in this process's part.
        device: device on which the processes communicate.
    """
    if not _several():
        return 1.0
    total = torch.tensor(float(count), device=device)
    distributed.all_reduce(total)
    return count * distributed.get_world_size() / total


def gather_traces(preds: Tensor, target: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Join the processes' parts of a batch, (batch, frames, dimensions) and (batch, frames).

    Gradients flow back into each process's own part.
    """
    if not _several():
        return preds, target, mask
    size = torch.tensor(preds.shape[:2], device=preds.device)
    distributed.all_reduce(size, distributed.ReduceOp.MAX)
    rows, frames = (int(n) - own for n, own in zip(size, preds.shape[:2], strict=True))
    padding = (0, 0, 0, frames, 0, rows)
    joined = _joined(F.pad(mask.float(), (0, frames, 0, rows))) > 0
    own = joined.any(dim=1)  # drop the rows that only give the parts the same length
    return _joined(F.pad(preds, padding))[own], _joined(F.pad(target, padding))[own], joined[own]


def gather_values(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Join the processes' parts of a batch, (batch, dimensions), as `gather_traces` does."""
    every = torch.ones(len(preds), 1, dtype=torch.bool, device=preds.device)
    joined, other, _ = gather_traces(preds[:, None], target[:, None], every)
    return joined[:, 0], other[:, 0]


def _joined(part: Tensor) -> Tensor:
    """Concatenate the parts of all processes, which have the same shape."""
    return torch.cat(all_gather(part))  # type: ignore[no-untyped-call]


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
