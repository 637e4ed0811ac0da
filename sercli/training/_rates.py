"""The range test of the learning rate: one pass over rising rates, and where the loss falls."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lightning.pytorch.tuner.tuning import Tuner
from torch import Tensor

from sercli import figures, files
from sercli.data import Batch
from sercli.errors import RunError
from sercli.figures.rates import range_test
from sercli.inference._allocator import keep_freed_memory
from sercli.training._devices import Device
from sercli.training._fit import build_module, make_trainer, quieten
from sercli.training._module import SERModule
from sercli.training._parts import FoldDataModule, load_parts
from sercli.training._plan import Plan

_STEPS, _LOWEST, _HIGHEST = 150, 1e-7, 1.0

# Of the way from the first loss to the least one: where the loss has begun to fall, and where it is about
# to stop falling. A fall of less than the last share of the first loss is none.
_BEGUN, _ENDING, _CLEAR = 0.1, 0.9, 0.05
_FIRST = 10


@dataclass(frozen=True, slots=True)
class RangeTest:
    """What a range test found.

    Attributes:
        rates: rising, one a step.
        losses: of the training part, smoothed.
        limits: proposed lower and upper limit, none where the loss does not fall clearly.
        picture: the curve.
        table: rates and losses.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    limits: tuple[float, float] | None
    picture: Path
    table: Path


def try_rates(plan: Plan, device: Device, steps: int = _STEPS) -> RangeTest:
    """Train the first chosen fold for some steps, the rate rising at each, and write curve and table.

    The folder is the run's ``lr-range-test``; nothing else of the run is touched.

    Raises:
        RunError: the fold can't be trained, or the loss is no number from the first step on.

    Source: Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017, section 3.3.
    """
    quieten()
    device = Device(device.accelerator, device.indices[:1])  # the curve needs no more
    if device.accelerator == "cpu":
        keep_freed_memory()
    recipe, folder = plan.config.training, plan.run.path / "lr-range-test"
    folder.mkdir(parents=True, exist_ok=True)
    parts = load_parts(plan, plan.chosen[0], plan.seeds[0])
    module = build_module(plan, parts, plan.seeds[0])
    trainer = make_trainer(
        device,
        recipe,
        default_root_dir=folder,
        max_epochs=steps,
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
    )
    raw = _listen(module)
    found = Tuner(trainer).lr_find(
        module,
        datamodule=FoldDataModule(parts, recipe.batch_size, plan.seeds[0], device),
        min_lr=_LOWEST,
        max_lr=_HIGHEST,
        num_training=steps,
        update_attr=False,
    )
    if found is None:
        raise RunError(f"{folder}: the range test found nothing")
    finite = [bool(np.isfinite(loss)) for loss in raw]
    count = finite.index(False) if False in finite else len(finite)
    if not count:
        raise RunError(f"{folder}: the loss is no number at any rate; try --precision 32-true")
    rates, losses = found.results["lr"][:count], smooth(raw[:count])
    limits = propose(rates, losses)
    picture, table = folder / "curve.png", folder / "curve.csv"
    figures.save(range_test(rates, losses, limits, plan.config.arch), picture)
    files.write_text(table, _csv(rates, losses))
    return RangeTest(tuple(rates), tuple(losses), limits, picture, table)


def _listen(module: SERModule) -> list[float]:
    """Keep each step's loss; Lightning keeps a smoothed one alone, whose first values are too low."""
    heard: list[float] = []
    training_step = module.training_step

    def step(batch: Batch, batch_idx: int) -> Tensor:
        loss = training_step(batch, batch_idx)
        heard.append(float(loss.detach()))
        return loss

    module.training_step = step  # type: ignore[method-assign]
    return heard


def smooth(losses: Sequence[float], keep: float = 0.9) -> list[float]:
    """Average losses with weights that fall by ``keep`` from step to step into the past."""
    smoothed, total, weight = [], 0.0, 0.0
    for loss in losses:
        total, weight = keep * total + loss, keep * weight + 1
        smoothed.append(total / weight)
    return smoothed


def propose(rates: Sequence[float], losses: Sequence[float]) -> tuple[float, float] | None:
    """Propose limits for a cyclical rate: where the loss has begun to fall, and where it is about to stop.

    Args:
        rates: rising.
        losses: smoothed, of equal number.
    """
    values = np.asarray(losses)
    first, least = float(np.median(values[:_FIRST])), int(values.argmin())
    fall = first - float(values[least])
    if fall < _CLEAR * abs(first):
        return None
    fallen = (first - values[: least + 1]) / fall
    high = int(np.argmax(fallen >= _ENDING))
    before = np.flatnonzero(fallen[:high] < _BEGUN)  # noise may dip below for a step or two
    low = int(before[-1]) + 1 if len(before) else 0
    return (rates[low], rates[high]) if low < high else None


def _csv(rates: Sequence[float], losses: Sequence[float]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["lr", "loss"])
    writer.writerows((f"{rate:.6g}", f"{loss:.6g}") for rate, loss in zip(rates, losses, strict=True))
    return text.getvalue()
