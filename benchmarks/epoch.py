"""Compare an epoch of `sercli train` with the bare forward and backward passes over the same batches.

The network is MDCNN, on the training part of a fold of EMO-DB's four classes (or of the synthetic corpus, if
EMO-DB is missing). The epoch is the trainer's: loop, metrics, history, checkpoints, and the check that the
loss is a number. The bare passes use the same module and optimiser in a loop of five lines.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import Bench, Row
from benchmarks._timing import interleaved
from sercli.data.batches import BucketSampler
from sercli.devices import Device
from sercli.preparation import prepare
from sercli.processor import keep_freed_memory
from sercli.runs.folder import Trial
from sercli.training.fit import build_module, fit
from sercli.training.folds import Parts, load_parts
from sercli.training.plan import Plan, make_plan
from sercli.training.settings import configure
from sercli.training.trials import compute_features
from sercli.workspace import Workspace

_CPU = Device("cpu")


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        plan = _plan(Workspace(folder), corpora, quick)
        parts = load_parts(plan, 1)
        seconds = sum(plan.utterances[name].duration for name in parts.fold.train)
        contestants: dict[str, Callable[[], object]] = {
            "bare passes": lambda: _bare(plan, parts),
            "whole epoch": lambda: fit(plan, Trial(Path(tempfile.mkdtemp(dir=folder)), 1, 0), parts, _CPU),
        }
        taken = interleaved(contestants, rounds=1 if quick else 3, warm_up=1)
    bare, whole = taken["bare passes"], taken["whole epoch"]
    return [
        Row("bare passes", 1000 * bare / seconds, "ms per second of audio"),
        Row(
            "whole epoch",
            1000 * whole / seconds,
            "ms per second of audio",
            f"{100 * (whole / bare - 1):+.1f} % in time",
            bare / whole,
            "the bare passes",
        ),
    ]


def _plan(workspace: Workspace, corpora: Path | None, quick: bool) -> Plan:
    corpus = "emodb" if corpora and (corpora / "emodb").is_dir() and not quick else "synth"
    prepare(corpus, corpora / "emodb" if corpora and corpus == "emodb" else None, workspace, partial=True)
    settings = {
        "arch": "mdcnn",
        "corpus": corpus,
        "scheme": f"{corpus}-4",
        "protocol": "leave-one-speaker-out-no-dev",
        "model": {"filters": 8, "blocks": 1} if quick else {},
        "training": {"max_epochs": 1},
    }
    plan = make_plan(configure(settings, workspace, _CPU), workspace, "1")
    compute_features(plan)
    return plan


def _bare(plan: Plan, parts: Parts) -> None:
    module, recipe = build_module(plan, parts, seed=0), plan.config.training
    optimizer = module.make_optimizer()
    bf16 = recipe.precision == "bf16-mixed"
    for rows in BucketSampler(parts.train.lengths, recipe.batch_size, seed=0):
        batch = parts.train[rows]
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = module.batch_loss(module(batch), batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()


BENCH = Bench(_run, "a whole training epoch of MDCNN against the bare passes over its batches")
