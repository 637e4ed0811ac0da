"""Train networks with Lightning: one file per architecture over one shared module.

Only this package imports Lightning. An architecture's file states its paper's recipe and nothing
else; what all trainings share lies in the files that begin with an underscore.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sercli import registry
from sercli.data.segments import SegmentConfig
from sercli.runs.config import TrainingConfig

if TYPE_CHECKING:
    from sercli.training._module import SERModule

Features = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Setting:
    """A corpus as a paper uses it."""

    corpus: str
    scheme: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a paper trains its architecture.

    Attributes:
        module: the LightningModule.
        training: its settings.
        settings: the paper's corpora, in its order.
        features: settings of the features, by input of the network, where they differ from the kind's;
            or a function from the network's settings to these.
        segments: how utterances are cut; whole if not given.
    """

    module: "type[SERModule]"
    training: TrainingConfig
    settings: tuple[Setting, ...]
    features: Features | Callable[[Mapping[str, Any]], Features] = field(default_factory=dict)
    segments: SegmentConfig = field(default_factory=SegmentConfig)

    def to_dict(self, model: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a run's settings are laid over, given those of the network that were chosen."""
        features = self.features(model) if callable(self.features) else self.features
        return {
            "training": self.training.to_dict(),
            "features": {name: dict(settings) for name, settings in features.items()},
            "segments": self.segments.to_dict(),
        }


def get_recipe(arch: str) -> Recipe:
    """Return an architecture's recipe.

    Raises:
        UnknownNameError: there is no such architecture.
    """
    return registry.load(__name__, arch, "RECIPE", Recipe)
