"""How long a study will take, from two steps of each distinct network on a few utterances."""

from collections.abc import Iterable
from dataclasses import dataclass

from sercli.devices import Device
from sercli.errors import SerError
from sercli.plain.json import to_json
from sercli.studies.running import Work
from sercli.training.estimate import sampled_seconds_per_epoch
from sercli.training.plan import Plan


@dataclass(frozen=True, slots=True)
class Cost:
    """What a cell still costs.

    Attributes:
        work: the cell.
        epoch: seconds of an epoch; none where nothing is left to do, or it can't be trained.
        seconds: of all its trials that are not finished, at most, one after the other.
        reason: why it can't be trained.
    """

    work: Work
    epoch: float | None
    seconds: float
    reason: str | None = None


def costs(works: Iterable[Work], device: Device) -> list[Cost]:
    """Time each distinct network once, in this process, on a few utterances of its corpus.

    The features of these are computed and kept; those of the others are not counted.
    """
    timed: dict[str, float | str] = {}
    found = []
    for work in works:
        plan, trials = work.plan, work.plan.todo
        if not trials:
            found.append(Cost(work, None, 0.0))
            continue
        key = f"{_kind(plan)}, fold {trials[0].fold}"
        if key not in timed:
            try:
                seconds = sampled_seconds_per_epoch(plan, trials[0].fold, device)
                timed[key] = "a step of it does not fit into the GPU's memory" if seconds is None else seconds
            except SerError as error:
                timed[key] = str(error)
        epoch = timed[key]
        if isinstance(epoch, str):
            found.append(Cost(work, None, 0.0, epoch))
            continue
        begun = sum(len(trial.history()) for trial in trials)
        epochs = plan.config.training.max_epochs * len(trials) - begun
        found.append(Cost(work, epoch, epoch * max(0, epochs)))
    return found


def _kind(plan: Plan) -> str:
    """Say what decides how long an epoch takes: not the loss, nor the length of the windows."""
    config = plan.config
    shapes = [
        [choice.kind, choice.shape, choice.feature.frame_rate(choice.config), choice.config.crop_s]
        for choice in config.features.values()
    ]
    augment = {name: len(each.variants) for name, each in config.augment.items()}
    names = [config.arch, config.corpus, config.scheme.name, config.protocol.name]
    parts = [config.model.to_dict(), shapes, augment, config.segments.to_dict()]
    training = [config.training.batch_size, config.training.precision]
    return to_json([*names, *parts, training], sort_keys=True)
