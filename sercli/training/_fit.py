"""Train one trial: one fold, one seed."""

import logging
import shutil
import signal
import time
import warnings
from collections.abc import Callable
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping

from sercli import files
from sercli.bundle import Bundle, build_network
from sercli.config import to_yaml
from sercli.errors import RunError
from sercli.evaluation import classification
from sercli.evaluation.table import write_csv
from sercli.inference import score
from sercli.protocols import shared_speakers
from sercli.records import Predictions
from sercli.runs import provenance
from sercli.runs.folder import Trial
from sercli.training import _checkpoints as checkpoints
from sercli.training import get_recipe
from sercli.training._allocator import keep_freed_memory
from sercli.training._checkpoints import Checkpoint, WholeCheckpoints
from sercli.training._devices import Device
from sercli.training._module import SERModule
from sercli.training._parts import FoldDataModule, Parts, load_parts
from sercli.training._plan import Plan

_COLUMNS = ("epoch", "train_loss", "dev_loss", "dev_ua", "lr", "seconds")


def build_module(plan: Plan, parts: Parts, seed: int) -> SERModule:
    """Build the untrained module of a trial; equal seeds give equal weights."""
    L.seed_everything(seed, verbose=False)
    config = plan.config
    n_classes = len(plan.selection.classes)
    network = build_network(config.arch, config.model, config.inputs, n_classes)
    return get_recipe(config.arch).module(network, n_classes, config.training, parts.class_counts)


def train_trial(plan: Plan, trial: Trial, device: Device, say: Callable[[str], None]) -> dict[str, Any]:
    """Train a trial, or go on with one that was interrupted, and test it once.

    Args:
        plan: the run; its features are in the stores.
        trial: which fold and seed.
        device: where to train.
        say: called with a line after each epoch.

    Returns:
        The trial's figures, as in its ``metrics.json``.

    Raises:
        RunError: the fold can't be trained, or the loss is no longer a number.
    """
    _quieten()
    if device.accelerator == "cpu":
        keep_freed_memory()
    # Else a GPU's convolutions round to 19 bits, which is not what 32-true says.
    torch.backends.cudnn.allow_tf32 = plan.config.training.precision != "32-true"
    recipe = plan.config.training
    parts = load_parts(plan, trial.fold)
    files.write_text(trial.config_file, to_yaml(_settings(plan, trial, device)))
    module = build_module(plan, parts, trial.seed)

    selects = recipe.selection == "best-dev-ua" and parts.dev is not None
    callbacks: list[Callback] = [_History(trial, recipe.max_epochs, say)]
    if selects:
        callbacks.append(Checkpoint(trial.checkpoints, "best", monitor="dev_ua"))
        if recipe.patience is not None:
            callbacks.append(_EarlyStopping("dev_ua", mode="max", patience=recipe.patience))
    # Behind the best one: what it saves includes which one that is.
    callbacks.append(Checkpoint(trial.checkpoints, "last"))
    trainer = L.Trainer(
        accelerator=device.accelerator,
        devices=[device.index] if device.accelerator == "cuda" else 1,
        precision=recipe.precision if recipe.precision != "auto" else None,
        max_epochs=recipe.max_epochs,
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=trial.path,
    )
    last = trial.checkpoints / "last.ckpt"
    if last.exists():
        checkpoints.read(last)  # says what to remove, should it be damaged
    try:
        trainer.fit(
            module,
            FoldDataModule(parts, recipe.batch_size, trial.seed),
            ckpt_path=last if last.exists() else None,
            weights_only=True,
        )
    except SystemExit:
        # Lightning leaves the program so on Ctrl-C, and lets no further one through.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise KeyboardInterrupt from None
    chosen = checkpoints.read(trial.checkpoints / ("best.ckpt" if selects else "last.ckpt"))
    module.load_state_dict(chosen["state_dict"])
    return _finish(plan, trial, parts, module, device, chosen["epoch"])


