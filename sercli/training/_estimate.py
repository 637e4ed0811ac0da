"""How long a training will take, from a step of it."""

import time

import torch

from sercli.data.batches import BucketSampler, sorted_batches
from sercli.training._devices import Device
from sercli.training._fit import build_module
from sercli.training._parts import Parts, padded_frames
from sercli.training._plan import Plan

# Forward and backward cost about three times a forward pass alone.
_FORWARD_SHARE = 1 / 3


def seconds_per_epoch(plan: Plan, parts: Parts, device: Device) -> float | None:
    """Time two steps on a batch of middling length, and scale to a pass over train and dev part.

    ``None`` where a GPU's memory is not enough, which the training itself has words for.
    """
    try:
        return _measure(plan, parts, device)
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return None


def _measure(plan: Plan, parts: Parts, device: Device) -> float:
    recipe = plan.config.training
    batches = list(BucketSampler(parts.train.lengths, recipe.batch_size, seed=0))
    sized = sorted(batches, key=lambda rows: padded_frames(parts.train, [rows]))
    rows = sized[len(sized) // 2]
    module = build_module(plan, parts, seed=0).to(device.torch)
    kind = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(recipe.precision)
    for _ in range(2):  # the first step also pays for setting up
        started = time.perf_counter()
        batch = parts.train[rows].to(device.torch)
        with torch.autocast(device.accelerator, kind, enabled=kind is not None):
            loss = module.batch_loss(module(batch), batch)
        loss.backward()  # type: ignore[no-untyped-call]
        if device.accelerator == "cuda":
            torch.cuda.synchronize(device.torch)
        taken = time.perf_counter() - started
    frames: float = padded_frames(parts.train, batches)
    if parts.dev is not None:
        dev = sorted_batches(parts.dev.lengths, recipe.batch_size)
        frames += _FORWARD_SHARE * padded_frames(parts.dev, dev)
    return taken * frames / padded_frames(parts.train, [rows])
