"""Compare training steps of every architecture with straightforward steps and the machine's limits.

A step is a forward and a backward pass over a batch of the recipe's size, and includes making the batch.
Times are in milliseconds per second of speech. Speech excludes padding: ECA-CNN's six seconds hold 2.8 s of
speech; the other inputs hold only speech. The lengths for MDCNN have the distribution of EMO-DB's.

The straightforward step has the simplest form of the network in the default layout, random batches from two
workers of a DataLoader, and glibc's default allocator. Ours has batches of similar length, channels last,
and an allocator that keeps freed memory. The two take turns, each in a separate process.

The share is the proportion of the operations per second of a large square matrix product in the same number
format, which is timed in turn with the steps. Three times the operations of the forward pass are counted.
On processors whose matrix product does not reach the peak (AMD, 32 bits), the share can exceed one. The
memory floor is the time of a large copy with the smallest number of values that a step has to move, see
`benchmarks._plain.moved_values`.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks import Bench, Row
from benchmarks._case import CASES, FORMATS, N_CLASSES, Case, step
from benchmarks._plain import moved_values, plain
from benchmarks._straightforward import Opponent, opponent
from benchmarks._timing import interleaved
from sercli.data import UtteranceDataset
from sercli.data.batches import BucketSampler
from sercli.devices import cpu_multiplies_bf16
from sercli.models import Architecture, get_architecture
from sercli.processor import keep_freed_memory
from sercli.runs.size import list_layers
from sercli.statistics import Statistics

_MEMORY_BOUND = ("diccoser", "cnnlstm")


def _run(corpora: Path | None, quick: bool, only: str | None = None) -> list[Row]:  # noqa: ARG001
    keep_freed_memory()
    cases = [case for case in CASES if only in {None, case.arch}]
    # Without instructions for bf16 a step takes ten times as long, and nobody trains so.
    formats = [name for name in FORMATS if name != "bf16" or cpu_multiplies_bf16()]
    with opponent() as other:
        return [row for case in cases for name in formats for row in _measure(case, name, other, quick)]


def _measure(case: Case, name: str, other: Opponent, quick: bool) -> list[Row]:
    if quick:
        frames = get_architecture(case.arch).example_frames
        case = replace(case, batch=2, frames=frames)
    kind, size = FORMATS[name], 512 if quick else 4096
    rows = _of_similar_length(case)
    copied = torch.ones((1 if quick else 64) << 20)
    target = torch.empty_like(copied)
    other.prepare(case, name)
    contestants: dict[str, Callable[[], object]] = {
        "straightforward": other.step,
        "ours": _ours(case, rows, kind),
        "product": _product(kind, size),
        "copy": lambda: target.copy_(copied),
    }
    taken = interleaved(contestants, rounds=1 if quick else 3)

    peak = 2 * size**3 / taken["product"]
    bandwidth = 2 * copied.nbytes / taken["copy"]
    cost = {
        "straightforward": taken["straightforward"] / case.seconds(case.at_random()),
        "ours": taken["ours"] / case.seconds(rows),
    }
    frames = max(case.lengths[row] for row in rows)
    share = 3 * operations(get_architecture(case.arch), case.shape, frames) * len(rows) / taken["ours"] / peak
    found = [
        Row(f"{case.arch} {name}: straightforward", 1000 * cost["straightforward"], "ms per second"),
        Row(
            f"{case.arch} {name}: ours",
            1000 * cost["ours"],
            "ms per second",
            f"{100 * share:.0f} % of the product",
            cost["straightforward"] / cost["ours"],
            "the straightforward step",
        ),
        Row(f"{case.arch} {name}: matrix product", peak / 1e9, "GFLOP/s"),
    ]
    if case.arch in _MEMORY_BOUND:
        values = moved_values(plain(case.arch, case.shape, N_CLASSES), torch.zeros(1, *case.shape, frames))
        floor = values * kind.itemsize * len(rows) / bandwidth
        found.append(
            Row(
                f"{case.arch} {name}: memory floor",
                1000 * floor / case.seconds(rows),
                "ms per second",
                f"ours takes {taken['ours'] / floor:.1f} times that; {bandwidth / 1e9:.0f} GB/s",
            )
        )
    return found


def operations(entry: Architecture, shape: tuple[int, ...], frames: int, **settings: object) -> int:
    """Count the operations of a forward pass over one utterance, two for each multiply-accumulate."""
    with torch.device("meta"):
        network = entry.build({"x": shape}, N_CLASSES, entry.config(**settings))
        inputs = {"x": torch.empty(1, *shape, frames), "mask": torch.ones(1, frames, dtype=torch.bool)}
    return 2 * sum(layer.macs for layer in list_layers(network.eval(), inputs))


def _of_similar_length(case: Case) -> list[int]:
    """Choose the batch of medium length."""
    found = list(BucketSampler(case.lengths, case.batch, seed=0))
    return sorted(found, key=lambda rows: max(case.lengths[row] for row in rows))[len(found) // 2]


def _ours(case: Case, rows: list[int], kind: torch.dtype) -> Callable[[], None]:
    """Make a step as in training, from arrays in memory on."""
    network = get_architecture(case.arch).build(
        {"x": case.shape}, N_CLASSES, get_architecture(case.arch).config()
    )
    arrays = list(case.arrays(rows).values())
    nothing = Statistics(np.zeros(1, np.float32), np.ones(1, np.float32))
    names = [str(row) for row in rows]
    data = UtteranceDataset({"x": arrays}, {"x": nothing}, [0] * len(rows), names)

    def run() -> None:
        batch = data[range(len(rows))]
        x: Tensor = batch.inputs["x"]
        if x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        step(network, (x, batch.mask), kind)

    return run


def _product(kind: torch.dtype, size: int) -> Callable[[], None]:
    a, b = (torch.randn(size, size).to(kind) for _ in range(2))

    def multiply() -> None:
        torch.mm(a, b)

    return multiply


BENCH = Bench(
    _run,
    "training steps against straightforward ones, the matrix product's speed and the memory's",
    run_part=_run,
    parts=tuple(case.arch for case in CASES),
)
