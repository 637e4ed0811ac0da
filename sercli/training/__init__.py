"""Train networks with Lightning: one file per architecture over one shared module.

Only this package imports Lightning. An architecture's file states its paper's recipe and nothing
else; what all trainings share lies in the files that begin with an underscore.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sercli import registry
from sercli.data.segments import SegmentConfig
from sercli.runs.config import TrainingConfig

if TYPE_CHECKING:
    from sercli.training._module import SERModule


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
        features: settings of the features, by input of the network, where they differ from the kind's.
        segments: how utterances are cut; whole if not given.
    """

    module: "type[SERModule]"
    training: TrainingConfig
    settings: tuple[Setting, ...]
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    segments: SegmentConfig = field(default_factory=SegmentConfig)

    def to_dict(self) -> dict[str, Any]:
        """Return what a run's settings are laid over."""
        return {
            "training": self.training.to_dict(),
            "features": {name: dict(settings) for name, settings in self.features.items()},
            "segments": self.segments.to_dict(),
        }


def get_recipe(arch: str) -> Recipe:
    """Return an architecture's recipe.

    Raises:
        UnknownNameError: there is no such architecture.
    """
    return registry.load(__name__, arch, "RECIPE", Recipe)
