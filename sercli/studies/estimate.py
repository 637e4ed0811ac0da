"""Estimate the time of a study from a few steps of each distinct network on a few utterances."""

from collections.abc import Iterable
from dataclasses import dataclass

from sercli.devices import Device
from sercli.plain.json import to_json
from sercli.studies.running import PlannedCell
from sercli.training.estimate import sampled_seconds_per_epoch
from sercli.training.jobs import failures_of, reason_of
from sercli.training.plan import Plan

_NO_MEMORY = "a training step does not fit into the GPU's memory"


@dataclass(frozen=True, slots=True)
class Cost:
    """The remaining time of a cell.

    Attributes:
        planned: the cell.
        epoch: seconds of an epoch; ``None`` if nothing is left to train, or it can't be trained.
        seconds: longest time of all its remaining trials, one after the other.
        reason: why it can't be trained.
    """

    planned: PlannedCell
    epoch: float | None
    seconds: float
    reason: str | None = None


def costs(cells: Iterable[PlannedCell], device: Device) -> list[Cost]:
    """Time each distinct network once, in this process, on a few utterances of its corpus.

    The features of these utterances are computed and kept; the time for all others is not included.
    """
    timed: dict[str, float | str] = {}
    found = []
    for planned in cells:
        plan, trials = planned.plan, planned.plan.todo
        if not trials or plan.config.architecture.solve is not None:  # nothing to do, or no epochs
            found.append(Cost(planned, None, 0.0))
            continue
        key = f"{_network_key(plan)}, fold {trials[0].fold}"
        if key not in timed:
            try:
                seconds = sampled_seconds_per_epoch(plan, trials[0].fold, device)
                timed[key] = _NO_MEMORY if seconds is None else seconds
            except failures_of(plan.config) as error:
                timed[key] = reason_of(error)
        epoch = timed[key]
        if isinstance(epoch, str):
            found.append(Cost(planned, None, 0.0, epoch))
            continue
        begun = sum(len(trial.history()) for trial in trials)
        epochs = plan.config.training.max_epochs * len(trials) - begun
        found.append(Cost(planned, epoch, epoch * max(0, epochs)))
    return found


def _network_key(plan: Plan) -> str:
    """Return everything that the time of an epoch depends on: not the loss or the length of the windows."""
    config = plan.config
    shapes = [
        [choice.kind, choice.shape, choice.frame_rate, choice.config.crop_s]
        for choice in config.features.values()
    ]
    augment = {name: len(each.variants) for name, each in config.augment.items()}
    names = [config.arch, config.corpus, config.scheme.name, config.protocol.name]
    parts = [config.model.to_dict(), shapes, augment, config.segments.to_dict()]
    training = [config.training.batch_size, config.training.precision]
    return to_json([*names, *parts, training], sort_keys=True)
