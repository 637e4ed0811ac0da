"""What a trained trial leaves: bundle, predictions of its test part, figures."""

import shutil
from typing import Any

import numpy as np
import torch
from torch import nn

from sercli import files
from sercli.bundle import Bundle
from sercli.evaluation import classification, traces
from sercli.evaluation.regression import evaluate_traces
from sercli.evaluation.table import write_csv
from sercli.inference import score, score_traces
from sercli.protocols import shared_speakers
from sercli.records import Predictions, TracePredictions
from sercli.runs import provenance
from sercli.runs.folder import Trial
from sercli.training._devices import Device
from sercli.training._module import SERModule
from sercli.training._parts import Parts
from sercli.training._plan import Plan


def finish(
    plan: Plan, trial: Trial, parts: Parts, module: SERModule, device: Device, epoch: int
) -> dict[str, Any]:
    """Test the chosen weights, once, and write everything that is kept."""
    config = plan.config
    network = module.network.to("cpu", memory_format=torch.contiguous_format)
    Bundle(
        arch=config.arch,
        network=network,
        model=config.model,
        classes=plan.selection.classes,
        segments=config.segments,
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
    history = {int(row["epoch"]): row for row in trial.history()}
    metrics = {
        "fold": trial.fold,
        "fold_name": parts.fold.name,
        "seed": trial.seed,
        "utterances": {part: len(getattr(parts.fold, part)) for part in ("train", "dev", "test")},
        "epoch": epoch + 1,
        "epochs": len(history),
        **{name: history.get(epoch + 1, {}).get(name) for name in ("dev_ua", "dev_ccc")},
        **(_test_traces if config.task == "regression" else _test)(plan, trial, parts, network, device),
        "seconds": round(sum(row["seconds"] for row in history.values()), 1),
    }
    files.write_json(trial.metrics_file, metrics)
    shutil.rmtree(trial.checkpoints, ignore_errors=True)
    return metrics


def _test(plan: Plan, trial: Trial, parts: Parts, network: nn.Module, device: Device) -> dict[str, float]:
    """Write the predictions of classes, and return their figures."""
    classes, batch_size = plan.selection.classes, plan.config.training.batch_size
    tested = parts.fold.test
    predictions = Predictions(
        classes=classes,
        ids=tested,
        target=np.array([classes.index(plan.selection.labels[name]) for name in tested]),
        probabilities=score(network, parts.test, len(classes), batch_size, device.torch),
        speakers=tuple(plan.utterances[name].speaker for name in tested),
        genders=tuple(plan.utterances[name].gender for name in tested),
        folds=(parts.fold.name,) * len(tested),
        seeds=(trial.seed,) * len(tested),
    )
    write_csv(trial.predictions_file, predictions)
    confusion = classification.confusion(predictions.target, predictions.predicted, len(classes))
    return {
        "test_ua": float(classification.ua(confusion)),
        "test_wa": float(classification.wa(confusion)),
    }


def _test_traces(
    plan: Plan, trial: Trial, parts: Parts, network: nn.Module, device: Device
) -> dict[str, Any]:
    """Write the predictions of continuous labels, and return their figures."""
    tested = parts.fold.test
    predictions = TracePredictions(
        dimensions=plan.selection.outputs,
        ids=tested,
        target=tuple(plan.trace(plan.utterances[name]).astype(np.float64) for name in tested),
        predicted=tuple(score_traces(network, parts.test, plan.config.training.batch_size, device.torch)),
        speakers=tuple(plan.utterances[name].speaker for name in tested),
        genders=tuple(plan.utterances[name].gender for name in tested),
        folds=(parts.fold.name,) * len(tested),
        seeds=(trial.seed,) * len(tested),
    )
    traces.write_csv(trial.predictions_file, predictions)
    found = evaluate_traces(predictions)
    return {"test_ccc": {each.name: each.ccc for each in found.by_dimension}}


def settings(plan: Plan, trial: Trial, device: Device) -> dict[str, Any]:
    """Return what the trial's ``config.yaml`` holds: settings and provenance."""
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
            "task": plan.config.task,
            "classes": list(plan.selection.classes),
            "corpus": plan.corpus_facts(),
            "device": device.description,
            "threads": torch.get_num_threads(),
            "versions": provenance.versions(),
            "commit": provenance.commit(),
        }
    }
