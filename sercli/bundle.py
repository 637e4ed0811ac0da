"""A trained model on disk, used without Lightning: labels, settings, statistics and weights.

A bundle is a folder: ``bundle.json`` and ``weights.safetensors``. Nothing in it is code, and
loading it runs none: the architecture is looked up by name among those installed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

import sercli
from sercli import files
from sercli.data.statistics import Statistics
from sercli.errors import RunError
from sercli.models import get_architecture
from sercli.runs.config import FeatureChoice

_FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A trained model.

    Attributes:
        arch: name of the architecture.
        network: the network with its trained weights, in eval mode.
        model: the network's settings.
        classes: class names, in the order of the network's outputs.
        inputs: by input of the network, the features it takes.
        statistics: by input, mean and deviation of the training part.
        facts: where it comes from: corpus, scheme, protocol, fold, seed, licence, notice.
    """

    arch: str
    network: nn.Module
    model: Mapping[str, Any]
    classes: tuple[str, ...]
    inputs: Mapping[str, FeatureChoice]
    statistics: Mapping[str, Statistics]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the bundle as a folder, whole or not at all."""
        weights = {
            name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()
        }
        with files.replacing_folder(path) as folder:
            # Not save_file, whose error does not say that a disk is full.
            (folder / "weights.safetensors").write_bytes(safetensors.torch.save(weights))
            description = {
                "format": _FORMAT,
                "sercli": sercli.__version__,
                "arch": self.arch,
                "model": dict(self.model),
                "classes": list(self.classes),
                "inputs": {name: choice.to_dict() for name, choice in self.inputs.items()},
                "statistics": {name: values.to_dict() for name, values in self.statistics.items()},
                "facts": dict(self.facts),
                "weights_sha256": _hash(folder / "weights.safetensors"),
            }
            files.write_json(folder / "bundle.json", description)

    @classmethod
    def load(cls, path: Path) -> "Bundle":
        """Read a bundle.

        Raises:
            RunError: it is missing, incomplete, changed since it was written, or of another format.
        """
        weights = path / "weights.safetensors"
        try:
            description = json.loads((path / "bundle.json").read_text(encoding="utf-8"))
            if description["format"] != _FORMAT:
                raise RunError(
                    f"{path}: a bundle of format {description['format']}, this sercli reads {_FORMAT}; "
                    "upgrade sercli"
                )
            if _hash(weights) != description["weights_sha256"]:
                raise RunError(f"{weights}: not the weights that the bundle describes; get the bundle again")
            inputs = {name: FeatureChoice.parse(flat) for name, flat in description["inputs"].items()}
            bundle = cls(
                arch=description["arch"],
                network=build_network(
                    description["arch"], description["model"], inputs, len(description["classes"])
                ),
                model=description["model"],
                classes=tuple(description["classes"]),
                inputs=inputs,
                statistics={n: Statistics.from_dict(v) for n, v in description["statistics"].items()},
                facts=description["facts"],
            )
        except FileNotFoundError as error:
            raise RunError(f"{error.filename}: missing; {path} is no whole bundle") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(f"{path / 'bundle.json'}: damaged ({error}); get the bundle again") from None
        try:
            bundle.network.load_state_dict(safetensors.torch.load_file(weights))
        except (SafetensorError, RuntimeError) as error:
            raise RunError(
                f"{weights}: does not fit the architecture ({str(error).splitlines()[0]})"
            ) from None
        bundle.network.eval()
        return bundle


def build_network(
    arch: str, model: Mapping[str, Any], inputs: Mapping[str, FeatureChoice], n_outputs: int
) -> nn.Module:
    """Build an untrained network for the given features and number of outputs."""
    architecture = get_architecture(arch)
    shapes = {name: choice.shape for name, choice in inputs.items()}
    return architecture.build(shapes, n_outputs, architecture.config(**model))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
