"""What a network is trained for, and everything that follows from it.

Code asks a task's properties and never compares its name. `Outputs` names the numbers that a network gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sercli.errors import ConfigError

NetworkTask = Literal["classification", "regression"]
"""The two kinds of networks: one vector of numbers for an utterance, or one for each frame."""

TaskName = Literal["classification", "regression", "dimensions", "classes-and-dimensions"]

VALUE_LOSSES = ("ccc", "mse", "mae")
"""Losses of values of dimensions of an utterance, the default one first."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a network learns.

    Attributes:
        name: as runs record it.
        network: kind of network that it needs, as architectures state it.
        has_classes: whether a network gives a class.
        has_values: whether a network gives values of dimensions.
        per_frame: whether it gives them for each frame; otherwise once for the utterance.
        noun: one of the things that are tested, ``utterance`` or ``recording``.
        metric: the metric that selects an epoch, as tables print it.
        monitor: that metric's column, of the dev part, in the history of a training.
        selection: value of ``training.selection`` that keeps the epoch which is best by that metric.
        losses: values of ``training.loss`` that a network can be trained with.
    """

    name: TaskName
    network: NetworkTask
    has_classes: bool
    has_values: bool
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
    network="classification",
    has_classes=True,
    has_values=False,
    per_frame=False,
    noun="utterance",
    metric="UA",
    monitor="dev_ua",
    selection="best-dev-ua",
    losses=("cross-entropy", "focal"),
)
"""A class for an utterance."""

REGRESSION = Task(
    name="regression",
    network="regression",
    has_classes=False,
    has_values=True,
    per_frame=True,
    noun="recording",
    metric="CCC",
    monitor="dev_ccc",
    selection="best-dev-ccc",
    losses=("ccc",),
)
"""Values of dimensions, such as arousal and valence, for each frame of a recording."""

DIMENSIONS = replace(
    REGRESSION,
    name="dimensions",
    network="classification",
    per_frame=False,
    noun="utterance",
    losses=VALUE_LOSSES,
)
"""Values of dimensions, one of each for an utterance."""

CLASSES_AND_DIMENSIONS = replace(CLASSIFICATION, name="classes-and-dimensions", has_values=True)
"""A class and a value of each dimension for an utterance, by two heads of one network."""

TASKS: Mapping[str, Task] = {
    task.name: task for task in (CLASSIFICATION, REGRESSION, DIMENSIONS, CLASSES_AND_DIMENSIONS)
}


def get_task(name: str) -> Task:
    """Return a task by its name.

    Raises:
        ConfigError: there is no such task.
    """
    if name not in TASKS:
        raise ConfigError(f"no task '{name}'; use {' or '.join(TASKS)}")
    return TASKS[name]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Names of the numbers that a network gives: first one for each class, then one for each dimension.

    A network learns values of utterances standardised. ``means`` and ``deviations`` give the corpus's scale
    back. Continuous labels are learned as they are.

    Attributes:
        classes: names of the classes, in the order of the numbers.
        dimensions: names of the dimensions, likewise.
        per_frame: whether there are numbers for each frame, not for the utterance.
        means: mean of each dimension in the training part; empty if values are not standardised.
        deviations: standard deviation of each dimension in the training part, likewise.
        temperature: number that the logarithms of class probabilities are divided by; one changes nothing.
    """

    classes: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    per_frame: bool = False
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    temperature: float = 1.0

    def __len__(self) -> int:
        return len(self.classes) + len(self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the numbers."""
        return (*self.classes, *self.dimensions)

    @property
    def task(self) -> Task:
        """The task of a network with these outputs."""
        if self.per_frame:
            return REGRESSION
        if not self.dimensions:
            return CLASSIFICATION
        return CLASSES_AND_DIMENSIONS if self.classes else DIMENSIONS

    def fit(self, values: NDArray[np.float64]) -> "Outputs":
        """Return the outputs with mean and deviation of values, (utterances, dimensions).

        A dimension that is constant gets the deviation one.
        """
        deviations = values.std(axis=0)
        deviations = np.where(deviations > 0, deviations, 1.0)
        return replace(self, means=tuple(values.mean(axis=0).tolist()), deviations=tuple(deviations.tolist()))

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values as a network learns them, (..., dimensions)."""
        return (values - np.array(self.means)) / np.array(self.deviations) if self.means else values

    def restore(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what a network gives, (..., dimensions), on the scale of the corpus."""
        return values * np.array(self.deviations) + np.array(self.means) if self.means else values

    def calibrate(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply the temperature to the class probabilities of scores, (utterances, outputs)."""
        count = len(self.classes)
        if self.temperature == 1.0 or not count:
            return scores
        return np.concatenate([temper(scores[:, :count], self.temperature), scores[:, count:]], axis=1)


def temper(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Divide the logarithms of probabilities, (..., classes), by a temperature; each row sums to one again.

    The order of the classes never changes. Of a softmax this is the softmax of the divided logits.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
    """
    top = probabilities.max(axis=-1, keepdims=True)
    powers = (probabilities / top) ** (1 / temperature)
    tempered: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return tempered
