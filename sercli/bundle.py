"""A trained model on disk, used without Lightning: labels, settings, statistics and weights.

A bundle is a folder: ``bundle.json`` and ``weights.safetensors``, and, once it is exported, further files
such as a model card or the encoder that its features need. It holds no code, and loading it runs none: the
architecture is looked up by name among those installed. A bundle that changed since it was written is
refused. That is not a signature: whoever changes a bundle on purpose can write its digests again.
"""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

import sercli
from sercli import files
from sercli.acoustics import Usual
from sercli.config import digest
from sercli.data.parts import Preprocessing
from sercli.data.segments import Segmenter
from sercli.encoders import EncoderSource, is_file_of_encoder
from sercli.errors import ConfigError, RunError, UnknownNameError
from sercli.models import NetworkConfig, get_architecture
from sercli.plain import shorten
from sercli.plain.json import from_json
from sercli.records import TRACE_DIMENSIONS
from sercli.registry import needed_plugins
from sercli.runs.features import FeatureChoice
from sercli.segments import SegmentConfig
from sercli.statistics import Statistics
from sercli.tasks import Outputs, Task

_FORMAT = 2

UNKNOWN = "unknown"
"""Value for a corpus or a licence of which nothing is recorded."""

# No real network is described by larger numbers: a bundle with larger ones is made to fill the memory.
_LARGEST = 1 << 20
_LONGEST = 256
_MOST_BYTES = 1 << 24
# Products of two larger weights exceed 32-bit floats, so that no training ends with such weights.
_LARGEST_WEIGHT = 1e18

