"""Train networks with Lightning: one file per architecture over one shared module.

Only this package imports Lightning. An architecture's file states its paper's recipe and nothing
else; what all trainings share lies in the files that begin with an underscore.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sercli import registry
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
    """

    module: "type[SERModule]"
    training: TrainingConfig
    settings: tuple[Setting, ...]


def get_recipe(arch: str) -> Recipe:
    """Return an architecture's recipe.

    Raises:
        UnknownNameError: there is no such architecture.
    """
    return registry.load(__name__, arch, "RECIPE", Recipe)
