"""Test a range of learning rates: train an epoch at each of several rising rates, and watch the dev score."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from statistics import median

import lightning as L
from lightning.pytorch.callbacks import Callback

from sercli import figures, files
from sercli.devices import Device
from sercli.errors import RunError
from sercli.figures.curves import range_test
from sercli.plain.csv import to_csv
from sercli.training.fit import build_module
from sercli.training.folds import load_parts
from sercli.training.plan import Plan
from sercli.training.processes import training_process
from sercli.training.trainer import FoldDataModule, make_trainer

RATES = tuple(10 ** (-6 + step / 3) for step in range(19))
"""Learning rates from 1e-6 to 1, three per decade."""

# A rise or fall of less than this number of standard errors counts as chance.
_CLEAR = 2.0
# Assumed standard error of a CCC; the true one depends on the course of the labels.
_CCC_NOISE = 0.05
# The test ends when this number of epochs in a row are clearly below the best one.
_FALLEN = 3


@dataclass(frozen=True, slots=True)
class RangeTest:
    """Result of a range test.

    Attributes:
        rates: rising rates, one per epoch.
        scores: UA or CCC of the dev part after each epoch.
        losses: mean loss of the training part in each epoch.
        noise: standard error of a score.
        limits: proposed lower and upper limit; ``None`` if the scores do not show them.
        why: reason why no limits are proposed; empty if there are limits.
        picture: file with the curves.
        table: file with rates, losses and scores.
    """

    rates: tuple[float, ...]
    scores: tuple[float, ...]
    losses: tuple[float, ...]
    noise: float
    limits: tuple[float, float] | None
    why: str
    picture: Path
    table: Path


def try_rates(plan: Plan, device: Device, rates: Sequence[float] = RATES) -> RangeTest:
    """Train the first chosen fold for an epoch at each rate in turn, and write curves and table.

    They are written to the run's folder ``lr-range-test``. Nothing else in the run changes, and no test part
    is used. The test ends early when the dev score has clearly fallen.

    Raises:
        RunError: the fold can't be trained or has no development part, or the loss is not a number in the
            first epoch.

    Source: Madanian et al. 2025, section "Model training"; Smith, Cyclical Learning Rates for Training Neural
        Networks, WACV 2017, section 3.3.
    """
    number, seed = plan.chosen[0], plan.seeds[0]
    recipe, folder = plan.config.training, plan.run.path / "lr-range-test"
    fold = plan.folds[number - 1]
    if not fold.dev or recipe.selection == "best-on-test":
        raise RunError(
            f"fold {number} ({fold.name}) has no development part to try learning rates on; take a protocol "
            "that has one, as leave-one-speaker-out, and leave training.selection=best-on-test out"
        )
    device = Device(device.accelerator, device.indices[:1])  # one device is enough for the curve
    folder.mkdir(parents=True, exist_ok=True)
    task, labels = plan.config.task, plan.selection.labels
    noise = ua_noise(labels[name] for name in fold.dev) if task.has_classes else _CCC_NOISE
    climb = _Climb(rates, task.monitor, noise)
    with training_process(recipe):
        parts = load_parts(plan, number, seed)
        module = build_module(plan, parts, seed)
        module.configure_optimizers = module.make_optimizer  # type: ignore[method-assign]  # no schedule
        trainer = make_trainer(
            device,
            recipe,
            default_root_dir=folder,
            max_epochs=len(rates),
            callbacks=[climb],
            logger=False,
            enable_checkpointing=False,
        )
        trainer.fit(module, FoldDataModule(parts, recipe, seed, device))
    if not climb.scores:
        raise RunError(f"{folder}: the loss is not a number (NaN) at any rate; try --precision 32-true")
    tried = rates[: len(climb.scores)]
    limits, why = propose(tried, climb.scores, noise)
    picture, table = folder / "curve.png", folder / "curve.csv"
    label = f"dev {task.metric}"
    drawn = range_test(tried, climb.scores, climb.losses, _CLEAR * noise, limits, label, plan.config.arch)
    figures.save(drawn, picture)
    files.write_text(table, _csv(tried, climb.losses, climb.scores, climb.monitor))
    found = tuple(tried), tuple(climb.scores), tuple(climb.losses)
    return RangeTest(*found, noise, limits, why, picture, table)


class _Climb(Callback):
    """Set the rate of each epoch, keep its loss and score, and end the training when the result is clear."""

    def __init__(self, rates: Sequence[float], monitor: str, noise: float) -> None:
        self.rates, self.monitor, self.noise = rates, monitor, noise
        self.scores: list[float] = []
        self.losses: list[float] = []

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Set the epoch's rate."""
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = self.rates[trainer.current_epoch]

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Keep loss and score; stop if the loss is not a number or the score has fallen."""
        loss = float(trainer.callback_metrics["train_loss"])
        if isfinite(loss):
            self.losses.append(loss)
            self.scores.append(float(trainer.callback_metrics[self.monitor]))
        low = max(self.scores, default=0.0) - _CLEAR * self.noise
        fallen = len(self.scores) > _FALLEN and max(self.scores[-_FALLEN:]) <= low
        trainer.should_stop = trainer.should_stop or not isfinite(loss) or (fallen and self._rose())

    def _rose(self) -> bool:
        return max(self.scores) - _start(self.scores) >= _CLEAR * self.noise


def ua_noise(labels: Iterable[str]) -> float:
    """Return the largest standard error of a UA over these labels: each recall is assumed to be a half."""
    counts = Counter(labels).values()
    return sqrt(sum(1 / (4 * count) for count in counts)) / len(counts)


def propose(
    rates: Sequence[float], scores: Sequence[float], noise: float
) -> tuple[tuple[float, float] | None, str]:
    """Propose limits for a cyclical rate: the rate where the dev score has risen, and the last before a fall.

    A single epoch proves nothing. Therefore scores are smoothed by the median of three neighbours, and a rise
    or a fall of less than two standard errors counts as chance. The upper limit is the last rate before the
    fall whose scores, both the smoothed one and that of its own epoch, are within one standard error of the
    best. Without a fall, the scores do not show an upper limit.

    Args:
        rates: rising rates.
        scores: one score for each rate.
        noise: standard error of a score.

    Returns:
        The limits and an empty text, or ``None`` and the reason why there are no limits.
    """
    if len(scores) < _FALLEN:
        return None, f"only {len(scores)} rates could be tried before the loss was NaN"
    clear, start = _CLEAR * noise, _start(scores)
    firsts = [min(max(place - 1, 0), len(scores) - 3) for place in range(len(scores))]
    middle = [median(scores[first : first + 3]) for first in firsts]
    best = middle.index(max(middle))
    if middle[best] - start < clear:
        return None, (
            f"the dev score rises by only {middle[best] - start:.3f}, "
            "which may be chance (two standard errors "
            f"are {clear:.3f})"
        )
    fallen = [place for place in range(best, len(middle)) if middle[place] <= middle[best] - clear]
    if not fallen:
        return None, f"up to a rate of {rates[-1]:.0e} the dev score falls by so little that it may be chance"
    good = middle[best] - noise
    proved = [place for place in range(fallen[0]) if min(middle[place], scores[place]) >= good]
    high = max(proved, default=best)
    below = [place for place in range(best) if middle[place] < start + clear]
    low = below[-1] + 1 if below else 0
    if low >= high:
        return None, "the dev score rises and falls within two rates"
    return (rates[low], rates[high]), ""


def _start(scores: Sequence[float]) -> float:
    """Return the score at the lowest rates."""
    return median(scores[:_FALLEN])


def _csv(rates: Sequence[float], losses: Sequence[float], scores: Sequence[float], monitor: str) -> str:
    rows = ([f"{value:.6g}" for value in row] for row in zip(rates, losses, scores, strict=True))
    return to_csv([["lr", "train_loss", monitor], *rows])
