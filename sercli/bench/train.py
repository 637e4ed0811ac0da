"""A training step of MDCNN, against a straightforward one and against the machine's matrix products.

Forward and backward pass over batches of 16 utterances whose lengths are spread as EMO-DB's (about
2.8 s, a third of them beyond 3 s). Straightforward: batches composed at random, default layout. Ours:
batches of similar length, channels last. The share is that of the floating-point operations a second
of a large square matrix product in the same number format, timed in turn with the steps. On
processors whose matrix product is no peak (AMD, 32 bits) the share can exceed one.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from sercli.bench import Bench, Row
from sercli.bench._timing import interleaved
from sercli.data.batches import BucketSampler, split
from sercli.models.mdcnn import MDCNN, MDCNNConfig
from sercli.training._allocator import keep_freed_memory

_BATCH = 16
_FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def _run(corpora: Path | None, quick: bool) -> list[Row]:  # noqa: ARG001
    keep_freed_memory()
    config = MDCNNConfig(filters=16) if quick else MDCNNConfig()
    random = torch.Generator().manual_seed(0)
    lengths = (278 * torch.exp(0.35 * torch.randn(_BATCH * 8, generator=random) - 0.06)).int().tolist()
    bucketed = list(BucketSampler(lengths, _BATCH, seed=0))
    at_random = split(torch.randperm(len(lengths), generator=random).tolist(), _BATCH)
    # Two batches each, of middling size: the whole set would take minutes in the slow contestants.
    plain = [[lengths[row] for row in rows] for rows in at_random[:2]]
    ours = sorted(([lengths[row] for row in rows] for rows in bucketed), key=max)[3:5]

    rows: list[Row] = []
    for name, kind in _FORMATS.items():
        contestants = {
            "straightforward": _step(config, plain, torch.contiguous_format, kind),
            "ours": _step(config, ours, torch.channels_last, kind),
            "matrix product": _product(kind, 512 if quick else 4096),
        }
        taken = interleaved(contestants, rounds=1 if quick else 5)
        peak = 2 * (512 if quick else 4096) ** 3 / taken["matrix product"]
        spent = {"straightforward": plain, "ours": ours}
        cost = {what: taken[what] / (sum(map(sum, batches)) / 100) for what, batches in spent.items()}
        for what, batches in spent.items():
            speed = sum(len(b) * 3 * operations(config, max(b)) for b in batches) / taken[what]
            against = f"{100 * speed / peak:.0f} % of the matrix product"
            if what == "ours":
                against += f", {cost['straightforward'] / cost['ours']:.1f} x as fast as straightforward"
            rows.append(Row(f"{what}, {name}", 1000 * cost[what], "ms per second of audio", against))
        rows.append(Row(f"matrix product, {name}", peak / 1e9, "GFLOP/s"))
    return rows


def operations(config: MDCNNConfig, frames: int) -> int:
    """Count the operations of a forward pass's convolutions over one utterance, 40 mels."""
    width = config.filters
    first = 2 * 15 * 3 * width * 40 * frames
    kernel = 5 + 3 if config.factorised else 15
    branches = sum(len(dilations) for dilations in config.branches)
    return first + branches * 2 * kernel * width * width * 20 * (frames // 2)


def _step(
    config: MDCNNConfig, batches: list[list[int]], layout: torch.memory_format, kind: torch.dtype
) -> Callable[[], None]:
    network: nn.Module = MDCNN(3, 4, config)
    network.to(memory_format=layout)  # type: ignore[call-overload]
    made: list[tuple[Tensor, Tensor]] = []
    for lengths in batches:
        mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]  # (batch, frames)
        x = torch.randn(len(lengths), 3, 40, max(lengths)) * mask[:, None, None]
        made.append((x.contiguous(memory_format=layout), mask))

    def step() -> None:
        for x, mask in made:
            with torch.autocast("cpu", torch.bfloat16, enabled=kind is torch.bfloat16):
                logits = network(x, mask)
            logits.float().logsumexp(1).sum().backward()
            network.zero_grad()

    return step


def _product(kind: torch.dtype, size: int) -> Callable[[], None]:
    a, b = (torch.randn(size, size).to(kind) for _ in range(2))

    def multiply() -> None:
        torch.mm(a, b)

    return multiply


BENCH = Bench(_run, "a training step of MDCNN against a straightforward one, and the matrix product's speed")
