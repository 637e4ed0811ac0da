"""Compare training at the size of IEMOCAP on one GPU with a straightforward loop and the card's own speed.

MDCNN and ECA-CNN are trained by their recipes, on the utterances of their papers (`benchmarks._iemocap`:
random features, lengths from 0.6 to 34 s, 4.5 s on average). The epochs are the trainer's, as in `sercli
train`: its batches, its number format, features that stay on the GPU, the dev part, history and checkpoints.
Between two of these epochs, the straightforward loop (`benchmarks._loop`) has an epoch, and a large square
matrix product in the same format is timed. The first of each is a warm-up.

The share is the proportion of the product's operations per second. In training, three times the operations of
the forward pass are counted, in the dev part once, padding included. The profiler measures in a further
epoch how busy the GPU is. It slows the epoch a little, so the value is slightly too low. The complete
table is extrapolated from the first fold: the time before an epoch, the epochs, the test.
"""

import gc
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmarks import Bench, Row, _iemocap
from benchmarks._loop import KINDS, straightforward, wait
from benchmarks._trace import Watch, Work, busy, heaviest
from benchmarks.train import operations
from sercli.data.batches import BucketSampler, sorted_batches
from sercli.devices import Device, choose_device, resolve_precision
from sercli.errors import RunError
from sercli.inference import score
from sercli.models import get_architecture
from sercli.runs.config import RunConfig
from sercli.runs.folder import Trial
from sercli.training.fit import fit
from sercli.training.folds import Parts, load_parts, padded_frames
from sercli.training.module import SERModule
from sercli.training.plan import Plan
from sercli.training.settings import complete

# Epochs of each paper's table; MDCNN stops early, so it has fewer than its recipe's hundred.
_EPOCHS = {"mdcnn": 60, "eca": 150}
_AIM = 10  # minutes for a table
_QUICK = {"mdcnn": {"filters": 4, "blocks": 1}, "eca": {"n": 1}}
_ROUNDS = 3


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    return [row for arch in _EPOCHS for row in _run_part(corpora, quick, arch)]


def _run_part(corpora: Path | None, quick: bool, arch: str) -> list[Row]:  # noqa: ARG001
    device = choose_device("cpu" if quick and _lacks() else "cuda")
    rounds = 1 if quick else _ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        plan = _iemocap.make_plan(_configure(arch, device, rounds, quick), Path(folder), quick)
        return _measure(plan, device, rounds, 256 if quick else 8192)


def _lacks() -> str:
    return "" if torch.cuda.is_available() else "torch finds no CUDA GPU, and it takes one"


def _configure(arch: str, device: Device, rounds: int, quick: bool) -> RunConfig:
    setting = get_architecture(arch).recipe.settings[0]
    named = {
        "arch": arch,
        "corpus": setting.corpus,
        "scheme": setting.scheme,
        "protocol": setting.protocol,
        "model": _QUICK[arch] if quick else {},
        "training": {"max_epochs": rounds + 2},  # a warm-up before, and a traced epoch after
    }
    config = complete(named)
    return config.with_training(precision=resolve_precision(config.training.precision, device))


@dataclass(slots=True)
class _Turns:
    """Time each finished epoch of the trainer, and run the other contestants before the next epoch.

    Attributes:
        device: device whose work is timed.
        rounds: number of timed epochs, after one that is not timed.
        others: by name, the functions that take a turn and return seconds.
        taken: by name, the seconds of each timed turn; the trainer's own epochs are named ``epoch``.
        first: seconds to the end of the first epoch.
        memory: bytes on the GPU at the peak of the first epoch: used by tensors, and reserved for them.
        works: operations of the device in the traced epoch.
        watched: seconds of the traced epoch.
    """

    device: torch.device
    rounds: int
    others: Mapping[str, Callable[[], float]]
    taken: dict[str, list[float]] = field(default_factory=dict)
    first: float = 0.0
    memory: tuple[int, int] = (0, 0)
    works: list[Work] = field(default_factory=list)
    watched: float = 0.0
    _watch: Watch | None = None
    _epochs: int = 0
    _began: float = 0.0

    def begin(self) -> None:
        """Start the clock and the measurement of memory."""
        if self.device.type == "cuda":
            torch.cuda.init()  # type: ignore[no-untyped-call]  # before it there is nothing to reset
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        self._began = time.perf_counter()

    def hear(self, line: str) -> None:  # noqa: ARG002
        """Time the epoch that has ended; the time until the next call belongs to the next epoch."""
        if self._watch is not None:
            self.works, self.watched = self._watch.stop()
            return
        wait(self.device)
        seconds = time.perf_counter() - self._began
        if self._epochs == 0:
            self.first = seconds
            if self.device.type == "cuda":
                allocated = torch.cuda.max_memory_allocated(self.device)
                self.memory = allocated, torch.cuda.max_memory_reserved(self.device)
        try:
            turn = {"epoch": seconds} | {name: other() for name, other in self.others.items()}
        except torch.OutOfMemoryError:
            raise RunError("bench gpu: the GPU has too little memory for what it is compared with") from None
        if self._epochs > 0:
            for name, spent in turn.items():
                self.taken.setdefault(name, []).append(spent)
        self._epochs += 1
        if self._epochs > self.rounds:
            self._watch = Watch(self.device)
            self._watch.start()
        self._began = time.perf_counter()


