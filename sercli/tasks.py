"""What a network is trained for, and everything that follows from it.

Code asks a task's properties and never compares its name. A further task, such as one value of each dimension
for an utterance, is a further `Task` in `TASKS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sercli.errors import ConfigError

TaskName = Literal["classification", "regression"]


@dataclass(frozen=True, slots=True)
class Task:
    """What a network learns.

    Attributes:
        name: as settings, runs and bundles have it.
        has_classes: whether a network gives a class; otherwise it gives values of dimensions.
        per_frame: whether it gives them for each frame; otherwise once for the utterance.
        noun: one of the things that are tested, ``utterance`` or ``recording``.
        metric: the metric that selects an epoch, as tables print it.
        monitor: that metric's column, of the dev part, in the history of a training.
        selection: value of ``training.selection`` that keeps the epoch which is best by that metric.
        losses: values of ``training.loss`` that a network can be trained with.
    """

    name: TaskName
    has_classes: bool
    per_frame: bool
    noun: str
    metric: str
    monitor: str
    selection: str
    losses: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    def format_metric(self, value: float) -> str:
        """Format a value of the metric with its name, such as ``UA 71.2 %`` or ``CCC 0.412``."""
        return f"{self.metric} {100 * value:.1f} %" if self.has_classes else f"{self.metric} {value:.3f}"


CLASSIFICATION = Task(
    name="classification",
    has_classes=True,
    per_frame=False,
    noun="utterance",
    metric="UA",
    monitor="dev_ua",
    selection="best-dev-ua",
    losses=("cross-entropy", "focal"),
)
"""A class an utterance."""

REGRESSION = Task(
    name="regression",
    has_classes=False,
    per_frame=True,
    noun="recording",
    metric="CCC",
    monitor="dev_ccc",
    selection="best-dev-ccc",
    losses=("ccc",),
)
"""Values of dimensions, such as arousal and valence, for each frame of a recording."""

TASKS: Mapping[str, Task] = {task.name: task for task in (CLASSIFICATION, REGRESSION)}


def get_task(name: str) -> Task:
    """Return a task by its name.

    Raises:
        ConfigError: there is no such task.
    """
    if name not in TASKS:
        raise ConfigError(f"no task '{name}'; use {' or '.join(TASKS)}")
    return TASKS[name]


def task_of(loss: str) -> Task:
    """Return the task that a value of ``training.loss`` is for."""
    return next(task for task in TASKS.values() if loss in task.losses)
