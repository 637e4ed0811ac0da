"""Write the results of a trained trial: bundle, predictions of its test part, figures."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sercli import files
from sercli.bundle import Bundle
from sercli.data import UtteranceDataset
from sercli.devices import Device
from sercli.errors import RunError
from sercli.evaluation import pooled_values, write_predictions
from sercli.inference.stored import predict_items
from sercli.protocols import shared_speakers, without_speaker
from sercli.records import PARTS, Predictions, rows_of
from sercli.runs import provenance
from sercli.runs.folder import Trial
from sercli.runs.predictions import digests
from sercli.store.acoustics import usual_acoustics
from sercli.training.folds import Parts, label_items
from sercli.training.initial_weights import trace_back
from sercli.training.plan import Plan

# Facts that may change between a trial's epochs, if the trial is interrupted and resumed.
_MOVING = ("device", "threads", "versions", "commit")


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained network.

    Attributes:
        network: the network, with the weights that are kept.
        epoch: epoch of these weights, counted from zero.
    """

    network: nn.Module
    epoch: int = 0


def finish(
    plan: Plan,
    trial: Trial,
    parts: Parts,
    trained: Trained,
    device: Device,
    chosen: Mapping[str, Any],
) -> dict[str, Any]:
    """Test the kept weights, once, if there is a test part, and write everything that is kept.

    Args:
        plan: the run; its settings are those of the network.
        trial: fold and seed.
        parts: data sets of the fold.
        trained: the trained network.
        device: device to predict on.
        chosen: settings that a search chose.
    """
    config, epoch = plan.config, trained.epoch
    network: nn.Module = trained.network.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    Bundle(
        arch=config.arch,
        network=network,
        model=config.model,
        outputs=parts.outputs,
        segments=config.segments,
        inputs=config.features,
        statistics=parts.statistics,
        facts={
            "corpus": config.corpus,
            "scheme": config.scheme.recorded,
            "protocol": config.protocol.name,
            "fold": trial.fold,
            "seed": trial.seed,
            "epoch": epoch + 1,
            "manifest_sha256": plan.manifest_sha256,
            "started_from": trial.settings()["provenance"].get("started_from", []),
            **plan.corpus_facts(),
            **_plugins(plan),
        },
        usual=usual_acoustics(
            plan.workspace, config.corpus, (plan.utterances[name] for name in parts.fold.train)
        ),
    ).save(trial.bundle)
    history = {int(row["epoch"]): row for row in trial.history()}
    metrics = {
        "fold": trial.fold,
        "fold_name": parts.fold.name,
        "seed": trial.seed,
        "utterances": {part: len(getattr(parts.fold, part)) for part in PARTS},
        "epoch": epoch + 1,
        "epochs": len(history),
        **{name: history.get(epoch + 1, {}).get(name) for name in ("dev_ua", "dev_ccc")},
        **_test(plan, trial, parts, network, device),
        **({"chosen": dict(chosen)} if chosen else {}),
        "sha256": digests(trial),
        "seconds": round(sum(row["seconds"] for row in history.values()), 1),
    }
    files.write_json(trial.metrics_file, metrics)
    shutil.rmtree(trial.checkpoints, ignore_errors=True)
    return metrics


def _test(plan: Plan, trial: Trial, parts: Parts, network: nn.Module, device: Device) -> dict[str, Any]:
    """Write the predictions of the test part and return its metrics; do nothing without a test part."""
    if parts.test is None:
        return {}
    predictions = _predict(plan, trial, parts, parts.fold.test, parts.test, network, device)
    write_predictions(trial.predictions_file, predictions)
    values = pooled_values(predictions)
    dimensions, has_classes = plan.selection.outputs.dimensions, plan.config.task.has_classes
    found: dict[str, Any] = {name: values[name[5:]] for name in ("test_ua", "test_wa") if has_classes}
    if dimensions:
        found["test_ccc"] = {name: values[f"ccc_{name}"] for name in dimensions}
    if plan.config.task.per_frame:
        return found
    # If the epoch was chosen on the test part, the dev part is the test part.
    if parts.dev is not None and plan.config.training.selection != "best-on-test":
        chosen_on = _predict(plan, trial, parts, parts.fold.dev, parts.dev, network, device)
        write_predictions(trial.dev_predictions_file, chosen_on)
    return found


def _predict(
    plan: Plan,
    trial: Trial,
    parts: Parts,
    ids: tuple[str, ...],
    dataset: UtteranceDataset,
    network: nn.Module,
    device: Device,
) -> Predictions:
    return predict_items(
        network,
        dataset,
        label_items(plan, ids),
        parts.outputs,
        rows_of((plan.utterances[name] for name in ids), parts.fold.name, trial.seed),
        str(trial.path),
        plan.config.training.batch_size,
        device.torch,
    )


def resumed(made: dict[str, Any], trial: Trial) -> dict[str, Any]:
    """Add the other environments that trained earlier epochs to a trial's provenance."""
    if not trial.history():
        return made
    try:
        before = trial.settings()["provenance"]
    except RunError:  # the file is damaged and will be rewritten
        return made
    earlier = [*before.get("earlier", []), {name: before.get(name) for name in _MOVING}]
    now = {name: made[name] for name in _MOVING}
    different = [each for i, each in enumerate(earlier) if each != now and each not in earlier[:i]]
    return made | ({"earlier": different} if different else {})


def settings(plan: Plan, trial: Trial, device: Device) -> dict[str, Any]:
    """Return the content of the trial's ``config.yaml``: settings and provenance."""
    # With a single part no speaker can be in two parts, even if speakers are unknown.
    protocol = plan.protocol
    shared: int | None = 0
    if not protocol.tests_nothing:
        only_train = protocol.unknown_speakers == "train"
        shared = shared_speakers(plan.folds, plan.selected(), unknown_train=only_train)
    return plan.config.to_dict() | {
        "provenance": {
            "fold": trial.fold,
            "fold_name": plan.folds[trial.fold - 1].name,
            "folds": len(plan.folds),
            "seed": trial.seed,
            "manifest_sha256": plan.manifest_sha256,
            "protocol_digest": plan.protocol_digest,
            "shared_speakers": shared,
            **_unknown_speakers(plan),
            "paper": plan.protocol.papers.get(plan.config.corpus),
            "task": plan.config.task.name,
            "classes": list(plan.selection.classes),
            **({"dimensions": list(plan.selection.outputs.dimensions)} if plan.selection.values else {}),
            "corpus": plan.corpus_facts(),
            "started_from": trace_back(plan.config.init) if plan.config.init else [],
            "device": device.description,
            "threads": torch.get_num_threads(),
            "versions": provenance.versions(),
            "commit": provenance.commit(),
            **_plugins(plan),
        }
    }


def _unknown_speakers(plan: Plan) -> dict[str, Any]:
    """Return the number of utterances of unknown speakers, if the protocol treats them in a special way."""
    if plan.protocol.unknown_speakers == "error":
        return {}
    return {"unknown_speakers": len(without_speaker(plan.selected(), plan.selection.labels))}


def _plugins(plan: Plan) -> dict[str, Any]:
    """Return the plug-ins that a run needs and their code, as its provenance and its bundles record them."""
    found = provenance.plugins(plan.config)
    return {"plugins": found, "code": plan.config.code} if found else {}