def _finish(
    plan: Plan, trial: Trial, parts: Parts, module: SERModule, device: Device, epoch: int
) -> dict[str, Any]:
    """Test the chosen weights, once, and write everything that is kept."""
    config, classes = plan.config, plan.selection.classes
    network = module.network.to("cpu", memory_format=torch.contiguous_format)
    Bundle(
        arch=config.arch,
        network=network,
        model=config.model,
        classes=classes,
        inputs=config.inputs,
        statistics=parts.statistics,
        facts={
            "corpus": config.corpus,
            "scheme": config.scheme,
            "protocol": config.protocol,
            "fold": trial.fold,
            "seed": trial.seed,
            "epoch": epoch + 1,
            **plan.corpus_facts(),
        },
    ).save(trial.bundle)
    probabilities = score(network, parts.test, len(classes), config.training.batch_size, device.torch)
    tested = [plan.utterances[name] for name in parts.fold.test]
    predictions = Predictions(
        classes=classes,
        ids=parts.fold.test,
        target=np.array([classes.index(plan.selection.labels[name]) for name in parts.fold.test]),
        probabilities=probabilities,
        speakers=tuple(utterance.speaker for utterance in tested),
        genders=tuple(utterance.gender for utterance in tested),
        folds=(parts.fold.name,) * len(tested),
        seeds=(trial.seed,) * len(tested),
    )
    write_csv(trial.predictions_file, predictions)
    confusion = classification.confusion(predictions.target, predictions.predicted, len(classes))
    history = {int(row["epoch"]): row for row in trial.history()}
    metrics = {
        "fold": trial.fold,
        "fold_name": parts.fold.name,
        "seed": trial.seed,
        "utterances": {part: len(getattr(parts.fold, part)) for part in ("train", "dev", "test")},
        "epoch": epoch + 1,
        "epochs": len(history),
        "dev_ua": history.get(epoch + 1, {}).get("dev_ua"),
        "test_ua": float(classification.ua(confusion)),
        "test_wa": float(classification.wa(confusion)),
        "seconds": round(sum(row["seconds"] for row in history.values()), 1),
    }
    files.write_json(trial.metrics_file, metrics)
    shutil.rmtree(trial.checkpoints, ignore_errors=True)
    return metrics


class _EarlyStopping(EarlyStopping):
    """Early stopping that knows, when gone on from a checkpoint, that it had stopped already."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Stop at once where patience was at its end before the interruption."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class _History(Callback):
    """Writes the epochs' figures and says them."""

    def __init__(self, trial: Trial, max_epochs: int, say: Callable[[str], None]) -> None:
        self.trial, self.max_epochs, self.say = trial, max_epochs, say
        self.rows: list[dict[str, float]] = []
        self.started = 0.0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Keep what was written before an interruption, up to the checkpoint that is gone on from."""
        self.rows = [row for row in self.trial.history() if row["epoch"] <= trainer.current_epoch]

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Start the clock."""
        self.started = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Add a row.

        Raises:
            RunError: the loss is no longer a number.
        """
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if not np.isfinite(figures["train_loss"]):
            raise RunError(
                f"{self.trial.path}: the loss is no longer a number in epoch {trainer.current_epoch + 1}; "
                "try a lower learning rate (--set training.lr=...) or --precision 32-true"
            )
        row = {
            "epoch": trainer.current_epoch + 1,
            **{name: figures[name] for name in _COLUMNS if name in figures},
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": time.perf_counter() - self.started,
        }
        self.rows.append(row)
        lines = [",".join(_COLUMNS)]
        lines += [
            ",".join(f"{row[name]:.9g}" if name in row else "" for name in _COLUMNS) for row in self.rows
        ]
        files.write_text(self.trial.history_file, "\n".join(lines) + "\n")
        dev = (
            f"  dev loss {row['dev_loss']:.3f}  dev UA {100 * row['dev_ua']:.1f} %" if "dev_ua" in row else ""
        )
        self.say(
            f"  epoch {row['epoch']:3d}/{self.max_epochs}  loss {row['train_loss']:.3f}{dev}  "
            f"{row['seconds']:.1f} s"
        )


def _settings(plan: Plan, trial: Trial, device: Device) -> dict[str, Any]:
    return plan.config.to_dict() | {
        "provenance": {
            "fold": trial.fold,
            "fold_name": plan.folds[trial.fold - 1].name,
            "folds": len(plan.folds),
            "seed": trial.seed,
            "manifest_sha256": plan.manifest_sha256,
            "protocol_digest": plan.protocol_digest,
            "shared_speakers": shared_speakers(plan.folds, plan.selected()),
            "paper": plan.protocol.papers.get(plan.config.corpus),
            "classes": list(plan.selection.classes),
            "corpus": plan.corpus_facts(),
            "device": device.description,
            "threads": torch.get_num_threads(),
            "versions": provenance.versions(),
            "commit": provenance.commit(),
        }
    }


def _quieten() -> None:
    """Silence what Lightning says of devices, workers and logging: none of it is the user's to act on."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for pattern in (
        ".*does not have many workers.*",
        ".*Total length of `list` across ranks is zero.*",  # no dev part
        ".*number of training batches.*",
        ".*Checkpoint directory.*exists.*",
        ".*GPU available but not used.*",
        ".*LeafSpec.*",
        ".*overridden `on_after_batch_transfer`.*",
    ):
        warnings.filterwarnings("ignore", pattern)
