"""Losses of batches that several processes share, as if one had seen them whole."""

import torch
import torch.nn.functional as F
from torch import Tensor, distributed
from torch.distributed.nn.functional import all_gather


def share_of_batch(count: int, device: torch.device) -> float | Tensor:
    """Return what the mean loss of a process's part is multiplied by.

    Gradients are averaged over the processes; a part of a batch counts by its utterances.

    Args:
        count: utterances in this process's part.
        device: where the processes talk.
    """
    if not _several():
        return 1.0
    total = torch.tensor(float(count), device=device)
    distributed.all_reduce(total)
    return count * distributed.get_world_size() / total


def gather_traces(preds: Tensor, target: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Join the processes' parts of a batch, (batch, frames, dimensions) and (batch, frames).

    The gradient of what each process makes of the whole flows back into the part it came from.
    """
    if not _several():
        return preds, target, mask
    size = torch.tensor(preds.shape[:2], device=preds.device)
    distributed.all_reduce(size, distributed.ReduceOp.MAX)
    rows, frames = (int(n) - own for n, own in zip(size, preds.shape[:2], strict=True))
    whole = (0, 0, 0, frames, 0, rows)
    joined = _joined(F.pad(mask.float(), (0, frames, 0, rows))) > 0
    own = joined.any(dim=1)  # the rows that only even the parts out are nobody's
    return _joined(F.pad(preds, whole))[own], _joined(F.pad(target, whole))[own], joined[own]


def _joined(part: Tensor) -> Tensor:
    """Put all processes' parts, of one shape, one after another."""
    return torch.cat(all_gather(part))  # type: ignore[no-untyped-call]


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
