"""A trained model on disk, used without Lightning: labels, settings, statistics and weights.

A bundle is a folder: ``bundle.json`` and ``weights.safetensors``, and, once it is exported, further files
such as a model card or the encoder that its features need. It holds no code, and loading it runs none: the
architecture is looked up by name among those installed. A bundle that changed since it was written is
refused. That is not a signature: whoever changes a bundle on purpose can write its digests again.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

import sercli
from sercli import files
from sercli.acoustics import Usual
from sercli.audio.kinds import HEAD_BYTES, Sort, recognise
from sercli.bundle._description import (
    FORMAT,
    check_code,
    check_files,
    check_network,
    describe_dimensions,
    is_number,
    read_description,
    read_outputs,
    read_plain,
    read_statistics,
)
from sercli.bundle._weights import UnfitError, check_finite, check_tensors
from sercli.config import digest
from sercli.data.parts import Preprocessing
from sercli.data.segments import Segmenter
from sercli.encoders import EncoderSource
from sercli.errors import ConfigError, PluginError, RunError, UnknownNameError, first_line
from sercli.models import NetworkConfig, check_sizes, get_architecture
from sercli.plain.json import from_json
from sercli.registry import needed_plugins
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig
from sercli.statistics import Statistics
from sercli.tasks import Outputs, Task

UNKNOWN = "unknown"
"""Value for a corpus or a licence of which nothing is recorded."""


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A trained model.

    Attributes:
        arch: name of the architecture.
        network: the network with its trained weights, in eval mode.
        model: the network's settings.
        outputs: what the network gives: classes, dimensions, or both.
        inputs: by input of the network, the features it takes.
        statistics: by input, mean and deviation of the training part.
        facts: its origin: corpus, scheme, protocol, fold, seed, licence, notice.
        segments: how utterances are cut for the network.
        usual: acoustics of the training part; ``None`` if they were not measured.
    """

    arch: str
    network: nn.Module
    model: NetworkConfig
    outputs: Outputs
    inputs: Mapping[str, FeatureChoice]
    statistics: Mapping[str, Statistics]
    facts: Mapping[str, Any] = field(default_factory=dict)
    segments: SegmentConfig = field(default_factory=SegmentConfig)
    usual: Usual | None = None

    @property
    def task(self) -> Task:
        """Task that the network was trained for."""
        return self.outputs.task

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; empty without classes."""
        return self.outputs.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """How features become the input of the network."""
        return Preprocessing(self.inputs, self.segments, self.statistics)

    def save(self, path: Path, beside: Callable[[Path], None] | None = None) -> None:
        """Write the bundle as a folder, completely or not at all.

        Args:
            path: the folder; an existing one is replaced.
            beside: writes further files of the bundle into the folder that it is called with.

        Raises:
            RunError: a weight is not finite, or larger than `load` accepts.
        """
        # Copies, because safetensors refuses weights that two layers share.
        weights = {
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, value in self.network.state_dict().items()
        }
        try:
            check_finite(self.network)
        except ValueError as error:
            raise RunError(
                f"{path}: {error}; remove the trial, and train again with a lower learning rate"
            ) from None
        with files.replacing_folder(path) as folder:
            # Not save_file, whose error does not show that the disk is full.
            (folder / "weights.safetensors").write_bytes(safetensors.torch.save(weights))
            if beside is not None:
                beside(folder)
            description = {
                "format": FORMAT,
                "sercli": sercli.__version__,
                "arch": self.arch,
                "model": self.model.to_dict(),
                "classes": list(self.classes),
                **describe_dimensions(self.outputs),
                **({"temperature": self.outputs.temperature} if self.outputs.temperature != 1.0 else {}),
                "inputs": {name: choice.to_dict() for name, choice in self.inputs.items()},
                "statistics": {name: values.to_dict() for name, values in self.statistics.items()},
                "segments": self.segments.to_dict(),
                **({"usual_acoustics": self.usual.to_dict()} if self.usual else {}),
                "facts": dict(self.facts),
                "weights_sha256": _hash((folder / "weights.safetensors").read_bytes()),
                "files": {
                    name: files.sha256(folder / name)
                    for name in sorted(each.relative_to(folder).as_posix() for each in files.walk(folder))
                    if name != "weights.safetensors"
                },
            }
            description["digest"] = digest(description, 64)
            files.write_json(folder / "bundle.json", description)

    @classmethod
    def load(cls, path: Path | str) -> "Bundle":
        """Read a bundle.

        Raises:
            RunError: it is missing, incomplete, changed since it was written, or has another format.
        """
        path = Path(path)
        place, weights = path / "bundle.json", path / "weights.safetensors"
        description: dict[str, Any] = {"facts": {}}
        try:
            description = read_description(place)
            stored = read_plain(weights)
            _check_weights(stored, description["weights_sha256"], weights)
            named = description.get("files", {})
            check_files(path, named)
            check_code(description)
            arch, outputs = description["arch"], read_outputs(description)
            model = get_architecture(arch).config(**description["model"])
            inputs = {name: FeatureChoice(**flat) for name, flat in description["inputs"].items()}
            check_network(arch, model, inputs, outputs)
            model, inputs = rename_encoders(model, inputs, lambda source: _find_inside(source, path, named))
            state = safetensors.torch.load(stored)
            segments = SegmentConfig(**description["segments"])
            for choice in inputs.values():
                Segmenter(segments, choice.feature, choice.config)  # refuses what does not go together
            if not get_architecture(arch).lengths_vary:
                first = next(iter(inputs))
                inputs[first].check_frames(first, segments, model.least_frames)
            with torch.device("meta"):  # takes no memory, whatever sizes are named
                planned = build_network(arch, model, inputs, len(outputs))
            check_tensors(planned, state)
            with torch.random.fork_rng(devices=[]):  # the first weights are random, and replaced at once
                network = build_network(arch, model, inputs, len(outputs))
            bundle = cls(
                arch=arch,
                network=network,
                model=model,
                outputs=outputs,
                inputs=inputs,
                statistics=read_statistics(description["statistics"], inputs),
                segments=segments,
                facts=description["facts"],
                usual=Usual.from_dict(measured) if (measured := description.get("usual_acoustics")) else None,
            )
            bundle.network.load_state_dict(state)
            check_finite(bundle.network)
        except FileNotFoundError as error:
            raise RunError(f"{error.filename}: missing; {path} is not a complete bundle") from None
        except OSError as error:
            raise RunError(f"{error.filename or path}: {error.strerror or error}") from None
        except UnfitError as error:
            raise RunError(f"{weights}: does not fit the architecture ({error})") from None
        except SafetensorError as error:
            raise RunError(f"{weights}: damaged ({error}); get the bundle again") from None
        except (UnknownNameError, PluginError) as error:
            raise RunError(f"{place}: {error}{needed_plugins(description['facts'].get('plugins'))}") from None
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
            needed = needed_plugins(description["facts"].get("plugins"))
            if needed:  # the settings of a kind that is not found can't be read
                raise RunError(f"{place}: {_line(error)}{needed}") from None
            raise RunError(f"{place}: damaged ({_line(error)}); get the bundle again") from None
        bundle.network.eval()
        return bundle


def build_network(
    arch: str, model: NetworkConfig, inputs: Mapping[str, FeatureChoice], n_outputs: int
) -> nn.Module:
    """Build an untrained network for the given features and number of outputs.

    Raises:
        ConfigError: the network needs more memory than there is.
        RunError: a layer of it has no size.
    """
    shapes = {name: choice.shape for name, choice in inputs.items()}
    try:
        network = get_architecture(arch).build(shapes, n_outputs, model)
    except RuntimeError as error:  # torch has no kind of its own for it
        if not re.search(r"allocate|out of memory|overflow", str(error)):
            raise
        raise ConfigError(
            f"{arch}: a network of these settings does not fit into memory; use smaller values under model"
        ) from None
    check_sizes(network)
    return network


def describe_outputs(bundle: Bundle) -> str:
    """Return what a bundle predicts: classes, and dimensions with the scale of their ratings."""
    outputs, scale = bundle.outputs, bundle.facts.get("scale")
    parts = [", ".join(outputs.classes)] if outputs.classes else []
    if outputs.per_frame:
        parts.append(f"{' and '.join(outputs.dimensions)}, 25 times a second")
    elif outputs.dimensions:
        known = isinstance(scale, list) and len(scale) == 2 and all(map(is_number, scale))
        ends = f", from {scale[0]:g} to {scale[1]:g}" if known and isinstance(scale, list) else ""
        parts.append(f"values of {', '.join(outputs.dimensions)}{ends}")
    return "; ".join(parts)


def own_files(folder: Path) -> frozenset[str]:
    """List the names of the files that belong to a bundle, by its description; empty if there is none."""
    try:
        described = from_json((folder / "bundle.json").read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, LookupError, TypeError):
        described = {}
    named = described if isinstance(described, Mapping) else {}
    return frozenset({"bundle.json", "weights.safetensors", *named})


def earlier_trainings(facts: Mapping[str, Any], place: Path) -> list[dict[str, Any]]:
    """List the earlier trainings of weights, the first one first.

    Older versions of sercli did not record them, so that there may have been some: the list then holds one
    training on a corpus that is `UNKNOWN`.

    Args:
        facts: of a bundle, or the provenance of a trial.
        place: file that they are from, for messages.

    Raises:
        RunError: the record is damaged.
    """
    found = facts.get("started_from", [{"corpus": UNKNOWN}])
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and isinstance(each.get("corpus"), str) for each in found
    ):
        raise RunError(f"{place}: its record of earlier trainings is damaged; train again")
    return found


def rename_encoders(
    model: NetworkConfig,
    inputs: Mapping[str, FeatureChoice],
    rename: Callable[[EncoderSource], str | None],
) -> tuple[NetworkConfig, dict[str, FeatureChoice]]:
    """Name the encoders of features, and of a network that continues them, in another way.

    Args:
        model: settings of the network.
        inputs: features by input of the network.
        rename: function from an encoder to its new name or folder; None keeps the name.
    """
    changed = dict(inputs)
    for name, choice in inputs.items():
        place = None if choice.config.source is None else rename(choice.config.source)
        if place is not None:
            model = model.with_encoder(place)
            changed[name] = choice.model_copy(update={"config": choice.config.with_encoder(place)})
    return model, changed


def _find_inside(source: EncoderSource, folder: Path, named: Mapping[str, str]) -> str | None:
    """Return the folder of an encoder inside that of a bundle; None if it is not there."""
    if f"{source.folder}/model.safetensors" not in named:
        return None
    return str((folder / source.folder).resolve())


def _check_weights(stored: bytes, expected: str, place: Path) -> None:
    """Refuse weights that are not those of the description."""
    if (kind := recognise(stored[:HEAD_BYTES])) is not None and kind.sort is Sort.POINTER:
        raise RunError(f"{place}: a git-lfs pointer in place of the weights; run `git lfs pull` beside it")
    if _hash(stored) != expected:
        raise RunError(f"{place}: not the weights that the bundle describes; get the bundle again")


def _line(error: Exception) -> str:
    if isinstance(error, LookupError | TypeError | AttributeError):  # Python's words help nobody
        return "a value is missing or of the wrong type"
    return first_line(error, 400)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
