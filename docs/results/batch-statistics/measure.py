"""Dev scores with running and with re-estimated batch statistics, along one training.

The statistics of batch normalisation change no training step, so that one training gives both columns.
Test speakers are not looked at.

    python measure.py WORKSPACE FOLD SEED FOLDER NETWORK...
"""

import copy
import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path

import lightning as L
import numpy as np
import torch
import yaml
from lightning.pytorch.callbacks import Callback
from torch import nn

from sercli.config import merge
from sercli.data import UtteranceDataset
from sercli.data.items import read_trace
from sercli.devices import choose_device
from sercli.evaluation import pooled_values
from sercli.inference import score
from sercli.records import ClassPredictions, ValuePredictions, rows_of
from sercli.training.batch_statistics import reestimate
from sercli.training.callbacks import Reseed
from sercli.training.fit import build_module
from sercli.training.folds import Parts, load_parts, plain_training_part
from sercli.training.plan import Plan, make_plan
from sercli.training.processes import training_process
from sercli.training.settings import configure
from sercli.training.trainer import FoldDataModule, make_trainer
from sercli.training.trials import compute_features
from sercli.workspace import Workspace

HERE = Path(__file__).parent

Row = dict[str, float]
EVERY = 5  # epochs


class Measure(Callback):
    """Scores the dev part twice after every few epochs, on copies of the network."""

    def __init__(self, plan: Plan, parts: Parts, seed: int, writer: Callable[[Row], None]) -> None:
        self.plan, self.parts, self.seed, self.writer = plan, parts, seed, writer
        self.plain = plain_training_part(plan, parts)
        self.started = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write a row."""
        last = trainer.current_epoch + 1 == trainer.max_epochs
        if not last and (trainer.current_epoch + 1) % EVERY:
            return
        row = {
            "epoch": trainer.current_epoch + 1,
            "train_loss": float(trainer.callback_metrics["train_loss"]),
        }
        random = torch.get_rng_state()
        network = copy.deepcopy(pl_module.network).float()
        row |= self.scores(network, "running", last=last)
        before = time.perf_counter()
        reestimate(network, self.plain, self.plan.config.training.batch_size, self.seed)
        row["pass_s"] = time.perf_counter() - before
        row |= self.scores(network, "reestimated", last=last)
        torch.set_rng_state(random)
        row["seconds"] = time.perf_counter() - self.started
        self.writer(row)

    def scores(self, network: nn.Module, statistics: str, *, last: bool) -> Row:
        """Score the dev part and, after the last epoch, the training part."""
        fold = self.parts.fold
        found = {f"{statistics}_{k}": v for k, v in self.score(network, fold.dev, self.parts.dev).items()}
        train = self.score(network, fold.train, self.plain) if last else {}
        return found | {f"{statistics}_train_{k}": v for k, v in train.items()}

    def score(self, network: nn.Module, ids: tuple[str, ...], dataset: UtteranceDataset) -> Row:
        """Score a part in evaluation."""
        plan, fold = self.plan, self.parts.fold
        tested = [plan.utterances[name] for name in ids]
        rows = rows_of(tested, fold.name, self.seed)
        if plan.config.task.per_frame:
            folder = plan.workspace.corpus(plan.config.corpus)
            values = pooled_values(
                ValuePredictions(
                    dimensions=plan.selection.outputs,
                    target=tuple(read_trace(folder, each).astype(np.float64) for each in tested),
                    predicted=tuple(score(network, dataset)),
                    **rows,
                )
            )
            return {"ccc": float(np.mean([values[f"ccc_{name}"] for name in plan.selection.outputs]))}
        classes = plan.selection.classes
        target = np.array([classes.index(plan.selection.labels[name]) for name in ids])
        probabilities = np.concatenate(score(network, dataset))
        predictions = ClassPredictions(classes=classes, target=target, probabilities=probabilities, **rows)
        loss = -np.log(probabilities[np.arange(len(target)), target].clip(1e-12)).mean()
        return {"ua": pooled_values(predictions)["ua"], "loss": float(loss)}


def main() -> None:
    """Train networks on one fold, one after the other."""
    root, fold, seed, folder, *names = sys.argv[1:]
    for name in names:
        measure(Path(root), name, fold, seed, Path(folder) / f"{name}-fold-{fold}-seed-{seed}.csv")


def measure(root: Path, name: str, fold: str, seed: str, out: Path) -> None:
    """Train one network on one fold."""
    workspace, device = Workspace(root), choose_device("cpu")
    every = yaml.safe_load((HERE / "networks.yaml").read_text())
    chosen = every[name]
    settings = merge(every["corpora"][chosen.pop("part_of")], chosen)
    plan = make_plan(configure(settings, workspace, device), workspace, fold, (int(seed),))
    compute_features(plan)
    parts = load_parts(plan, int(fold), int(seed))
    rows = []

    def write(row: Row) -> None:
        rows.append(row)
        with out.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[-1]))
            table.writeheader()
            table.writerows({key: f"{value:.6g}" for key, value in each.items()} for each in rows)
        print(name, fold, seed, {key: round(value, 3) for key, value in row.items()}, flush=True)

    recipe = plan.config.training
    with training_process(recipe):
        trainer = make_trainer(
            device,
            recipe,
            max_epochs=recipe.max_epochs,
            callbacks=[Reseed(int(seed)), Measure(plan, parts, int(seed), write)],
            logger=False,
            enable_checkpointing=False,
            limit_val_batches=0,
        )
        module = build_module(plan, parts, int(seed))
        trainer.fit(module, FoldDataModule(parts, recipe.batch_size, int(seed), device))


if __name__ == "__main__":
    main()
