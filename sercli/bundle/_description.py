"""Read and check the description of a bundle, which anyone may have written."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sercli import files, registry
from sercli.bundle._form import check_form, check_format
from sercli.config import digest, spell
from sercli.encoders import is_file_of_encoder
from sercli.errors import RunError
from sercli.models import NetworkConfig, get_architecture
from sercli.plain import shorten
from sercli.plain.json import from_json
from sercli.records import TRACE_DIMENSIONS
from sercli.runs.features import FeatureChoice
from sercli.statistics import Statistics
from sercli.tasks import Outputs

FORMAT = 2

# No real network is described by larger numbers: a bundle with larger ones is made to fill the memory.
_LARGEST = 1 << 20
_LONGEST = 256
_MOST_BYTES = 1 << 24

# Control characters, line separators, marks that turn the direction of writing, halves of characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def read_description(place: Path) -> dict[str, Any]:
    """Read a description; refuse one that has changed, or names extremely large values."""
    if place.stat().st_size > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES >> 20} MiB")
    description: dict[str, Any] = from_json(read_plain(place))
    check_format(description)
    form = description["format"]
    if form != FORMAT:
        remedy = "upgrade sercli" if form > FORMAT else "get the bundle again"
        raise RunError(f"{place.parent}: a bundle of format {form}, this sercli reads {FORMAT}; {remedy}")
    own = {name: value for name, value in description.items() if name != "digest"}
    if description.get("digest", digest(own, 64)) != digest(own, 64):
        raise RunError(f"{place}: changed since it was written; get the bundle again")
    check_form(description)
    classes, facts = description["classes"], description["facts"]
    dimensions = description.get("dimensions", {})
    names = [*classes, *dimensions]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError("classes are names that differ")
    if not all(name.strip() and not _UNPRINTABLE.search(name) for name in names):
        raise ValueError("a class's name can't be printed")
    if not all(is_number(each["mean"]) and _is_scale(each["deviation"]) for each in dimensions.values()):
        raise ValueError("mean or deviation of a dimension is not a number")
    if not _is_scale(description.get("temperature", 1.0)):
        raise ValueError("the temperature is not a positive number")
    threshold = facts.get("threshold")
    if threshold is not None and not (is_number(threshold) and 0 <= threshold <= 1):
        raise ValueError("the threshold is not a number from 0 to 1")
    for part in ("model", "inputs", "segments", "classes"):
        _check_measure(description[part], part)
    _check_measure(dimensions, "dimensions")
    return description


def describe_dimensions(outputs: Outputs) -> dict[str, Any]:
    """Return dimensions of utterances with their scale; continuous labels are those without classes."""
    if outputs.per_frame or not outputs.dimensions:
        return {}
    scales = zip(outputs.dimensions, outputs.means, outputs.deviations, strict=True)
    return {"dimensions": {name: {"mean": mean, "deviation": deviation} for name, mean, deviation in scales}}


def read_outputs(description: Mapping[str, Any]) -> Outputs:
    """Return what the described network gives."""
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


def check_code(description: Mapping[str, Any]) -> None:
    """Refuse a network or a feature of a plug-in whose code is not that of the training.

    Raises:
        RunError: it has changed since.
    """
    recorded = description["facts"].get("code", {})
    used = [("models", description["arch"])]
    used += [("features", flat["kind"]) for flat in description["inputs"].values()]
    now = registry.code_digests(used)
    changed = [entry for entry in now if recorded.get(entry, now[entry]) != now[entry]]
    if changed:
        family, name = changed[0].split("/")
        raise RunError(
            f"{registry.source_file(f'sercli.{family}', name)}: its code, or that of a file it imports, has "
            "changed since the training of this model; restore the code of the training, or train again"
        )


def check_network(
    arch: str, model: NetworkConfig, inputs: Mapping[str, FeatureChoice], outputs: Outputs
) -> None:
    """Refuse inputs that are not the network's, and classes of one that gives a value for each frame."""
    needed = get_architecture(arch).inputs_for(model)
    if inputs.keys() != needed.keys():
        given, wanted = (spell(sorted(names)) for names in (inputs, needed))
        raise ValueError(f"the inputs are {shorten(given)}, but {arch} needs {wanted}")
    able = (model.made_for,) if model.made_for else get_architecture(arch).tasks
    if outputs.task.network not in able:
        named = ", ".join(outputs.names)
        raise ValueError(f"task {' or '.join(able)}, but {named} need task {outputs.task.network}")


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_plain(file: Path) -> bytes:
    """Read a file; refuse a pipe or a device, which may never end."""
    _check_plain(file)
    return file.read_bytes()


def check_files(folder: Path, hashes: Mapping[str, str]) -> None:
    """Refuse files that have changed, and names outside the bundle's folder."""
    for name, expected in hashes.items():
        plain = name not in ("", "..") and name == Path(name).name
        if not plain and not is_file_of_encoder(name):
            raise ValueError(f"'{name}' is not a file of the bundle's folder")
        _check_plain(folder / name)
        if files.sha256(folder / name) != expected:
            raise RunError(f"{folder / name}: changed since the bundle was written; get the bundle again")


def read_statistics(
    described: Mapping[str, Mapping[str, Any]], inputs: Mapping[str, FeatureChoice]
) -> dict[str, Statistics]:
    """Read the statistics that features are standardised by; they must be finite and of the right shape."""
    found = {}
    for name, choice in inputs.items():
        shape = (*choice.shape, 1)
        try:
            found[name] = Statistics.from_dict(described[name])
            mean, std = (np.broadcast_to(each, shape) for each in (found[name].mean, found[name].std))
        except (TypeError, ValueError):
            raise ValueError(f"statistics.{name}: mean and std must be numbers of shape {shape}") from None
        if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
            raise ValueError(f"statistics of '{name}' are not finite, or a deviation is not positive")
    return found


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


def _is_scale(value: Any) -> bool:
    return is_number(value) and value > 0


def _check_plain(file: Path) -> None:
    if file.exists() and not file.is_file():
        raise ValueError(f"'{file.name}' is not a plain file")
