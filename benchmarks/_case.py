"""Make the input of each architecture's training step, with the recipe's batch and the features' size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from sercli.features import Array

N_CLASSES = 4
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16}
_FRAMES_A_SECOND, _MEAN_FRAMES, _SPREAD = 100, 278, 0.35  # of utterances, as EMO-DB's


@dataclass(frozen=True, slots=True)
class Case:
    """One architecture's batch.

    Attributes:
        arch: name of the architecture.
        shape: shape of its input, without batch and frames.
        frames: frames of its input; if lengths vary, those of an utterance of mean length.
        batch: utterances or segments per batch in its recipe.
        speech_s: seconds of speech in one utterance or segment.
        vary: whether lengths vary.
    """

    arch: str
    shape: tuple[int, ...]
    frames: int
    batch: int
    speech_s: float
    vary: bool = False

    @property
    def lengths(self) -> list[int]:
        """Frames of the utterances of sixteen batches."""
        count = 16 * self.batch
        if not self.vary:
            return [self.frames] * count
        normal = torch.randn(count, generator=torch.Generator().manual_seed(0))
        return (self.frames * torch.exp(_SPREAD * normal - _SPREAD**2 / 2)).int().clamp(min=20).tolist()

    def seconds(self, rows: list[int]) -> float:
        """Return the seconds of speech in a batch."""
        if self.vary:
            return sum(self.lengths[row] for row in rows) / _FRAMES_A_SECOND
        return self.speech_s * len(rows)

    def arrays(self, rows: list[int]) -> dict[int, Array]:
        """Make random features of some rows."""
        random = np.random.default_rng(0)
        return {
            row: random.standard_normal((*self.shape, self.lengths[row]), np.float32) for row in sorted(rows)
        }

    def at_random(self) -> list[int]:
        """Choose a batch without regard to lengths."""
        chosen = torch.randperm(len(self.lengths), generator=torch.Generator().manual_seed(1))
        return chosen[: self.batch].tolist()


# An utterance of EMO-DB lasts 2.8 s on average: ECA-CNN pads it to six.
CASES = (
    Case("mdcnn", (3, 40), _MEAN_FRAMES, 32, 2.78, vary=True),
    Case("eca", (1, 64), 600, 32, 2.78),
    Case("melcnn", (1, 128), 130, 32, 3.0),
    Case("diccoser", (1,), 48_000, 10, 3.0),
    Case("cnnlstm", (1,), 48_000, 10, 3.0),
    Case("attpool", (1, 400), 200, 64, 2.0),
)


def step(network: nn.Module, inputs: tuple[Tensor, ...], kind: torch.dtype) -> None:
    """Run a forward and a backward pass."""
    with torch.autocast("cpu", torch.bfloat16, enabled=kind is torch.bfloat16):
        logits = network(*inputs)
    logits.float().logsumexp(1).sum().backward()
    network.zero_grad()


class _Utterances(Dataset[Tensor]):
    def __init__(self, arrays: dict[int, Array]) -> None:
        self.arrays = arrays

    def __getitem__(self, row: int) -> Tensor:
        return torch.from_numpy(self.arrays[row])


def pad(utterances: list[Tensor]) -> Tensor:
    """Pad with zeros to the longest, (batch, *shape, frames)."""
    x = torch.zeros(len(utterances), *utterances[0].shape[:-1], max(x.shape[-1] for x in utterances))
    for place, utterance in zip(x, utterances, strict=True):
        place[..., : utterance.shape[-1]] = utterance
    return x


def batches(case: Case) -> Iterator[Tensor]:
    """Deliver one batch repeatedly, with two workers of a DataLoader."""
    rows = case.at_random()
    loader = DataLoader(
        _Utterances(case.arrays(rows)), batch_sampler=[rows] * 10_000, num_workers=2, collate_fn=pad
    )
    return iter(loader)
