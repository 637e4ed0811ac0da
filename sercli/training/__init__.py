"""Train networks with Lightning: one file per architecture over one shared module.

Only this package imports Lightning. `plan` says which trials a run has, `settings` completes their settings,
`trials` trains them in this process and `jobs` in processes of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sercli import registry
from sercli.config import merge
from sercli.errors import ConfigError
from sercli.models import Architecture, NetworkConfig, get_architecture
from sercli.runs.folder import Run
from sercli.runs.training import TrainingConfig
from sercli.segments import SegmentConfig
from sercli.tasks import CLASSIFICATION, Task
from sercli.workspace import Workspace

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
        augment: augmentations by name, with settings that differ from their own.
        regression: what differs where continuous labels are learnt.
    """

    module: "type[SERModule]"
    training: TrainingConfig
    settings: tuple[Setting, ...]
    features: Features | Callable[[Any], Features] = field(default_factory=dict)
    segments: SegmentConfig = field(default_factory=SegmentConfig)
    augment: Features = field(default_factory=dict)
    regression: Mapping[str, Any] = field(default_factory=dict)

    def network(
        self, architecture: Architecture, chosen: Mapping[str, Any], task: Task = CLASSIFICATION
    ) -> NetworkConfig:
        """Build the settings of the network from those that were chosen.

        Raises:
            ConfigError: a setting is unknown or wrong.
        """
        changes = {} if task.has_classes else self.regression
        try:
            return architecture.config(**merge(changes.get("model", {}), chosen))
        except ConfigError as error:
            raise ConfigError(f"model: {error}") from None

    def to_dict(self, model: NetworkConfig, task: Task = CLASSIFICATION) -> dict[str, Any]:
        """Return what a run's settings are laid over, given those of the network."""
        changes = {} if task.has_classes else self.regression
        features = self.features(model) if callable(self.features) else self.features
        recipe = {
            "training": self.training.to_dict(),
            "features": {name: dict(settings) for name, settings in features.items()},
            "segments": self.segments.to_dict(),
            "augment": {name: dict(settings) for name, settings in self.augment.items()},
        }
        whole = {name: changes[name] for name in ("segments", "augment") if name in changes}
        return merge(recipe, changes) | whole


def get_recipe(arch: str) -> Recipe:
    """Return an architecture's recipe.

    Raises:
        UnknownNameError: there is no such architecture.
    """
    get_architecture(arch)  # the folder holds other modules than recipes
    return registry.load(__name__, arch, "RECIPE", Recipe)


def train(
    workspace: Workspace,
    arch: str | None = None,
    corpus: str | None = None,
    *,
    scheme: str | None = None,
    protocol: str | None = None,
    folds: str = "all",
    seeds: Sequence[int] = (0,),
    augment: str | None = None,
    init: Path | None = None,
    settings: Sequence[str] = (),
    config: Path | None = None,
    accelerator: str = "auto",
    report: Callable[[str], None] = lambda line: None,
) -> Run:
    """Train and test an architecture on folds of a prepared corpus, as ``sercli train`` does.

    What is finished is not trained again; what was interrupted goes on.

    Args:
        workspace: where corpus, features and runs lie.
        arch: architecture; or ``config`` names it.
        corpus: prepared in the workspace; the first of the paper's that is, if not given.
        scheme: which utterances and classes; the paper's or the corpus's, if not given.
        protocol: which folds; likewise.
        folds: ``all``, ``1,4`` or ``1-3``.
        seeds: each trains every fold.
        augment: ``flip,noise`` or ``none``; the paper's, if not given.
        init: bundle whose weights to start from.
        settings: single ones, ``training.lr=1e-4``.
        config: settings in YAML.
        accelerator: ``auto``, ``cpu``, ``gpu``, ``cuda`` or ``mps``.
        report: called with a line after each epoch.

    Returns:
        The run, whose trials are finished.

    Raises:
        SerError: a setting, the corpus or a fold is not right; the message says what to do.
    """
    from sercli.devices import choose_device
    from sercli.training.plan import make_plan
    from sercli.training.settings import configure, gather
    from sercli.training.trials import train_trials

    device = choose_device(accelerator)
    given = gather(
        config,
        settings,
        arch=arch,
        corpus=corpus,
        scheme=scheme,
        protocol=protocol,
        augment=augment,
        init=str(init) if init else None,
    )
    plan = make_plan(configure(given, workspace, device, config), workspace, folds, seeds)
    train_trials(plan, device, report)
    return plan.run
