"""Speech emotion recognition from the raw corpus to a defensible table."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sercli.bundle import Bundle as Bundle
    from sercli.config import Config as Config
    from sercli.corpora import Corpus as Corpus
    from sercli.corpora import corpus_names as corpus_names
    from sercli.corpora import get_corpus as get_corpus
    from sercli.errors import SerError as SerError
    from sercli.evaluation import compare as compare
    from sercli.evaluation import evaluate as evaluate
    from sercli.features import Feature as Feature
    from sercli.features import feature_names as feature_names
    from sercli.features import get_feature as get_feature
    from sercli.inference.predict import Predictor as Predictor
    from sercli.models import Architecture as Architecture
    from sercli.models import NetworkConfig as NetworkConfig
    from sercli.models import Recipe as Recipe
    from sercli.models import Setting as Setting
    from sercli.models import architecture_names as architecture_names
    from sercli.models import get_architecture as get_architecture
    from sercli.preparation import prepare as prepare
    from sercli.protocols import get_protocol as get_protocol
    from sercli.records import Predictions as Predictions
    from sercli.records import Utterance as Utterance
    from sercli.registry import add_folder as add_folder
    from sercli.reports.run import report_run as report_run
    from sercli.reports.run import write_report as write_report
    from sercli.runs.config import RunConfig as RunConfig
    from sercli.runs.folder import Run as Run
    from sercli.runs.folder import find_run as find_run
    from sercli.runs.training import TrainingConfig as TrainingConfig
    from sercli.schemes import get_scheme as get_scheme
    from sercli.studies import get_study as get_study
    from sercli.training import SERModule as SERModule
    from sercli.training import train as train
    from sercli.workspace import Workspace as Workspace

_NAMES = {
    "sercli.bundle": ("Bundle",),
    "sercli.config": ("Config",),
    "sercli.corpora": ("Corpus", "corpus_names", "get_corpus"),
    "sercli.errors": ("SerError",),
    "sercli.evaluation": ("compare", "evaluate"),
    "sercli.features": ("Feature", "feature_names", "get_feature"),
    "sercli.inference.predict": ("Predictor",),
    "sercli.models": (
        "Architecture",
        "NetworkConfig",
        "Recipe",
        "Setting",
        "architecture_names",
        "get_architecture",
    ),
    "sercli.preparation": ("prepare",),
    "sercli.protocols": ("get_protocol",),
    "sercli.records": ("Predictions", "Utterance"),
    "sercli.registry": ("add_folder",),
    "sercli.reports.run": ("report_run", "write_report"),
    "sercli.runs.config": ("RunConfig",),
    "sercli.runs.folder": ("Run", "find_run"),
    "sercli.runs.training": ("TrainingConfig",),
    "sercli.schemes": ("get_scheme",),
    "sercli.studies": ("get_study",),
    "sercli.training": ("SERModule", "train"),
    "sercli.workspace": ("Workspace",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used, so that ``import sercli`` imports nothing else."""
    if name not in _MODULES:
        raise AttributeError(f"module 'sercli' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
