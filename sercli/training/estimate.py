"""Estimate the duration of a training from a few steps of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

import torch

from sercli.data.batches import BucketSampler, sorted_batches
from sercli.devices import Device, number_format
from sercli.records import Fold
from sercli.training.folds import Parts, load_parts, padded_frames
from sercli.training.initial_weights import untrained_network
from sercli.training.objective import Objective
from sercli.training.plan import Plan
from sercli.training.processes import training_process
from sercli.training.trials import compute_features

_SAMPLED = 64  # utterances of the training part; of the dev part, a quarter of this number

# Steps of a small network are timed until this many seconds have passed, or this many are timed.
_MEASURED_S, _MEASURED = 0.5, 5

# A forward and a backward pass together cost about three times a forward pass alone.
_FORWARD_SHARE = 1 / 3


def seconds_per_epoch(plan: Plan, parts: Parts, device: Device) -> float | None:
    """Time steps on a batch of medium length, and scale their median to a pass over train and dev part.

    Returns:
        Seconds, or ``None`` if the memory of a GPU is not enough. The training itself reports this case.
    """
    try:
        with training_process(plan.config.training):
            return _measure(plan, parts, device)
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return None


def sampled_seconds_per_epoch(plan: Plan, number: int, device: Device) -> float | None:
    """Time an epoch of a fold on a sample of its utterances, scaled by the length of the audio.

    The features of the sample are computed and stored.
    """
    fold = plan.folds[number - 1]
    train, dev = _sample(plan, fold.train, _SAMPLED), _sample(plan, fold.dev, _SAMPLED // 4)
    small = Fold(fold.name, tuple(train), tuple(dev), tuple(train))
    labels = {name: plan.selection.labels[name] for name in (*train, *dev)}
    sampled = replace(plan, selection=replace(plan.selection, labels=labels), folds=(small,), chosen=(1,))
    compute_features(sampled)
    seconds = seconds_per_epoch(sampled, load_parts(sampled, 1), device)
    return None if seconds is None else seconds * _length(plan, fold.train) / _length(plan, train)


def _measure(plan: Plan, parts: Parts, device: Device) -> float:
    recipe = plan.config.training
    batches = list(BucketSampler(parts.train.lengths, recipe.batch_size, seed=0))
    sized = sorted(batches, key=lambda rows: padded_frames(parts.train, [rows]))
    rows = sized[len(sized) // 2]
    module = _build(plan, parts).to(device.torch)
    kind = number_format(recipe.precision)

    def step() -> None:
        batch = parts.train[rows].to(device.torch)
        with torch.autocast(device.accelerator, kind, enabled=kind is not None):
            loss = module.batch_loss(module(batch), batch)
        loss.backward()  # type: ignore[no-untyped-call]
        if device.accelerator == "cuda":
            torch.cuda.synchronize(device.torch)

    taken = median_seconds(step)
    frames: float = padded_frames(parts.train, batches)
    if parts.dev is not None:
        dev = sorted_batches(parts.dev.lengths, recipe.batch_size)
        frames += _FORWARD_SHARE * padded_frames(parts.dev, dev)
    return taken * frames / padded_frames(parts.train, [rows])


def median_seconds(step: Callable[[], None]) -> float:
    """Return the median duration of a step, without the first, which includes the time to set up.

    One to five steps are timed: a long one only once.
    """
    step()
    taken: list[float] = []
    while len(taken) < _MEASURED and sum(taken) < _MEASURED_S:
        started = time.perf_counter()
        step()
        taken.append(time.perf_counter() - started)
    return median(taken)


def _build(plan: Plan, parts: Parts) -> Objective:
    """Build the untrained network with its loss; without Lightning, if the architecture trains as all do."""
    config = plan.config
    if config.architecture.module is not None:
        from sercli.training.fit import build_module  # Lightning takes seconds to import

        return build_module(plan, parts, seed=0)
    return Objective(untrained_network(plan, 0), parts.outputs, config.training, parts.class_counts or None)


def _sample(plan: Plan, ids: Sequence[str], count: int) -> list[str]:
    """Select utterances at even distances, with at least one of each class.

    Statistics per speaker need two utterances of a speaker, so a single one is completed by its neighbour.
    """
    labels = plan.selection.labels
    first = {labels[name]: name for name in reversed(ids)}
    step = max(1, len(ids) // count)
    chosen = {*first.values(), *ids[::step]}
    of_speaker: dict[str | None, list[str]] = {}
    for name in ids:
        of_speaker.setdefault(plan.utterances[name].speaker, []).append(name)
    for names in of_speaker.values():
        taken = [place for place, name in enumerate(names) if name in chosen]
        if len(taken) == 1 and len(names) > 1:
            chosen.add(names[taken[0] - 1])
    return [name for name in ids if name in chosen]


def _length(plan: Plan, ids: Sequence[str]) -> float:
    return sum(plan.utterances[name].duration for name in ids) or 1.0