# Control characters, line separators, marks that turn the direction of writing, halves of characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


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
        weights = {
            name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()
        }
        try:
            _check_finite(self.network)
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
                "format": _FORMAT,
                "sercli": sercli.__version__,
                "arch": self.arch,
                "model": self.model.to_dict(),
                "classes": list(self.classes),
                **_describe_dimensions(self.outputs),
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
    def load(cls, path: Path) -> "Bundle":
        """Read a bundle.

        Raises:
            RunError: it is missing, incomplete, changed since it was written, or has another format.
        """
        place, weights = path / "bundle.json", path / "weights.safetensors"
        description: dict[str, Any] = {"facts": {}}
        try:
            description = _read(place)
            stored = _read_plain(weights)
            if _hash(stored) != description["weights_sha256"]:
                raise RunError(f"{weights}: not the weights that the bundle describes; get the bundle again")
            named = description.get("files", {})
            _check_files(path, named)
            arch, outputs = description["arch"], _read_outputs(description)
            model = get_architecture(arch).config(**description["model"])
            _check_task(arch, model, outputs)
            inputs = {name: FeatureChoice(**flat) for name, flat in description["inputs"].items()}
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
            _check_tensors(planned, state)
            with torch.random.fork_rng(devices=[]):  # the first weights are random, and replaced at once
                network = build_network(arch, model, inputs, len(outputs))
            bundle = cls(
                arch=arch,
                network=network,
                model=model,
                outputs=outputs,
                inputs=inputs,
                statistics=_statistics(description["statistics"], inputs),
                segments=segments,
                facts=description["facts"],
                usual=Usual.from_dict(measured) if (measured := description.get("usual_acoustics")) else None,
            )
            bundle.network.load_state_dict(state)
            _check_finite(bundle.network)
        except FileNotFoundError as error:
            raise RunError(f"{error.filename}: missing; {path} is not a complete bundle") from None
        except OSError as error:
            raise RunError(f"{error.filename or path}: {error.strerror or error}") from None
        except _UnfitError as error:
            raise RunError(f"{weights}: does not fit the architecture ({error})") from None
        except SafetensorError as error:
            raise RunError(f"{weights}: damaged ({error}); get the bundle again") from None
        except UnknownNameError as error:
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
    """
    shapes = {name: choice.shape for name, choice in inputs.items()}
    try:
        return get_architecture(arch).build(shapes, n_outputs, model)
    except RuntimeError as error:  # torch has no kind of its own for it
        if not re.search(r"allocate|out of memory|overflow", str(error)):
            raise
        raise ConfigError(
            f"{arch}: a network of these settings does not fit into memory; use smaller values under model"
        ) from None


def describe_outputs(bundle: Bundle) -> str:
    """Return what a bundle predicts: classes, and dimensions with the scale of their ratings."""
    outputs, scale = bundle.outputs, bundle.facts.get("scale")
    parts = [", ".join(outputs.classes)] if outputs.classes else []
    if outputs.per_frame:
        parts.append(f"{' and '.join(outputs.dimensions)}, 25 times a second")
    elif outputs.dimensions:
        known = isinstance(scale, list) and len(scale) == 2 and all(map(_is_number, scale))
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


class _UnfitError(Exception):
    """Weights that do not fit the described network."""


def _read(place: Path) -> dict[str, Any]:
    """Read a description; refuse one that has changed, or names extremely large values."""
    if place.stat().st_size > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES >> 20} MiB")
    description: dict[str, Any] = from_json(_read_plain(place))
    form = description["format"]
    if type(form) is not int:
        raise ValueError(f"the format is {shorten(repr(form))}, not a whole number")
    if form != _FORMAT:
        remedy = "upgrade sercli" if form > _FORMAT else "get the bundle again"
        raise RunError(f"{place.parent}: a bundle of format {form}, this sercli reads {_FORMAT}; {remedy}")
    own = {name: value for name, value in description.items() if name != "digest"}
    if description.get("digest", digest(own, 64)) != digest(own, 64):
        raise RunError(f"{place}: changed since it was written; get the bundle again")
    classes, facts = description["classes"], description["facts"]
    dimensions = description.get("dimensions", {})
    if not isinstance(facts, dict) or not isinstance(classes, list) or not isinstance(dimensions, dict):
        raise ValueError("facts, classes or dimensions are of the wrong type")
    names = [*classes, *dimensions]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError("classes are names that differ")
    if not all(name.strip() and not _UNPRINTABLE.search(name) for name in names):
        raise ValueError("a class's name can't be printed")
    if not all(_is_number(each["mean"]) and _is_scale(each["deviation"]) for each in dimensions.values()):
        raise ValueError("mean or deviation of a dimension is not a number")
    if not _is_scale(description.get("temperature", 1.0)):
        raise ValueError("the temperature is not a positive number")
    threshold = facts.get("threshold")
    if threshold is not None and not (_is_number(threshold) and 0 <= threshold <= 1):
        raise ValueError("the threshold is not a number from 0 to 1")
    for part in ("model", "inputs", "segments", "classes"):
        _check_measure(description[part], part)
    _check_measure(dimensions, "dimensions")
    return description


def _is_scale(value: Any) -> bool:
    return _is_number(value) and value > 0


def _describe_dimensions(outputs: Outputs) -> dict[str, Any]:
    """Return dimensions of utterances with their scale; continuous labels are those without classes."""
    if outputs.per_frame or not outputs.dimensions:
        return {}
    scales = zip(outputs.dimensions, outputs.means, outputs.deviations, strict=True)
    return {"dimensions": {name: {"mean": mean, "deviation": deviation} for name, mean, deviation in scales}}


def _read_outputs(description: Mapping[str, Any]) -> Outputs:
    classes, dimensions = tuple(description["classes"]), description.get("dimensions", {})
    if not classes and not dimensions:
        return Outputs(dimensions=TRACE_DIMENSIONS, per_frame=True)
    scales = dimensions.values()
    return Outputs(
        classes,
        tuple(dimensions),
        means=tuple(each["mean"] for each in scales),
        deviations=tuple(each["deviation"] for each in scales),
        temperature=description.get("temperature", 1.0),
    )


def _check_task(arch: str, model: NetworkConfig, outputs: Outputs) -> None:
    """Refuse classes of a network that gives a value for each frame, and the opposite."""
    able = (model.made_for,) if model.made_for else get_architecture(arch).tasks
    if outputs.task.network not in able:
        named = ", ".join(outputs.names)
        raise ValueError(f"task {' or '.join(able)}, but {named} need task {outputs.task.network}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read_plain(file: Path) -> bytes:
    """Read a file; refuse a pipe or a device, which may never end."""
    _check_plain(file)
    return file.read_bytes()


def _check_plain(file: Path) -> None:
    if file.exists() and not file.is_file():
        raise ValueError(f"'{file.name}' is not a plain file")


def _check_measure(value: Any, part: str) -> None:
    if isinstance(value, Mapping | list) and len(value) > _LONGEST:
        raise ValueError(f"{part} names {len(value)} values, at most {_LONGEST} are accepted")
    if isinstance(value, Mapping):
        for name, each in value.items():
            _check_measure(each, f"{part}.{name}")
    elif isinstance(value, list):
        for each in value:
            _check_measure(each, part)
    elif isinstance(value, int | float) and not abs(value) <= _LARGEST:
        raise ValueError(f"{part} names {value:g}, beyond {_LARGEST}")


def _check_files(folder: Path, hashes: Mapping[str, str]) -> None:
    for name, expected in hashes.items():
        plain = name not in ("", "..") and name == Path(name).name
        if not plain and not is_file_of_encoder(name):
            raise ValueError(f"'{name}' is not a file of the bundle's folder")
        _check_plain(folder / name)
        if files.sha256(folder / name) != expected:
            raise RunError(f"{folder / name}: changed since the bundle was written; get the bundle again")


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


def _check_tensors(planned: nn.Module, state: Mapping[str, Tensor]) -> None:
    wanted = planned.state_dict()
    shapes = {name: tuple(value.shape) for name, value in wanted.items()}
    for name in sorted(shapes.keys() | state.keys()):
        given = tuple(state[name].shape) if name in state else "none"
        if given != shapes.get(name, "none"):
            raise _UnfitError(f"'{name}' is {given}, described as {shapes.get(name, 'none')}")
    for name, value in wanted.items():
        if state[name].is_floating_point() != value.is_floating_point():  # the precision may differ
            raise _UnfitError(f"'{name}' holds {state[name].dtype}, described as {value.dtype}")


def _check_finite(network: nn.Module) -> None:
    for name, value in network.state_dict().items():
        if not value.is_floating_point() or not value.numel():
            continue
        # The norm is faster than a look at each, and in 64 bits the norm of 32-bit numbers never overflows.
        norm = float(torch.linalg.vector_norm(value, dtype=torch.float64))
        if not math.isfinite(norm):
            raise ValueError(f"weights '{name}' hold values that are not finite")
        if norm > _LARGEST_WEIGHT and float(value.abs().max()) > _LARGEST_WEIGHT:
            raise ValueError(f"weights '{name}' hold values above {_LARGEST_WEIGHT:g}, which overflow")


def _statistics(
    described: Mapping[str, Mapping[str, Any]], inputs: Mapping[str, FeatureChoice]
) -> dict[str, Statistics]:
    """Read the statistics that features are standardised by; they must be finite and of the right shape."""
    found = {name: Statistics.from_dict(described[name]) for name in inputs}
    for name, choice in inputs.items():
        mean, std = found[name].mean, found[name].std
        for each in (mean, std):
            np.broadcast_to(each, (*choice.shape, 1))
        if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
            raise ValueError(f"statistics of '{name}' are not finite, or a deviation is not positive")
    return found


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