def _measure(plan: Plan, device: Device, rounds: int, size: int) -> list[Row]:
    config = plan.config
    started = time.perf_counter()
    parts = load_parts(plan, 1)
    loading = time.perf_counter() - started
    kind = KINDS[config.training.precision]
    others = {
        "straightforward": straightforward(plan, parts, device.torch),
        "product": lambda: _product(device.torch, kind, size),
    }
    turns = _Turns(device.torch, rounds, others)
    turns.begin()
    module = fit(plan, Trial(plan.workspace.root / "trial", 1, 0), parts, device, turns.hear, bar=False)
    testing = _test(plan, parts, module, device.torch)

    taken = {name: statistics.median(times) for name, times in turns.taken.items()}
    epoch, peak = taken["epoch"], 2 * size**3 / taken["product"]
    share = _operations(plan, parts) / epoch / peak
    # To be cautious, the additional time of the first epoch is counted in every fold.
    before = loading + max(0.0, turns.first - epoch)
    epochs = _EPOCHS[config.arch]
    table = len(plan.folds) * (before + epochs * epoch + testing)
    name = config.arch
    rows = [
        Row(f"{name}: an epoch, straightforward", taken["straightforward"], "s"),
        Row(
            f"{name}: an epoch",
            epoch,
            "s",
            f"{len(parts.train)} utterances, {config.training.precision}, {100 * share:.0f} % of the product",
            taken["straightforward"] / epoch,
            "the straightforward loop",
        ),
        Row(f"{name}: matrix product", peak / 1e12, "TFLOP/s", f"{size} x {size}, {str(kind)[6:]}"),
        Row(f"{name}: a fold before its epochs", before, "s"),
        Row(f"{name}: a fold's test", testing, "s"),
        Row(
            f"{name}: {len(plan.folds)} folds x {epochs} epochs",
            table / 60,
            "min",
            f"extrapolated; the aim is under {_AIM}",
        ),
    ]
    if device.accelerator == "cuda":
        allocated, reserved = (size / 2**30 for size in turns.memory)
        total = torch.cuda.get_device_properties(device.torch).total_memory / 2**30
        held = f"{reserved:.1f} GiB held, of {total:.0f}"
        rows.append(Row(f"{name}: memory at its peak", allocated, "GiB", held))
        rows += _tell(name, turns)
    return rows


def _product(device: torch.device, kind: torch.dtype, size: int, times: int = 20) -> float:
    """Return the seconds of a matrix product of normally distributed numbers."""
    a, b = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
    out = torch.empty_like(a)
    for _ in range(times // 4):
        torch.mm(a, b, out=out)
    wait(device)
    if device.type != "cuda":
        started = time.perf_counter()
        torch.mm(a, b, out=out)
        return time.perf_counter() - started
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    for _ in range(times):
        torch.mm(a, b, out=out)
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000 / times


def _test(plan: Plan, parts: Parts, module: SERModule, device: torch.device) -> float:
    """Return the seconds that the trainer needs to score the tested parts at the end."""
    network = module.network.to("cpu", memory_format=torch.contiguous_format)
    started = time.perf_counter()
    for part in (parts.test, parts.dev):
        if part is not None:
            score(network, part, plan.selection.outputs, plan.config.training.batch_size, device)
    return time.perf_counter() - started


def _operations(plan: Plan, parts: Parts) -> float:
    """Count the operations of an epoch, padding included."""
    config, train, dev = plan.config, parts.train, parts.dev
    batch = config.training.batch_size
    frames = 3 * padded_frames(train, BucketSampler(train.lengths, batch, seed=0))
    if dev is not None:
        frames += padded_frames(dev, sorted_batches(dev.lengths, batch))
    middling = statistics.median_low(train.lengths)
    shape = train.row(0)["x"].shape[:-1]
    of_one = operations(get_architecture(config.arch), shape, middling, **config.model.to_dict())
    return of_one / middling * frames


def _tell(name: str, turns: _Turns) -> list[Row]:
    """Describe how busy the device was in the traced epoch, and with which kernels."""
    spent = busy(turns.works)
    if not spent:
        return [Row(f"{name}: GPU busy", 0.0, "%", "the profiler saw nothing of the GPU")]
    rows = [Row(f"{name}: GPU busy", spent / turns.watched / 1e4, "% of an epoch", "by the profiler")]
    for place, (kernel, time_, count) in enumerate(heaviest(turns.works), start=1):
        told = f"{_short(kernel)}, {count} times"
        rows.append(Row(f"{name}: kernel {place}", 100 * time_ / spent, "% of that", told))
    return rows


def _short(kernel: str) -> str:
    """Shorten a kernel's name: remove the part that all names share, and cut it to a line."""
    name = re.sub(r"^void |at::native::|\(anonymous namespace\)::", "", kernel)
    return name if len(name) <= 80 else f"{name[:79]}…"


BENCH = Bench(
    _run,
    "training at the size of IEMOCAP on one GPU, against a straightforward loop and the card's own speed",
    _run_part,
    tuple(_EPOCHS),
    _lacks,
)
